//! `kprobe` backend: entries, where arguments are in registers (net/socket.c, fs/read_write.c,
//! io_uring/net.c). Returns come by `sys_exit`, which has no limit of calls at once, as kretprobes
//! have; those of io_uring and of the messages of sendmmsg by kretprobes.

use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use weir_ebpf::offset;
use weir_sdk::event::{CALL_IO_URING, CALL_RECVMMSG, CALL_SENDMMSG};

use crate::{call, enter, heap::Memory, kernel::field, leave, several, task, verdict};

fn arg(ctx: &ProbeContext, index: usize) -> u64 {
    ctx.arg(index).unwrap_or(0)
}

#[inline(always)]
fn args<const N: usize>(ctx: &ProbeContext) -> [u64; N] {
    let mut args = [0; N];
    for (index, to) in args.iter_mut().enumerate() {
        *to = arg(ctx, index);
    }
    args
}

/// `__sys_sendmsg(int fd, struct user_msghdr __user *msg, unsigned int flags, …)`.
#[kprobe]
fn sendmsg_kprobe(ctx: ProbeContext) -> u32 {
    enter::sendmsg(task::compat(), arg(&ctx, 0) as i32, arg(&ctx, 1), arg(&ctx, 2) as u32, true);
    0
}

/// `__sys_sendmmsg(int fd, struct mmsghdr __user *mmsg, unsigned int vlen, unsigned int flags, …)`.
#[kprobe]
fn sendmmsg_kprobe(ctx: ProbeContext) -> u32 {
    enter::messages(CALL_SENDMMSG, task::compat(), args(&ctx));
    0
}

/// `__sys_sendto(int fd, void __user *buff, size_t len, unsigned int flags,
/// struct sockaddr __user *addr, int addr_len)`.
#[kprobe]
fn sendto_kprobe(ctx: ProbeContext) -> u32 {
    enter::sendto(task::compat(), args(&ctx), true);
    0
}

/// `__sys_recvmsg(int fd, struct user_msghdr __user *msg, unsigned int flags, …)`.
#[kprobe]
fn recvmsg_kprobe(ctx: ProbeContext) -> u32 {
    enter::recvmsg(task::compat(), arg(&ctx, 0) as i32, arg(&ctx, 1), arg(&ctx, 2) as u32);
    0
}

/// `do_recvmmsg(int fd, struct mmsghdr __user *mmsg, unsigned int vlen, unsigned int flags, …)`.
#[kprobe]
fn recvmmsg_kprobe(ctx: ProbeContext) -> u32 {
    enter::messages(CALL_RECVMMSG, task::compat(), args(&ctx));
    0
}

/// `__sys_recvfrom(int fd, void __user *ubuf, size_t size, unsigned int flags,
/// struct sockaddr __user *addr, int __user *addr_len)`.
#[kprobe]
fn recvfrom_kprobe(ctx: ProbeContext) -> u32 {
    enter::recvfrom(task::compat(), args(&ctx));
    0
}

/// `do_sendfile(int out_fd, int in_fd, loff_t *ppos, size_t count, loff_t max)`.
#[kprobe]
fn sendfile_kprobe(ctx: ProbeContext) -> u32 {
    enter::sendfile(task::compat(), args(&ctx), Memory::Kernel);
    0
}

/// `security_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)`.
#[kprobe]
fn used_kprobe(ctx: ProbeContext) -> u32 {
    if let Some(slot) = call::in_flight() {
        // SAFETY: it is this thread's.
        unsafe { verdict::used(slot, arg(&ctx, 0), arg(&ctx, 1)) }
    }
    0
}

/// `___sys_sendmsg(struct socket *sock, struct user_msghdr __user *msg, …)`: a message of sendmmsg.
#[kprobe]
fn message_kprobe(ctx: ProbeContext) -> u32 {
    several::entered(arg(&ctx, 1));
    0
}

/// The return of the same.
#[kretprobe]
fn message_kretprobe(ctx: RetProbeContext) -> u32 {
    several::returned(ctx.ret::<i32>());
    0
}

/// `____sys_sendmsg(struct socket *sock, struct msghdr *msg_sys, …)`.
#[kprobe]
fn copied_kprobe(ctx: ProbeContext) -> u32 {
    if let Some(slot) = call::in_flight() {
        // SAFETY: it is this thread's.
        unsafe { verdict::copied(slot, arg(&ctx, 1)) }
    }
    0
}

/// `io_sendmsg(struct io_kiocb *req, unsigned int issue_flags)`, and `io_send` alike.
#[kprobe]
fn io_send_kprobe(ctx: ProbeContext) -> u32 {
    if let Some(slot) = call::begin(CALL_IO_URING, false, -1, 0, 0) {
        // SAFETY: it is this thread's.
        unsafe {
            (*slot).pending.control = arg(&ctx, 0);
            call::go(slot);
        }
    }
    0
}

/// The return of the same.
#[kretprobe]
fn io_send_kretprobe(ctx: RetProbeContext) -> u32 {
    io_sent(ctx.ret::<i32>());
    0
}

/// io_uring's attempt has ended: with its own result, which is in the request, or not yet.
#[inline(always)]
pub fn io_sent(ret: i32) {
    let Some(slot) = call::in_flight() else { return };
    // SAFETY: it is this thread's; the helper has no precondition.
    unsafe {
        if (*slot).record.head.call != CALL_IO_URING {
            return;
        }
        let result = if ret == 0 {
            field::<i32>((*slot).pending.control, offset::KIOCB_RES).unwrap_or(0)
        } else {
            ret
        };
        leave::one(slot, result.into(), 0, Memory::Kernel);
    }
}
