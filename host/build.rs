//! Embeds what `cargo xtask build` made for other targets: the kernel programs and the bundled
//! scripts. A plain `cargo build` works without them; the binary then says what it lacks.

use std::{env, fmt::Write, fs, path::PathBuf};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let target = root.join("target");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());

    let object = target.join("weir.bpf.o");
    println!("cargo::rerun-if-changed={}", object.display());
    fs::write(out.join("weir.bpf.o"), fs::read(&object).unwrap_or_default()).unwrap();

    // The page is embedded by a macro, which does not notice new files.
    println!("cargo::rerun-if-changed={}", root.join("web/dist").display());

    let scripts = target.join("scripts");
    println!("cargo::rerun-if-changed={}", scripts.display());
    let mut paths: Vec<_> = fs::read_dir(&scripts)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let path = path.canonicalize().unwrap();
        writeln!(list, "    ({name:?}, include_bytes!({path:?})),").unwrap();
    }
    list.push_str("]\n");
    fs::write(out.join("bundled.rs"), list).unwrap();
}
