//! `log(level: u32, ptr: u32, len: u32)`
//!
//! Adds a line to the script's log. Levels: 0 debug, 1 info, 2 warn, 3 error.

use wasmtime::{
    Caller, Linker, StoreContextMut,
    component::{ComponentType, Lift, LinkerInstance, WasmStr},
};

use super::{MODULE, owned};
use crate::script::{
    guest::{State, bytes, split},
    log::LINE_BYTES,
};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "log", log)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("log", log_component)
}

fn log(mut caller: Caller<'_, State>, level: u32, ptr: u32, len: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    state.log(level, bytes(memory, ptr, len, "log: the text")?)
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "a value is made by reading a number")]
enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

fn log_component(
    mut store: StoreContextMut<'_, State>,
    (level, text): (Level, WasmStr),
) -> wasmtime::Result<()> {
    let text = owned(&store, &text, LINE_BYTES)?;
    store.data_mut().log(level as u32, &text)
}
