//! The iovec table: how many parts, and how many bytes in all.

use std::{io, os::unix::net::UnixDatagram, ptr};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message},
    on_each_backend,
};

fn says(iov: Value, iovlen: usize, bytes: Option<u64>, status: &str) -> Value {
    json!({
        "msg": { "iovlen": iovlen, "bytes": bytes, "iov": iov },
        "status": { "msg": "ok", "msg.bytes": status, "msg.iov": status },
    })
}

#[test]
fn of_any_length() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, to) = UnixDatagram::pair().unwrap();
        for entries in [0, 1, 2, 7, 8, 9, 15, 16, 63, 64, 1023, 1024] {
            let lens: Vec<_> = (0..entries).map(|entry| entry % 17).collect();
            let bytes = lens.iter().sum::<usize>();
            let status = if entries == 0 { "absent" } else { "ok" };
            let message = Message::of(&lens);
            let says = says(message.iov(), entries, Some(bytes as u64), status);
            assert_eq!(calls.send(&from, &message, 0, says).unwrap(), bytes);
            assert_eq!(to.recv(&mut [0; 10_000]).unwrap(), bytes);
        }
        // One more than the kernel takes. It is not read, so not in the sum.
        let message = Message::of(&[3; 1025]);
        let mut too_many = says(message.iov(), 1025, Some(1024 * 3), "truncated");
        too_many["error"] = json!("EMSGSIZE");
        calls.send(&from, &message, 0, too_many).unwrap_err();
        calls.check(weir);
    });
}

#[test]
fn lengths_that_overflow() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        const MOST: u64 = i64::MAX as u64;
        for (lens, bytes) in [
            (&[1 << 40, 1][..], (1 << 40) + 1),
            (&[usize::MAX], MOST),
            (&[usize::MAX, 1], MOST),
            (&[1 << 63, 1 << 63], MOST),
            (&[i64::MAX as usize, 0], MOST),
            (&[i64::MAX as usize, 1], MOST),
        ] {
            let mut message = Message::of(&vec![1; lens.len()]);
            for (part, &len) in lens.iter().enumerate() {
                message.set_len(part, len);
            }
            let says = says(message.iov(), lens.len(), Some(bytes), "ok");
            calls.send(&from, &message, 0, says).unwrap_err();
        }
        calls.check(weir);
    });
}

#[test]
fn that_cannot_be_read() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        let fault = |iovlen| {
            let mut says = says(Value::Null, iovlen, None, "fault");
            says["error"] = json!("EFAULT");
            says
        };
        let mut message = Message::of(&[5]);
        message.header.msg_iov = ptr::without_provenance_mut(8);
        for iovlen in [1, 8, 1024] {
            message.header.msg_iovlen = iovlen;
            calls.send(&from, &message, 0, fault(iovlen)).unwrap_err();
        }

        // Twenty entries at the end of a page, behind which there is none.
        const ENTRIES: usize = 20;
        let pages = Pages::map();
        let table = pages.end_of_first::<libc::iovec>(ENTRIES);
        let payload = [0u8; 5];
        let shown = json!({"base": format!("{:p}", payload.as_ptr()), "len": 5});
        for entry in 0..ENTRIES {
            let part = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: 5 };
            // SAFETY: `table` is of so many entries.
            unsafe { table.add(entry).write(part) };
        }
        message.header.msg_iov = table;
        message.header.msg_iovlen = ENTRIES;
        let whole = says(json!(vec![shown; 16]), ENTRIES, Some(5 * ENTRIES as u64), "ok");
        assert_eq!(calls.send(&from, &message, 0, whole).unwrap(), 5 * ENTRIES);
        for iovlen in [ENTRIES + 1, ENTRIES + 4, 1024] {
            message.header.msg_iovlen = iovlen;
            calls.send(&from, &message, 0, fault(iovlen)).unwrap_err();
        }
        calls.check(weir);
    });
}

/// Two pages, of which the second cannot be read.
struct Pages {
    start: *mut libc::c_void,
    page_bytes: usize,
}

impl Pages {
    fn map() -> Self {
        // SAFETY: the call has no precondition.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        // SAFETY: new memory where the kernel chooses; then without access to its second half.
        unsafe {
            let start = libc::mmap(
                ptr::null_mut(),
                2 * page_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED, "{}", io::Error::last_os_error());
            assert_eq!(libc::mprotect(start.byte_add(page_bytes), page_bytes, libc::PROT_NONE), 0);
            Self { start, page_bytes }
        }
    }

    /// Room for so many values, up to the last byte of the first page.
    fn end_of_first<T>(&self, values: usize) -> *mut T {
        // SAFETY: within the mapping: the values take less than a page.
        unsafe { self.start.byte_add(self.page_bytes - values * size_of::<T>()).cast() }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.start, 2 * self.page_bytes) };
    }
}
