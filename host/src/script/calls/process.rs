//! `process(pid: u32, to_ptr: u32, to_len: u32) -> i32`
//!
//! Writes as much as fits of what the host knows of a process, a JSON object, and returns its whole
//! length, or -1 if it knows nothing. Nothing is looked up for it.

use wasmtime::{Caller, Linker, StoreContextMut, component::LinkerInstance};

use super::{MODULE, fill};
use crate::script::guest::{State, range, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "process", process)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("process", process_component)
}

fn process(
    mut caller: Caller<'_, State>,
    pid: u32,
    to_ptr: u32,
    to_len: u32,
) -> wasmtime::Result<i32> {
    let (memory, state) = split(&mut caller)?;
    let to = range(memory, to_ptr, to_len, "process: the room for the text")?;
    Ok(state.processes.known(pid).map_or(-1, |json| fill(&mut memory[to], json.as_bytes())))
}

fn process_component(
    store: StoreContextMut<'_, State>,
    (pid,): (u32,),
) -> wasmtime::Result<(Option<String>,)> {
    Ok((store.data().processes.known(pid),))
}
