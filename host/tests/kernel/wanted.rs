//! A call is traced when somebody wants it, and not before or after.

use std::{
    net::UdpSocket,
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    process,
};

use serde_json::{Value, json};

use crate::{
    alone,
    calls::{Calls, Message, Since, inet, recvmsg, sendto, settle, tid},
    guest,
    live::{Weir, row, wait_for},
    shared::ALL_CALLS,
};

/// Name, and where it is attached.
type Program = (String, String);

/// Names of the programs with where they are attached.
fn attached(weir: &Weir) -> Vec<Program> {
    let status = weir.get("/api/v1/status");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let programs = status["kernel_programs"].as_array().unwrap();
    programs.iter().map(|program| (text(&program["name"]), text(&program["attached_to"]))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<Program> {
    all.iter().map(|&(name, hook)| (name.to_owned(), hook.to_owned())).collect()
}

/// What is attached for sendmsg, and what recvmsg needs besides.
fn expected(backend: &str) -> (Vec<Program>, Vec<Program>) {
    const THREADS: [(&str, &str); 2] = [
        ("thread_exit", "raw_tracepoint:sched_process_exit"),
        ("thread_exec", "raw_tracepoint:sched_process_exec"),
    ];
    const SYS_EXIT: (&str, &str) = ("sys_exit", "raw_tracepoint:sys_exit");
    let (sendmsg, recvmsg): (&[_], &[_]) = match backend {
        "kprobe" => (
            &[
                SYS_EXIT,
                ("used_kprobe", "security_socket_sendmsg"),
                ("sendmsg_kprobe", "__sys_sendmsg"),
            ],
            &[("recvmsg_kprobe", "__sys_recvmsg")],
        ),
        "fentry" => (
            &[
                ("used_fentry", "security_socket_sendmsg"),
                ("sendmsg_fexit", "return of __sys_sendmsg"),
                ("sendmsg_fentry", "__sys_sendmsg"),
            ],
            &[("recvmsg_fexit", "return of __sys_recvmsg"), ("recvmsg_fentry", "__sys_recvmsg")],
        ),
        _ => (
            &[
                SYS_EXIT,
                ("sendmsg_entry", "sys_enter of sendmsg"),
                ("sys_enter", "raw_tracepoint:sys_enter"),
            ],
            &[("recvmsg_entry", "sys_enter of recvmsg")],
        ),
    };
    (pairs(&[&THREADS, sendmsg].concat()), pairs(recvmsg))
}

#[test]
fn while_a_script_wants_it() {
    alone(&["sendmsg"], 0, |weir| {
        let status = weir.get("/api/v1/status");
        let (before, more) = expected(status["backend"]["name"].as_str().unwrap());
        assert_eq!(attached(weir), before);
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let fd = socket.as_raw_fd();
        let message = Message::of(&[5]).room(128, 64);
        let receive = || recvmsg(fd, message.ptr(), libc::MSG_DONTWAIT);
        receive().unwrap_err();
        // Nothing of that call: the thread's events are those that are expected.
        let mut calls = Calls::new();
        calls.send(&socket, &message, 0, json!({})).unwrap_err();

        for round in ["first", "second"] {
            let (code, answer) = weir.put("receives", &guest::own_wanting(&["recvmsg"], 0));
            assert!(matches!(code, 200 | 201), "{round}: {code} {answer}");
            let mut both = attached(weir);
            assert!(more.iter().all(|program| both.contains(program)), "{both:?}");
            both.retain(|program| !more.contains(program));
            assert_eq!(both, before);
            let says = json!({"flags": ["MSG_DONTWAIT"], "error": "EAGAIN"});
            calls.make("recvmsg", fd, says, receive).unwrap_err();
            settle(weir);
            let of_this = |event: &Value| event["fd"] == fd && event["call"] == "recvmsg";
            assert!(weir.has_event("receives", of_this));

            let (code, answer) = weir.change("DELETE", "/api/v1/scripts/receives", &[]);
            assert!(matches!(code, 200 | 204), "{round}: {code} {answer}");
            assert_eq!(attached(weir), before);
            receive().unwrap_err();
        }
        calls.send(&socket, &message, 0, json!({})).unwrap_err();
        calls.check(weir);
    });
}

/// Every call at once, and all of it goes again.
#[test]
fn all_calls() {
    alone(&["sendmsg"], 0, |weir| {
        let before = attached(weir);
        let backend = weir.get("/api/v1/status")["backend"]["name"].clone();
        let (code, answer) =
            weir.put("all", &guest::own_wanting(&[ALL_CALLS, &["io_uring"]].concat(), 4096));
        assert!(matches!(code, 200 | 201), "{code} {answer}");
        let now = attached(weir);
        let entries = match backend.as_str().unwrap() {
            "tracepoint" => 7,
            _ => 8,
        };
        let kind = match backend.as_str().unwrap() {
            "tracepoint" => "entry",
            // io_uring's has no program of its own kind.
            "fentry" => "fentry",
            _ => "kprobe",
        };
        let of_kind = now
            .iter()
            .filter(|(name, _)| {
                !["used", "copied", "message"].iter().any(|within| name.starts_with(within))
                    && (name.ends_with(&format!("_{kind}")) || name == "io_send_kprobe")
            })
            .count();
        assert_eq!(of_kind, entries, "{now:?}");
        let status = weir.get("/api/v1/status");
        for program in status["kernel_programs"].as_array().unwrap() {
            if let Some(instructions) = program["verified_instructions"].as_u64() {
                assert!(instructions < 450_000, "{program}");
            }
        }
        weir.change("DELETE", "/api/v1/scripts/all", &[]);
        assert_eq!(attached(weir), before);
        let mut calls = Calls::new();
        calls.call(-1, std::ptr::null(), 0, json!({})).unwrap_err();
        calls.check(weir);
    });
}

/// Calls that no want fits are neither sent to the host nor lost: they have a row of their own.
#[test]
fn what_nobody_wants_stays_in_the_kernel() {
    const OTHERS: u64 = 50;
    let (here, there) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let from = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (unix, _other) = UnixDatagram::pair().unwrap();
    unix.set_nonblocking(true).unwrap();
    let send = |fd: i32, bytes: usize, to: Option<&UdpSocket>| {
        let name = to.map(|to| inet(to.local_addr().unwrap())).unwrap_or_default();
        let at = if name.is_empty() { std::ptr::null() } else { name.as_ptr() };
        // Some of them fail, and shall.
        _ = sendto(fd, [7; 64].as_ptr(), bytes, 0, at, name.len() as i32);
    };
    let fd = from.as_raw_fd();
    type Call<'a> = &'a dyn Fn();
    let cases: [(String, Call, Call); 5] = [
        (format!(r#""port":[1,{}]"#, port(&there)), &|| send(fd, 5, Some(&here)), &|| {
            send(fd, 5, Some(&there))
        }),
        (r#""errors":true"#.to_owned(), &|| send(fd, 5, Some(&here)), &|| send(-1, 5, Some(&here))),
        (r#""min_bytes":20"#.to_owned(), &|| send(fd, 19, Some(&here)), &|| {
            send(fd, 20, Some(&here))
        }),
        (r#""family":["AF_INET"]"#.to_owned(), &|| send(unix.as_raw_fd(), 5, None), &|| {
            send(fd, 5, Some(&here))
        }),
        (
            // Both must hold.
            format!(r#""pid":[{}],"errors":true"#, process::id()),
            &|| send(fd, 5, Some(&here)),
            &|| send(-1, 5, None),
        ),
    ];
    alone(&["sendmsg"], 0, |weir| {
        for (condition, other, fitting) in &cases {
            let wants = guest::wanting(&format!(r#"{{"calls":["sendto"],{condition}}}"#));
            let (code, answer) =
                weir.put("some", &guest::script(&format!("{wants}{}", guest::KEEP)));
            assert!(matches!(code, 200 | 201), "{condition}: {code} {answer}");
            let before = row(&weir.ledger(), "filtered_in_kernel");
            let since = Since::now();
            for _ in 0..OTHERS {
                other();
            }
            fitting();
            // Whatever is sent passes this pipeline, too.
            let of_this = |event: &Value| {
                event["call"] == "sendto"
                    && event["process"]["tid"] == tid()
                    && event["process"]["comm"] != "askweir"
            };
            let mut sent = since.events(weir);
            sent.retain(of_this);
            assert_eq!(sent.len(), 1, "{condition}: {sent:#?}");
            // Each pipeline has a thread of its own.
            let found = wait_for("event in the other pipeline", || {
                Some(weir.events("some", of_this)).filter(|found| !found.is_empty())
            });
            assert_eq!(found, sent, "{condition}");
            let filtered = row(&weir.ledger(), "filtered_in_kernel") - before;
            assert!(filtered >= OTHERS, "{condition}: {filtered}");
            weir.change("DELETE", "/api/v1/scripts/some", &[]);
        }
        // Of somebody else: nothing is read at all.
        let wants = guest::wanting(r#"{"calls":["sendmsg"],"pid":[1]}"#);
        weir.put("some", &guest::script(&format!("{wants}{}", guest::KEEP)));
        weir.change("DELETE", "/api/v1/scripts/own", &[]);
        let (seen, before) =
            (row(&weir.ledger(), "seen"), row(&weir.ledger(), "filtered_in_kernel"));
        let message = Message::of(&[5]);
        for _ in 0..OTHERS {
            crate::calls::sendmsg(-1, message.ptr(), 0).unwrap_err();
        }
        let after = weir.ledger();
        assert!(row(&after, "filtered_in_kernel") - before >= OTHERS, "{after:#}");
        assert!(row(&after, "seen") - seen >= OTHERS, "{after:#}");
    });
}
