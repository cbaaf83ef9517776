//! What a script can ask of the host: one call a file. The Rust SDK has the same file names.
//!
//! A wrong pointer, handle or index is a bug of the script, and ends its run as a trap does.

mod attr;
mod log;
mod param;
mod table_add;
mod table_open;

use wasmtime::{Engine, Linker, Module};

use super::{LoadError, guest::State};

/// The Wasm module that the calls are imported from.
const MODULE: &str = "weir";

/// The calls.
pub const NAMES: [&str; 5] = ["attr", "log", "param", "table_add", "table_open"];

/// Defines all calls.
pub fn link(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine);
    attr::link(&mut linker)
        .and_then(|()| log::link(&mut linker))
        .and_then(|()| param::link(&mut linker))
        .and_then(|()| table_add::link(&mut linker))
        .and_then(|()| table_open::link(&mut linker))
        .expect("each call is defined once");
    linker
}

/// Refuses a module that imports what does not exist.
pub fn check_imports(module: &Module) -> Result<(), LoadError> {
    for import in module.imports() {
        if import.module() != MODULE || !NAMES.contains(&import.name()) {
            return Err(LoadError::Import {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_linked_under_its_name() {
        let engine = Engine::default();
        let linker = link(&engine);
        let mut store = wasmtime::Store::new(&engine, None::<State>);
        _ = &mut store;
        let mut names: Vec<_> = NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(names, NAMES);
        let imports: String =
            NAMES.iter().map(|name| format!("(import \"weir\" \"{name}\" (func))")).collect();
        let module =
            Module::new(&engine, wat::parse_str(format!("(module {imports})")).unwrap()).unwrap();
        // The types differ; a name that is not linked would be reported as unknown.
        let error = linker.instantiate_pre(&module).err().unwrap();
        assert!(format!("{error:#}").contains("incompatible import type"), "{error:#}");
        check_imports(&module).unwrap();
    }
}
