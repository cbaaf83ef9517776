//! `attr(event: u32, name_ptr: u32, name_len: u32, value_ptr: u32, value_len: u32)`
//!
//! Adds an attribute to an event of the batch at hand. Scripts further along the pipeline, the API
//! and the page see it.

use wasmtime::{
    Caller, Linker, StoreContextMut,
    component::{ComponentType, Lift, LinkerInstance, WasmList, WasmStr},
};

use super::{MODULE, with_output};
use crate::script::guest::{State, bytes, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "attr", attr)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("attr", attr_component)
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
    state.output.attr(event, name, value)
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Attribute {
    event: u32,
    name: WasmStr,
    value: WasmStr,
}

fn attr_component(
    store: StoreContextMut<'_, State>,
    (updates,): (WasmList<Attribute>,),
) -> wasmtime::Result<()> {
    with_output(store, &updates, |store, output, Attribute { event, name, value }| {
        output.attr(event, name.to_str(store)?.as_bytes(), value.to_str(store)?.as_bytes())
    })
}
