//! Adds to many rows of a table at once.

#[cfg(target_arch = "wasm32")]
pub fn table_add_many(table: u32, rows: &[u8]) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn table_add_many(table: u32, rows: *const u8, len: usize);
    }
    // SAFETY: the host reads the rows during the call and keeps no pointer.
    unsafe { table_add_many(table, rows.as_ptr(), rows.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::table_add_many;
