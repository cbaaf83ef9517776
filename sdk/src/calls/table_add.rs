//! Adds a value to a row of a table.

#[cfg(target_arch = "wasm32")]
pub fn table_add(table: u32, key: &[u8], value: u64) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn table_add(table: u32, key: *const u8, key_len: usize, value: u64);
    }
    // SAFETY: the host reads the key during the call and keeps no pointer.
    unsafe { table_add(table, key.as_ptr(), key.len(), value) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::table_add;
