//! What the host knows of a process.

/// What the host knows of a process: a JSON object; none, if it knows nothing.
pub fn process(pid: u32) -> Option<String> {
    let mut to = vec![0; 2048];
    let len = ask(pid, &mut to)?;
    if len > to.len() {
        to.resize(len, 0);
        ask(pid, &mut to)?;
    }
    to.truncate(len);
    String::from_utf8(to).ok()
}

/// Writes as much as fits and returns the whole length, or `None` if nothing is known.
#[cfg(target_arch = "wasm32")]
fn ask(pid: u32, to: &mut [u8]) -> Option<usize> {
    #[link(wasm_import_module = "weir")]
    unsafe extern "C" {
        fn process(pid: u32, to: *mut u8, to_len: usize) -> i32;
    }
    // SAFETY: during the call the host writes within `to`; it keeps no pointer.
    let len = unsafe { process(pid, to.as_mut_ptr(), to.len()) };
    usize::try_from(len).ok()
}

#[cfg(not(target_arch = "wasm32"))]
use super::recorder::process as ask;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::recorder;

    #[test]
    fn long_answers_are_whole() {
        let long = format!("{{\"cmdline\":\"{}\"}}", "x".repeat(5000));
        recorder::with(|recorder| recorder.processes.insert(7, long.clone()));
        assert_eq!((process(7), process(8)), (Some(long), None));
    }
}
