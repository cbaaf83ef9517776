//! What sendfile(2) has instead of a message, as JSON.

use serde::Serialize;
use weir_sdk::event::{CALL_SENDFILE, GROUP_MSG, Head};

use super::{Batch, control::Descriptor, event::read, files};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Sendfile<'a> {
    r#in: Descriptor<'a>,
    out: Descriptor<'a>,
    offset: Option<i64>,
    offset_after: Option<i64>,
    count: u64,
}

impl<'a> Sendfile<'a> {
    /// `None` for another call.
    pub fn new(head: &Head, batch: &'a Batch) -> Option<Self> {
        if head.call != CALL_SENDFILE {
            return None;
        }
        let mut files = files::entries(batch.part(head.files));
        let offset = read(head, GROUP_MSG);
        Some(Self {
            r#in: Descriptor::new(head.in_fd, files.next()),
            out: Descriptor::new(head.fd, files.next()),
            offset: offset.then_some(head.offset),
            offset_after: (offset && head.late & (1 << GROUP_MSG) != 0)
                .then_some(head.offset_after),
            count: head.bytes,
        })
    }
}
