//! Tables of kinds that the SDK has no type for: gauge, top-k, distinct, rate.

/// Kinds of tables, by the host's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    Gauge = 2,
    Top = 3,
    Distinct = 4,
    Rate = 5,
}

/// Finds or makes a table.
#[cfg(target_arch = "wasm32")]
pub fn table_open(kind: Kind, name: &str, options: &str) -> u32 {
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
    unsafe { table_open(kind as u32, name.as_ptr(), name.len(), options.as_ptr(), options.len()) }
}

/// Adds a value to a row.
#[cfg(target_arch = "wasm32")]
pub fn table_add(table: u32, key: &[u8], value: u64) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn table_add(table: u32, key: *const u8, key_len: usize, value: u64);
    }
    // SAFETY: the host reads the key during the call and keeps no pointer.
    unsafe { table_add(table, key.as_ptr(), key.len(), value) }
}

/// Outside of Wasm there is no host.
#[cfg(not(target_arch = "wasm32"))]
pub fn table_open(kind: Kind, name: &str, _options: &str) -> u32 {
    unimplemented!("table `{name}` of kind {kind:?} outside of Wasm")
}

/// Outside of Wasm there is no host.
#[cfg(not(target_arch = "wasm32"))]
pub fn table_add(_table: u32, _key: &[u8], _value: u64) {
    unimplemented!("a table outside of Wasm")
}
