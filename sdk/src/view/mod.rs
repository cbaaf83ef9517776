//! Views of a batch: an event's parts, read where they lie.
//!
//! Nothing is copied or allocated, and no bytes, however wrong, make a view panic: a part that would lie
//! outside of the batch is empty.

mod address;
mod batch;
mod control;
mod destination;
mod event;
mod files;
mod message;
mod process;
mod socket;
mod status;
mod text;

pub use address::Address;
pub use batch::{Batch, BatchError};
pub use control::{Control, Controls, Credentials, Descriptor};
pub use destination::Destination;
pub use event::Event;
pub use message::{Iov, Kernel, Sendfile, Toctou};
pub use process::{Container, Parent};
pub use socket::Socket;
pub use status::{Group, Status};
pub use text::Text;

#[cfg(feature = "guest")]
pub(crate) use batch::Layout;
use files::Files;
