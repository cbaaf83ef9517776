//! The kernel programs: one function per hook, in the order of a call's way.
#![no_std]
#![no_main]
// One atomic add; see `maps::count`.
#![feature(core_intrinsics)]
#![expect(internal_features)]

mod call;
mod enter;
mod files;
mod heap;
mod hooks;
mod iovec;
mod kernel;
mod leave;
mod maps;
mod message;
mod repeat;
mod several;
mod socket;
mod syscall;
mod task;
mod verdict;
mod wanted;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // The verifier refuses a program in which this could be reached.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
