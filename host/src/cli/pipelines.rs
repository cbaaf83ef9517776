//! The pipelines that command line and file ask for.

use std::collections::BTreeSet;

use super::{config::Definitions, expression};
use crate::pipeline::{Spec, parse_spec};

/// The pipelines, in order: those of `-s`, of `-e`, of the file, and those of scripts that the file says
/// something of and that stand in none.
pub fn specs(
    scripts: &[String],
    expressions: &[String],
    file: &Definitions,
) -> anyhow::Result<Vec<Spec>> {
    let parse = |text: &str| parse_spec(text, &file.settings);
    let mut specs: Vec<_> = scripts.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    for (number, text) in (1..).zip(expressions) {
        specs.push(expression::spec(number, text)?);
    }
    for pipeline in &file.pipelines {
        let mut spec = match pipeline.scripts.as_slice() {
            // All events are kept.
            [] => Spec { name: String::new(), scripts: Vec::new() },
            scripts => parse(&scripts.join(" | "))?,
        };
        spec.name.clone_from(&pipeline.name);
        specs.push(spec);
    }
    if !file.replaced {
        let in_one = specs.iter().flat_map(|spec| &spec.scripts);
        let in_one: BTreeSet<_> = in_one.map(|script| script.name.clone()).collect();
        let own = file.settings.iter().filter(|(_, settings)| settings.module.is_some());
        for (name, _) in own.filter(|(name, _)| !in_one.contains(*name)) {
            specs.push(parse(name)?);
        }
    }
    Ok(specs)
}
