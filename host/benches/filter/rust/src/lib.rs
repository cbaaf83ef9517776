//! Keeps what failed: the benchmark's filter.

use weir::{About, Event, Out, Params, Script, Verdict};

struct Filter;

#[weir::script]
impl Script for Filter {
    const ABOUT: About = About::filter("Keeps what failed");

    fn start(_: &Params) -> Result<Self, String> {
        Ok(Self)
    }

    fn event(&mut self, event: &Event, _: &mut Out) -> Verdict {
        event.error().is_some().into()
    }
}
