//! What a user says to load: pipelines on the command line, and what can be wrong with a change.

use std::{collections::BTreeMap, fs, path::Path};

use crate::script::{LimitError, LimitValues, LoadError, bundled};

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

/// What is said of a script of some name before it is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What the name stands for in a pipeline: a bundled script's name, or a path to a `.wasm` file.
    pub module: Option<String>,
    /// Parameters that it is loaded with, where others are not given.
    pub params: BTreeMap<String, String>,
    /// Its limits; those left out are those of all scripts.
    pub limits: LimitValues,
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

/// Reads `errors.wasm?ignore=EAGAIN | service | mine=path/to/x.wasm`. `settings` are by name.
pub fn parse_spec(text: &str, settings: &BTreeMap<String, Settings>) -> Result<Spec, SpecError> {
    let scripts: Vec<_> = text
        .split('|')
        .map(|part| match part.trim() {
            "" => Err(SpecError::Empty(text.to_owned())),
            part => parse_script(part, settings),
        })
        .collect::<Result<_, _>>()?;
    let names: Vec<_> = scripts.iter().map(|script| script.name.as_str()).collect();
    let name = names.join("-");
    check_name(&name)?;
    Ok(Spec { name, scripts })
}

fn parse_script(
    text: &str,
    settings: &BTreeMap<String, Settings>,
) -> Result<ScriptSpec, SpecError> {
    let (source, query) = text.split_once('?').unwrap_or((text, ""));
    let (name, source) = match source.split_once('=') {
        Some((name, source)) => (Some(name.trim()), source.trim()),
        None => (None, source),
    };
    let meant = settings.get(source).and_then(|settings| settings.module.as_deref());
    let bytes = module(meant.unwrap_or(source))?;
    let stem = Path::new(source).file_stem().and_then(|stem| stem.to_str()).unwrap_or(source);
    let name = name.unwrap_or(stem).to_owned();
    check_name(&name)?;
    let mut params = settings.get(&name).map(|known| known.params.clone()).unwrap_or_default();
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
        let spec =
            parse_spec(&format!("{path}?a=1&b=x=y | other={path}"), &BTreeMap::new()).unwrap();
        assert_eq!(spec.name, "mine-other");
        assert_eq!(spec.scripts[0].params["b"], "x=y");
        assert_eq!(spec.scripts[1].name, "other");
        assert_eq!(spec.scripts[1].bytes, b"\0asm");
    }

    #[test]
    fn a_name_stands_for_what_is_said_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        fs::write(&path, b"\0asm").unwrap();
        let path = path.to_str().unwrap();
        let params = BTreeMap::from([("a", "1"), ("b", "2")]);
        let params = params.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mine = Settings { module: Some(path.to_owned()), params, ..Settings::default() };
        let settings = BTreeMap::from([("mine".to_owned(), mine)]);
        let spec = parse_spec(&format!("mine?b=3 | other=mine | mine={path}"), &settings).unwrap();
        let params = |at: usize| {
            let params = spec.scripts[at].params.iter();
            params.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(spec.name, "mine-other-mine");
        assert_eq!([params(0), params(1), params(2)], ["a=1 b=3", "", "a=1 b=2"]);
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |text: &str| parse_spec(text, &BTreeMap::new()).unwrap_err().to_string();
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
