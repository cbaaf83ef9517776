//! The kernel side as it is seen from outside: calls made here, on a real kernel, and the events
//! that `weir run` makes of them. Needs root.

mod calls;
mod guest;
mod live;

#[path = "kernel/backend.rs"]
mod backend;
#[path = "kernel/bad.rs"]
mod bad;
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
#[path = "kernel/honest.rs"]
mod honest;
#[path = "kernel/io_uring.rs"]
mod io_uring;
#[path = "kernel/iovec.rs"]
mod iovec;
#[path = "kernel/late.rs"]
mod late;
#[path = "kernel/outcome.rs"]
mod outcome;
#[path = "kernel/payload.rs"]
mod payload;
#[path = "kernel/process.rs"]
mod process;
#[path = "kernel/race.rs"]
mod race;
#[path = "kernel/receive.rs"]
mod receive;
#[path = "kernel/receive_more.rs"]
mod receive_more;
#[path = "kernel/sendfile.rs"]
mod sendfile;
#[path = "kernel/sendmmsg.rs"]
mod sendmmsg;
#[path = "kernel/sendto.rs"]
mod sendto;
#[path = "kernel/shared.rs"]
mod shared;
#[path = "kernel/slow_page.rs"]
mod slow_page;
#[path = "kernel/socket.rs"]
mod socket;
#[path = "kernel/wanted.rs"]
mod wanted;
#[path = "kernel/workload.rs"]
mod workload;

use shared::{alone, of_all_calls, on_each_backend};
