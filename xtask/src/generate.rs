//! `cargo xtask gen`: the layout of events in each language, from its one definition in sdk/src/event.rs.
//!
//! What comes out is checked in, so that an SDK is whole without this tool; `--check` says whether it is fresh.

mod assemblyscript;
mod c;
mod go;
mod javascript;
mod layout;
mod markdown;
mod python;
mod rust;
mod text;
mod wat;
mod zig;

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    report::Outcome,
    workspace::{root, write_if_changed},
};
use layout::Layout;

/// Generates what each language knows of the layout of events, from sdk/src/event.rs.
#[derive(Args)]
pub struct Options {
    /// Write nothing; fail if a file is not as it would be written
    #[arg(long)]
    pub check: bool,
}

/// Path and text of each generated file.
fn files(layout: &Layout) -> Vec<(&'static str, String)> {
    vec![
        ("docs/layout.md", markdown::layout(layout)),
        ("sdk/c/weir_layout.h", c::layout(layout)),
        ("sdk/zig/layout.zig", zig::layout(layout)),
        ("sdk/go/layout.go", go::layout(layout)),
        ("sdk/assemblyscript/layout.ts", assemblyscript::layout(layout)),
        ("sdk/js/layout.js", javascript::layout(layout)),
        ("sdk/python/weir_layout.py", python::layout(layout)),
        ("sdk/c/weir_errno.h", c::errors(layout)),
        ("sdk/zig/errno.zig", zig::errors(layout)),
        ("sdk/go/errno.go", go::errors(layout)),
        ("sdk/assemblyscript/errno.ts", assemblyscript::errors(layout)),
        ("sdk/js/errno.js", javascript::errors(layout)),
        ("sdk/python/weir_errno.py", python::errors(layout)),
        ("host/tests/conformance/fields.rs", rust::fields(layout)),
        ("host/tests/conformance/guests/c/fields.h", c::fields(layout)),
        ("host/tests/conformance/guests/zig/fields.zig", zig::fields(layout)),
        ("host/tests/conformance/guests/go/fields.go", go::fields(layout)),
        ("host/tests/conformance/guests/assemblyscript/fields.ts", assemblyscript::fields(layout)),
        ("host/tests/conformance/guests/js/fields.js", javascript::fields(layout)),
        ("host/tests/conformance/guests/python/fields.py", python::fields(layout)),
        ("host/tests/conformance/guests/wat/fields.wat", wat::fields(layout)),
    ]
}

/// Writes the files, or compares them.
pub fn generate(options: &Options) -> Result<()> {
    let source = root().join("sdk/src/event.rs");
    let source =
        fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let mut stale = Vec::new();
    for (path, text) in files(&Layout::parse(&source)?) {
        let file = root().join(path);
        if !options.check {
            write_if_changed(&file, text.as_bytes())?;
        } else if fs::read(&file).ok().as_deref() != Some(text.as_bytes()) {
            stale.push(path);
        }
    }
    ensure!(
        stale.is_empty(),
        "not as sdk/src/event.rs has it: {}: run `cargo xtask gen`",
        stale.join(", ")
    );
    Ok(())
}

/// As a step of the lints.
pub fn check() -> Result<Outcome> {
    generate(&Options { check: true })?;
    Ok(Outcome::Passed)
}
