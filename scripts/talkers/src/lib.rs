//! Tells who sends the most: bytes by process, container and destination.

use std::fmt::Write;

use weir::{
    About, Call, Destination, Distinct, Event, Gauge, Out, Params, Rate, Script, Table, Text, TopK,
    Verdict,
};

const BYTES: Table = Table::topk("bytes", &["process", "container", "destination"])
    .unit("By")
    .help("Bytes sent, of those who send the most");
const RATE: Table =
    Table::rate("rate", &["process", "container"]).unit("By").help("Bytes sent per second");
const PEERS: Table =
    Table::distinct("peers", &["process", "container"]).help("Different destinations");
const LAST: Table = Table::gauge("last", &["process", "container"])
    .unit("By")
    .help("Bytes of the last call, and when it was");

/// Digits of a container's id that are shown, as its tools do.
const ID_DIGITS: usize = 12;

struct Talkers {
    bytes: TopK,
    rate: Rate,
    peers: Distinct,
    last: Gauge,
    /// Room for a destination's text.
    destination: String,
}

#[weir::script]
impl Script for Talkers {
    const ABOUT: About = About::aggregate("Who sends the most, by process, container, destination")
        .tables(&[BYTES, RATE, PEERS, LAST])
        .calls(&[Call::Sendmsg, Call::Sendmmsg, Call::Sendto, Call::Sendfile, Call::IoUring]);

    fn start(_params: &Params) -> Result<Self, String> {
        Ok(Self {
            bytes: TopK::open(&BYTES),
            rate: Rate::open(&RATE),
            peers: Distinct::open(&PEERS),
            last: Gauge::open(&LAST),
            destination: String::new(),
        })
    }

    fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
        // A negative return is an error: nothing was sent.
        let Ok(sent) = u64::try_from(event.ret()) else { return Verdict::Keep };
        let container = event.container();
        let id = container.as_ref().map_or(&b"-"[..], |container| &container.id);
        let who = (event.comm(), Text::new(&id[..id.len().min(ID_DIGITS)]));
        self.destination.clear();
        write_destination(event, &mut self.destination);
        let destination = self.destination.as_str();
        self.bytes.add((who.0, who.1, destination), sent);
        self.rate.add(who, sent);
        self.last.set(who, sent as i64);
        if destination != NOWHERE {
            self.peers.add(who, destination);
        }
        Verdict::Keep
    }
}

/// The text for a destination that is not known.
const NOWHERE: &str = "-";

fn write_destination(event: &Event, to: &mut String) {
    let socket = event.socket();
    let written = match event.destination() {
        Destination::None | Destination::Unread => match &socket {
            Some(socket) if socket.peer().is_some() => {
                socket.peer().map_or(Ok(()), |peer| write!(to, "{peer}"))
            }
            Some(socket) if socket.peer_process().is_some() => {
                socket.peer_process().map_or(Ok(()), |peer| write!(to, "process {}", peer.pid))
            }
            _ => to.write_str(NOWHERE),
        },
        destination => write!(to, "{destination}"),
    };
    written.expect("memory takes all");
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    #[test]
    fn by_process_container_and_destination() {
        let mut run = Run::<Talkers>::start(&[]).unwrap();
        let id = "8f2a4c6e8f2a4c6e8f2a4c6e8f2a4c6e";
        let calls = [
            Call::new().comm("nginx").container(id, "docker").to("10.0.0.1:443").bytes(100),
            Call::new().comm("nginx").container(id, "docker").to("10.0.0.2:443").bytes(50),
            Call::new().comm("nginx").container(id, "docker").to("10.0.0.1:443").bytes(7),
            Call::new().comm("nginx").to("10.0.0.1:443").error("EPIPE"),
            Call::new().comm("curl").socket(2, 1, 6).peer("10.0.0.9:80").bytes(20),
            Call::new().comm("dbus").socket(1, 1, 0).peer_process(42, 0, 0).bytes(30),
            Call::new().comm("sh").bytes(1),
        ];
        assert_eq!(run.batch(&calls), [Verdict::Keep; 7]);
        assert_eq!(run.flushes(), 4);
        let row = |key: &str, value: u64| (key.to_owned(), vec![value]);
        assert_eq!(
            run.rows("bytes"),
            [
                row("curl, -, 10.0.0.9:80", 20),
                row("dbus, -, process 42", 30),
                row("nginx, 8f2a4c6e8f2a, 10.0.0.1:443", 107),
                row("nginx, 8f2a4c6e8f2a, 10.0.0.2:443", 50),
                row("sh, -, -", 1),
            ]
        );
        assert_eq!(
            run.rows("rate"),
            [
                row("curl, -", 20),
                row("dbus, -", 30),
                row("nginx, 8f2a4c6e8f2a", 157),
                row("sh, -", 1)
            ]
        );
        assert_eq!(run.rows("last")[2], row("nginx, 8f2a4c6e8f2a", 7));
        let peers = run.rows("peers");
        let counts: Vec<_> = peers.iter().map(|(key, items)| (key.as_str(), items.len())).collect();
        assert_eq!(counts, [("curl, -", 1), ("dbus, -", 1), ("nginx, 8f2a4c6e8f2a", 2)]);
    }
}
