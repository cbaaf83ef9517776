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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{cli::config::File, script::bundled};

    #[test]
    fn pipelines_of_the_file_come_last_and_none_is_left_out() {
        if bundled().is_empty() {
            return eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
        }
        let text = "[pipeline.z]\nscripts = [\"few?ignore=EPIPE\", \"latency\"]\n[pipeline.a]\n\
                    scripts = []\n[script.few]\nmodule = \"errors\"\n[script.few.params]\n\
                    ignore = \"EAGAIN\"\nslower_than = \"1ms\"\n[script.bare]\nexpression = \"true\"\n\
                    [script.latency.limits]\nmemory = \"1MiB\"\n";
        let file = File::parse(Path::new("weir.toml"), text).unwrap();
        let definitions = Definitions::from(file);
        let specs = specs(&["service".to_owned()], &["fd == 1".to_owned()], &definitions).unwrap();
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["service", "e1", "z", "a", "bare"]);
        let few = &specs[2].scripts[0];
        assert_eq!((few.name.as_str(), few.params["ignore"].as_str()), ("few", "EPIPE"));
        assert_eq!(few.params["slower_than"], "1ms");
        assert!(specs[3].scripts.is_empty());
    }
}
