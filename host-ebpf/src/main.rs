//! The kernel programs: one function per hook, in the order of a call's way.
#![no_std]
#![no_main]
// One atomic add; see `maps::count`.
#![feature(core_intrinsics)]
#![expect(internal_features)]

mod call;
mod maps;
mod read;
mod task;

use aya_ebpf::{
    EbpfContext,
    macros::{kprobe, tracepoint},
    programs::{ProbeContext, TracePointContext},
};

/// `kprobe` backend, entry: `__sys_sendmsg(int fd, struct user_msghdr __user *msg, unsigned int
/// flags, bool forbid_cmsg_compat)` (net/socket.c), where arguments are in registers.
#[kprobe]
fn sendmsg_enter(ctx: ProbeContext) -> u32 {
    if let (Some(fd), Some(msg), Some(flags)) = (ctx.arg(0), ctx.arg(1), ctx.arg(2)) {
        call::enter(fd, msg, flags);
    }
    0
}

/// `tracepoint` backend, entry: `syscalls:sys_enter_sendmsg`. Its record is 8 bytes of common
/// fields, the call's number in 8, then each argument in 8.
#[tracepoint]
fn sys_enter_sendmsg(ctx: TracePointContext) -> u32 {
    let args = ctx.as_ptr().cast::<u64>();
    // SAFETY: the record of a three-argument call holds six words; the verifier checks the size.
    let [fd, msg, flags] = unsafe { [*args.add(2), *args.add(3), *args.add(4)] };
    call::enter(fd as i32, msg, flags as u32);
    0
}

/// Return, both backends: `syscalls:sys_exit_sendmsg`, which has no limit of calls at once, as a
/// kretprobe has.
#[tracepoint]
fn sys_exit_sendmsg(ctx: TracePointContext) -> u32 {
    // SAFETY: common fields, call number, return value: three words.
    let ret = unsafe { *ctx.as_ptr().cast::<i64>().add(2) };
    call::exit(ret);
    0
}

/// `sched:sched_process_exit`: the thread's slot goes with it.
#[tracepoint]
fn thread_exit(_ctx: TracePointContext) -> u32 {
    call::forget(task::tid());
    0
}

/// `sched:sched_process_exec`: a thread that is not the first takes the first one's id on exec;
/// the slot under its old id goes. Fields: filename (4 bytes at 8), pid (at 12), old_pid (at 16).
#[tracepoint]
fn thread_exec(ctx: TracePointContext) -> u32 {
    // SAFETY: the record's fixed part is 20 bytes.
    let old = unsafe { *ctx.as_ptr().cast::<u32>().add(4) };
    if old != task::tid() {
        call::forget(old);
    }
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // The verifier refuses a program in which this could be reached.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
