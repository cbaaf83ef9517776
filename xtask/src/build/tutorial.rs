//! The code in docs/tutorial.md, put into projects as it says and built: `target/tutorial/LANGUAGE.wasm`.

// The tests of the tutorial take it apart in the same way.
#[path = "../../../host/tests/tutorial/blocks.rs"]
mod blocks;

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use super::projects::{first_command, make, newer, shell};
use crate::{
    command::{cargo, program, read, run},
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
    /// How it is built: as its README says, and otherwise.
    commands: Vec<String>,
}

/// Makes and builds all projects, unless tutorial and weir are those that made them last.
pub fn build(toolchain: Toolchain) -> Result<()> {
    let path = root().join("docs/tutorial.md");
    let text = fs::read_to_string(&path).context("cannot read docs/tutorial.md")?;
    for Project { language, name, files, commands } in projects(&text)? {
        let folder = target("tutorial").join(&language);
        let project = folder.join(&name);
        let written = |(path, text): &(String, String)| {
            fs::read(project.join(path)).is_ok_and(|there| there == text.as_bytes())
        };
        if files.iter().all(written) && newer(&folder.with_extension("wasm"), &weir()) {
            continue;
        }
        make(toolchain, &language, &folder, &name, &files)
            .and_then(|()| check(&project, &language, &name, &commands))
            // Else it would count as made.
            .inspect_err(|_| _ = fs::remove_file(folder.with_extension("wasm")))
            .with_context(|| format!("docs/tutorial.md: {language}"))?;
    }
    Ok(())
}

/// What the text says of a project beyond its code: its test, and how it is built.
fn check(project: &Path, language: &str, name: &str, commands: &[String]) -> Result<()> {
    if language == "rust" {
        // Its unit test is a part of the text.
        let mut test = cargo();
        test.args(["test", "--quiet", "--manifest-path"]).arg(project.join("Cargo.toml"));
        run(test.arg("--target-dir").arg(target("new/rust-target")))?;
    }
    let readme = fs::read_to_string(project.join("README.md"))?;
    let (command, others) = commands.split_first().context("it is not built")?;
    ensure!(
        first_command(&readme) == Some(&**command),
        "it is built otherwise than the README of `weir new` says: `{command}`"
    );
    for other in others {
        let module = project.join(format!("{name}.wasm"));
        fs::remove_file(&module).with_context(|| format!("cannot remove {}", module.display()))?;
        run(&mut shell(other, project)?)?;
        read(program(weir()).arg("check").arg(&module)).with_context(|| format!("`{other}`"))?;
    }
    Ok(())
}

/// What the text makes: `weir new NAME --lang LANGUAGE` begins a project, blocks with a path are its files, and blocks
/// marked `build` are ways to build it.
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
            project.commands.push(block.trim_end().to_owned());
        } else if let Some(path) = mark.strip_prefix(&format!("{}/", project.name)) {
            project.files.push((path.to_owned(), block));
        }
    }
    ensure!(
        projects.iter().all(|project| !project.files.is_empty() && !project.commands.is_empty()),
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
                    ```text\nno code\n```\n```sh build\nclang main.c\n```\n\
                    ```sh build\ngcc main.c\n```\n";
        let expected = Project {
            language: "c".into(),
            name: "a".into(),
            files: vec![("main.c".into(), "int x;\n\n".into())],
            commands: vec!["clang main.c".into(), "gcc main.c".into()],
        };
        assert_eq!(projects(text).unwrap(), [expected]);
        projects("\n```sh\nweir new a --lang c\n```\n").unwrap_err();
    }
}
