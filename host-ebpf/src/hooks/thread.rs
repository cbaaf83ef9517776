//! What becomes of threads, both by raw tracepoints (include/trace/events/sched.h).

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};

use weir_ebpf::{EXECUTED, EXITED};

use crate::{call, task};

/// `sched_process_exit(struct task_struct *p, …)`: the thread's slot goes with it, and
/// the host is told when it was the process's last.
#[raw_tracepoint]
fn thread_exit(_ctx: RawTracePointContext) -> i32 {
    call::forget(task::tid());
    if task::is_last() {
        call::notice(EXITED);
    }
    0
}

/// `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`: a thread
/// that is not the first takes the first one's id on exec; the slot under its old id goes.
/// The host is told, since the process is another program now.
#[raw_tracepoint]
fn thread_exec(ctx: RawTracePointContext) -> i32 {
    let old: u32 = ctx.arg(1);
    if old != task::tid() {
        call::forget(old);
    }
    call::notice(EXECUTED);
    0
}
