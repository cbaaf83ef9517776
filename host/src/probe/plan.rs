//! Which program goes where, by backend and call.

use weir_sdk::event::{
    CALL_IO_URING, CALL_NAMES, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE,
    CALL_SENDMMSG, CALL_SENDMSG, CALL_SENDTO,
};

use super::Backend;

/// One program and where it is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Its name in the object.
    pub program: &'static str,
    /// Where to.
    pub hook: Hook,
    /// Whether the call cannot be seen without. What kernels may lack tells more, or sooner.
    pub needed: bool,
}

impl Step {
    const fn needed(program: &'static str, hook: Hook) -> Self {
        Self { program, hook, needed: true }
    }

    const fn optional(program: &'static str, hook: Hook) -> Self {
        Self { program, hook, needed: false }
    }
}

/// Where a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// A raw tracepoint.
    RawTracepoint(&'static str),
    /// Entry of kernel functions. The first must be there; the others where the kernel has them.
    Functions(&'static [&'static str]),
    /// Return of kernel functions, likewise.
    Returns(&'static [&'static str]),
    /// Entry of a kernel function, by a trampoline.
    Fentry(&'static str),
    /// Return of a kernel function, by a trampoline.
    Fexit(&'static str),
    /// What `sys_enter` goes on to for a call.
    Entry(u16),
}

impl Hook {
    /// As people are shown it.
    pub fn name(self) -> String {
        let call = |call: u16| CALL_NAMES[usize::from(call) - 1];
        match self {
            Self::RawTracepoint(name) => format!("raw_tracepoint:{name}"),
            Self::Functions(names) => names[0].to_owned(),
            Self::Returns(names) => format!("return of {}", names[0]),
            Self::Fentry(name) => name.to_owned(),
            Self::Fexit(name) => format!("return of {name}"),
            Self::Entry(number) => format!("sys_enter of {}", call(number)),
        }
    }
}

const THREAD_EXIT: Step = Step::needed("thread_exit", Hook::RawTracepoint("sched_process_exit"));
const THREAD_EXEC: Step = Step::needed("thread_exec", Hook::RawTracepoint("sched_process_exec"));
const SYS_ENTER: Step = Step::needed("sys_enter", Hook::RawTracepoint("sys_enter"));
const SYS_EXIT: Step = Step::needed("sys_exit", Hook::RawTracepoint("sys_exit"));
const USED: &str = "security_socket_sendmsg";
/// The functions for one message of sendmmsg (net/socket.c): before and after its header is copied. The
/// first is static, so a compiler may put it into its callers.
const MESSAGE: &str = "___sys_sendmsg";
const COPIED: &str = "____sys_sendmsg";
/// Of the two functions of recvmmsg the inner one: compilers put `__sys_recvmmsg`, which does little
/// more than call it, into the system calls themselves (net/socket.c).
const RECVMMSG: &str = "do_recvmmsg";
/// The functions of io_uring's sends (io_uring/net.c).
const IO_SENDS: &[&str] = &["io_sendmsg", "io_send", "io_sendmsg_zc", "io_send_zc"];

/// The bit of a call in a set of calls.
pub(super) fn bit(call: u16) -> u16 {
    1 << call
}

/// The programs that a backend needs for a set of calls, returns before entries: no call is seen
/// to enter that is not seen to return.
pub(super) fn plan(backend: Backend, calls: u16) -> Vec<Step> {
    let wanted = |call| calls & bit(call) != 0;
    let mut steps = vec![THREAD_EXIT, THREAD_EXEC];
    let several = [CALL_SENDMMSG, CALL_RECVMMSG].into_iter().any(wanted);
    if backend != Backend::Fentry || several {
        steps.push(SYS_EXIT);
    }
    let compared =
        [CALL_SENDMSG, CALL_SENDMMSG, CALL_SENDTO, CALL_IO_URING].into_iter().any(wanted);
    match backend {
        Backend::Kprobe | Backend::Fentry if wanted(CALL_IO_URING) => {
            steps.push(Step::needed("io_send_kretprobe", Hook::Returns(IO_SENDS)));
        }
        _ => {}
    }
    match backend {
        Backend::Kprobe if compared => {
            steps.push(Step::needed("used_kprobe", Hook::Functions(&[USED])));
        }
        Backend::Fentry if compared => {
            steps.push(Step::needed("used_fentry", Hook::Fentry(USED)));
        }
        _ => {}
    }
    match backend {
        Backend::Kprobe if wanted(CALL_SENDMMSG) => steps.extend([
            Step::optional("copied_kprobe", Hook::Functions(&[COPIED])),
            Step::optional("message_kretprobe", Hook::Returns(&[MESSAGE])),
            Step::optional("message_kprobe", Hook::Functions(&[MESSAGE])),
        ]),
        Backend::Fentry if wanted(CALL_SENDMMSG) => steps.extend([
            Step::optional("copied_fentry", Hook::Fentry(COPIED)),
            Step::optional("message_fexit", Hook::Fexit(MESSAGE)),
            Step::optional("message_fentry", Hook::Fentry(MESSAGE)),
        ]),
        _ => {}
    }
    for call in (1..=CALL_NAMES.len() as u16).filter(|&call| wanted(call)) {
        match backend {
            Backend::Kprobe => steps.extend(kprobe(call)),
            Backend::Fentry => steps.extend(fentry(call)),
            Backend::Tracepoint => steps.extend(tracepoint(call)),
        }
    }
    if backend == Backend::Tracepoint {
        steps.push(SYS_ENTER);
    }
    steps
}

fn kprobe(call: u16) -> Option<Step> {
    let (program, functions): (_, &[_]) = match call {
        CALL_SENDMSG => ("sendmsg_kprobe", &["__sys_sendmsg"]),
        CALL_SENDMMSG => ("sendmmsg_kprobe", &["__sys_sendmmsg"]),
        CALL_SENDTO => ("sendto_kprobe", &["__sys_sendto"]),
        CALL_RECVMSG => ("recvmsg_kprobe", &["__sys_recvmsg"]),
        CALL_RECVMMSG => ("recvmmsg_kprobe", &[RECVMMSG]),
        CALL_RECVFROM => ("recvfrom_kprobe", &["__sys_recvfrom"]),
        CALL_SENDFILE => ("sendfile_kprobe", &["do_sendfile"]),
        CALL_IO_URING => ("io_send_kprobe", IO_SENDS),
        _ => return None,
    };
    Some(Step::needed(program, Hook::Functions(functions)))
}

fn fentry(call: u16) -> Vec<Step> {
    let (entry, exit, function) = match call {
        CALL_SENDMSG => ("sendmsg_fentry", Some("sendmsg_fexit"), "__sys_sendmsg"),
        CALL_SENDMMSG => ("sendmmsg_fentry", None, "__sys_sendmmsg"),
        CALL_SENDTO => ("sendto_fentry", Some("sendto_fexit"), "__sys_sendto"),
        CALL_RECVMSG => ("recvmsg_fentry", Some("recvmsg_fexit"), "__sys_recvmsg"),
        CALL_RECVMMSG => ("recvmmsg_fentry", None, RECVMMSG),
        CALL_RECVFROM => ("recvfrom_fentry", Some("recvfrom_fexit"), "__sys_recvfrom"),
        CALL_SENDFILE => ("sendfile_fentry", Some("sendfile_fexit"), "do_sendfile"),
        // One program for several functions, which a trampoline's is not.
        _ => return kprobe(call).into_iter().collect(),
    };
    let exit = exit.map(|program| Step::needed(program, Hook::Fexit(function)));
    let entry = Step::needed(entry, Hook::Fentry(function));
    exit.into_iter().chain([entry]).collect()
}

fn tracepoint(call: u16) -> Option<Step> {
    let program = match call {
        CALL_SENDMSG => "sendmsg_entry",
        CALL_SENDMMSG => "sendmmsg_entry",
        CALL_SENDTO => "sendto_entry",
        CALL_RECVMSG => "recvmsg_entry",
        CALL_RECVMMSG => "recvmmsg_entry",
        CALL_RECVFROM => "recvfrom_entry",
        CALL_SENDFILE => "sendfile_entry",
        _ => return None,
    };
    Some(Step::needed(program, Hook::Entry(call)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_attached_for_calls_that_nobody_wants() {
        let names = |backend, calls| -> Vec<_> {
            plan(backend, calls).into_iter().map(|step| step.program).collect()
        };
        let sendmsg = bit(CALL_SENDMSG);
        assert_eq!(
            names(Backend::Kprobe, sendmsg),
            ["thread_exit", "thread_exec", "sys_exit", "used_kprobe", "sendmsg_kprobe"]
        );
        assert_eq!(
            names(Backend::Fentry, sendmsg),
            ["thread_exit", "thread_exec", "used_fentry", "sendmsg_fexit", "sendmsg_fentry"]
        );
        assert_eq!(
            names(Backend::Tracepoint, sendmsg),
            ["thread_exit", "thread_exec", "sys_exit", "sendmsg_entry", "sys_enter"]
        );
        assert_eq!(names(Backend::Fentry, 0), ["thread_exit", "thread_exec"]);
    }

    #[test]
    fn a_return_comes_before_its_entry() {
        for backend in [Backend::Kprobe, Backend::Fentry, Backend::Tracepoint] {
            let steps = plan(backend, u16::MAX);
            let entry = |step: &Step| {
                matches!(step.hook, Hook::Functions(_) | Hook::Fentry(_) | Hook::Entry(_))
                    && step.needed
                    && !step.program.starts_with("used")
            };
            let first_entry = steps.iter().position(entry).unwrap();
            let sys_exit = steps.iter().position(|step| *step == SYS_EXIT).unwrap();
            assert!(sys_exit < first_entry, "{backend:?}: {steps:?}");
        }
    }
}
