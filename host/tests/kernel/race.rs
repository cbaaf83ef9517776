//! A thread that changes the message while another sends it. Where the datagram arrives, and with
//! what, is what the kernel used; the event must say that, and whether the caller's memory said so.

use std::{
    mem,
    net::UdpSocket,
    os::fd::AsRawFd,
    ptr,
    sync::atomic::{AtomicBool, AtomicI32, AtomicU16, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    calls::{Message, Since, inet, sendmsg, tid},
    live::PATIENCE,
    on_each_backend,
};

/// Sends of each kind in one round; there are more rounds until the race is won.
const SENDS: usize = 400;
/// A datagram that has not arrived after so long does not arrive any more.
const LOST: Duration = Duration::from_secs(3);
/// What the control message is changed between.
const TTLS: [i32; 2] = [11, 22];

/// A control message (`struct cmsghdr`) of a number.
pub fn cmsg(level: i32, kind: i32, value: i32) -> Vec<u8> {
    let len = size_of::<libc::cmsghdr>() + size_of::<i32>();
    [
        &len.to_ne_bytes()[..],
        &level.to_ne_bytes(),
        &kind.to_ne_bytes(),
        &value.to_ne_bytes(),
        &[0; 4],
    ]
    .concat()
}

/// Where its value stands.
pub const VALUE_AT: usize = size_of::<libc::cmsghdr>();

#[test]
fn the_verdict_is_what_happened() {
    on_each_backend(|weir| {
        let backend = weir.get("/api/v1/status")["backend"]["name"].take();
        for (what, names, controls) in
            [("addresses", true, false), ("control messages", false, true), ("both", true, true)]
        {
            let [mut same, mut changed] = [0; 2];
            // The race is lost a number of times in a row on a machine that does other things.
            let deadline = Instant::now() + PATIENCE;
            while changed == 0 && Instant::now() < deadline {
                let since = Since::now();
                let (sender, arrived) = race(names, controls);
                let mut events = since.events(weir);
                events.retain(|event| event["process"]["tid"] == sender);
                assert_eq!(events.len(), SENDS);
                let [more_same, more_changed] = check(&events, &arrived, backend == "tracepoint");
                (same, changed) = (same + more_same, changed + more_changed);
                if backend == "tracepoint" {
                    break;
                }
            }
            eprintln!("{backend}: {what}: {same} the same, {changed} changed");
            // That is what is tested.
            assert!(changed > 0 || backend == "tracepoint");
        }
    });
}

/// What arrived: at which port, with which TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrived {
    port: u16,
    ttl: i32,
}

/// A message header that a thread sends while another changes what it points to.
#[derive(Clone, Copy)]
struct Header(*const libc::msghdr);

// SAFETY: the header itself is not changed, and what changes behind it is atomic.
unsafe impl Sync for Header {}

impl Header {
    fn get(&self) -> *const libc::msghdr {
        self.0
    }
}

/// Sends while another thread changes what is said, and tells who sent, and what arrived.
fn race(names: bool, controls: bool) -> (u32, Vec<Option<Arrived>>) {
    let receivers = [(); 2].map(|()| receiver());
    let ports = receivers.each_ref().map(|receiver| receiver.local_addr().unwrap().port());
    let from = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let to = inet(receivers[0].local_addr().unwrap());
    let message = Message::of(&[8]).to(&to).control(&cmsg(libc::SOL_IP, libc::IP_TTL, TTLS[0]));
    // SAFETY: both lie within what the message owns, are aligned, and are changed by atomic
    // stores only.
    let (port, ttl) = unsafe {
        (
            AtomicU16::from_ptr(message.header.msg_name.byte_add(2).cast()),
            AtomicI32::from_ptr(message.header.msg_control.byte_add(VALUE_AT).cast()),
        )
    };
    let over = AtomicBool::new(false);
    let header = Header(message.ptr());
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(-1);
            while !over.load(Relaxed) {
                for at in [0, 1] {
                    if names {
                        port.store(ports[at].to_be(), Relaxed);
                    }
                    if controls {
                        ttl.store(TTLS[at], Relaxed);
                    }
                }
            }
        });
        let sender = scope.spawn(|| {
            pin(0);
            let sends = (0..SENDS).map(|_| {
                assert_eq!(sendmsg(from.as_raw_fd(), header.get(), 0).unwrap(), 8);
                arrival(&receivers)
            });
            let arrived = sends.collect();
            (tid(), arrived)
        });
        let result = sender.join();
        over.store(true, Relaxed);
        result.unwrap()
    })
}

/// Keeps the calling thread on one processor, counted from the first or, below 0, from the last:
/// threads on the same one do not race.
fn pin(processor: isize) {
    // SAFETY: a set of processors is integers only, and is as long as is said.
    unsafe {
        let mut all: libc::cpu_set_t = mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&all), &raw mut all), 0);
        let numbers: Vec<_> = (0..libc::CPU_SETSIZE as usize)
            .filter(|&number| libc::CPU_ISSET(number, &all))
            .collect();
        let mut one: libc::cpu_set_t = mem::zeroed();
        let at = processor.rem_euclid(numbers.len() as isize) as usize;
        libc::CPU_SET(numbers[at], &mut one);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&one), &raw const one), 0);
    }
}

/// Compares what events say with what arrived; how many said the same at entry, and how many not.
fn check(events: &[Value], arrived: &[Option<Arrived>], blind: bool) -> [usize; 2] {
    let mut counts = [0; 2];
    let lost = arrived.iter().filter(|arrived| arrived.is_none()).count();
    assert!(lost <= SENDS / 100, "{lost} of {SENDS} are lost");
    for (event, arrived) in events.iter().zip(arrived) {
        let &Some(arrived) = arrived else { continue };
        let shown = said(&event["msg"]);
        counts[usize::from(shown != arrived)] += 1;
        if blind {
            assert_eq!((&event["toctou"], &event["kernel"]), (&Value::Null, &Value::Null));
        } else if shown == arrived {
            assert_eq!((&event["toctou"], &event["kernel"]), (&json!("same"), &Value::Null));
        } else {
            assert_eq!(event["toctou"], "changed", "{arrived:?} arrived: {event:#}");
            let kernel = &event["kernel"];
            assert_eq!(said(kernel), arrived, "{event:#}");
            assert_eq!((&kernel["namelen"], &kernel["bytes"]), (&json!(16), &json!(8)));
        }
    }
    counts
}

/// What an event says of a message.
fn said(message: &Value) -> Arrived {
    let control = &message["control"][0];
    assert_eq!((&control["level"], &control["type"]), (&json!("SOL_IP"), &json!("IP_TTL")));
    assert_eq!(message["name"]["address"], "127.0.0.1", "{message}");
    Arrived {
        port: message["name"]["port"].as_u64().unwrap() as u16,
        ttl: control["value"].as_i64().unwrap() as i32,
    }
}

/// A socket that tells with which TTL a datagram arrives.
pub fn receiver() -> UdpSocket {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let on = 1;
    // SAFETY: the option's value is an int, as its length says.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_IP,
            libc::IP_RECVTTL,
            ptr::from_ref(&on).cast(),
            size_of_val(&on) as u32,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    socket
}

/// Waits for the one datagram at one of the sockets. The kernel may lose it.
fn arrival(receivers: &[UdpSocket]) -> Option<Arrived> {
    let deadline = Instant::now() + LOST;
    while Instant::now() < deadline {
        for receiver in receivers {
            if let Some(ttl) = ttl_of_next(receiver) {
                return Some(Arrived { port: receiver.local_addr().unwrap().port(), ttl });
            }
        }
        thread::sleep(Duration::from_micros(10));
    }
    eprintln!("a datagram is lost");
    None
}

/// The TTL of the next datagram that has arrived, if there is one.
pub fn ttl_of_next(receiver: &UdpSocket) -> Option<i32> {
    let mut room = Message::of(&[8]).control(&[0; 64]);
    // SAFETY: the header describes what the message owns.
    let received =
        unsafe { libc::recvmsg(receiver.as_raw_fd(), &raw mut *room.header, libc::MSG_DONTWAIT) };
    if received < 0 {
        assert_eq!(std::io::Error::last_os_error().kind(), std::io::ErrorKind::WouldBlock);
        return None;
    }
    assert_eq!(received, 8);
    assert_eq!(room.header.msg_controllen, size_of::<libc::cmsghdr>() + 8);
    // SAFETY: the kernel wrote one message of that length, whose value is an int.
    Some(unsafe { room.header.msg_control.byte_add(VALUE_AT).cast::<i32>().read() })
}
