//! The message as JSON: as the caller has it, and as the kernel used it.

use std::borrow::Cow;

use serde::Serialize;
use weir_sdk::event::{
    CALL_IO_URING, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE, CALL_SENDMMSG,
    CALL_SENDMSG, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, Head,
    ROOM_UNKNOWN, STATUS_ABSENT, STATUS_TRUNCATED, TOCTOU_CHANGED,
};

use super::{
    Batch,
    address::{Address, Shape},
    control::{self, Entry},
    event::read,
    files, names, receives,
    text::{Base64, Pointer, take},
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Message<'a> {
    ptr: Option<Pointer>,
    #[schema(value_type = Option<Shape<'a>>)]
    name: Option<Address<'a>>,
    namelen: Option<i32>,
    namelen_room: Option<i32>,
    iov: Option<Vec<Iov>>,
    iovlen: Option<u64>,
    bytes: Option<u64>,
    payload: Option<Base64<'a>>,
    payload_len: Option<usize>,
    /// Whether there is a payload that is not shown.
    payload_hidden: bool,
    control: Option<Vec<Entry<'a>>>,
    controllen: Option<u64>,
    controllen_room: Option<u64>,
    flags: Option<Vec<Cow<'static, str>>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Iov {
    base: Pointer,
    len: u64,
}

impl<'a> Message<'a> {
    pub fn new(head: &Head, batch: &'a Batch) -> Self {
        let call = head.call;
        let lengths = read(head, GROUP_MSG) && call != CALL_SENDFILE;
        let header = read(head, GROUP_MSG) && (has_header(call) || call == CALL_IO_URING);
        let room = lengths && head.name_room != ROOM_UNKNOWN;
        let nothing_received = receives(call) && head.ret < 0;
        let payload = read(head, GROUP_PAYLOAD).then(|| batch.part(head.payload));
        Self {
            ptr: has_header(call).then_some(Pointer(head.msg_ptr)),
            name: Some(batch.part(head.name))
                .filter(|raw| read(head, GROUP_NAME) && !raw.is_empty())
                .map(Address::parse),
            namelen: lengths.then_some(head.namelen),
            namelen_room: (room && matches!(call, CALL_RECVMSG | CALL_RECVFROM))
                .then_some(head.name_room),
            iov: list(head, GROUP_IOV, || iov(batch.part(head.iov))),
            iovlen: lengths.then_some(head.iovlen),
            bytes: (read(head, GROUP_IOV)
                || head.status[GROUP_IOV] == STATUS_ABSENT
                || call == CALL_SENDFILE)
                .then_some(head.bytes),
            payload: payload.map(Base64),
            payload_len: payload.map(<[u8]>::len),
            payload_hidden: false,
            control: list(head, GROUP_CONTROL, || {
                let bytes = batch.part(head.control);
                let files = files::entries(batch.part(head.files));
                control::list(bytes, whole(head, bytes, head.controllen), files)
            }),
            controllen: header.then_some(head.controllen),
            controllen_room: (room && call == CALL_RECVMSG).then_some(head.control_room),
            flags: (header && !nothing_received).then(|| names::flags(head.msg_flags)),
        }
    }
}

impl Message<'_> {
    /// Leaves out the payload, and says so.
    pub fn hide_payload(&mut self) {
        self.payload_hidden = self.payload.take().is_some();
    }
}

/// What the kernel used instead of what the caller showed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Kernel<'a> {
    #[schema(value_type = Option<Shape<'a>>)]
    name: Option<Address<'a>>,
    namelen: usize,
    bytes: u64,
    control: Vec<Entry<'a>>,
}

/// The same as it lies in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelPart<'a> {
    bytes: u64,
    name: &'a [u8],
    control: &'a [u8],
}

impl<'a> Kernel<'a> {
    /// `None` if it is not known to be another.
    pub fn new(head: &Head, batch: &'a Batch) -> Option<Self> {
        if head.toctou != TOCTOU_CHANGED {
            return None;
        }
        let KernelPart { bytes, name, control } = KernelPart::parse(batch.part(head.kernel))?;
        let whole = whole(head, control, u64::MAX);
        Some(Self {
            name: Some(name).filter(|name| !name.is_empty()).map(Address::parse),
            namelen: name.len(),
            bytes,
            // What the descriptors are was looked up for those that the caller showed.
            control: control::list(control, whole, std::iter::empty()),
        })
    }
}

impl<'a> KernelPart<'a> {
    /// `None` if it is not as long as it says.
    pub fn parse(part: &'a [u8]) -> Option<Self> {
        let bytes = u64::from_le_bytes(take(part, 0)?);
        let name_len = u32::from_le_bytes(take(part, 8)?);
        let control_len = u32::from_le_bytes(take(part, 12)?);
        let (name, rest) = part[16..].split_at_checked(name_len as usize)?;
        let padding = name.len().next_multiple_of(8) - name.len();
        // Where nothing follows, there need not be any padding either.
        let rest = rest.get(padding..).unwrap_or_default();
        Some(Self { bytes, name, control: rest.get(..control_len as usize)? })
    }
}

/// A list is empty where the caller left it out. sendfile has none to leave out.
fn list<T>(head: &Head, group: usize, make: impl FnOnce() -> Vec<T>) -> Option<Vec<T>> {
    match head.status[group] {
        _ if head.call == CALL_SENDFILE => None,
        STATUS_ABSENT => Some(Vec::new()),
        _ => read(head, group).then(make),
    }
}

fn iov(table: &[u8]) -> Vec<Iov> {
    let (numbers, _) = table.as_chunks::<8>();
    let (entries, _) = numbers.as_chunks::<2>();
    let entry = |&[base, len]: &[[u8; 8]; 2]| Iov {
        base: Pointer(u64::from_le_bytes(base)),
        len: u64::from_le_bytes(len),
    };
    entries.iter().map(entry).collect()
}

/// How many bytes of control messages there were, of which `bytes` may be the beginning.
fn whole(head: &Head, bytes: &[u8], said: u64) -> u64 {
    match head.status[GROUP_CONTROL] {
        // What a 32-bit caller says is of another layout than what stands here.
        STATUS_TRUNCATED if head.compat == 1 => u64::MAX,
        STATUS_TRUNCATED => said.max(bytes.len() as u64),
        _ => bytes.len() as u64,
    }
}

/// Whether the caller passes a `struct msghdr`.
fn has_header(call: u16) -> bool {
    matches!(call, CALL_SENDMSG | CALL_SENDMMSG | CALL_RECVMSG | CALL_RECVMMSG)
}
