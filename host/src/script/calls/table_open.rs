//! `table_open(kind: u32, name_ptr: u32, name_len: u32, options_ptr: u32, options_len: u32) -> u32`
//!
//! Finds or makes a table and returns the handle for `table_add`. Kinds: 0 counter, 1 histogram,
//! 2 gauge, 3 topk, 4 distinct, 5 rate. Options are JSON: `{"labels": ["process"], "unit": "ns",
//! "help": "…"}`, and `max_keys`, of a topk `k`, of a rate `window_s`.

use wasmtime::{
    Caller, Linker, StoreContextMut,
    component::{ComponentType, Lift, LinkerInstance, WasmStr},
    format_err,
};

use super::{MODULE, owned};
use crate::{
    script::guest::{State, bytes, split},
    table::{Kind, Options},
};

/// Longest name, and longest options, in bytes.
const TEXT_BYTES: usize = 64 << 10;

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "table_open", table_open)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("table-open", table_open_component)
}

fn table_open(
    mut caller: Caller<'_, State>,
    kind: u32,
    name_ptr: u32,
    name_len: u32,
    options_ptr: u32,
    options_len: u32,
) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut caller)?;
    let name = bytes(memory, name_ptr, name_len, "table_open: the name")?;
    let options = bytes(memory, options_ptr, options_len, "table_open: the options")?;
    open(state, kind, name, options).map_err(|reason| format_err!("table_open: {reason}"))
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "a value is made by reading a number")]
enum KindName {
    #[component(name = "counter")]
    Counter,
    #[component(name = "histogram")]
    Histogram,
    #[component(name = "gauge")]
    Gauge,
    #[component(name = "top-k")]
    TopK,
    #[component(name = "distinct")]
    Distinct,
    #[component(name = "rate")]
    Rate,
}

type Opened = Result<u32, String>;

fn table_open_component(
    mut store: StoreContextMut<'_, State>,
    (kind, name, options): (KindName, WasmStr, WasmStr),
) -> wasmtime::Result<(Opened,)> {
    let (name, options) = (owned(&store, &name, TEXT_BYTES)?, owned(&store, &options, TEXT_BYTES)?);
    Ok((open(store.data_mut(), kind as u32, &name, &options),))
}

fn open(state: &mut State, kind: u32, name: &[u8], options: &[u8]) -> Opened {
    let name =
        std::str::from_utf8(name).map_err(|error| format!("the name is not UTF-8: {error}"))?;
    let kind = Kind::from_number(kind)
        .ok_or_else(|| format!("table `{name}`: kind {kind} does not exist"))?;
    let options: Options = serde_json::from_slice(options)
        .map_err(|error| format!("options of table `{name}`: {error}"))?;
    let labels = options.labels.len();
    let index = state.sinks.tables.open(name, kind, options)?;
    Ok(state.output.open(index, labels))
}
