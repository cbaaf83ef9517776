//! Adds an attribute to an event of the batch at hand.

#[cfg(target_arch = "wasm32")]
pub fn attr(event: u32, name: &[u8], value: &[u8]) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn attr(event: u32, name: *const u8, name_len: usize, value: *const u8, value_len: usize);
    }
    // SAFETY: the host reads the two slices during the call and keeps no pointer.
    unsafe { attr(event, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::attr;
