//! Other programs: finding them, showing how they are called, running them.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{setup::languages, workspace};

/// Where `setup` puts tools that no package of the system offers: nothing outside of `target/`.
pub fn tools() -> PathBuf {
    workspace::target("tools")
}

/// Folders to look for programs in: the project's own tools first, in the versions that it is written for.
pub fn folders() -> Vec<PathBuf> {
    let own = [tools().join("bin"), tools().join("node_modules/node/bin")];
    let path = env::var_os("PATH").unwrap_or_default();
    own.into_iter().chain(languages::folders()).chain(env::split_paths(&path)).collect()
}

/// The first of these programs that is installed.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let folders = folders();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

/// As [`find`], with the remedy as the error.
pub fn need(names: &[&str]) -> Result<PathBuf> {
    find(names).with_context(|| {
        format!("{} is not installed: run `cargo xtask setup`", names.join(" or "))
    })
}

/// A program, run in the workspace's root.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command
        .current_dir(workspace::root())
        // `cargo run` adds its own toolchain's libraries; other compilers must not find them.
        .env_remove("LD_LIBRARY_PATH");
    command
}

/// The cargo that runs this, with `target/` where every other step expects it.
pub fn cargo() -> Command {
    let mut command = program("cargo");
    command.env_remove("CARGO_TARGET_DIR");
    // What the cargo that runs this says of this package. Build scripts ask for some of it, and would run
    // anew after every build that is not from here.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A program that `setup` installed or the system has, which finds others of its kind.
pub fn tool(name: &str) -> Result<Command> {
    let mut command = program(need(&[name])?);
    command.env("PATH", env::join_paths(folders())?);
    Ok(command)
}

/// npm in `web/`, which finds the node that `setup` installed, if it had to.
pub fn npm() -> Result<Command> {
    let mut command = program(need(&["npm"])?);
    command.current_dir(workspace::root().join("web")).env("PATH", env::join_paths(folders())?);
    Ok(command)
}

/// The command as one would type it, with its own variables.
pub fn shown(command: &Command) -> String {
    let variables =
        command.get_envs().filter(|(name, _)| *name != "PATH").filter_map(|(name, value)| {
            let value = value?.to_string_lossy().replace('\x1f', " ");
            Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
        });
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()));
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs the command with its output shown; its failure is the error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    ensure!(status.success(), "`{}` failed with {status}", shown(command));
    Ok(())
}

/// Runs the command with its output shown; the error names the lines of standard output in which `failed`
/// finds the name of a thing that failed.
pub fn run_and_name(command: &mut Command, failed: fn(&str) -> Option<&str>) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    let output = child.stdout.take().expect("it is piped");
    let mut names = Vec::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        names.extend(failed(&line).map(str::to_owned));
    }
    let status = child.wait()?;
    let names = names.join(", ");
    ensure!(status.success(), "`{}` failed with {status}: {names}", shown(command));
    Ok(())
}

/// Shows the command, then runs it.
pub fn show_and_run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    run(command)
}

/// Runs the command and takes what it writes to standard output; the rest is shown.
pub fn read(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` does not write UTF-8", shown(command)))
}

/// Runs the command quietly; on failure the last line that it wrote to standard error is the error.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
        bail!("{}", last.unwrap_or("no reason given").trim());
    }
    Ok(())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", shown(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_named() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo this broke; echo that holds; echo the last broke; exit 3"]);
        let error =
            run_and_name(&mut script, |line| line.strip_suffix(" broke")).unwrap_err().to_string();
        assert!(error.ends_with("exit status: 3: this, the last"), "{error}");
        run_and_name(Command::new("sh").args(["-c", "echo it broke"]), |_| None).unwrap();
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("cargo");
        command.env("FLAGS", "-C\x1flinker=x").args(["build", "it's"]);
        assert_eq!(shown(&command), r"FLAGS='-C linker=x' cargo build 'it'\''s'");
    }
}
