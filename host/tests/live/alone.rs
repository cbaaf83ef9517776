//! Tests that count calls, and what would disturb them.

use std::{
    cell::Cell,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

static STARTS: RwLock<()> = RwLock::new(());

thread_local! {
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// As long as it is held no other test holds one, and none starts a weir.
pub struct Alone(RwLockWriteGuard<'static, ()>);

/// For a test that counts events: the pipeline `own` keeps those of this process and of its children, and
/// each weir makes a call when it starts.
pub fn alone() -> Alone {
    let lock = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    HERE.set(true);
    Alone(lock)
}

impl Drop for Alone {
    fn drop(&mut self) {
        HERE.set(false);
    }
}

/// Held while a weir starts.
pub fn starting() -> Option<RwLockReadGuard<'static, ()>> {
    (!HERE.get()).then(|| STARTS.read().unwrap_or_else(PoisonError::into_inner))
}
