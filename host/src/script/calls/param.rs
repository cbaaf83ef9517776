//! `param(name_ptr: u32, name_len: u32, to_ptr: u32, to_len: u32) -> i32`
//!
//! Writes as much of a parameter's value as fits and returns its whole length, or -1 if there is
//! no parameter of that name.

use wasmtime::{Caller, Linker};

use super::MODULE;
use crate::script::guest::{State, bytes, range, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "param", param)?;
    Ok(())
}

fn param(
    mut caller: Caller<'_, State>,
    name_ptr: u32,
    name_len: u32,
    to_ptr: u32,
    to_len: u32,
) -> wasmtime::Result<i32> {
    let (memory, state) = split(&mut caller)?;
    let name = bytes(memory, name_ptr, name_len, "param: the name")?;
    let value = std::str::from_utf8(name).ok().and_then(|name| state.params.get(name));
    let Some(value) = value else { return Ok(-1) };
    let to = range(memory, to_ptr, to_len, "param: the room for the value")?;
    let fits = to.len().min(value.len());
    memory[to][..fits].copy_from_slice(&value.as_bytes()[..fits]);
    Ok(i32::try_from(value.len()).unwrap_or(i32::MAX))
}
