//! Finds or makes a table.

#[cfg(target_arch = "wasm32")]
pub fn table_open(kind: u32, name: &str, options: &str) -> u32 {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn table_open(
            kind: u32,
            name: *const u8,
            name_len: usize,
            options: *const u8,
            options_len: usize,
        ) -> u32;
    }
    // SAFETY: the host reads the two texts during the call and keeps no pointer.
    unsafe { table_open(kind, name.as_ptr(), name.len(), options.as_ptr(), options.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::table_open;
