//! Says all that it sees: the conformance suite compares it with what the host has.

mod fields;
mod parts;

use weir as sdk;
use weir::{
    About, Call, Counter, Event, Histogram, Level, Out, Param, Params, Script, Table, Verdict,
};

const LABELS: &[&str] = &["process", "call"];
const COUNTER: Table = Table::counter("counter", LABELS);
const HISTOGRAM: Table = Table::histogram("histogram", LABELS);

struct Guest {
    counter: Counter,
    histogram: Histogram,
    count: u64,
}

#[weir::script(name = "conformance", version = "1.2.3")]
impl Script for Guest {
    const ABOUT: About = About::filter("what a script sees and does")
        .params(&[Param::string("greeting", "hello", "is logged")])
        .calls(&[Call::Sendmsg, Call::Recvmsg])
        .payload(64)
        .state_version(7);

    fn start(params: &Params) -> Result<Self, String> {
        let greeting = params.string("greeting")?;
        if greeting == "refuse" {
            return Err("told to refuse: grüße".to_owned());
        }
        weir::log(Level::Info, &format!("greeting: {greeting}"));
        if params.string("nothing").is_ok() {
            return Err("there is a parameter that was not declared".to_owned());
        }
        let (counter, histogram) = (Counter::open(&COUNTER), Histogram::open(&HISTOGRAM));
        Ok(Self { counter, histogram, count: 0 })
    }

    fn event(&mut self, event: &Event, out: &mut Out) -> Verdict {
        self.count += 1;
        out.attr("event", fields::of(event));
        out.attr("parts", parts::of(event, event.seq() - 1));
        let bytes = event.bytes().unwrap_or(0);
        self.counter.add((event.comm(), event.call()), bytes);
        self.histogram.record((event.comm(), event.call()), bytes);
        event.error().is_none().into()
    }

    fn tick(&mut self, now_ms: u32) {
        weir::log(Level::Warn, &format!("tick {now_ms}"));
        weir::emit(&format!("{{\"events\":{}}}", self.count));
        let known = weir::process(1000).map_or("none", |_| "known");
        weir::log(Level::Debug, &format!("process: {known}"));
    }

    fn save(&mut self) -> Vec<u8> {
        format!("events={}", self.count).into()
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), String> {
        if version != 7 {
            return Err("the state is not of version 7".to_owned());
        }
        let text = String::from_utf8_lossy(state);
        let number = text.trim_start_matches("events=").parse();
        self.count = number.map_err(|_| "the state has no number".to_owned())?;
        Ok(())
    }
}
