//! Counts the descriptors that processes pass to others over unix sockets (`SCM_RIGHTS`).

use weir::{About, Call, Counter, Destination, Event, Out, Params, Script, Table, Text, Verdict};

const PASSED: Table =
    Table::counter("passed", &["process", "file", "peer"]).help("Descriptors passed");

struct Descriptors {
    passed: Counter,
}

#[weir::script]
impl Script for Descriptors {
    const ABOUT: About = About::aggregate("Who passes descriptors to whom")
        .tables(&[PASSED])
        .calls(&[Call::Sendmsg, Call::Sendmmsg]);

    fn start(_params: &Params) -> Result<Self, String> {
        Ok(Self { passed: Counter::open(&PASSED) })
    }

    fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
        // A call that failed has passed nothing.
        if event.error().is_none() {
            let mut peer = None;
            for passed in event.rights() {
                let peer = peer.get_or_insert_with(|| to_whom(event));
                let key = [event.comm(), kind(passed.file), Text::from(peer.as_str())];
                self.passed.add(key, 1);
            }
        }
        Verdict::Keep
    }
}

/// What is passed: its path. Sockets and pipes have nothing but a number, which tells nobody anything.
fn kind(file: Option<Text>) -> Text {
    match file {
        None => "-".into(),
        Some(file) if file.starts_with(b"socket:[") => "socket".into(),
        Some(file) if file.starts_with(b"pipe:[") => "pipe".into(),
        Some(file) => file,
    }
}

/// The address that the message goes to, else the process at the other end.
fn to_whom(event: &Event) -> String {
    let destination = event.destination();
    if !matches!(destination, Destination::None | Destination::Unread) {
        return destination.to_string();
    }
    let socket = event.socket();
    if let Some(peer) = socket.and_then(|socket| socket.peer()) {
        return peer.to_string();
    }
    match socket.and_then(|socket| socket.peer_process()) {
        Some(process) => format!("process {}", process.pid),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    fn rows(calls: &[Call]) -> Vec<(String, u64)> {
        let mut run = Run::<Descriptors>::start(&[]).unwrap();
        assert_eq!(run.batch(calls), vec![Verdict::Keep; calls.len()]);
        run.rows("passed").into_iter().map(|(key, values)| (key, values[0])).collect()
    }

    #[test]
    fn by_process_file_and_peer() {
        let passing = |files| Call::new().comm("systemd").rights(files);
        let found = rows(&[
            passing(&[(5, "/etc/passwd"), (6, "socket:[77]")]).peer("/run/x.sock"),
            passing(&[(7, "socket:[78]")]).to_unix("/run/x.sock"),
            passing(&[(8, ""), (9, "pipe:[9]")]).peer_process(42, 0, 0),
            passing(&[(5, "anon_inode:[eventfd]")]),
        ]);
        let row = |key: &str, count| (key.to_owned(), count);
        assert_eq!(
            found,
            [
                row("systemd, -, process 42", 1),
                row("systemd, /etc/passwd, /run/x.sock", 1),
                row("systemd, anon_inode:[eventfd], -", 1),
                row("systemd, pipe, process 42", 1),
                row("systemd, socket, /run/x.sock", 2),
            ]
        );
    }

    #[test]
    fn nothing_is_passed_without_descriptors_or_in_vain() {
        let found = rows(&[
            Call::new().credentials(1, 0, 0),
            Call::new().rights(&[(5, "/x")]).error("EPIPE"),
        ]);
        assert_eq!(found, []);
    }
}
