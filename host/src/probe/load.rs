//! Loads the object with its settings, and says what this kernel's BTF leaves unseen.

use std::os::fd::AsFd;

use aya::{
    Ebpf, EbpfLoader, VerifierLogLevel,
    maps::{Array, MapData},
};
use weir_ebpf::{Config, UNKNOWN, control, offset};

use super::{Error, btf::Btf, cause, is_permission};

/// The kernel programs, built by `cargo xtask build`; empty in a build without them.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/weir.bpf.o"));

/// `Config` as aya takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct ConfigValue(Config);
// SAFETY: `Config` is integers only, `repr(C)`; its padding is read by nobody.
unsafe impl aya::Pod for ConfigValue {}

/// Structs of parts of the kernel that may be modules, and not there.
pub(super) const OPTIONAL: [&str; 3] = ["vsock_sock", "packet_sock", "io_kiocb"];

/// Whether this build has kernel programs.
pub(super) fn present() -> Result<(), Error> {
    if OBJECT.is_empty() { Err(Error::NoPrograms) } else { Ok(()) }
}

/// A number by which the programs know the host. It lies in the kernel's half of the address
/// space, so that no other process passes it as a pointer and has the call succeed.
pub(super) fn greeting() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the kernel has random numbers");
    u64::from_ne_bytes(bytes) | 1 << 63
}

/// The settings, and the members that this kernel's BTF does not give.
pub(super) fn config(greeting: u64) -> (ConfigValue, Vec<String>) {
    let mut config = Config { greeting, ..Config::UNSET };
    let btf = match Btf::of_kernel() {
        Ok(btf) => btf,
        Err(error) => return (ConfigValue(config), vec![error.to_string()]),
    };
    let mut missing = Vec::new();
    for (to, (name, member)) in config.offsets.iter_mut().zip(offset::NAMES) {
        match btf.offset(name, member) {
            Some(offset) => *to = offset,
            None => {
                *to = UNKNOWN;
                if !OPTIONAL.contains(&name) {
                    missing.push(format!("this kernel's BTF has no {name}.{member}"));
                }
            }
        }
    }
    (ConfigValue(config), missing)
}

/// Loads the object; nothing is attached.
pub(super) fn load(config: &ConfigValue, ring_bytes: u32) -> Result<Ebpf, Error> {
    EbpfLoader::new()
        // The log of a refusal runs to megabytes.
        .verifier_log_level(VerifierLogLevel::STATS)
        .override_global("CONFIG", config, true)
        .map_max_entries("RECORDS", ring_bytes.next_power_of_two().max(4096))
        .load(OBJECT)
        .map_err(|error| {
            if is_permission(&error) {
                return Error::Privilege { action: "load the kernel programs".to_owned() };
            }
            Error::Load(Box::new(error))
        })
}

/// Makes the host known to its programs, which then skip its calls.
pub(super) fn greet(control: &Array<MapData, u32>, greeting: u64) -> Result<(), Error> {
    // SAFETY: the call fails at its descriptor before it looks at the pointer.
    unsafe { libc::syscall(libc::SYS_sendmsg, -1, greeting, 0) };
    let host = control
        .get(&control::HOST, 0)
        .map_err(|error| Error::MapAccess { name: "CONTROL", reason: cause(&error) })?;
    if host == 0 {
        return Err(Error::NoBackend("the programs are attached but do not see calls".to_owned()));
    }
    Ok(())
}

/// A second handle of a map.
pub(super) fn again(map: &MapData) -> Result<MapData, Error> {
    let failed = |reason| Error::MapAccess { name: "CONTROL", reason };
    let fd = map.fd().as_fd().try_clone_to_owned().map_err(|error| failed(error.to_string()))?;
    MapData::from_fd(fd).map_err(|error| failed(cause(&error)))
}

#[cfg(test)]
mod tests {
    use aya::programs::Program;

    use super::*;
    use crate::probe::cause;

    /// Prints what the verifier walked, with `--nocapture`.
    #[test]
    fn the_verifier_accepts_what_this_kernel_can_load() {
        let (config, missing) = config(1);
        assert_eq!(missing, Vec::<String>::new());
        let mut ebpf = match load(&config, 4096) {
            Ok(ebpf) => ebpf,
            Err(error @ (Error::Privilege { .. } | Error::NoPrograms)) => {
                return eprintln!("skipped: {error}");
            }
            Err(error) => panic!("{error}"),
        };
        let mut refused = Vec::new();
        for (name, program) in ebpf.programs_mut() {
            let result = match program {
                Program::RawTracePoint(program) => program.load().map(|()| program.info()),
                Program::KProbe(program) => program.load().map(|()| program.info()),
                // Their functions are found when they are attached.
                _ => continue,
            };
            match result {
                Ok(info) => {
                    let walked = info.unwrap().verified_instruction_count();
                    eprintln!("{name:<24} {} instructions", walked.unwrap_or(0));
                }
                Err(error) => refused.push(format!("{name}: {}", cause(&error))),
            }
        }
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }
}
