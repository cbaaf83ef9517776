//! `log(level: u32, ptr: u32, len: u32)`
//!
//! Adds a line to the script's log. Levels: 0 debug, 1 info, 2 warn, 3 error.

use wasmtime::{Caller, Linker};

use super::MODULE;
use crate::script::guest::{State, bytes, split};

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

/// What is taken at most of an error, in case the script ends with it.
const LAST_WORDS_BYTES: usize = 512;

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "log", log)?;
    Ok(())
}

fn log(mut caller: Caller<'_, State>, level: u32, ptr: u32, len: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    let text = bytes(memory, ptr, len, "log: the text")?;
    let Some(level) = LEVELS.get(level as usize) else {
        wasmtime::bail!("log: level {level} is not one of 0 to 3");
    };
    state.log.add(level, text);
    if *level == "error" {
        let text = &text[..text.len().min(LAST_WORDS_BYTES)];
        state.last_words = Some(String::from_utf8_lossy(text).into_owned());
    }
    Ok(())
}
