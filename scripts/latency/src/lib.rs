//! Counts calls and bytes, and tells how long calls take, per process and service.

use weir::{About, Call, Counter, Event, Histogram, Out, Params, Script, Table, Verdict};

const LABELS: &[&str] = &["process", "service"];
const CALLS: Table = Table::counter("calls", LABELS).help("Calls");
const BYTES: Table = Table::counter("bytes", LABELS).unit("By").help("Bytes sent");
const DURATION: Table =
    Table::histogram("duration", LABELS).unit("ns").help("Time from entry to return");

struct Latency {
    calls: Counter,
    bytes: Counter,
    duration: Histogram,
}

#[weir::script]
impl Script for Latency {
    const ABOUT: About = About::aggregate("Calls, bytes and durations per process and service")
        .tables(&[CALLS, BYTES, DURATION])
        .calls(&[Call::Sendmsg]);

    fn start(_params: &Params) -> Result<Self, String> {
        Ok(Self {
            calls: Counter::open(&CALLS),
            bytes: Counter::open(&BYTES),
            duration: Histogram::open(&DURATION),
        })
    }

    fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
        // An enricher before this one may have added it.
        let key = (event.comm(), event.attr("service").unwrap_or("-"));
        self.calls.add(key, 1);
        // A negative return is an error: nothing was sent.
        self.bytes.add(key, u64::try_from(event.ret()).unwrap_or(0));
        self.duration.record(key, event.duration_ns());
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    #[test]
    fn per_process_and_service() {
        let mut run = Run::<Latency>::start(&[]).unwrap();
        let calls = [
            Call::new().comm("named").attr("service", "dns").bytes(100).duration_ns(2_000),
            Call::new().comm("named").attr("service", "dns").bytes(50).duration_ns(1_000),
            Call::new().comm("named").error("EPIPE").duration_ns(700),
            Call::new().comm("curl").bytes(1).duration_ns(500),
        ];
        assert_eq!(run.batch(&calls), [Verdict::Keep; 4]);
        let row = |key: &str, values: &[u64]| (key.to_owned(), values.to_vec());
        assert_eq!(
            run.rows("calls"),
            [row("curl, -", &[1]), row("named, -", &[1]), row("named, dns", &[2])]
        );
        assert_eq!(
            run.rows("bytes"),
            [row("curl, -", &[1]), row("named, -", &[0]), row("named, dns", &[150])]
        );
        assert_eq!(
            run.rows("duration"),
            [row("curl, -", &[500]), row("named, -", &[700]), row("named, dns", &[2_000, 1_000])]
        );
        run.batch(&calls);
        assert_eq!(run.rows("calls")[0], row("curl, -", &[2]));
    }
}
