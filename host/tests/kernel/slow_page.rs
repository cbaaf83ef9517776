//! A race that is won every time: a part of the message lies on a page that is not there until a
//! thread of the test brings it, in the middle of the call, and changes another part meanwhile.

use std::{
    io,
    net::UdpSocket,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixDatagram},
    },
    ptr, slice,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
    thread,
};

use serde_json::{Value, json};

use crate::{
    calls::{Message, assert_says, inet, own_events, sendmsg, settle, tid},
    live::{Weir, wait_for},
    on_each_backend,
    race::{VALUE_AT, cmsg, receiver, ttl_of_next},
};

/// Sends of each kind.
const SENDS: usize = 50;

/// ioctls and structs of userfaultfd(2) (include/uapi/linux/userfaultfd.h).
const UFFD_API: u64 = 0xaa;
const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFDIO_COPY: u64 = 0xc028_aa03;
const REGISTER_MISSING: u64 = 1;
const PAGE: usize = 4096;

/// A page that is brought when it is first looked at by the caller or the kernel.
struct SlowPage {
    at: *mut u8,
    faults: OwnedFd,
}

// SAFETY: the page is the value's own.
unsafe impl Sync for SlowPage {}

impl SlowPage {
    /// One, unless this kernel has none or refuses.
    fn new() -> Option<Self> {
        // SAFETY: the calls check their arguments, which are as the kernel defines them.
        unsafe {
            let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) as i32;
            if fd < 0 {
                let error = io::Error::last_os_error();
                assert!(matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)));
                eprintln!("skipped: this kernel has no userfaultfd: {error}");
                return None;
            }
            let faults = OwnedFd::from_raw_fd(fd);
            ioctl(&faults, UFFDIO_API, &mut [UFFD_API, 0, 0]);
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let at = libc::mmap(ptr::null_mut(), PAGE, access, kind, -1, 0);
            assert_ne!(at, libc::MAP_FAILED);
            ioctl(&faults, UFFDIO_REGISTER, &mut [at as u64, PAGE as u64, REGISTER_MISSING, 0]);
            Some(Self { at: at.cast(), faults })
        }
    }

    /// Waits until somebody wants the page, does what is to be done, and brings it.
    fn bring(&self, content: &[u8], meanwhile: impl FnOnce()) {
        let mut message = [0u64; 4];
        // SAFETY: a fault is told in 32 bytes.
        let read = unsafe { libc::read(self.faults.as_raw_fd(), message.as_mut_ptr().cast(), 32) };
        assert_eq!(read, 32, "{}", io::Error::last_os_error());
        meanwhile();
        let mut page = [0u8; PAGE];
        page[..content.len()].copy_from_slice(content);
        // SAFETY: the page is copied from one of its size.
        unsafe {
            let copy = &mut [self.at as u64, page.as_ptr() as u64, PAGE as u64, 0, 0];
            ioctl(&self.faults, UFFDIO_COPY, copy);
        }
    }

    /// Takes the page away again.
    fn forget(&self) {
        // SAFETY: the page is the value's own, and nobody holds a reference to it.
        assert_eq!(unsafe { libc::madvise(self.at.cast(), PAGE, libc::MADV_DONTNEED) }, 0);
    }
}

impl Drop for SlowPage {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.at.cast(), PAGE) };
    }
}

/// # Safety
///
/// `words` are the struct that the request takes.
unsafe fn ioctl(fd: &OwnedFd, request: u64, words: &mut [u64]) {
    // SAFETY: the caller vouches for the struct.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, words.as_mut_ptr()) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// A number in the message's control message, to change while the message is being sent.
fn value(message: &Message) -> &AtomicI32 {
    // SAFETY: it lies within what the message owns, is aligned, and is changed by atomic stores only.
    unsafe { AtomicI32::from_ptr(message.header.msg_control.byte_add(VALUE_AT).cast()) }
}

/// Sends the message, whose iovec table is moved to the page, and changes the value meanwhile.
fn send(from: &impl AsRawFd, message: &mut Message, page: &SlowPage, after: i32) {
    let table = message.header.msg_iov;
    // SAFETY: the table has one entry.
    let content = unsafe { slice::from_raw_parts(table.cast::<u8>(), size_of::<libc::iovec>()) };
    message.header.msg_iov = page.at.cast();
    let (value, header) = (value(message), message.ptr());
    thread::scope(|scope| {
        scope.spawn(|| page.bring(content, || value.store(after, Relaxed)));
        assert_eq!(sendmsg(from.as_raw_fd(), header, 0).unwrap(), 8);
    });
    page.forget();
    message.header.msg_iov = table;
}

/// The events of this thread's calls.
fn own(weir: &Weir) -> Vec<Value> {
    let mut events = own_events(weir);
    events.retain(|event| event["process"]["tid"] == tid());
    events
}

/// The verdict of a backend that has one.
fn verdict(backend: &Value, verdict: &str) -> Value {
    if backend == "tracepoint" { Value::Null } else { json!(verdict) }
}

#[test]
fn the_verdict_is_what_happened() {
    let Some(page) = SlowPage::new() else { return };
    on_each_backend(|weir| {
        let backend = weir.get("/api/v1/status")["backend"]["name"].take();
        a_number_is_changed(weir, &backend, &page);
        a_descriptor_is_changed(weir, &backend, &page);
        an_address_that_comes_late_is_unread(weir, &backend, &page);
    });
}

fn a_number_is_changed(weir: &Weir, backend: &Value, page: &SlowPage) {
    let before = own(weir).len();
    let to = receiver();
    let from = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let name = inet(to.local_addr().unwrap());
    let mut message = Message::of(&[8]).to(&name).control(&cmsg(libc::SOL_IP, libc::IP_TTL, 1));
    for send_number in 0..SENDS as i32 {
        // Every other time to what it is: a change that is none.
        let (before, after) = (send_number + 1, send_number + 1 + send_number % 2);
        value(&message).store(before, Relaxed);
        send(&from, &mut message, page, after);
        assert_eq!(wait_for("datagram", || ttl_of_next(&to)), after);
    }
    settle(weir);
    let events = own(weir).split_off(before);
    assert_eq!(events.len(), SENDS);
    for (send_number, event) in events.iter().enumerate() {
        let (before, after) = (send_number + 1, send_number + 1 + send_number % 2);
        let control = |ttl| json!([{"level": "SOL_IP", "type": "IP_TTL", "value": ttl}]);
        let says = json!({
            "ret": 8, "msg": {"control": control(before), "bytes": 8},
            // The table could not be read at entry, so not all can be the same.
            "toctou": verdict(backend, if before == after { "unread" } else { "changed" }),
            "fields": {
                "msg.bytes": {"status": "ok", "read": "exit"},
                "msg.control": {"status": "ok", "read": "entry"},
            },
        });
        assert_says(event, &says);
        if event["toctou"] == "changed" {
            let kernel = json!({
                "name": event["msg"]["name"], "namelen": 16, "bytes": 8,
                "control": control(after),
            });
            assert_eq!(event["kernel"], kernel, "{event:#}");
        } else {
            assert_eq!(event["kernel"], Value::Null, "{event:#}");
        }
    }
    eprintln!("{backend}: {} numbers changed in {SENDS} sends", SENDS / 2);
}

fn a_descriptor_is_changed(weir: &Weir, backend: &Value, page: &SlowPage) {
    let files = [(); 2].map(|()| tempfile::NamedTempFile::new().unwrap());
    let fds = files.each_ref().map(AsRawFd::as_raw_fd);
    let before = own(weir).len();
    let (from, to) = UnixDatagram::pair().unwrap();
    let rights = cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, fds[0]);
    let mut message = Message::of(&[8]).control(&rights);
    send(&from, &mut message, page, fds[1]);
    assert_eq!(inode_of_received(&to), files[1].as_file().metadata().unwrap().ino());
    settle(weir);
    let events = own(weir).split_off(before);
    let [event] = &events[..] else { panic!("not one event: {events:#?}") };
    let shown = json!([{"fd": fds[0], "file": files[0].path()}]);
    let control = &event["msg"]["control"][0];
    assert_says(control, &json!({"type": "SCM_RIGHTS", "fds": shown}));
    assert_eq!(event["toctou"], verdict(backend, "changed"), "{event:#}");
    if backend != "tracepoint" {
        assert_says(&event["kernel"], &json!({"name": null, "namelen": 0, "bytes": 8}));
        let control = &event["kernel"]["control"][0];
        assert_says(control, &json!({"level": "SOL_SOCKET", "type": "SCM_RIGHTS"}));
        assert_eq!(control["fds"][0]["fd"], fds[1], "{event:#}");
    }
}

/// Inode of the file whose descriptor has been received.
fn inode_of_received(to: &UnixDatagram) -> u64 {
    let mut room = Message::of(&[8]).control(&[0; 64]);
    // SAFETY: the header describes what the message owns; the kernel writes one descriptor, which
    // belongs to nobody else.
    let file = unsafe {
        assert_eq!(libc::recvmsg(to.as_raw_fd(), &raw mut *room.header, 0), 8);
        OwnedFd::from_raw_fd(room.header.msg_control.byte_add(VALUE_AT).cast::<i32>().read())
    };
    std::fs::File::from(file).metadata().unwrap().ino()
}

/// What cannot be read at entry is not compared, and nothing is claimed of it.
fn an_address_that_comes_late_is_unread(weir: &Weir, backend: &Value, page: &SlowPage) {
    let before = own(weir).len();
    let to = receiver();
    let from = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let name = inet(to.local_addr().unwrap());
    let mut message = Message::of(&[8]).to(&name);
    message.header.msg_name = page.at.cast();
    let header = message.ptr();
    thread::scope(|scope| {
        scope.spawn(|| page.bring(&name, || {}));
        assert_eq!(sendmsg(from.as_raw_fd(), header, 0).unwrap(), 8);
    });
    page.forget();
    settle(weir);
    let events = own(weir).split_off(before);
    let [event] = &events[..] else { panic!("not one event: {events:#?}") };
    let says = json!({
        "toctou": verdict(backend, "unread"), "kernel": null,
        "msg": {"name": {"port": to.local_addr().unwrap().port()}},
        "fields": {"msg.name": {"status": "ok", "read": "exit"}},
    });
    assert_says(event, &says);
}
