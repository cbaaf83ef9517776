//! `table_add(table: u32, key_ptr: u32, key_len: u32, value: u64)`
//!
//! Adds a value to a row of a table. A key is the row's labels, joined by NUL. It counts when the
//! batch or tick at hand ends well.

use wasmtime::{Caller, Linker};

use super::MODULE;
use crate::script::guest::{State, bytes, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "table_add", table_add)?;
    Ok(())
}

fn table_add(
    mut caller: Caller<'_, State>,
    table: u32,
    key_ptr: u32,
    key_len: u32,
    value: u64,
) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    let key = bytes(memory, key_ptr, key_len, "table_add: the key")?;
    let Some(&(index, labels)) = state.opened.get(table as usize) else {
        wasmtime::bail!("table_add: table {table} was not opened");
    };
    let given = 1 + key.iter().filter(|&&byte| byte == 0).count();
    if given != labels {
        wasmtime::bail!("table_add: a key of {given} labels for a table with {labels}");
    }
    if state.full(key.len()) {
        state.refused += 1;
        return Ok(());
    }
    let start = state.updates.keys.len();
    state.updates.keys.extend_from_slice(key);
    state.updates.list.push((index, start..start + key.len(), value));
    Ok(())
}
