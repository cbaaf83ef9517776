//! Compiled modules in files, so that the same module is compiled once.
//!
//! What is in there is native code that this process will run, so nothing is taken that is not
//! this user's alone, or that is not what was put there: a file's name says the sha256 of the
//! module, the engine that compiled it, and the sha256 of what was compiled.

use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Seek},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    digest::{sha256_of_copy, sha256_of_file},
    native::{Compiled, map},
};
use rustix::process::geteuid;

/// What the folder may hold; the files used longest ago go first.
const FOLDER_BYTES: u64 = 1 << 30;

/// A folder of compiled modules.
pub struct Cache {
    folder: PathBuf,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be made.
    #[error("cannot make the folder {}: {source}", .folder.display())]
    Make {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can write there.
    #[error("the folder {} is not this user's alone: remove it, or chmod it to 0700", .0.display())]
    Open(PathBuf),
}

impl Cache {
    /// Uses a folder, which is made if there is none.
    pub fn open(folder: PathBuf) -> Result<Self, CacheError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        let meta = made.and_then(|()| fs::symlink_metadata(&folder));
        let meta = meta.map_err(|source| CacheError::Make { folder: folder.clone(), source })?;
        if !meta.is_dir() || !is_own(&meta, 0o700) {
            return Err(CacheError::Open(folder));
        }
        Ok(Self { folder })
    }

    /// What this engine compiled the module with this SHA-256 to, if it is there.
    pub(super) fn find<C: Compiled>(&self, engine: &wasmtime::Engine, module: &str) -> Option<C> {
        let prefix = prefix(engine, module);
        let entries = fs::read_dir(&self.folder).ok()?;
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let name = names.find(|name| name.starts_with(&prefix))?;
        let path = self.folder.join(&name);
        match take(engine, &path, &name[prefix.len()..]) {
            Ok(code) => Some(code),
            Err(why) => {
                tracing::warn!("the compiled module {} is refused: {why}", path.display());
                _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Puts what this engine compiled the module with this SHA-256 to where [`Self::find`] finds it.
    pub(super) fn keep(&self, engine: &wasmtime::Engine, module: &str, code: &File) {
        if let Err(error) = self.write(&prefix(engine, module), code) {
            let folder = self.folder.display();
            tracing::warn!("a compiled module cannot be kept in {folder}: {error}");
        }
        self.make_room();
    }

    fn write(&self, prefix: &str, mut code: &File) -> io::Result<()> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)?;
        let making = self.folder.join(format!("{:016x}.new", u64::from_ne_bytes(random)));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&making);
        let written = file.and_then(|file| {
            code.rewind()?;
            let sha256 = sha256_of_copy(code, &file)?;
            fs::rename(&making, self.folder.join(format!("{prefix}{sha256}")))
        });
        if written.is_err() {
            _ = fs::remove_file(&making);
        }
        written
    }

    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let meta = entry.metadata().ok()?;
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                Some((used, meta.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if bytes <= FOLDER_BYTES {
                return;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= len;
            }
        }
    }
}

/// Maps a file, once it is known to be what was put there.
fn take<C: Compiled>(engine: &wasmtime::Engine, path: &Path, expected: &str) -> Result<C, String> {
    let say = |error: io::Error| error.to_string();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(say)?;
    let meta = file.metadata().map_err(say)?;
    if !meta.is_file() || !is_own(&meta, 0o600) || meta.nlink() != 1 {
        return Err("it is not this user's alone".to_owned());
    }
    if sha256_of_file(&file).map_err(say)? != expected {
        return Err("it is not what was put there".to_owned());
    }
    // The time of the last use.
    _ = file.set_modified(SystemTime::now());
    // SAFETY: the content is what was put there, by its hash, in a folder and a file that only this
    // user can write.
    unsafe { map(engine, &file) }.map_err(|error| format!("{error:#}"))
}

/// Whether it is this user's, and nobody else has a right to it.
fn is_own(meta: &fs::Metadata, mode: u32) -> bool {
    meta.uid() == geteuid().as_raw() && meta.mode() & 0o777 & !mode == 0
}

/// What the name of a file begins with.
fn prefix(engine: &wasmtime::Engine, module: &str) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    format!("{module}-{:016x}-", compiler.finish())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::{super::digest::sha256, *};
    use crate::script::native::Native;

    const MODULE: &str = r#"(module (func (export "f") (result i32) (i32.const 7)))"#;

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::default()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// A folder with one compiled module.
    fn filled() -> (tempfile::TempDir, Cache, wasmtime::Engine, Vec<u8>, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("compiled")).unwrap();
        let (engine, bytes) = (engine(), wat::parse_str(MODULE).unwrap());
        let code = engine.precompile_module(&bytes).unwrap();
        let native = Native::new().unwrap();
        native.file().write_all(&code).unwrap();
        cache.keep(&engine, &sha256(&bytes), native.file());
        let path = files(&cache.folder).pop().unwrap();
        (folder, cache, engine, bytes, path)
    }

    fn find(cache: &Cache, engine: &wasmtime::Engine, bytes: &[u8]) -> bool {
        cache.find::<wasmtime::Module>(engine, &sha256(bytes)).is_some()
    }

    #[test]
    fn what_was_kept_is_found_and_works() {
        let (_folder, cache, engine, bytes, path) = filled();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.folder), mode(&path)), (0o700, 0o600));
        let module: wasmtime::Module = cache.find(&engine, &sha256(&bytes)).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let function = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
        assert_eq!(function.call(&mut store, ()).unwrap(), 7);
        assert!(!find(&cache, &engine, b"another module"));
    }

    #[test]
    fn another_compiler_finds_nothing() {
        let (_folder, cache, _, bytes, _) = filled();
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = wasmtime::Engine::new(&config).unwrap();
        assert!(!find(&cache, &other, &bytes));
    }

    #[test]
    fn a_file_that_was_changed_is_refused_and_removed() {
        for change in ["flip", "cut", "grow"] {
            let (_folder, cache, engine, bytes, path) = filled();
            let mut content = fs::read(&path).unwrap();
            match change {
                "flip" => *content.last_mut().unwrap() ^= 1,
                "cut" => content.truncate(content.len() / 2),
                _ => content.push(0),
            }
            fs::write(&path, content).unwrap();
            assert!(!find(&cache, &engine, &bytes), "{change}");
            assert!(files(&cache.folder).is_empty(), "{change}");
        }
    }

    #[test]
    fn a_file_of_others_is_refused() {
        let (_folder, cache, engine, bytes, path) = filled();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(!find(&cache, &engine, &bytes));

        let (folder, cache, engine, bytes, path) = filled();
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(!find(&cache, &engine, &bytes), "a link");

        fs::hard_link(&elsewhere, &path).unwrap();
        assert!(!find(&cache, &engine, &bytes), "a second name");

        if geteuid().is_root() {
            let (_folder, cache, engine, bytes, path) = filled();
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            assert!(!find(&cache, &engine, &bytes), "another owner");
        }
    }

    #[test]
    fn a_folder_of_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o770)).unwrap();
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        for path in [open, link] {
            let error = Cache::open(path.clone()).err().unwrap().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
    }
}
