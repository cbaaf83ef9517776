//! The raw tracepoints of system calls: `sys_enter` is the entry of the `tracepoint` backend,
//! `sys_exit` the return of it, of kprobes, and of what fexit cannot tell.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use weir_sdk::event::{CALL_RECVMMSG, CALL_SENDMMSG};

use crate::{call, enter, leave, maps::ENTRIES, several, syscall};

/// `sys_enter(struct pt_regs *regs, long id)`: goes on to the program of the call, if it is wanted.
#[raw_tracepoint]
fn sys_enter(ctx: RawTracePointContext) -> i32 {
    let call = syscall::entered(&ctx);
    if call != 0 {
        // SAFETY: nothing here is to be dropped.
        unsafe { ENTRIES.tail_call(&ctx, call.into()) };
    }
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn sendmsg_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, [fd, msg, flags, ..]) = syscall::args(&ctx);
    enter::sendmsg(compat, fd as i32, msg, flags as u32, false);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn sendmmsg_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, [fd, messages, vlen, flags, ..]) = syscall::args(&ctx);
    enter::messages(CALL_SENDMMSG, compat, [fd, messages, vlen, flags]);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn sendto_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, args) = syscall::args(&ctx);
    enter::sendto(compat, args, false);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn recvmsg_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, [fd, msg, flags, ..]) = syscall::args(&ctx);
    enter::recvmsg(compat, fd as i32, msg, flags as u32);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn recvmmsg_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, [fd, messages, vlen, flags, ..]) = syscall::args(&ctx);
    enter::messages(CALL_RECVMMSG, compat, [fd, messages, vlen, flags]);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn recvfrom_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, args) = syscall::args(&ctx);
    enter::recvfrom(compat, args);
    0
}

/// Goes on from `sys_enter`.
#[raw_tracepoint]
fn sendfile_entry(ctx: RawTracePointContext) -> i32 {
    let (compat, [out, input, place, count, ..]) = syscall::args(&ctx);
    enter::sendfile(compat, [out, input, place, count], syscall::memory(ctx.arg(1)));
    0
}

/// `sys_exit(struct pt_regs *regs, long ret)`.
#[raw_tracepoint]
fn sys_exit(ctx: RawTracePointContext) -> i32 {
    if !syscall::may_be_ours(&ctx) {
        return 0;
    }
    let Some(slot) = call::in_flight() else { return 0 };
    let ret: i64 = ctx.arg(1);
    // SAFETY: it is this thread's.
    unsafe {
        let call = (*slot).record.head.call;
        if call == CALL_SENDMMSG || call == CALL_RECVMMSG {
            several::ended(slot, ret);
        } else {
            let (place, memory) = syscall::third(&ctx, (*slot).record.head.compat != 0);
            leave::one(slot, ret, place, memory);
        }
    }
    0
}
