//! The kernel programs: one BPF object, `target/weir.bpf.o`.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    command::{program, run},
    toolchain::{BPF, Toolchain, strip},
    workspace::{target, write_if_changed},
};

/// Builds the object. It carries BTF of its own, which the verifier wants for functions that it walks
/// by themselves and for the rounds of `bpf_loop`.
pub fn build(toolchain: Toolchain) -> Result<()> {
    run(toolchain
        .build_bpf()?
        .args(["--release", "--package", "weir-ebpf"])
        .args(["--features", "programs", "--target-dir"])
        .arg(target("bpf")))?;

    let linked = target("bpf").join(BPF).join("release/weir-ebpf");
    let stripped = target("bpf").join("weir.bpf.o");
    // The rest of the debug information is many times the object.
    run(program(strip()?).arg("--strip-debug").arg("-o").args([&stripped, &linked]))?;
    let object =
        fs::read(&stripped).with_context(|| format!("cannot read {}", stripped.display()))?;
    write_if_changed(&target("weir.bpf.o"), &object)?;
    Ok(())
}
