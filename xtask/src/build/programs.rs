//! The kernel programs: one BPF object with BTF, `target/weir.bpf.o`.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::{
    command::{program, run},
    toolchain::{BPF, Toolchain},
    workspace::{target, write_if_changed},
};

/// Builds the object and strips its DWARF, which only served to make the BTF.
pub fn build(toolchain: Toolchain) -> Result<()> {
    run(toolchain
        .build_bpf()?
        .args(["--release", "--package", "weir-ebpf"])
        .args(["--features", "programs", "--target-dir"])
        .arg(target("bpf")))?;

    let linked = target("bpf").join(BPF).join("release/weir-ebpf");
    let stripped = target("bpf/weir.bpf.o");
    run(program(toolchain.strip()?)
        .arg("--strip-debug")
        .arg("-o")
        .args([&stripped, &linked]))?;

    let object =
        fs::read(&stripped).with_context(|| format!("cannot read {}", stripped.display()))?;
    // Section names stand in the object's string table, where `.rel.BTF` ends as `.BTF` does.
    for section in [&b".BTF\0"[..], b".BTF.ext\0", b"license\0"] {
        ensure!(
            object.windows(section.len()).any(|bytes| bytes == section),
            "{} has no section {}: is bpf-linker called with --btf?",
            linked.display(),
            String::from_utf8_lossy(section).trim_end_matches('\0'),
        );
    }
    write_if_changed(&target("weir.bpf.o"), &object)?;
    Ok(())
}
