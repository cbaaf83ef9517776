//! What scripts can learn of processes.

use std::{fmt, sync::Arc};

/// Where what is known of a process is asked for. It must answer at once.
#[derive(Clone, Default)]
pub struct Processes(Option<Arc<Ask>>);

type Ask = dyn Fn(u32) -> Option<String> + Send + Sync;

impl Processes {
    /// Asks this function for a JSON object.
    pub fn new(ask: impl Fn(u32) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    pub(super) fn known(&self, pid: u32) -> Option<String> {
        self.0.as_ref().and_then(|ask| ask(pid))
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Processes").finish_non_exhaustive()
    }
}
