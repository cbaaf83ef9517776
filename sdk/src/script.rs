//! What a script is made of.

use crate::{
    About, Event, Params,
    calls::attr::attr,
    event::{DROP, KEEP},
};

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// It goes on along the pipeline.
    Keep = KEEP,
    /// It ends here.
    Drop = DROP,
}

/// `true` keeps.
impl From<bool> for Verdict {
    fn from(keep: bool) -> Self {
        if keep { Self::Keep } else { Self::Drop }
    }
}

/// Keeps: for functions that only add attributes.
impl From<()> for Verdict {
    fn from((): ()) -> Self {
        Self::Keep
    }
}

/// A script. Put [`#[weir::script]`](macro@crate::script) on the `impl`: it makes the module's exports of it.
pub trait Script: Sized + 'static {
    /// What the script says of itself.
    const ABOUT: About;

    /// Starts the script: reads its parameters, opens its tables. The error is shown to whoever loads it.
    fn start(params: &Params) -> Result<Self, String>;

    /// Looks at an event.
    fn event(&mut self, event: &Event<'_>, out: &mut Out) -> Verdict;

    /// Is called about once a second, batch or no batch. The time is in milliseconds since the pipeline began,
    /// and wraps around.
    fn tick(&mut self, now_ms: u32) {
        _ = now_ms;
    }

    /// What the next version of the script goes on from, when this one is swapped; nothing unless it says so.
    fn save(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Goes on from what the version before saved; it is called after [`Script::start`]. `version` is what that
    /// one's [`About::state_version`] says. An error refuses the state: the script goes on without.
    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), String> {
        _ = (version, state);
        Ok(())
    }
}

/// What a script can add to the event at hand.
#[derive(Debug)]
pub struct Out {
    pub(crate) event: u32,
}

impl Out {
    /// Adds an attribute. Scripts further along the pipeline, the API and the page see it; the last one of a
    /// name counts.
    #[inline]
    pub fn attr(&mut self, name: &str, value: impl AsRef<[u8]>) {
        attr(self.event, name.as_bytes(), value.as_ref());
    }
}
