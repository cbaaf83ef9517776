//! Calls of 32-bit programs: each backend says what it cannot see of them, and this is that.

use std::{arch::asm, io, ptr};

use serde_json::json;

use crate::{
    calls::{assert_says, sendmsg, settle},
    live::row,
    on_each_backend,
};

#[test]
fn a_call_of_the_32_bit_interface() {
    on_each_backend(|weir| {
        const FD: i32 = -4712;
        settle(weir);
        let before = weir.ledger();
        // SAFETY: the child makes system calls only, and leaves without running anything else.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "{}", io::Error::last_os_error());
        if child == 0 {
            // SAFETY: a descriptor that nobody has: the call fails before it reads anything.
            unsafe { sendmsg_32(-1) };
            _ = sendmsg(FD, ptr::null(), 0);
            // SAFETY: nothing of this copy of the process is to be cleaned up.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: own child, waited for once.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        if libc::WIFSIGNALED(status) {
            return eprintln!("skipped: this kernel has no 32-bit interface");
        }
        settle(weir);
        let events = weir.events("own", |event| event["process"]["pid"] == child);
        let [event] = &events[..] else { panic!("not one event: {events:#?}") };
        assert_says(event, &json!({"fd": FD, "error": "EBADF", "flags": []}));

        let after = weir.ledger();
        let more =
            |name: &str| row(&after["unpaired_by"], name) - row(&before["unpaired_by"], name);
        let seen = match weir.get("/api/v1/status")["backend"]["name"].as_str().unwrap() {
            // It entered and did not return before the next call of its thread.
            "kprobe" => 1,
            _ => 0,
        };
        assert_eq!((more("overwritten"), more("no_slot"), more("thread_exit")), (seen, 0, 0));
    });
}

/// Number of sendmsg in the 32-bit interface (arch/x86/entry/syscalls/syscall_32.tbl).
const SENDMSG_32: u32 = 370;

/// Makes the call with no message.
///
/// # Safety
///
/// As for the call itself, of which this is one.
unsafe fn sendmsg_32(fd: i32) {
    // SAFETY: the interrupt makes a system call and changes nothing but eax, or ends the process
    // where there is no such interface. rbx holds the first argument, and cannot be named here.
    unsafe {
        asm!(
            "xchg rbx, {fd}",
            "int 0x80",
            "xchg rbx, {fd}",
            fd = inout(reg) i64::from(fd) => _,
            inout("eax") SENDMSG_32 => _,
            in("ecx") 0,
            in("edx") 0,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
}
