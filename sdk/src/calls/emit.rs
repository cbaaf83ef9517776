//! Hands on a result that is no row of a table.

/// Hands on a result that is no row of a table: a JSON object, shown with the script. It counts when the batch or
/// tick at hand ends well.
#[cfg(target_arch = "wasm32")]
pub fn emit(json: &str) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn emit(json: *const u8, len: usize);
    }
    // SAFETY: the host reads the text during the call and keeps no pointer.
    unsafe { emit(json.as_ptr(), json.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::emit;
