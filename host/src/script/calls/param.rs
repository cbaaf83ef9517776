//! `param(name_ptr: u32, name_len: u32, to_ptr: u32, to_len: u32) -> i32`
//!
//! Writes as much of a parameter's value as fits and returns its whole length, or -1 if there is
//! no parameter of that name. A component is given all parameters when it starts.

use wasmtime::{Caller, Linker};

use super::{MODULE, fill};
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
    Ok(fill(&mut memory[to], value.as_bytes()))
}
