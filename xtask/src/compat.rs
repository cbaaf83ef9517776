//! The program of host/tests/compat, built for 32 and for 64 bits, so that tests can compare how the
//! calls of both are seen. It needs no library of either kind.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{
    command::{program, run},
    toolchain::clang,
    workspace::{root, target},
};

/// The file's name, and the target as clang knows it.
const KINDS: [(&str, &str); 2] = [("caller32", "i386-linux-gnu"), ("caller64", "x86_64-linux-gnu")];

/// Builds both, and says in which folder they are.
pub fn build() -> Result<PathBuf> {
    let folder = target("compat");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, kind) in KINDS {
        run(program(clang()?)
            .arg(format!("--target={kind}"))
            .args(["-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pic"])
            .args(["-fno-stack-protector", "-nostdlib", "-static", "-fuse-ld=lld", "-o"])
            .args([folder.join(name), root().join("host/tests/compat/caller.c")]))?;
    }
    Ok(folder)
}
