//! What a file is made of: module or component, exports, imports.

use serde::Serialize;
use wasmparser::{Encoding, Parser, Payload};

use super::report::Problem;

/// What a file is made of.
#[derive(Debug, Serialize)]
pub struct Shape {
    pub form: Form,
    /// Its exports, by name.
    pub exports: Vec<String>,
    /// Its imports: `module.name`, of a component the interface.
    pub imports: Vec<String>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    Core,
    Component,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core module",
            Self::Component => "component",
        }
    }
}

/// What a core module must export.
const NEEDED: [&str; 4] = ["memory", "weir_abi", "weir_alloc", "weir_batch"];
/// What it may.
const OPTIONAL: [&str; 5] =
    ["weir_describe", "weir_start", "weir_tick", "weir_save", "weir_restore"];
/// What a component must export, without the version.
const GUEST: &str = "weir:script/guest";

impl Shape {
    /// Takes a file apart, as far as names go.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if !bytes.starts_with(b"\0asm") {
            return Err(no_wasm(bytes));
        }
        let form = if Parser::is_component(bytes) { Form::Component } else { Form::Core };
        let mut shape = Self { form, exports: Vec::new(), imports: Vec::new() };
        shape.fill(bytes).map_err(|error| {
            Problem::new(
                format!("the file is damaged: {error}"),
                "build it again, and copy it in binary mode",
            )
        })?;
        Ok(shape)
    }

    fn fill(&mut self, bytes: &[u8]) -> wasmparser::Result<()> {
        // Components hold modules, whose exports are their own affair.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding, .. } => {
                    depth += 1;
                    debug_assert!(
                        depth > 1
                            || (encoding == Encoding::Component) == (self.form == Form::Component)
                    );
                }
                Payload::End(_) => depth -= 1,
                _ if depth > 1 => {}
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        self.imports.push(format!("{}.{}", import.module, import.name));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        self.exports.push(export?.name.to_owned());
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        self.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        self.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is missing.
    pub fn problems(&self) -> Option<Problem> {
        match self.form {
            Form::Core => self.core(),
            Form::Component => self.component(),
        }
    }

    fn core(&self) -> Option<Problem> {
        let missing: Vec<_> = NEEDED
            .into_iter()
            .filter(|needed| !self.exports.iter().any(|export| export == needed))
            .map(|name| format!("`{name}`"))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let what = format!("exports are missing: {}", missing.join(", "));
        let known = |export: &&String| {
            NEEDED.contains(&export.as_str()) || OPTIONAL.contains(&export.as_str())
        };
        let odd = self.exports.iter().find(|export| export.starts_with("weir_") && !known(export));
        let fix = match odd {
            Some(odd) => format!("there is `{odd}`, which is none: rename it"),
            None => "in Rust put #[weir::script] on the script and crate-type = [\"cdylib\"] into Cargo.toml; \
                     in C include weir.h and link with -Wl,--no-entry -Wl,--export-dynamic; else see \
                     docs/scripting.md for what a script exports"
                .to_owned(),
        };
        Some(Problem::new(what, fix))
    }

    fn component(&self) -> Option<Problem> {
        let is_guest = |export: &String| export.split('@').next() == Some(GUEST);
        (!self.exports.iter().any(is_guest)).then(|| {
            Problem::new(
                format!("the component does not export `{GUEST}`"),
                "build it for the world `script` of sdk/wit/weir.wit",
            )
        })
    }
}

/// What a file may be that is no Wasm.
fn no_wasm(bytes: &[u8]) -> Problem {
    let text = str::from_utf8(&bytes[..bytes.len().min(512)]).unwrap_or_default();
    let fix = if bytes.is_empty() {
        "the file is empty: did the build fail?"
    } else if bytes.starts_with(b"\x7fELF") {
        "it is for this machine: build it for the target wasm32-unknown-unknown"
    } else if text.trim_start().starts_with("(module")
        || text.trim_start().starts_with("(component")
    {
        "it is WebAssembly in text: make it binary, with wat2wasm or wasm-tools parse"
    } else if bytes.starts_with(b"\x1f\x8b") {
        "it is compressed: unpack it with gunzip"
    } else if text.is_empty() {
        "name the .wasm file that the build leaves"
    } else {
        "it looks like a source file: compile it, and name the .wasm file that the build leaves"
    };
    Problem::new("the file is no WebAssembly: it does not begin with the bytes \\0asm", fix)
}
