//! Calls as the raw tracepoints `sys_enter` and `sys_exit` show them (include/trace/events/syscalls.h):
//! all calls of all processes pass here, so the first thing is to let the others go.
//!
//! Numbers and registers are x86-64's.

use aya_ebpf::{helpers::bpf_probe_read_kernel, programs::RawTracePointContext};
use weir_sdk::event::{
    CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE, CALL_SENDMMSG, CALL_SENDMSG,
    CALL_SENDTO,
};

use crate::{heap::Memory, task};

/// Registers in `struct pt_regs`, by number from its start (arch/x86/include/asm/ptrace.h).
const ORIG_AX: usize = 15;
const ARGS: [usize; 6] = [14, 13, 12, 7, 9, 8];
const COMPAT_ARGS: [usize; 6] = [5, 11, 12, 13, 14, 4];
/// The arguments are among those from here to before `ORIG_AX`.
const FIRST: usize = 4;
const LOWER_HALF: u64 = 0xffff_ffff;

/// A multiplexer of old 32-bit programs: `socketcall` (arch/x86/entry/syscalls/syscall_32.tbl).
const SOCKETCALL: u64 = 102;
/// The `sendfile` of 32-bit programs, whose offset is of 4 bytes (the same table).
const SENDFILE_32: u64 = 187;

/// Which `CALL_*` a number of the 64-bit interface is (arch/x86/entry/syscalls/syscall_64.tbl).
#[inline(always)]
fn native(number: u64) -> u16 {
    match number {
        40 => CALL_SENDFILE,
        44 => CALL_SENDTO,
        45 => CALL_RECVFROM,
        46 => CALL_SENDMSG,
        47 => CALL_RECVMSG,
        299 => CALL_RECVMMSG,
        307 => CALL_SENDMMSG,
        _ => 0,
    }
}

/// Which `CALL_*` a number of the 32-bit interface is (arch/x86/entry/syscalls/syscall_32.tbl).
#[inline(always)]
fn compat(number: u64) -> u16 {
    match number {
        SENDFILE_32 | 239 => CALL_SENDFILE,
        337 | 417 => CALL_RECVMMSG,
        345 => CALL_SENDMMSG,
        369 => CALL_SENDTO,
        370 => CALL_SENDMSG,
        371 => CALL_RECVFROM,
        372 => CALL_RECVMSG,
        _ => 0,
    }
}

/// At `sys_enter`: which of the calls this is, 0 for another.
#[inline(always)]
pub fn entered(ctx: &RawTracePointContext) -> u16 {
    let number: u64 = ctx.arg(1);
    let (native, compat) = (native(number), compat(number));
    if native | compat == 0 {
        return 0;
    }
    if task::compat() { compat } else { native }
}

/// At `sys_exit`: whether it may be one of the calls; the thread's slot knows.
#[inline(always)]
pub fn may_be_ours(ctx: &RawTracePointContext) -> bool {
    let number = register(ctx, ORIG_AX);
    native(number) | compat(number) != 0 || number == SOCKETCALL
}

/// Whether the call is of the 32-bit interface, and its arguments.
#[inline(always)]
pub fn args(ctx: &RawTracePointContext) -> (bool, [u64; 6]) {
    let registers: u64 = ctx.arg(0);
    // SAFETY: the helper checks the address.
    let read = unsafe {
        bpf_probe_read_kernel((registers + 8 * FIRST as u64) as *const [u64; ORIG_AX - FIRST])
    };
    let registers = read.unwrap_or([0; ORIG_AX - FIRST]);
    if task::compat() {
        // The upper halves are whatever the program left there.
        (true, COMPAT_ARGS.map(|at| registers[at - FIRST] & LOWER_HALF))
    } else {
        (false, ARGS.map(|at| registers[at - FIRST]))
    }
}

/// At `sys_enter`: where sendfile's offset is.
#[inline(always)]
pub fn memory(number: u64) -> Memory {
    // In the 64-bit interface this number is none of the calls.
    if number == SENDFILE_32 { Memory::NarrowUser } else { Memory::User }
}

/// At `sys_exit`: the third argument, which the caller's registers still hold, and where it points to
/// if that is sendfile's offset.
#[inline(always)]
pub fn third(ctx: &RawTracePointContext, compat: bool) -> (u64, Memory) {
    let mask = if compat { LOWER_HALF } else { u64::MAX };
    (register(ctx, ARGS[2]) & mask, memory(register(ctx, ORIG_AX)))
}

#[inline(always)]
fn register(ctx: &RawTracePointContext, number: usize) -> u64 {
    let registers: u64 = ctx.arg(0);
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_kernel((registers + 8 * number as u64) as *const u64) }.unwrap_or(0)
}
