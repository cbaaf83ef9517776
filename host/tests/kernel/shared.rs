//! One weir per backend for all tests that can share it: in an emulated machine it takes seconds
//! until a kernel has verified its programs.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::live::{self, Weir};

/// All system calls that can be wanted.
pub const ALL_CALLS: &[&str] =
    &["sendmsg", "sendmmsg", "sendto", "recvmsg", "recvmmsg", "recvfrom", "sendfile"];
/// Most payload that can be wanted, in bytes.
const ALL_PAYLOAD: usize = 4096;

/// Those that run, by backend and by whether they want all.
static RUNNING: Mutex<BTreeMap<(&str, bool), Arc<Weir>>> = Mutex::new(BTreeMap::new());

/// Runs a test on every backend that this kernel can have, where sendmsg is wanted without payload.
pub fn on_each_backend(test: impl Fn(&Weir)) {
    live::backends().into_iter().for_each(|backend| with(backend, false, &test));
}

/// The same where every call is wanted with as much payload as can be.
pub fn of_all_calls(test: impl Fn(&Weir)) {
    live::backends().into_iter().for_each(|backend| with(backend, true, &test));
}

/// The same with these calls, sendmsg among them, and so much payload, for tests that change what
/// is wanted or look at nothing else.
pub fn alone(calls: &[&str], payload: usize, test: impl Fn(&Weir)) {
    for backend in live::backends() {
        let weir = start(backend, calls, payload);
        test(&weir);
        weir.stop();
    }
}

fn start(backend: &str, calls: &[&str], payload: usize) -> Weir {
    // Scripts that are loaded later may want payload.
    let shown = (payload == 0).then_some("--show-payload");
    let args = ["--backend", backend].into_iter().chain(shown);
    let weir = Weir::start_wanting(calls, payload, args);
    assert_eq!(weir.get("/api/v1/status")["backend"]["name"], backend);
    weir
}

fn with(backend: &'static str, all: bool, test: impl Fn(&Weir)) {
    let weir = {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_empty() {
            // SAFETY: the function stays for as long as the process.
            assert_eq!(unsafe { libc::atexit(stop_all) }, 0);
        }
        let start = || match all {
            true => start(backend, ALL_CALLS, ALL_PAYLOAD),
            false => start(backend, &["sendmsg"], 0),
        };
        running.entry((backend, all)).or_insert_with(|| Arc::new(start())).clone()
    };
    let weir = Shown(weir);
    test(&weir.0);
    // Whatever happens in it, every call is in one row.
    weir.0.ledger();
}

/// Shows what weir said when a test fails.
struct Shown(Arc<Weir>);

impl Drop for Shown {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("stderr of weir:\n{}", self.0.stderr());
        }
    }
}

/// Stops all with their accounts checked. A panic here ends the process with a signal, which is a
/// failure of the tests, too.
extern "C" fn stop_all() {
    let running = mem::take(&mut *RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
    for weir in running.into_values().filter_map(Arc::into_inner) {
        weir.stop();
    }
}
