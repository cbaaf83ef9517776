//! `fentry` backend: the same functions as with kprobes, by trampolines, which cost least. Returns
//! by fexit, but for sendmmsg and recvmmsg, which have more to tell at return and use `sys_exit`;
//! io_uring's sends are seen by the kprobe, whose one program goes to several functions.

use aya_ebpf::{
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use weir_ebpf::Slot;
use weir_sdk::event::{CALL_RECVMMSG, CALL_SENDMMSG};

use crate::{call, enter, heap::Memory, leave, several, task, verdict};

/// `__sys_sendmsg`.
#[fentry]
fn sendmsg_fentry(ctx: FEntryContext) -> u32 {
    enter::sendmsg(task::compat(), ctx.arg(0), ctx.arg(1), ctx.arg(2), true);
    0
}

/// Return of `__sys_sendmsg`, of four arguments.
#[fexit]
fn sendmsg_fexit(ctx: FExitContext) -> u32 {
    returned(ctx.arg(4), 0);
    0
}

/// `__sys_sendmmsg`.
#[fentry]
fn sendmmsg_fentry(ctx: FEntryContext) -> u32 {
    enter::messages(CALL_SENDMMSG, task::compat(), [0, 1, 2, 3].map(|index| ctx.arg(index)));
    0
}

/// `__sys_sendto`.
#[fentry]
fn sendto_fentry(ctx: FEntryContext) -> u32 {
    enter::sendto(task::compat(), [0, 1, 2, 3, 4, 5].map(|index| ctx.arg(index)), true);
    0
}

/// Return of `__sys_sendto`, of six arguments.
#[fexit]
fn sendto_fexit(ctx: FExitContext) -> u32 {
    returned(i64::from(ctx.arg::<i32>(6)), 0);
    0
}

/// `__sys_recvmsg`.
#[fentry]
fn recvmsg_fentry(ctx: FEntryContext) -> u32 {
    enter::recvmsg(task::compat(), ctx.arg(0), ctx.arg(1), ctx.arg(2));
    0
}

/// Return of `__sys_recvmsg`, of four arguments.
#[fexit]
fn recvmsg_fexit(ctx: FExitContext) -> u32 {
    returned(ctx.arg(4), 0);
    0
}

/// `do_recvmmsg`.
#[fentry]
fn recvmmsg_fentry(ctx: FEntryContext) -> u32 {
    enter::messages(CALL_RECVMMSG, task::compat(), [0, 1, 2, 3].map(|index| ctx.arg(index)));
    0
}

/// `__sys_recvfrom`.
#[fentry]
fn recvfrom_fentry(ctx: FEntryContext) -> u32 {
    enter::recvfrom(task::compat(), [0, 1, 2, 3, 4, 5].map(|index| ctx.arg(index)));
    0
}

/// Return of `__sys_recvfrom`, of six arguments.
#[fexit]
fn recvfrom_fexit(ctx: FExitContext) -> u32 {
    returned(i64::from(ctx.arg::<i32>(6)), 0);
    0
}

/// `do_sendfile`.
#[fentry]
fn sendfile_fentry(ctx: FEntryContext) -> u32 {
    let args = [0, 1, 2, 3].map(|index| ctx.arg(index));
    enter::sendfile(task::compat(), args, Memory::Kernel);
    0
}

/// Return of `do_sendfile`, of five arguments; the third is where it put the offset.
#[fexit]
fn sendfile_fexit(ctx: FExitContext) -> u32 {
    returned(ctx.arg(5), ctx.arg(2));
    0
}

/// `___sys_sendmsg`: a message of sendmmsg.
#[fentry]
fn message_fentry(ctx: FEntryContext) -> u32 {
    several::entered(ctx.arg(1));
    0
}

/// Return of `___sys_sendmsg`, of six arguments.
#[fexit]
fn message_fexit(ctx: FExitContext) -> u32 {
    several::returned(ctx.arg(6));
    0
}

/// `____sys_sendmsg`.
#[fentry]
fn copied_fentry(ctx: FEntryContext) -> u32 {
    if let Some(slot) = call::in_flight() {
        // SAFETY: it is this thread's.
        unsafe { verdict::copied(slot, ctx.arg(1)) }
    }
    0
}

/// `security_socket_sendmsg`.
#[fentry]
fn used_fentry(ctx: FEntryContext) -> u32 {
    if let Some(slot) = call::in_flight() {
        // SAFETY: it is this thread's.
        unsafe { verdict::used(slot, ctx.arg(0), ctx.arg(1)) }
    }
    0
}

#[inline(always)]
fn returned(ret: i64, place: u64) {
    let slot: Option<*mut Slot> = call::in_flight();
    if let Some(slot) = slot {
        // SAFETY: it is this thread's.
        unsafe { leave::one(slot, ret, place, Memory::Kernel) }
    }
}
