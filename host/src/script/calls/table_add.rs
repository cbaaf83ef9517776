//! `table_add(table: u32, key_ptr: u32, key_len: u32, value: u64)`
//!
//! Adds a value to a row of a table. A key is the row's labels, joined by NUL. It counts when the
//! batch or tick at hand ends well.

use wasmtime::{
    Caller, Linker, StoreContextMut,
    component::{ComponentType, Lift, LinkerInstance, WasmList, WasmStr},
};

use super::{MODULE, with_output};
use crate::script::guest::{State, bytes, split};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "table_add", table_add)?;
    Ok(())
}

pub fn link_component(linker: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    linker.func_wrap("table-add", table_add_component)
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
    state.output.add("table_add", table, key, value)
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Update {
    table: u32,
    key: WasmStr,
    value: f64,
}

fn table_add_component(
    store: StoreContextMut<'_, State>,
    (updates,): (WasmList<Update>,),
) -> wasmtime::Result<()> {
    with_output(store, &updates, |store, output, Update { table, key, value }| {
        output.add("table-add", table, key.to_str(store)?.as_bytes(), whole(value)?)
    })
}

/// What a whole number is in the tables: below 0 it is one in two's complement.
fn whole(value: f64) -> wasmtime::Result<u64> {
    const MOST: f64 = (1u64 << 53) as f64;
    if value.fract() != 0.0 || value.abs() > MOST {
        wasmtime::bail!("table-add: the value {value} is not a whole number up to 2^53");
    }
    Ok(value as i64 as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_alone() {
        assert_eq!(whole(0.0).unwrap(), 0);
        assert_eq!(whole(-1.0).unwrap(), u64::MAX);
        assert_eq!(whole(9_007_199_254_740_992.0).unwrap(), 1 << 53);
        for wrong in [0.5, f64::NAN, f64::INFINITY, 1e300, -1e16] {
            whole(wrong).unwrap_err();
        }
    }
}
