//! What strace writes to its file: a line per call, or two where another thread's came between.

use std::collections::HashMap;

use crate::value::{Value, arguments};

/// A call that strace saw return.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The thread.
    pub tid: u32,
    /// `sendmsg`.
    pub name: String,
    /// Its arguments, as strace decodes them.
    pub arguments: Vec<Value>,
    /// What it returned; -1 with an error.
    pub ret: i64,
    /// `EAGAIN`; `ERESTARTSYS` where a signal came.
    pub error: Option<String>,
    /// From strace's stop at entry to that at return, in nanoseconds.
    pub took_ns: u64,
    /// The line itself.
    pub line: String,
}

/// All calls of a run.
#[derive(Debug, Default)]
pub struct Trace {
    /// The process.
    pub pid: u32,
    calls: Vec<Call>,
}

impl Trace {
    /// Reads what strace wrote about a process and its threads. Calls that did not return, and
    /// lines about signals and ends, are left out.
    pub fn parse(pid: u32, text: &str) -> Result<Self, String> {
        let mut begun: HashMap<u32, String> = HashMap::new();
        let mut calls = Vec::new();
        for line in text.lines() {
            let (tid, said) = line.split_once(' ').ok_or_else(|| format!("no thread: {line}"))?;
            let tid = tid.parse().map_err(|error| format!("{error}: {line}"))?;
            let said = said.trim_start();
            if said.starts_with("---") || said.starts_with("+++") {
                continue;
            }
            if let Some(begin) = said.strip_suffix("<unfinished ...>") {
                begun.insert(tid, begin.to_owned());
                continue;
            }
            let whole = match said.strip_prefix("<... ") {
                Some(end) => {
                    let (_, end) = end.split_once(" resumed>").ok_or("no end of `resumed`")?;
                    let begin = begun.remove(&tid).ok_or_else(|| format!("no begin: {line}"))?;
                    begin + end
                }
                None => said.to_owned(),
            };
            // The process ended within the call.
            if whole.contains("<unfinished ...>") {
                continue;
            }
            calls.extend(call(tid, &whole).map_err(|error| format!("{error}\nin {whole}"))?);
        }
        Ok(Self { pid, calls })
    }

    /// Those of these names, in the order of their return.
    pub fn calls(&self, names: &[&str]) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| names.contains(&call.name.as_str()))
    }
}

/// `NAME(ARGUMENTS) = RET …`; nothing if it did not return.
fn call(tid: u32, line: &str) -> Result<Option<Call>, String> {
    let (name, rest) = line.split_once('(').ok_or("no call")?;
    // Decoders of other calls than these write other things.
    if !crate::expected::CALLS.contains(&name) {
        return Ok(None);
    }
    let (arguments, rest) = arguments(rest)?;
    let rest = rest.trim_start().strip_prefix("= ").ok_or("no result")?;
    let mut words = rest.split(' ');
    let ret = words.next().unwrap_or_default();
    let error = words.next().filter(|word| word.starts_with('E')).map(str::to_owned);
    let ret = match (ret, &error) {
        ("?", None) => return Ok(None),
        ("?", Some(_)) => -1,
        (ret, _) => ret.parse().map_err(|error| format!("result {ret:?}: {error}"))?,
    };
    let took_ns = rest
        .rsplit_once('<')
        .and_then(|(_, took)| took.strip_suffix('>')?.parse::<f64>().ok())
        .ok_or("no time")?;
    let took_ns = (took_ns * 1e9).round() as u64;
    let (name, line) = (name.to_owned(), line.to_owned());
    Ok(Some(Call { tid, name, arguments, ret, error, took_ns, line }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Call {
        let trace = Trace::parse(7, text).unwrap();
        let [call] = &trace.calls[..] else { panic!("{trace:#?}") };
        call.clone()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn name(name: &str) -> Value {
        Value::Name(name.into())
    }

    #[test]
    fn a_message_with_everything() {
        let call = one(concat!(
            r#"7 sendmsg(8<\x73\x6f\x63\x6b\x65\x74\x3a\x5b\x35\x5d>, {msg_name={sa_family=AF_INET6, "#,
            r#"sin6_port=htons(50836), sin6_flowinfo=htonl(5), inet_pton(AF_INET6, "\x3a\x3a\x31", "#,
            r#"&sin6_addr), sin6_scope_id=0}, msg_namelen=28, msg_iov=[{iov_base="\x68\x00", "#,
            r#"iov_len=2}, {iov_base=0x20, iov_len=8}], msg_iovlen=2, msg_control=[{cmsg_len=20, "#,
            r#"cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5<\x2f\x78>(deleted)]}, "#,
            r#"{cmsg_len=21, cmsg_level=0x4d2 /* SOL_??? */, cmsg_type=0x162e}, ... /* 0x7e */], "#,
            r#"msg_controllen=88, msg_flags=MSG_TRUNC|0x80}, 0) = 2 <0.000111>"#,
        ));
        assert_eq!((call.tid, &call.name[..], call.ret, call.took_ns), (7, "sendmsg", 2, 111_000));
        let [fd, message, flags] = &call.arguments[..] else { panic!("{call:#?}") };
        assert_eq!(*fd, Value::Fd(8, b"socket:[5]".into()));
        assert_eq!(*flags, Value::Number(0));
        let to = message.get("msg_name").unwrap();
        assert_eq!(to.get("sin6_port").unwrap().number(), Some(50836));
        assert_eq!(to.get("").unwrap().text(), Some(&b"::1"[..]));
        let iov = message.get("msg_iov").unwrap().list().unwrap();
        assert_eq!(iov[0].get("iov_base"), Some(&text("h\0")));
        assert_eq!(iov[1].get("iov_base").unwrap().address(), Some(0x20));
        let control = message.get("msg_control").unwrap().list().unwrap();
        let fds = control[0].get("cmsg_data").unwrap();
        assert_eq!(*fds, Value::List(vec![Value::Fd(5, b"/x (deleted)".into())]));
        assert_eq!(control[1].get("cmsg_level"), Some(&Value::Number(0x4d2)));
        assert_eq!(control[2], Value::More);
        let flags = Value::Flags(vec![name("MSG_TRUNC"), Value::Number(0x80)]);
        assert_eq!(message.get("msg_flags"), Some(&flags));
    }

    #[test]
    fn what_the_call_changed() {
        let call = one(r#"7 sendfile(11<\x2f\x6f>, 9<\x2f\x69>, [3] => [13], 10) = 10 <0.000076>"#);
        let (before, after) = call.arguments[2].change();
        assert_eq!(before.list(), Some(&[Value::Number(3)][..]));
        assert_eq!(after.list(), Some(&[Value::Number(13)][..]));
        let call = one(
            r#"7 recvfrom(4<\x73>, "\x30"..., 1000, 0, {sa_family=AF_UNIX, sun_path=@"\x61"}, [110 => 4]) = 5 <0.000001>"#,
        );
        assert_eq!(call.arguments[1], Value::Cut(b"0".into()));
        let path = call.arguments[4].get("sun_path").unwrap();
        assert_eq!(*path, Value::Call("@".into(), vec![text("a")]));
        let length = &call.arguments[5].list().unwrap()[0];
        assert_eq!((length.change().0.number(), length.change().1.number()), (Some(110), Some(4)));
        let call = one(
            "7 recvmmsg(4<x>, [], 2, MSG_WAITFORONE, {tv_sec=5, tv_nsec=0}) = 1 (left {tv_sec=4, tv_nsec=999998899}) <0.000053>",
        );
        assert_eq!((call.ret, call.error), (1, None));
    }

    #[test]
    fn lines_that_were_torn_apart() {
        let trace = Trace::parse(
            7,
            concat!(
                "7 recvmsg(4<\\x73>,  <unfinished ...>\n",
                "8 sendto(-1, \"\\x79\", 1, 0, NULL, 0) = -1 EBADF (Bad file descriptor) <0.000005>\n",
                "7 <... recvmsg resumed>{msg_namelen=0}, 0) = ? ERESTARTSYS (To be restarted) <0.100000>\n",
                "7 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0} ---\n",
                "8 recvfrom(4<\\x73>,  <unfinished ...>\n",
                "8 <... recvfrom resumed> <unfinished ...>) = ?\n",
                "8 +++ exited with 0 +++\n",
            ),
        );
        let trace = trace.unwrap();
        let [first, second] = &trace.calls[..] else { panic!("{trace:#?}") };
        assert_eq!((first.tid, first.error.as_deref()), (8, Some("EBADF")));
        assert_eq!((second.ret, second.error.as_deref()), (-1, Some("ERESTARTSYS")));
        assert_eq!(second.arguments[1].get("msg_namelen"), Some(&Value::Number(0)));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for line in
            ["x", "7 sendmsg(", "7 sendmsg(3, \"", "7 sendmsg(3) = ", "7 sendmsg(3 4) = 0 <0.1>"]
        {
            Trace::parse(7, line).unwrap_err();
        }
    }
}
