//! Debian's kernel images, fetched once by apt.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    command::{program, read, show_and_run},
    workspace::{entries, name, target},
};

/// The newest image of a series such as `6.12`, from the cache if one is there.
pub fn image(series: &str) -> Result<PathBuf> {
    ensure!(
        !series.is_empty() && series.chars().all(|c| c.is_ascii_digit() || c == '.'),
        "{series:?} is no kernel series: give one like 6.12"
    );
    let folder = target("vm/kernels").join(series);
    if let Some(image) = unpacked(&folder) {
        return Ok(image);
    }
    let package = newest(series)?;
    // A fresh folder: what an interrupted download left there is worth nothing.
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    show_and_run(program("apt-get").args(["download", "-q", &package]).current_dir(&folder))?;
    let archive = entries(&folder)
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "deb"))
        .with_context(|| format!("apt-get left no package of {package}"))?;
    show_and_run(program("dpkg").arg("--extract").args([&archive, &folder]))?;
    // The modules are ten times the image, and nothing here loads one.
    for rubbish in [archive, folder.join("lib"), folder.join("usr")] {
        let removed = if rubbish.is_dir() {
            fs::remove_dir_all(&rubbish)
        } else if rubbish.exists() {
            fs::remove_file(&rubbish)
        } else {
            Ok(())
        };
        removed.with_context(|| format!("cannot remove {}", rubbish.display()))?;
    }
    unpacked(&folder).with_context(|| format!("{package} has no boot/vmlinuz-*"))
}

fn unpacked(folder: &std::path::Path) -> Option<PathBuf> {
    entries(&folder.join("boot")).into_iter().find(|path| name(path).starts_with("vmlinuz-"))
}

/// The name of the newest package of a series.
fn newest(series: &str) -> Result<String> {
    let pattern = format!("^linux-image-{}\\..*cloud-amd64-unsigned$", series.replace('.', "\\."));
    let mut search = program("apt-cache");
    search.args(["search", "--names-only", &pattern]);
    let mut found = read(&mut search)?;
    if found.trim().is_empty() {
        show_and_run(program("apt-get").args(["update", "-q"]))?;
        found = read(&mut search)?;
    }
    newest_of(&found).with_context(|| {
        format!("apt offers no kernel {series} for the cloud: see `apt-cache search linux-image-`")
    })
}

/// The newest package of what `apt-cache search` writes: `NAME - DESCRIPTION` lines.
fn newest_of(found: &str) -> Option<String> {
    found
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .max_by_key(|package| numbers(package))
        .map(String::from)
}

/// The numbers in a name, in order: 6.12.9 is older than 6.12.115.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let found = "\
linux-image-6.12.9+deb12-cloud-amd64-unsigned - Linux 6.12 for x86-64 cloud
linux-image-6.12.115+deb12-cloud-amd64-unsigned - Linux 6.12 for x86-64 cloud
linux-image-6.12.74+deb12-cloud-amd64-unsigned - Linux 6.12 for x86-64 cloud
";
        assert_eq!(
            newest_of(found).as_deref(),
            Some("linux-image-6.12.115+deb12-cloud-amd64-unsigned")
        );
        assert_eq!(newest_of(""), None);
    }
}
