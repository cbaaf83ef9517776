//! Keeps calls that failed, and slow ones if asked to.

use weir::{About, Call, Errno, Event, Out, Param, Params, Script, Verdict};

struct Errors {
    /// Errors that are no reason to keep a call.
    ignore: Vec<Errno>,
    /// A call that takes longer is kept, whatever it returned.
    slower_than_ns: u64,
}

#[weir::script]
impl Script for Errors {
    const ABOUT: About = About::filter("Keeps calls that failed, and slow ones if asked to")
        .params(&[
            Param::string("ignore", "EAGAIN", "errors that do not count, as in `EAGAIN,EPIPE`"),
            Param::duration(
                "slower_than",
                "",
                "keep calls that take longer as well; empty for off",
            ),
        ])
        .calls(&[Call::Sendmsg, Call::Sendmmsg, Call::Sendto]);

    fn start(params: &Params) -> Result<Self, String> {
        let slower_than = params.optional_duration("slower_than")?;
        Ok(Self {
            ignore: errors(&params.string("ignore")?)?,
            slower_than_ns: slower_than.map_or(u64::MAX, |time| time.as_nanos() as u64),
        })
    }

    fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
        let failed = event.error().is_some_and(|error| !self.ignore.contains(&error));
        (failed || event.duration_ns() > self.slower_than_ns).into()
    }
}

/// Errors by name or number, between commas.
fn errors(list: &str) -> Result<Vec<Errno>, String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            Errno::from_name(name).ok_or_else(|| {
                format!(
                    "parameter `ignore`: no error is named `{name}`: \
                     write names of errno(3) between commas, as in EAGAIN,EPIPE"
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    fn kept(params: &[(&str, &str)]) -> Vec<usize> {
        let calls = [
            Call::new(),
            Call::new().error("EAGAIN"),
            Call::new().error("ECONNREFUSED"),
            Call::new().duration_ns(20_000_000),
            Call::new().error("EPIPE"),
        ];
        let verdicts = Run::<Errors>::start(params).unwrap().batch(&calls);
        (0..calls.len()).filter(|&index| verdicts[index] == Verdict::Keep).collect()
    }

    #[test]
    fn keeps_failures_but_not_those_that_are_everyday() {
        assert_eq!(kept(&[]), [2, 4]);
        assert_eq!(kept(&[("ignore", "")]), [1, 2, 4]);
        assert_eq!(kept(&[("ignore", "EAGAIN, 32")]), [2]);
    }

    #[test]
    fn keeps_slow_calls_if_asked_to() {
        assert_eq!(kept(&[("slower_than", "10ms")]), [2, 3, 4]);
        assert_eq!(kept(&[("slower_than", "20ms")]), [2, 4]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let refused = |name, value| Run::<Errors>::start(&[(name, value)]).err().unwrap();
        assert!(refused("ignore", "EAGAIN,EWHATEVER").contains("no error is named `EWHATEVER`"));
        assert!(refused("slower_than", "soon").contains("`soon` is not a time"));
    }
}
