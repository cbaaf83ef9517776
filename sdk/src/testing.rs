//! Runs a script on hand-made events, on any machine: for a script's unit tests. Not there in Wasm.

use std::{collections::BTreeMap, mem::offset_of, net::SocketAddr};

use crate::{
    Errno, Level, Params, Script, Verdict,
    calls::recorder,
    entry,
    event::{
        ABI, AF_INET, AF_INET6, AF_UNIX, BATCH_HEADER_BYTES, BatchHeader, CALL_SENDMSG, COMM_BYTES,
        GROUP_IOV, GROUP_NAME, HEAD_BYTES, Head, STATUS_ABSENT, STATUS_NOT_SEEN, STATUS_OK, Span,
    },
    table,
    view::Layout,
};

/// A script under test.
#[derive(Debug)]
pub struct Run<S> {
    script: S,
}

impl<S: Script> Run<S> {
    /// Starts the script with these parameters; the others have their defaults. Panics, as the host refuses,
    /// if the script does not declare one.
    pub fn start(params: &[(&str, &str)]) -> Result<Self, String> {
        let mut values: BTreeMap<String, String> =
            S::ABOUT.defaults().map(|(name, value)| (name.into(), value.into())).collect();
        for (name, value) in params {
            let known = values.insert((*name).into(), (*value).into());
            assert!(known.is_some(), "the script has no parameter `{name}`");
        }
        recorder::with(|recorder| {
            *recorder = recorder::Recorder { params: values, ..Default::default() }
        });
        S::start(&Params::new()).map(|script| Self { script })
    }

    /// Gives the script a batch of these calls and returns its verdicts. What attributes there were from the
    /// batch before are forgotten; tables add up.
    pub fn batch(&mut self, calls: &[Call]) -> Vec<Verdict> {
        recorder::with(|recorder| recorder.attrs.clear());
        let mut bytes = batch(calls);
        entry::run(&mut self.script, &mut bytes).expect("the batch is well-formed");
        let verdicts = Layout::parse(&bytes).expect("no script changes a header").verdicts;
        bytes[verdicts..verdicts + calls.len()]
            .iter()
            .map(|&verdict| Verdict::from(verdict == 0))
            .collect()
    }

    /// Gives the script a tick.
    pub fn tick(&mut self, now_ms: u32) {
        self.script.tick(now_ms);
        table::flush();
    }

    /// The attributes that the script added to an event of the last batch.
    pub fn attrs(&self, event: usize) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        recorder::with(|recorder| {
            let own = recorder.attrs.iter().filter(|(index, ..)| *index as usize == event);
            own.map(|(_, name, value)| (text(name), text(value))).collect()
        })
    }

    /// The rows of a table, sorted by key: labels joined by `, `, and the sum of a counter or the values of a
    /// histogram. Panics if the script did not open it.
    pub fn rows(&self, table: &str) -> Vec<(String, Vec<u64>)> {
        recorder::with(|recorder| {
            let handle = recorder.tables.iter().position(|(_, name, _)| name == table);
            let handle = handle.unwrap_or_else(|| panic!("the script opened no table `{table}`"));
            let is_counter = recorder.tables[handle].0 == 0;
            let mut rows = BTreeMap::<String, Vec<u64>>::new();
            for (_, key, value) in recorder.added.iter().filter(|(to, ..)| *to as usize == handle) {
                let row = rows.entry(String::from_utf8_lossy(key).replace('\0', ", ")).or_default();
                match row.first_mut() {
                    Some(sum) if is_counter => *sum += value,
                    _ => row.push(*value),
                }
            }
            rows.into_iter().collect()
        })
    }

    /// The lines that the script logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        recorder::with(|recorder| recorder.lines.clone())
    }
}

/// A call to show a script. As made, it is one of `test` (process 100, user 1000) that sent 64 bytes in 1 µs on
/// a connected socket.
#[derive(Clone, Debug)]
pub struct Call {
    head: Head,
    name: Vec<u8>,
    path: Vec<u8>,
    attrs: Vec<u8>,
    exe: Vec<u8>,
    cgroup: Vec<u8>,
}

impl Default for Call {
    fn default() -> Self {
        Self::new()
    }
}

impl Call {
    /// The call described above.
    pub fn new() -> Self {
        let head = Head {
            time_ns: 1_795_454_431_123_456_789,
            duration_ns: 1_000,
            ret: 64,
            bytes: 64,
            iovlen: 1,
            pid: 100,
            tid: 100,
            ppid: 1,
            uid: 1000,
            gid: 1000,
            fd: 3,
            call: CALL_SENDMSG,
            status: [STATUS_OK; 8],
            ..Head::default()
        };
        let (name, path, attrs, exe, cgroup) = Default::default();
        let mut call = Self { head, name, path, attrs, exe, cgroup }.comm("test");
        call.head.status[GROUP_NAME] = STATUS_ABSENT;
        call
    }

    /// Changes the fixed part as one likes. Variable parts are set by the other functions.
    pub fn head(mut self, change: impl FnOnce(&mut Head)) -> Self {
        change(&mut self.head);
        self
    }

    /// Sets process and thread id.
    pub fn pid(self, pid: u32) -> Self {
        self.head(|head| (head.pid, head.tid) = (pid, pid))
    }

    /// Sets the user id.
    pub fn uid(self, uid: u32) -> Self {
        self.head(|head| head.uid = uid)
    }

    /// Sets the thread's name, cut as the kernel cuts it.
    pub fn comm(self, comm: &str) -> Self {
        let comm = &comm.as_bytes()[..comm.len().min(COMM_BYTES - 1)];
        self.head(|head| {
            head.comm = [0; COMM_BYTES];
            head.comm[..comm.len()].copy_from_slice(comm);
        })
    }

    /// Sets the time from entry to return, in nanoseconds.
    pub fn duration_ns(self, duration_ns: u64) -> Self {
        self.head(|head| head.duration_ns = duration_ns)
    }

    /// Sets what the caller asked to send, in bytes, and that all of it was sent.
    pub fn bytes(self, bytes: u64) -> Self {
        self.head(|head| (head.bytes, head.ret) = (bytes, bytes as i64))
    }

    /// Makes the number of bytes unknown, as when the iovec table could not be read.
    pub fn bytes_unseen(self) -> Self {
        self.head(|head| (head.bytes, head.status[GROUP_IOV]) = (0, STATUS_NOT_SEEN))
    }

    /// Makes the call fail with the error of that name. Panics if there is none.
    pub fn error(self, name: &str) -> Self {
        let Errno(number) =
            Errno::from_name(name).unwrap_or_else(|| panic!("no error is named `{name}`"));
        self.head(|head| head.ret = -i64::from(number))
    }

    /// Sets an IP destination, such as `127.0.0.1:53` or `[::1]:53`. Panics if it is not one.
    pub fn to(mut self, address: &str) -> Self {
        match address.parse().unwrap_or_else(|_| panic!("`{address}` is not address and port")) {
            SocketAddr::V4(to) => {
                self.head.family = AF_INET;
                self.head.addr[..4].copy_from_slice(&to.ip().octets());
                self.head.scope_id = 0;
                self.name = vec![0; 16];
            }
            SocketAddr::V6(to) => {
                self.head.family = AF_INET6;
                self.head.addr = to.ip().octets();
                self.head.scope_id = to.scope_id();
                self.name = vec![0; 28];
            }
        }
        self.head.port = address.parse::<SocketAddr>().map_or(0, |to| to.port());
        self.named()
    }

    /// Sets a unix destination; an abstract one starts with `@`.
    pub fn to_unix(mut self, path: &str) -> Self {
        self.head.family = AF_UNIX;
        self.name = vec![0; 110];
        self.path = path.into();
        self.named()
    }

    /// Sets a destination of another family: raw `struct sockaddr`, family included.
    pub fn to_raw(mut self, name: &[u8]) -> Self {
        self.head.family = name.first_chunk().map_or(0, |family| u16::from_le_bytes(*family));
        self.name = name.into();
        self.named()
    }

    fn named(mut self) -> Self {
        self.head.status[GROUP_NAME] = STATUS_OK;
        self.head.namelen = self.name.len() as i32;
        if let Some(family) = self.name.first_chunk_mut() {
            *family = self.head.family.to_le_bytes();
        }
        self
    }

    /// Adds an attribute, as a script before this one would.
    pub fn attr(mut self, name: &str, value: &str) -> Self {
        self.attrs.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.attrs.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.attrs.extend_from_slice(name.as_bytes());
        self.attrs.extend_from_slice(value.as_bytes());
        self
    }

    /// Sets the path of the executable.
    pub fn exe(mut self, path: &str) -> Self {
        self.exe = path.into();
        self
    }

    /// Sets the path of the cgroup.
    pub fn cgroup(mut self, path: &str) -> Self {
        self.cgroup = path.into();
        self
    }
}

/// A batch of these calls, in the bytes that the host would write.
pub fn batch(calls: &[Call]) -> Vec<u8> {
    batch_with_stride(calls, HEAD_BYTES)
}

/// As [`batch`], by a host whose heads have so many bytes: of another version.
pub fn batch_with_stride(calls: &[Call], stride: usize) -> Vec<u8> {
    let mut heap = Vec::new();
    let mut heads = Vec::new();
    for (call, seq) in calls.iter().zip(1..) {
        let Call { mut head, name, path, attrs, exe, cgroup } = call.clone();
        let mut part = |bytes: Vec<u8>| {
            let span = Span { offset: heap.len() as u32, len: bytes.len() as u32 };
            heap.extend(bytes);
            span
        };
        (head.seq, head.name, head.path) = (seq, part(name), part(path));
        (head.attrs, head.exe, head.cgroup) = (part(attrs), part(exe), part(cgroup));
        let mut bytes = head_bytes(&head).to_vec();
        bytes.resize(stride, 0xa5);
        heads.extend(bytes);
    }
    let verdicts = BATCH_HEADER_BYTES + heads.len();
    let heap_at = (verdicts + calls.len()).next_multiple_of(8);
    let header = BatchHeader {
        version: ABI,
        count: calls.len() as u32,
        stride: stride as u32,
        heads: BATCH_HEADER_BYTES as u32,
        verdicts: verdicts as u32,
        heap: heap_at as u32,
        heap_len: heap.len() as u32,
        first_seq: 1,
        now_ns: 1_795_454_431_200_000_000,
        ..BatchHeader::default()
    };
    let mut bytes = header_bytes(&header).to_vec();
    bytes.extend(heads);
    bytes.resize(heap_at, 0);
    bytes.extend(heap);
    bytes
}

/// Writes fields at their offsets.
macro_rules! write_fields {
    ($to:ident, $from:expr, $type:ident: $($field:ident),*) => {
        $(
            let bytes = $from.$field.to_le_bytes();
            $to[offset_of!($type, $field)..][..bytes.len()].copy_from_slice(&bytes);
        )*
    };
}

fn header_bytes(header: &BatchHeader) -> [u8; BATCH_HEADER_BYTES] {
    let mut to = [0; BATCH_HEADER_BYTES];
    write_fields!(to, header, BatchHeader: version, count, stride, heads, verdicts, heap, heap_len, first_seq);
    write_fields!(to, header, BatchHeader: lost_before, now_ns);
    to
}

fn head_bytes(head: &Head) -> [u8; HEAD_BYTES] {
    let mut to = [0; HEAD_BYTES];
    write_fields!(to, head, Head: seq, time_ns, duration_ns, ret, bytes, cgroup_id, start_ns, msg_ptr, iovlen);
    write_fields!(to, head, Head: controllen, pid, tid, ppid, uid, gid, cpu, fd, flags, namelen, scope_id);
    write_fields!(to, head, Head: call, family, port);
    for (offset, bytes) in [
        (offset_of!(Head, status), &head.status[..]),
        (offset_of!(Head, comm), &head.comm),
        (offset_of!(Head, addr), &head.addr),
    ] {
        to[offset..][..bytes.len()].copy_from_slice(bytes);
    }
    for (offset, span) in [
        (offset_of!(Head, name), head.name),
        (offset_of!(Head, path), head.path),
        (offset_of!(Head, attrs), head.attrs),
        (offset_of!(Head, exe), head.exe),
        (offset_of!(Head, cgroup), head.cgroup),
    ] {
        to[offset..][..4].copy_from_slice(&span.offset.to_le_bytes());
        to[offset + 4..][..4].copy_from_slice(&span.len.to_le_bytes());
    }
    to
}
