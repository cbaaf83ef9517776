//! A project's files: those of a template, with the script's name in them, and the SDK.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rust_embed::Embed;

use super::Language;

#[derive(Embed)]
#[folder = "src/cli/new/templates"]
struct Templates;

#[derive(Embed)]
#[folder = "../sdk"]
struct Sdk;

/// What stands in templates for the script's name.
const NAME: &str = "SCRIPT_NAME";

/// Why a project was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name would not do in some language or shell.
    #[error(
        "`{0}` is no name for a script: use a-z, 0-9, - and _, a letter first, 32 characters at most"
    )]
    Name(String),
    /// There is something of that name.
    #[error("{} exists already: choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Makes the folder, with everything in it.
pub fn make(folder: &Path, name: &str, language: Language) -> Result<(), NewError> {
    if !is_name(name) {
        return Err(NewError::Name(name.to_owned()));
    }
    // Made here and now, so that nothing which appears meanwhile is written over.
    fs::create_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => NewError::Exists(folder.to_owned()),
        _ => NewError::Write { path: folder.to_owned(), source: error },
    })?;
    for (path, bytes) in files(name, language) {
        let path = folder.join(path);
        let parent = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|source| NewError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    name.len() <= 32 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits)
}

/// Path and content of each file.
fn files(name: &str, language: Language) -> Vec<(String, Vec<u8>)> {
    let template = language.templates();
    let own = Templates::iter().filter_map(|path| {
        let to = path.strip_prefix(template)?.replace(".template", "");
        let bytes = Templates::get(&path)?.data;
        let text = std::str::from_utf8(&bytes).expect("templates are text");
        Some((to, text.replace(NAME, name).into_bytes()))
    });
    let sdk = language.sdk().iter().flat_map(|&(from, to)| {
        Sdk::iter().filter_map(move |path| {
            let rest = path.strip_prefix(from)?;
            // Python leaves what it has compiled beside its sources.
            let is_source = !rest.contains("__pycache__");
            let bytes = Sdk::get(&path).filter(|_| is_source)?.data;
            Some((format!("{to}{rest}"), bytes.into_owned()))
        })
    });
    own.chain(sdk).collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_language_has_its_sdk_and_a_readme_with_one_command() {
        for &language in Language::value_variants() {
            let files = files("mine", language);
            let text = |name: &str| {
                let file = files.iter().find(|(path, _)| path == name);
                String::from_utf8(file.unwrap_or_else(|| panic!("{language:?}: {name}")).1.clone())
                    .unwrap()
            };
            let readme = text("README.md");
            assert_eq!(readme.matches("```sh").count(), 2, "{language:?}");
            assert!(readme.contains("weir run -s mine.wasm"), "{language:?}");
            for (_, to) in language.sdk() {
                assert!(files.iter().any(|(path, _)| path.starts_with(to)), "{language:?}: {to}");
            }
            for (path, bytes) in &files {
                assert!(
                    !String::from_utf8_lossy(bytes).contains(NAME) || path.starts_with("weir"),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("mine");
        make(&project, "mine", Language::Wat).unwrap();
        fs::write(project.join("README.md"), "my own").unwrap();
        let again = make(&project, "mine", Language::C).unwrap_err().to_string();
        assert!(again.contains("exists already: choose another name"), "{again}");
        assert_eq!(fs::read_to_string(project.join("README.md")).unwrap(), "my own");
        assert!(!project.join("main.c").exists());
    }

    #[test]
    fn names_that_would_not_do_everywhere() {
        for name in ["", "1a", "A", "a b", "../a", "-a", "a/b", "größe", &"a".repeat(33)] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("a") && is_name("slow-sends_2"));
    }
}
