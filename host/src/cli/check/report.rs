//! What was found of a module, for people and as JSON.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{shape::Shape, trial::Trial};
use crate::{
    cli::{
        columns::{Align, columns},
        script::bytes,
    },
    script::{Describe, Fault, FaultKind, Line, LoadError, call_names},
};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What is wrong; nothing, if a host takes it.
    pub problems: Vec<Problem>,
    /// Size of the file.
    pub size_bytes: usize,
    /// What it is made of, if it is a module.
    pub shape: Option<Shape>,
    /// What it says of itself, if it starts.
    pub describe: Option<Describe>,
    /// Its parameters in force.
    pub params: BTreeMap<String, String>,
    /// What it did with sample events.
    pub trial: Option<Trial>,
    /// Its log.
    pub log: Vec<Line>,
}

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

impl Problem {
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// Why it was not taken, with the remedy.
pub fn of_load(error: &LoadError) -> Problem {
    let fix = match error {
        LoadError::Import { module, .. } if module.starts_with("wasi") => {
            "build it without the system's interface: for the target wasm32-unknown-unknown, or in C with -nostdlib"
        }
        LoadError::Import { module, .. } if module == "env" => {
            "a symbol that nothing defines: link what defines it, or leave it out"
        }
        LoadError::Import { .. } | LoadError::ImportType { .. } => {
            "import what docs/scripting.md lists, with the types there"
        }
        LoadError::Export { .. } => "see the exports in docs/scripting.md, with their types",
        LoadError::Abi { .. } => "build it with this version's SDK",
        LoadError::Describe(_) => {
            "return the JSON of docs/scripting.md from weir_describe: its address << 32 | its length"
        }
        LoadError::UnknownParam { .. }
        | LoadError::BadParam { .. }
        | LoadError::Expression { .. }
        | LoadError::Refused(_) => "give it other parameters with -p NAME=VALUE",
        LoadError::TooLarge { .. } => {
            "optimise for size and strip debug information, or raise the host's --script-bytes"
        }
        LoadError::Fault { fault, .. } => {
            return Problem { what: error.to_string(), ..of_fault(fault) };
        }
        _ => "build it again, for the target wasm32",
    };
    Problem::new(error.to_string(), fix)
}

/// How it failed, with the remedy.
pub fn of_fault(fault: &Fault) -> Problem {
    let at = if fault.backtrace.is_empty() {
        String::new()
    } else {
        format!(", in {}", fault.backtrace.join(" ← "))
    };
    let fix = match fault.kind {
        FaultKind::Timeout => "do less per event, or raise --batch-time here and in `weir run`",
        FaultKind::Trap => {
            "see the log above for what it said last; events may lack any part, and lie at `stride` bytes from each other"
        }
    };
    Problem::new(format!("{}{at}", fault.message), fix)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shape) = &self.shape {
            writeln!(f, "{}, {}", shape.form.name(), bytes(self.size_bytes as u64))?;
            writeln!(f, "exports   {}", list(&shape.exports))?;
            writeln!(f, "imports   {}", list(&shape.imports))?;
        }
        if let Some(describe) = &self.describe {
            self.describe(f, describe)?;
        }
        if let Some(trial) = &self.trial {
            write!(f, "\n{trial}")?;
        }
        if !self.log.is_empty() {
            writeln!(f, "\nlog")?;
        }
        for line in &self.log {
            writeln!(f, "  {:<5} {}", line.level, line.text)?;
        }
        writeln!(f)?;
        for Problem { what, fix } in &self.problems {
            writeln!(f, "wrong: {what}\n  fix: {fix}")?;
        }
        if self.problems.is_empty() {
            writeln!(f, "ok: a host takes it")?;
        }
        Ok(())
    }
}

impl Report {
    fn describe(&self, f: &mut fmt::Formatter<'_>, describe: &Describe) -> fmt::Result {
        let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        writeln!(
            f,
            "name      {} {}, in {}",
            or(&describe.name),
            or(&describe.version),
            or(&describe.language)
        )?;
        writeln!(f, "summary   {}", or(&describe.summary))?;
        let calls = call_names(describe.wants.calls).collect::<Vec<_>>().join(", ");
        write!(f, "wants     {}", or(&calls))?;
        match describe.wants.payload {
            0 => writeln!(f)?,
            bytes => writeln!(f, ", with {bytes} bytes of payload")?,
        }
        for table in &describe.tables {
            let kind = serde_json::to_value(table.kind).unwrap_or_default();
            writeln!(
                f,
                "table     {} ({}): {}",
                table.name,
                kind.as_str().unwrap_or_default(),
                or(&table.help)
            )?;
        }
        if !describe.params.is_empty() {
            let head = ["parameter", "type", "value", "help"].map(|name| (name, Align::Left));
            let rows = describe.params.iter().map(|param| {
                let value = self.params.get(&param.name).map_or("", String::as_str);
                vec![or(&param.name), or(&param.r#type), or(value), or(&param.help)]
            });
            write!(f, "\n{}", columns(&head, rows))?;
        }
        Ok(())
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
