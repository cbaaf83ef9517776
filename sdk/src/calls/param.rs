//! The value of a parameter.

/// Writes as much of the value as fits and returns its whole length, or `None` if there is no such parameter.
#[cfg(target_arch = "wasm32")]
pub fn param(name: &str, to: &mut [u8]) -> Option<usize> {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn param(name: *const u8, name_len: usize, to: *mut u8, to_len: usize) -> i32;
    }
    // SAFETY: during the call the host reads the name and writes within `to`; it keeps no pointer.
    let len = unsafe { param(name.as_ptr(), name.len(), to.as_mut_ptr(), to.len()) };
    usize::try_from(len).ok()
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::param;
