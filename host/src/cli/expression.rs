//! `weir run -e`: a pipeline of one expression.

use anyhow::{Context, anyhow};

use crate::{
    expression::{PARAM, SCRIPT, compile},
    pipeline::{ScriptSpec, Spec},
    script::bundled,
};

/// The pipeline of the expression with this number.
pub fn spec(number: usize, text: &str) -> anyhow::Result<Spec> {
    let name = format!("e{number}");
    // Before anything is attached.
    compile(text).map_err(|error| anyhow!("expression {name}, {error}"))?;
    let (_, bytes) = bundled().iter().find(|(name, _)| *name == SCRIPT).context(
        "this build holds no scripts, and so none that runs expressions: build it with `cargo xtask build`",
    )?;
    let params = [(PARAM.to_owned(), text.to_owned())].into();
    let script = ScriptSpec { name: name.clone(), bytes: bytes.to_vec(), params };
    Ok(Spec { name, scripts: vec![script] })
}
