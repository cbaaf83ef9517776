//! A `struct msghdr` with what it points to, to send or to receive into.

use std::ptr;

/// A message: the parts differ from each other, so that their order shows.
pub struct Message {
    /// What the call is given.
    pub header: libc::msghdr,
    name: Vec<u8>,
    table: Vec<libc::iovec>,
    /// What the table points to.
    _parts: Vec<Vec<u8>>,
    control: Vec<u8>,
}

impl Message {
    /// With these parts, no address and no control messages.
    pub fn new(parts: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let mut parts: Vec<Vec<u8>> = parts.into_iter().map(Into::into).collect();
        let table: Vec<_> = parts
            .iter_mut()
            .map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() })
            .collect();
        // SAFETY: integers and pointers, for which zero is a value.
        let header = unsafe { std::mem::zeroed() };
        Self { header, name: Vec::new(), table, _parts: parts, control: Vec::new() }.whole()
    }

    /// With room for these lengths.
    pub fn room(lens: &[usize]) -> Self {
        Self::new(lens.iter().map(|&len| vec![0; len]))
    }

    /// With an address, or with room for one.
    pub fn name(mut self, name: &[u8]) -> Self {
        self.name = name.to_vec();
        self.whole()
    }

    /// With control messages, or with room for them.
    pub fn control(mut self, control: &[u8]) -> Self {
        self.control = control.to_vec();
        self.whole()
    }

    /// Points an entry of the table elsewhere.
    pub fn entry(mut self, index: usize, base: usize, len: usize) -> Self {
        self.table[index] =
            libc::iovec { iov_base: ptr::without_provenance_mut(base), iov_len: len };
        self
    }

    /// Changes the header.
    pub fn with(mut self, change: impl FnOnce(&mut libc::msghdr)) -> Self {
        change(&mut self.header);
        self
    }

    /// The control messages, as the kernel left them.
    pub fn controls(&self) -> &[u8] {
        &self.control[..self.header.msg_controllen]
    }

    /// The header's address.
    pub fn at(&mut self) -> i64 {
        &raw mut self.header as i64
    }

    /// The header of what there is.
    fn whole(mut self) -> Self {
        fn start<T>(of: &mut Vec<T>) -> *mut libc::c_void {
            if of.is_empty() { ptr::null_mut() } else { of.as_mut_ptr().cast() }
        }
        self.header.msg_name = start(&mut self.name);
        self.header.msg_namelen = self.name.len() as u32;
        self.header.msg_iov = start(&mut self.table).cast();
        self.header.msg_iovlen = self.table.len() as _;
        self.header.msg_control = start(&mut self.control);
        self.header.msg_controllen = self.control.len() as _;
        self
    }
}

/// A control message, padded to where the next one starts.
pub fn cmsg(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes =
        [&(16 + data.len()).to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes(), data]
            .concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}
