//! Compilers of the languages that scripts are written in, as docs/scripting.md calls them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result};

use crate::{
    command::{program, run, tool},
    toolchain::{Toolchain, WASM, clang, strip},
    workspace::{entries, name, root, target},
};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    C,
    Zig,
    AssemblyScript,
    Wat,
    Go,
    JavaScript,
    /// JavaScript once more, by the compiler that puts another engine beside it.
    StarlingMonkey,
    Python,
}

/// Each with the folder of its SDK below `sdk`, and the ending of its files.
const LANGUAGES: [(Language, &str, &str); 9] = [
    (Language::Rust, "src", "rs"),
    (Language::C, "c", "c"),
    (Language::Zig, "zig", "zig"),
    (Language::AssemblyScript, "assemblyscript", "ts"),
    (Language::Wat, "", "wat"),
    (Language::Go, "go", "go"),
    (Language::JavaScript, "js", "js"),
    (Language::StarlingMonkey, "js", "js"),
    (Language::Python, "python", "py"),
];

impl Language {
    /// The language of a script: of the file that is named as its folder, or of the project in it.
    pub fn of(folder: &Path, name: &str) -> Option<Self> {
        if folder.join("Cargo.toml").is_file() {
            return Some(Self::Rust);
        }
        if folder.join("go.mod").is_file() {
            return Some(Self::Go);
        }
        let found = LANGUAGES.iter().find(|(_, _, ending)| main(folder, name, ending).is_file());
        found.map(|&(language, _, _)| language)
    }

    /// Whether its modules are small enough to be in the binary: neither a runtime nor an interpreter in them.
    pub fn is_small(self) -> bool {
        !matches!(self, Self::Go | Self::JavaScript | Self::StarlingMonkey | Self::Python)
    }

    fn sdk(self) -> (&'static str, &'static str) {
        let (_, sdk, ending) =
            LANGUAGES.iter().find(|known| known.0 == self).expect("it is listed");
        (sdk, ending)
    }

    /// Builds the script in this folder, unless nothing has changed, and says where the module is. Those in Rust
    /// are built together, by [`rust`].
    pub fn build(self, folder: &Path, name: &str) -> Result<PathBuf> {
        let (sdk, ending) = self.sdk();
        let to = target("wasm").join(format!("{self:?}").to_lowercase());
        fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        let module = to.join(format!("{name}.wasm"));
        // The pins of the compilers count as sources.
        let sources =
            [folder, &root().join("sdk").join(sdk), &root().join("xtask/src/setup/languages.rs")];
        let built = modified(&module);
        if built.is_some() && sources.iter().filter_map(|path| newest(path)).max() < built {
            return Ok(module);
        }
        let source = main(folder, name, ending);
        match self {
            Self::Rust => unreachable!("cargo builds all in Rust together"),
            Self::C => run(c()?.args(["-I", "sdk/c"]).arg("-o").args([&module, &source])),
            Self::Zig => {
                run(zig(&source, &module)?.arg("-Mweir=sdk/zig/weir.zig"))?;
                // Functions keep their names, for the backtraces of traps; the rest is 50 times the code.
                run(program(strip()?).arg("--strip-debug").arg(&module))
            }
            Self::AssemblyScript => run(tool("asc")?
                .arg(&source)
                .args([
                    "--optimize",
                    "--debug",
                    "--use",
                    "abort=sdk/assemblyscript/host/abort",
                    "-o",
                ])
                .arg(&module)),
            Self::Wat => wat(folder, &source, &module),
            Self::Go => run(go()?
                .current_dir(folder)
                .args(["build", "-buildmode=c-shared", "-o"])
                .arg(&module)
                .arg(".")),
            Self::JavaScript => run(tool("componentize-qjs")?
                .args([
                    "--wit",
                    "sdk/wit",
                    "--world",
                    "script",
                    "--module-root",
                    ".",
                    "--stub-wasi",
                    "--sync",
                    "--js",
                ])
                // It finds modules below its root by relative paths alone.
                .arg(source.strip_prefix(root())?)
                .arg("--output")
                .arg(&module)),
            Self::StarlingMonkey => run(tool("componentize-js")?
                .arg(&source)
                .args(["--wit", "sdk/wit", "--world-name", "script", "--disable"])
                .args(["stdio", "random", "clocks", "http", "fetch-event", "--out"])
                .arg(&module)),
            Self::Python => run(tool("componentize-py")?
                .args(["-d", "sdk/wit", "-w", "script", "componentize", "-p"])
                .arg(folder)
                .args(["-p", "sdk/python", name, "--stub-wasi", "-o"])
                .arg(&module)),
        }?;
        Ok(module)
    }
}

fn main(folder: &Path, name: &str, ending: &str) -> PathBuf {
    folder.join(format!("{name}.{ending}"))
}

/// Builds these packages, and says in which folder their modules are.
pub fn rust(toolchain: Toolchain, packages: &[String]) -> Result<PathBuf> {
    let mut build = toolchain.build_wasm();
    build.args(["--profile", "wasm", "--target-dir"]).arg(target("wasm"));
    for package in packages {
        build.args(["--package", package]);
    }
    run(&mut build)?;
    Ok(target("wasm").join(WASM).join("wasm"))
}

fn c() -> Result<Command> {
    let mut clang = program(clang()?);
    clang
        .args(["--target=wasm32", "-O2", "-Wall", "-Werror", "-nostdlib"])
        // The source marks its exports by attributes; there is no `main`.
        .args(["-Wl,--no-entry", "-Wl,--export-dynamic"]);
    Ok(clang)
}

fn zig(source: &Path, module: &Path) -> Result<Command> {
    let mut zig = tool("zig")?;
    let cache = target("zig-cache");
    zig.args(["build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSmall", "-fno-strip"])
        .args(["-fno-entry", "-rdynamic", "--dep", "weir"])
        .arg("--cache-dir")
        .arg(&cache)
        .arg("--global-cache-dir")
        .arg(&cache)
        .arg(format!("-Mroot={}", source.display()))
        .arg(format!("-femit-bin={}", module.display()));
    Ok(zig)
}

/// The compiler of Go, for scripts.
fn go() -> Result<Command> {
    let mut go = go_here()?;
    go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    Ok(go)
}

/// The compiler of Go, for this machine.
pub fn go_here() -> Result<Command> {
    let mut go = tool("go")?;
    // Nothing is fetched: neither another compiler nor modules.
    go.env("GOCACHE", target("go-cache")).envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off")]);
    Ok(go)
}

/// Text is taken as it is, but for lines `;; include FILE`.
fn wat(folder: &Path, source: &Path, module: &Path) -> Result<()> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut text = String::new();
    for line in read(source)?.lines() {
        match line.trim().strip_prefix(";; include ") {
            Some(file) => text.push_str(&read(&folder.join(file))?),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    let bytes = wat::parse_str(&text).with_context(|| source.display().to_string())?;
    fs::write(module, bytes).with_context(|| format!("cannot write {}", module.display()))
}

/// When a file, or one below a folder, was last changed.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    // What Python and Zig leave beside their sources.
    let is_source = |path: &PathBuf| !["__pycache__", ".zig-cache"].contains(&name(path).as_str());
    entries(path).iter().filter(|path| is_source(path)).filter_map(|path| newest(path)).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
