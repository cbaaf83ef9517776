//! Native code: what modules are compiled to.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use wasmtime::component::Component;

/// Memory that a compiler writes to like a file, and that is mapped like one: this process copies none of it.
pub(super) struct Native(File);

impl Native {
    /// Empty memory.
    pub fn new() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        Ok(Self(memfd_create("weir-code", flags)?.into()))
    }

    /// The memory as a file.
    pub fn file(&self) -> &File {
        &self.0
    }

    /// Takes what is in it; nobody can change it from here on.
    ///
    /// # Safety
    ///
    /// It is what [`Compiled::precompile`] made.
    pub unsafe fn map<C: Compiled>(&self, engine: &wasmtime::Engine) -> wasmtime::Result<C> {
        fcntl_add_seals(&self.0, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW)?;
        // SAFETY: the caller vouches for the content, and the seals for that it stays.
        unsafe { map(engine, &self.0) }
    }
}

/// Maps an open file, whatever has its name by now.
///
/// # Safety
///
/// It is what [`Compiled::precompile`] made, and nobody changes it while the code is in use.
pub(super) unsafe fn map<C: Compiled>(
    engine: &wasmtime::Engine,
    file: &File,
) -> wasmtime::Result<C> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // SAFETY: as the caller says.
    unsafe { C::map(engine, &path) }
}

/// Code of one of the two forms.
pub trait Compiled: Sized + Send {
    /// The form, as a word.
    const FORM: &str;
    /// Compiles a module of this form, and makes a file's content of it.
    fn precompile(engine: &wasmtime::Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>>;
    /// Maps a file that [`Self::precompile`] made.
    ///
    /// # Safety
    ///
    /// The file is what `precompile` made, and nobody changes it while the code is in use.
    unsafe fn map(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Self>;
}

macro_rules! compiled {
    ($($form:literal $code:ty = $precompile:ident),*) => {$(
        impl Compiled for $code {
            const FORM: &str = $form;

            fn precompile(engine: &wasmtime::Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
                engine.$precompile(bytes)
            }

            unsafe fn map(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Self> {
                // SAFETY: the caller vouches for the file.
                unsafe { Self::deserialize_file(engine, path) }
            }
        }
    )*};
}

compiled!("core" wasmtime::Module = precompile_module, "component" Component = precompile_component);
