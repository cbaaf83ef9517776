//! The entry attribute of Weir's Rust SDK.
