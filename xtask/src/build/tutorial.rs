//! The code in docs/tutorial.md, put into projects as it says and built: `target/tutorial/LANGUAGE.wasm`.

// The tests of the tutorial take it apart in the same way.
#[path = "../../../host/tests/tutorial/blocks.rs"]
mod blocks;

use std::fs;

use anyhow::{Context, Result, ensure};

use super::projects::{first_command, make, newer};
use crate::{
    command::{cargo, run},
    toolchain::Toolchain,
    workspace::{root, target, weir},
};

/// What the tutorial makes in one language.
#[derive(Debug, Default, PartialEq)]
struct Project {
    language: String,
    name: String,
    /// Path and text of each file.
    files: Vec<(String, String)>,
    /// How it is built.
    command: String,
}

/// Makes and builds all projects, unless tutorial and weir are those that made them last.
pub fn build(toolchain: Toolchain) -> Result<()> {
    let path = root().join("docs/tutorial.md");
    let text = fs::read_to_string(&path).context("cannot read docs/tutorial.md")?;
    for Project { language, name, files, command } in projects(&text)? {
        let folder = target("tutorial").join(&language);
        let project = folder.join(&name);
        let written = |(path, text): &(String, String)| {
            fs::read(project.join(path)).is_ok_and(|there| there == text.as_bytes())
        };
        if files.iter().all(written) && newer(&folder.with_extension("wasm"), &weir()) {
            continue;
        }
        make(toolchain, &language, &folder, &name, &files)
            .with_context(|| format!("docs/tutorial.md: {language}"))?;
        let readme = fs::read_to_string(project.join("README.md"))?;
        if language == "rust" {
            // Its unit test is a part of the text.
            let manifest = project.join("Cargo.toml");
            let mut test = cargo();
            test.args(["test", "--quiet", "--manifest-path"]).arg(manifest);
            run(test.arg("--target-dir").arg(target("new/rust-target")))?;
        }
        ensure!(
            first_command(&readme) == Some(&*command),
            "docs/tutorial.md builds {language} otherwise than the README of `weir new`: `{command}`"
        );
    }
    Ok(())
}

/// What the text makes: `weir new NAME --lang LANGUAGE` begins a project, blocks with a path are its files, and a block
/// marked `build` is how it is built.
fn projects(text: &str) -> Result<Vec<Project>> {
    let mut projects: Vec<Project> = Vec::new();
    for (info, block) in blocks::of(text) {
        let mut words = info.split_whitespace().skip(1);
        if let Some(made) = block.strip_prefix("weir new ") {
            let first = made.lines().next().unwrap_or_default();
            let (name, language) =
                first.split_once(" --lang ").context("`weir new` without --lang")?;
            let (name, language) = (name.to_owned(), language.to_owned());
            projects.push(Project { name, language, ..Project::default() });
            continue;
        }
        let Some(mark) = words.next() else { continue };
        let project = projects.last_mut().context("code before `weir new`")?;
        if mark == "build" {
            project.command = block.trim_end().to_owned();
        } else if let Some(path) = mark.strip_prefix(&format!("{}/", project.name)) {
            project.files.push((path.to_owned(), block));
        }
    }
    ensure!(
        projects.iter().all(|project| !project.files.is_empty() && !project.command.is_empty()),
        "a project has no code, or is not built"
    );
    Ok(projects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_those_of_the_text() {
        let text = "# X\n```sh\nweir new a --lang c\ncd a\n```\n\n```c a/main.c\nint x;\n\n```\n\
                    ```text\nno code\n```\n```sh build\nclang main.c\n```\n";
        let expected = Project {
            language: "c".into(),
            name: "a".into(),
            files: vec![("main.c".into(), "int x;\n\n".into())],
            command: "clang main.c".into(),
        };
        assert_eq!(projects(text).unwrap(), [expected]);
        projects("\n```sh\nweir new a --lang c\n```\n").unwrap_err();
    }
}
