//! `emit(ptr: u32, len: u32)`
//!
//! Hands on a result that is no row of a table: a JSON object, shown with the script. It counts
//! when the batch or tick at hand ends well.

use wasmtime::{
    Caller, Linker, StoreContextMut,
    component::{LinkerInstance, WasmList, WasmStr},
};

use super::{MODULE, with_output};
use crate::script::guest::{State, bytes, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "emit", emit)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("emit", emit_component)
}

fn emit(mut caller: Caller<'_, State>, ptr: u32, len: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    state.output.emit(bytes(memory, ptr, len, "emit: the text")?)
}

fn emit_component(
    store: StoreContextMut<'_, State>,
    (texts,): (WasmList<WasmStr>,),
) -> wasmtime::Result<()> {
    with_output(store, &texts, |store, output, text| output.emit(text.to_str(store)?.as_bytes()))
}
