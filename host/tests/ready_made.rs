//! The ready-made scripts in other languages than Rust, whose own tests those in Rust have: what each does with
//! events, odd ones too. Needs what `cargo xtask test` builds.

#[path = "ready_made/changed.rs"]
mod changed;
#[path = "ready_made/containers.rs"]
mod containers;
#[path = "ready_made/destinations.rs"]
mod destinations;
#[path = "ready_made/dns.rs"]
mod dns;
#[path = "ready_made/impostors.rs"]
mod impostors;
#[path = "ready_made/script.rs"]
mod script;
#[path = "ready_made/secrets.rs"]
mod secrets;
#[path = "ready_made/statsd.rs"]
mod statsd;

use std::{fs, path::Path};

/// A script that is forgotten would not be tested.
#[test]
fn every_script_has_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in fs::read_dir(root.join("../scripts")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let tested = root.join(format!("tests/ready_made/{name}.rs")).is_file();
        assert!(tested != folder.join("Cargo.toml").is_file(), "{name}");
    }
}
