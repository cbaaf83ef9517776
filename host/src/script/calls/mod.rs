//! What a script can ask of the host: one call a file. The Rust SDK has the same file names.
//!
//! Core modules and components have the same calls under other types. A wrong pointer, handle or
//! index is a bug of the script, and ends its run as a trap does.

mod attr;
mod emit;
mod log;
mod param;
mod process;
mod table_add;
mod table_add_many;
mod table_open;

use wasmtime::{
    Engine, Linker, StoreContextMut,
    component::{self, Lift, WasmList, WasmStr},
};

use super::{guest::State, output::Output, wasi};

/// The Wasm module that core modules import the calls from.
pub const MODULE: &str = "weir";
/// The interface that components import the calls from.
pub const INTERFACE: &str = "weir:script/host@1.0.0";

/// The calls of core modules.
pub const NAMES: [&str; 8] =
    ["attr", "emit", "log", "param", "process", "table_add", "table_add_many", "table_open"];

/// Defines all calls for core modules.
pub fn link(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine);
    let calls = [
        attr::link,
        emit::link,
        log::link,
        param::link,
        process::link,
        table_add::link,
        table_add_many::link,
        table_open::link,
        wasi::link,
    ];
    for link in calls {
        link(&mut linker).expect("each call is defined once");
    }
    linker
}

/// Defines all calls for components.
pub fn link_component(engine: &Engine) -> component::Linker<State> {
    let mut linker = component::Linker::new(engine);
    let mut instance = linker.instance(INTERFACE).expect("the interface is defined once");
    let calls = [
        attr::link_component,
        emit::link_component,
        log::link_component,
        process::link_component,
        table_add::link_component,
        table_open::link_component,
    ];
    for link in calls {
        link(&mut instance).expect("each call is defined once");
    }
    wasi::link_component(&mut linker).expect("WASI is defined once");
    linker
}

/// Writes as much as fits, and returns the whole length.
fn fill(to: &mut [u8], text: &[u8]) -> i32 {
    let fits = to.len().min(text.len());
    to[..fits].copy_from_slice(&text[..fits]);
    i32::try_from(text.len()).unwrap_or(i32::MAX)
}

/// A component's text, cut at a length.
fn owned(
    store: &StoreContextMut<'_, State>,
    text: &WasmStr,
    most: usize,
) -> wasmtime::Result<Vec<u8>> {
    let text = text.to_str(store)?;
    Ok(text.as_bytes()[..text.len().min(most)].to_vec())
}

/// Takes the output out of the store while it grows by a list's items, whose texts lie in there.
fn with_output<T: Lift>(
    mut store: StoreContextMut<'_, State>,
    list: &WasmList<T>,
    mut add: impl FnMut(&StoreContextMut<'_, State>, &mut Output, T) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    let limits = store.data().limits;
    let mut output = std::mem::replace(&mut store.data_mut().output, Output::new(&limits));
    let mut result = Ok(());
    for index in 0..list.len() {
        let item = list.get(&mut store, index).expect("the index is within the list");
        result = item.and_then(|item| add(&store, &mut output, item));
        if result.is_err() {
            break;
        }
    }
    store.data_mut().output = output;
    result
}

#[cfg(test)]
mod tests {
    use wasmtime::Module;

    use super::*;

    #[test]
    fn every_call_is_linked_under_its_name() {
        let engine = Engine::default();
        let linker = link(&engine);
        assert!(NAMES.is_sorted());
        for name in NAMES {
            let text = format!("(module (import \"weir\" \"{name}\" (func (param f32))))");
            let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
            // The types differ; a name that is not linked would be reported as unknown.
            let error = linker.instantiate_pre(&module).err().unwrap();
            assert!(format!("{error:#}").contains("incompatible import type"), "{error:#}");
        }
    }
}
