//! The variable parts of an event. The suite reads them by the same functions, which are built for Wasm here.

use std::fmt::Write;

// The SDK is called otherwise where the host is.
use crate::sdk::{Control, Event, Group};

const GROUPS: [Group; 8] = [
    Group::Ppid,
    Group::Msg,
    Group::Name,
    Group::Iov,
    Group::Start,
    Group::Control,
    Group::Payload,
    Group::Socket,
];

/// A line for each piece.
pub fn of(event: &Event, at: u64) -> String {
    let mut out = String::new();
    let errno = event.error().map_or(0, |error| error.0);
    let (call, comm) = (event.call(), event.comm());
    line(&mut out, format_args!("at={at}\ncall={call}\ncomm={comm}\nerrno={errno}"));
    let error = event.error().map_or("-", |error| error.name().unwrap_or("unknown"));
    line(&mut out, format_args!("error={error}"));
    let read = GROUPS.map(|group| if event.status(group).is_read() { "1" } else { "0" });
    line(&mut out, format_args!("read={}", read.concat()));
    line(&mut out, format_args!("team={}", event.attr("team").unwrap_or("-")));
    for (name, value) in event.attrs() {
        line(&mut out, format_args!("attr={name}:{value}"));
    }
    for entry in event.iov() {
        line(&mut out, format_args!("iov={}:{}", entry.base, entry.len));
    }
    for message in event.control() {
        control(&mut out, "control", &message);
        if let Some(who) = message.credentials() {
            line(&mut out, format_args!("credentials={}:{}:{}", who.pid, who.uid, who.gid));
        }
    }
    for passed in event.rights() {
        let file = passed.file.map_or(String::new(), |file| file.to_string());
        line(&mut out, format_args!("file={}:{file}", passed.fd));
    }
    process(&mut out, event);
    if let Some(kernel) = event.kernel() {
        let name = hex(kernel.raw_name());
        line(&mut out, format_args!("kernel={}:{name}", kernel.bytes()));
        for message in kernel.control() {
            control(&mut out, "kernel_control", &message);
        }
    }
    out
}

fn control(out: &mut String, name: &str, message: &Control) {
    let (level, kind, data) = (message.level(), message.cmsg_type(), hex(message.data()));
    line(out, format_args!("{name}={level}:{kind}:{data}"));
}

/// The parts as they lie in the heap, in the order of their kinds.
fn process(out: &mut String, event: &Event) {
    let cmdline: Vec<_> = event.cmdline().map(|argument| argument.to_string()).collect();
    let mut part = |kind: u16, bytes: &[u8]| {
        line(out, format_args!("process={kind}:{}", hex(bytes)));
    };
    if !cmdline.is_empty() {
        part(1, cmdline.join("\0").as_bytes());
    }
    if let Some(user) = event.user() {
        part(2, user.to_string().as_bytes());
    }
    if let Some(started) = event.started_ns() {
        part(3, &started.to_le_bytes());
    }
    for parent in event.parents() {
        part(4, &[&parent.pid.to_le_bytes()[..], parent.comm.to_string().as_bytes()].concat());
    }
    if let Some(container) = event.container() {
        part(5, container.id.to_string().as_bytes());
        if let Some(runtime) = container.runtime {
            part(6, runtime.to_string().as_bytes());
        }
        if let Some(pod) = container.pod {
            part(7, pod.to_string().as_bytes());
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    writeln!(out, "{text}").expect("a string takes all");
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
