//! Views of a batch: an event's parts, read where they lie.
//!
//! Nothing is copied or allocated, and no bytes, however wrong, make a view panic: a part that would lie
//! outside of the batch is empty.

mod batch;
mod destination;
mod event;
mod status;
mod text;

pub use batch::{Batch, BatchError};
pub use destination::Destination;
pub use event::Event;
pub use status::{Group, Status};
pub use text::Text;

pub(crate) use batch::Layout;
