//! The kernel programs: one BPF object, `target/weir.bpf.o`.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    command::run,
    toolchain::{BPF, Toolchain},
    workspace::{target, write_if_changed},
};

/// Builds the object. It carries no BTF of its own: the kernel refuses what the compiler makes for
/// the built-in functions of `core`, and the programs need none.
pub fn build(toolchain: Toolchain) -> Result<()> {
    run(toolchain
        .build_bpf()?
        .args(["--release", "--package", "weir-ebpf"])
        .args(["--features", "programs", "--target-dir"])
        .arg(target("bpf")))?;

    let linked = target("bpf").join(BPF).join("release/weir-ebpf");
    let object = fs::read(&linked).with_context(|| format!("cannot read {}", linked.display()))?;
    write_if_changed(&target("weir.bpf.o"), &object)?;
    Ok(())
}
