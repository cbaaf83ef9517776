//! Callers that change nothing: however many calls they make, of whatever kind, none is said to have
//! been changed, and whatever the kernel used is said to be the same.

use std::{
    env, fs,
    io::Read,
    mem::offset_of,
    net::{Ipv6Addr, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::AsRawFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    process,
    time::Instant,
};

use weir_sdk::event::{Head, TOCTOU_SAME};

use crate::{
    calls::{Message, inet, sendmsg},
    guest,
    live::{Weir, backends, pipeline, row, wait_for},
    race::cmsg,
};

/// Calls that reach the kernel's use of the message, of each backend on each kernel. An emulated
/// machine makes a thousand a second; `WEIR_HONEST` asks for more.
const CALLS: u64 = 10_000;
/// Rounds after which the events so far are waited for, so that none is lost.
const ROUNDS: u64 = 500;
/// More than the kernel sends at once (`MAX_RW_COUNT`).
const TOO_MUCH: usize = 0x7fff_ffff;

/// Drops every event that says `same`, and those of others; keeps the rest.
fn script() -> Vec<u8> {
    let describe = r#"{"wants":{"calls":["sendmsg","sendto"]}}"#;
    guest::script(&format!(
        r#"(data (i32.const 16) "{}")
        (func (export "weir_describe") (result i64) (i64.const {}))
        (func (export "weir_batch") (param $at i32) (param i32)
            (local $event i32) (local $head i32) (local $verdict i32)
            (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
            (local.set $verdict (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
            (loop $next
                (i32.store8 (local.get $verdict) (i32.or
                    (i32.eq (i32.load8_u offset={} (local.get $head)) (i32.const {TOCTOU_SAME}))
                    (i32.ne (i32.load offset={} (local.get $head)) (i32.const {own}))))
                (local.set $verdict (i32.add (local.get $verdict) (i32.const 1)))
                (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
                (local.set $event (i32.add (local.get $event) (i32.const 1)))
                (br_if $next
                    (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))"#,
        describe.replace('"', r"\22"),
        16 << 32 | describe.len(),
        offset_of!(Head, toctou),
        offset_of!(Head, pid),
        own = process::id(),
    ))
}

#[test]
fn none_is_said_to_have_changed() {
    for backend in backends().into_iter().filter(|&backend| backend != "tracepoint") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("honest.wasm");
        fs::write(&path, script()).unwrap();
        let weir = Weir::start([
            "--backend",
            backend,
            "--calls",
            "sendmsg,sendto",
            "--keep-events",
            "10000",
            "--ring-bytes",
            "33554432",
            "-s",
            path.to_str().unwrap(),
        ]);
        let began = Instant::now();
        let mut sockets = Sockets::new();
        let (mut same, mut refused) = (0, 0);
        let calls = env::var("WEIR_HONEST").map_or(CALLS, |calls| calls.parse().unwrap());
        let mut rounds = 0;
        while same < calls {
            same += sockets.round();
            if rounds % 16 == 0 {
                refused += sockets.refusals();
            }
            rounds += 1;
            if rounds % ROUNDS == 0 {
                wait_for_all(&weir, same + refused);
            }
        }
        wait_for_all(&weir, same + refused);
        let kept = weir.events("honest", |_| true);
        let programs = weir.get("/api/v1/status")["kernel_programs"].take();
        let mut absent = 0;
        for event in &kept {
            let fields = &event["fields"];
            assert_eq!(event["toctou"], "unread", "{event}\n{programs:#}");
            // The kernel moves pages about. One that is on its way when the call enters is read at the
            // exit, too late for a verdict, and the event says so.
            if event["ret"] != -1 && fields["msg.name"]["read"] == "exit" {
                eprintln!("{backend}: a page was not there at entry: {event}");
                absent += 1;
            } else {
                let truncated = fields["msg.control"]["status"] == "truncated";
                assert!(event["ret"] == -1 || truncated, "{event}\n{programs:#}");
            }
        }
        assert_eq!(kept.len() as u64, refused + absent);
        assert!(absent * 1000 < same, "{absent} of {same} calls say that their page was not there");
        let ledger = weir.stop();
        let honest = pipeline(&ledger, "honest");
        // None was lost, and others on this machine may send, too.
        let rows = (row(&ledger, "ring_full"), row(honest, "kept"));
        assert_eq!(rows, (0, refused + absent), "{ledger}");
        assert!(row(honest, "dropped_by_script") >= same - absent, "{ledger}");
        eprintln!(
            "{backend}: {same} calls, {absent} without a page, {refused} refused, none changed, in {:?}",
            began.elapsed()
        );
    }
}

/// Until the script has seen so many calls.
fn wait_for_all(weir: &Weir, calls: u64) {
    wait_for("events of all calls", || {
        let ledger = weir.ledger();
        let honest = pipeline(&ledger, "honest");
        (row(honest, "dropped_by_script") + row(honest, "kept") >= calls).then_some(())
    });
}

/// What calls are made with.
struct Sockets {
    udp: UdpSocket,
    udp6: UdpSocket,
    connected: UdpSocket,
    tcp: [TcpStream; 2],
    unix: [UnixDatagram; 2],
    stream: [UnixStream; 2],
    name: Vec<u8>,
    /// In the order of the sockets in `round`.
    same: Vec<Message>,
    refused: Vec<Message>,
    _receivers: [UdpSocket; 2],
}

impl Sockets {
    fn new() -> Self {
        let receivers = [
            UdpSocket::bind(("127.0.0.1", 0)).unwrap(),
            UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap(),
        ];
        let [name, name6] =
            receivers.each_ref().map(|receiver| inet(receiver.local_addr().unwrap()));
        let connected = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        connected.connect(receivers[0].local_addr().unwrap()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let unix = UnixDatagram::pair().unwrap();
        let long_name = [&name[..], &[7; 184]].concat();
        let rights = cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, connected.as_raw_fd());
        let ttl = cmsg(libc::SOL_IP, libc::IP_TTL, 9);
        let mut too_much = Message::of(&[1, 1]);
        too_much.set_len(0, TOO_MUCH);
        let mut no_name = Message::of(&[6]).to(&name);
        no_name.header.msg_namelen = 0;
        let same = vec![
            Message::of(&[5]).to(&name),
            Message::of(&[5]).to(&name6),
            Message::of(&[5, 6]),
            Message::of(&[1, 2]).control(&rights),
            Message::of(&(0..40).map(|part| part % 5).collect::<Vec<_>>()),
            Message::of(&[0]).to(&name),
            Message::of(&[]).to(&name),
            Message::of(&[5]).to(&long_name),
            Message::of(&[5]).to(&name).control(&ttl.repeat(4)),
            too_much,
            Message::of(&[9; 16]),
            Message::of(&[3]),
            no_name,
        ];
        let mut no_memory = Message::of(&[1]).to(&name);
        no_memory.header.msg_iov = std::ptr::without_provenance_mut(8);
        let refused = vec![
            Message::of(&[1; 1025]).to(&name),
            no_memory,
            // More control messages than are looked at, so nothing is said of them.
            Message::of(&[5]).to(&name).control(&ttl.repeat(100)),
        ];
        Self {
            udp: UdpSocket::bind(("127.0.0.1", 0)).unwrap(),
            udp6: UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap(),
            connected,
            tcp: [tcp, listener.accept().unwrap().0],
            unix: unix.into(),
            stream: UnixStream::pair().unwrap().into(),
            name,
            same,
            refused,
            _receivers: receivers,
        }
    }

    /// Makes one call of each kind, whose messages the kernel comes to use; how many.
    fn round(&mut self) -> u64 {
        let udp = self.udp.as_raw_fd();
        let (connected, unix) = (self.connected.as_raw_fd(), self.unix[0].as_raw_fd());
        let sockets = [
            udp,
            self.udp6.as_raw_fd(),
            connected,
            unix,
            connected,
            udp,
            udp,
            udp,
            udp,
            connected,
            self.tcp[0].as_raw_fd(),
            self.stream[0].as_raw_fd(),
            connected,
        ];
        for (at, (&socket, message)) in sockets.iter().zip(&self.same).enumerate() {
            let sent = sendmsg(socket, message.ptr(), 0);
            // What is too much for a datagram is refused when the kernel has seen the message.
            assert_eq!(sent.is_ok(), at != 9, "{at}: {sent:?}");
        }
        let bytes = [b'b'; 16];
        // Without reading: recv(2) is not among the calls that are traced.
        self.unix[1].recv(&mut [0; 16]).unwrap();
        self.tcp[1].read_exact(&mut [0; 9 * 16]).unwrap();
        self.stream[1].read_exact(&mut [0; 3]).unwrap();
        sendto(udp, &bytes, 16, &self.name);
        sendto(connected, &bytes, 7, &[]);
        sendto(connected, &bytes, 0, &[]);
        assert!(sendto(connected, &bytes, TOO_MUCH + 9, &[]) < 0);
        self.same.len() as u64 + 4
    }

    /// The same for what the kernel refuses before, or what is not looked at to its end.
    fn refusals(&self) -> u64 {
        let udp = self.udp.as_raw_fd();
        for message in &self.refused {
            _ = sendmsg(udp, message.ptr(), 0);
        }
        sendmsg(-1, self.same[0].ptr(), 0).unwrap_err();
        assert!(sendto(-1, &[0; 16], 16, &self.name) < 0);
        self.refused.len() as u64 + 2
    }
}

fn sendto(fd: i32, bytes: &[u8], len: usize, name: &[u8]) -> isize {
    let at = if name.is_empty() { std::ptr::null() } else { name.as_ptr() };
    // SAFETY: the kernel reads only, and checks what it reads.
    unsafe { libc::sendto(fd, bytes.as_ptr().cast(), len, 0, at.cast(), name.len() as u32) }
}
