//! Adds a line to the script's log.

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Level {
    /// For whoever writes the script.
    Debug = 0,
    /// For whoever runs it.
    Info = 1,
    /// Something is not as it should be.
    Warn = 2,
    /// The script cannot do its work.
    Error = 3,
}

/// Adds a line to the script's log, which the page shows. The host takes some hundred lines a second and
/// cuts long ones; a line takes formatting, so none per event.
#[cfg(target_arch = "wasm32")]
pub fn log(level: Level, text: &str) {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn log(level: u32, text: *const u8, len: usize);
    }
    // SAFETY: the host reads the text during the call and keeps no pointer.
    unsafe { log(level as u32, text.as_ptr(), text.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::recorder::log;
