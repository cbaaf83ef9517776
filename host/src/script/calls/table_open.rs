//! `table_open(kind: u32, name_ptr: u32, name_len: u32, options_ptr: u32, options_len: u32) -> u32`
//!
//! Finds or makes a table and returns the handle for `table_add`. Kinds: 0 counter, 1 histogram.
//! Options are JSON: `{"labels": ["process"], "unit": "ns", "help": "…"}`.

use wasmtime::{Caller, Linker, format_err};

use super::MODULE;
use crate::{
    script::guest::{State, bytes, split},
    table::{Kind, Options},
};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "table_open", table_open)?;
    Ok(())
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
    let name = std::str::from_utf8(name)
        .map_err(|error| format_err!("table_open: the name is not UTF-8: {error}"))?;
    let kind = Kind::from_number(kind)
        .ok_or_else(|| format_err!("table_open: table `{name}`: kind {kind} does not exist"))?;
    let options: Options = serde_json::from_slice(options)
        .map_err(|error| format_err!("table_open: options of table `{name}`: {error}"))?;
    let labels = options.labels.len();
    let index = state
        .tables
        .open(name, kind, options)
        .map_err(|reason| format_err!("table_open: {reason}"))?;
    let handle = state.opened.iter().position(|&opened| opened == (index, labels));
    let handle = handle.unwrap_or_else(|| {
        state.opened.push((index, labels));
        state.opened.len() - 1
    });
    Ok(handle as u32)
}
