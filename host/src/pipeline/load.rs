//! What a user says to load: pipelines on the command line, and what can be wrong with a change.

use std::{collections::BTreeMap, fs, path::Path};

use crate::script::{LimitError, LoadError, bundled};

/// A pipeline as the user wrote it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name: the scripts' names, joined by `-`.
    pub name: String,
    /// Its scripts, in order.
    pub scripts: Vec<ScriptSpec>,
}

/// A script of a pipeline as the user wrote it.
#[derive(Clone, Debug)]
pub struct ScriptSpec {
    /// The name to load it under.
    pub name: String,
    /// The module.
    pub bytes: Vec<u8>,
    /// The parameters given.
    pub params: BTreeMap<String, String>,
}

/// What is wrong with a pipeline as written.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A place between two bars is empty.
    #[error("pipeline `{0}`: a script is missing; write names or paths with | between them")]
    Empty(String),
    /// Neither a bundled script nor a file.
    #[error(
        "there is no bundled script `{name}`, and a file ends in .wasm; bundled are: {}",
        bundled().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was written.
        name: String,
    },
    /// A file that cannot be read.
    #[error("cannot read the script {path}: {source}")]
    Read {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A parameter without a value.
    #[error("script `{script}`: parameter `{param}` has no value; write {script}?{param}=VALUE")]
    Param {
        /// The script.
        script: String,
        /// The parameter.
        param: String,
    },
    /// A name that cannot stand in an address.
    #[error("{0}")]
    Name(#[from] NameError),
}

/// A name that cannot stand in an address.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not a name: 1 to 64 letters, digits, `_`, `-` or `.`")]
pub struct NameError(pub String);

/// Why a change of the scripts was refused. Everything runs on as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The module.
    #[error("script `{name}`: {source}")]
    Load {
        /// The script.
        name: String,
        /// What is wrong with it.
        source: LoadError,
    },
    /// There is no such script.
    #[error("there is no script `{0}`")]
    UnknownScript(String),
    /// There is no such pipeline.
    #[error("there is no pipeline `{0}`")]
    UnknownPipeline(String),
    /// A name that cannot stand in an address.
    #[error("{0}")]
    Name(#[from] NameError),
    /// The same name for two things.
    #[error("{0}")]
    Conflict(String),
    /// A limit that cannot be.
    #[error("{0}")]
    Limit(#[from] LimitError),
}

impl ChangeError {
    /// A word that stays the same, for programs; see docs/api.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownScript(_) => "unknown_script",
            Self::UnknownPipeline(_) => "unknown_pipeline",
            Self::Name(_) => "bad_name",
            Self::Conflict(_) => "conflict",
            Self::Limit(_) => "bad_limit",
            Self::Load { source, .. } => source.code(),
        }
    }
}

/// Whether it can be the name of a script or pipeline.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !name.starts_with('.');
    if fits { Ok(()) } else { Err(NameError(name.to_owned())) }
}

/// Reads `errors.wasm?ignore=EAGAIN | service | mine=path/to/x.wasm`.
pub fn parse_spec(text: &str) -> Result<Spec, SpecError> {
    let scripts: Vec<_> = text
        .split('|')
        .map(|part| match part.trim() {
            "" => Err(SpecError::Empty(text.to_owned())),
            part => parse_script(part),
        })
        .collect::<Result<_, _>>()?;
    let names: Vec<_> = scripts.iter().map(|script| script.name.as_str()).collect();
    let name = names.join("-");
    check_name(&name)?;
    Ok(Spec { name, scripts })
}

fn parse_script(text: &str) -> Result<ScriptSpec, SpecError> {
    let (source, query) = text.split_once('?').unwrap_or((text, ""));
    let (name, source) = match source.split_once('=') {
        Some((name, source)) => (Some(name.trim()), source.trim()),
        None => (None, source),
    };
    let bytes = module(source)?;
    let stem = Path::new(source).file_stem().and_then(|stem| stem.to_str()).unwrap_or(source);
    let name = name.unwrap_or(stem).to_owned();
    check_name(&name)?;
    let mut params = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((param, value)) = pair.split_once('=') else {
            return Err(SpecError::Param { script: name, param: pair.to_owned() });
        };
        params.insert(param.to_owned(), value.to_owned());
    }
    Ok(ScriptSpec { name, bytes, params })
}

fn module(source: &str) -> Result<Vec<u8>, SpecError> {
    if !source.ends_with(".wasm") {
        let found = bundled().iter().find(|(name, _)| *name == source);
        let (_, bytes) = found.ok_or_else(|| SpecError::Unknown { name: source.to_owned() })?;
        return Ok(bytes.to_vec());
    }
    fs::read(source).map_err(|error| SpecError::Read { path: source.to_owned(), source: error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_paths_and_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.wasm");
        fs::write(&path, b"\0asm").unwrap();
        let path = path.to_str().unwrap();
        let spec = parse_spec(&format!("{path}?a=1&b=x=y | other={path}")).unwrap();
        assert_eq!(spec.name, "mine-other");
        assert_eq!(spec.scripts[0].params["b"], "x=y");
        assert_eq!(spec.scripts[1].name, "other");
        assert_eq!(spec.scripts[1].bytes, b"\0asm");
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |text: &str| parse_spec(text).unwrap_err().to_string();
        assert!(
            check("a.wasm | ").contains("a script is missing")
                || check("a.wasm | ").contains("cannot read")
        );
        assert!(check(" | ").contains("a script is missing"));
        assert!(check("no-such-script").contains("there is no bundled script `no-such-script`"));
        assert!(check("/no/such.wasm").contains("cannot read the script /no/such.wasm"));
    }

    #[test]
    fn names() {
        for name in ["a", "errors-owner", "x_1.2"] {
            check_name(name).unwrap();
        }
        for name in ["", "a b", "../x", ".hidden", "a/b", &"x".repeat(65)] {
            check_name(name).unwrap_err();
        }
    }
}
