//! Keeps what root sends, and counts it by process.

use weir::{About, Counter, Event, Out, Params, Script, Table, Verdict};

const CALLS: Table = Table::counter("calls", &["process"]).help("Calls of root");

struct Root {
    calls: Counter,
}

#[weir::script]
impl Script for Root {
    const ABOUT: About = About::filter("Keeps what root sends").tables(&[CALLS]);

    fn start(_: &Params) -> Result<Self, String> {
        Ok(Self { calls: Counter::open(&CALLS) })
    }

    fn event(&mut self, event: &Event, _: &mut Out) -> Verdict {
        if event.uid() != 0 {
            return Verdict::Drop;
        }
        self.calls.add(event.comm(), 1);
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    #[test]
    fn keeps_what_root_sends() {
        let mut run = Run::<Root>::start(&[]).unwrap();
        let verdicts = run.batch(&[Call::new().uid(0).comm("sshd"), Call::new().uid(1000)]);
        assert_eq!(verdicts, [Verdict::Keep, Verdict::Drop]);
        assert_eq!(run.rows("calls"), [("sshd".into(), vec![1])]);
    }
}
