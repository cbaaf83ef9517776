//! `attr(event: u32, name_ptr: u32, name_len: u32, value_ptr: u32, value_len: u32)`
//!
//! Adds an attribute to an event of the batch at hand. Scripts further along the pipeline, the API
//! and the page see it.

use wasmtime::{Caller, Linker};

use super::MODULE;
use crate::script::guest::{State, bytes, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "attr", attr)?;
    Ok(())
}

fn attr(
    mut caller: Caller<'_, State>,
    event: u32,
    name_ptr: u32,
    name_len: u32,
    value_ptr: u32,
    value_len: u32,
) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    let name = bytes(memory, name_ptr, name_len, "attr: the name")?;
    let value = bytes(memory, value_ptr, value_len, "attr: the value")?;
    if event >= state.events {
        wasmtime::bail!("attr: event {event} of a batch of {}", state.events);
    }
    if state.full(name.len() + value.len()) {
        state.refused += 1;
        return Ok(());
    }
    state.attributes.add(event, name, value);
    Ok(())
}
