//! The kernel side as it is seen from outside: calls made here, on a real kernel, and the events
//! that `weir run` makes of them. Needs root.

mod calls;
mod guest;
mod live;

#[path = "kernel/backend.rs"]
mod backend;
#[path = "kernel/blocking.rs"]
mod blocking;
// int 0x80 is this processor's.
#[cfg(target_arch = "x86_64")]
#[path = "kernel/compat.rs"]
mod compat;
#[path = "kernel/destination.rs"]
mod destination;
#[path = "kernel/header.rs"]
mod header;
#[path = "kernel/iovec.rs"]
mod iovec;
#[path = "kernel/outcome.rs"]
mod outcome;
#[path = "kernel/process.rs"]
mod process;
#[path = "kernel/workload.rs"]
mod workload;

use live::Weir;

/// Runs a test on every backend that this kernel can have.
fn on_each_backend(test: impl Fn(&Weir)) {
    for backend in live::backends() {
        let weir = Weir::start(["--backend", backend]);
        assert_eq!(weir.get("/api/v1/status")["backend"]["name"], backend);
        test(&weir);
        weir.stop();
    }
}
