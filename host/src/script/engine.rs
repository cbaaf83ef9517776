//! Compiles modules, and keeps the time by which they are stopped.

use std::{sync::Arc, thread, time::Duration};

use super::{LoadError, calls, guest::State};

/// How exactly a script's time is kept.
pub const EPOCH: Duration = Duration::from_millis(5);

/// The one engine of a host.
#[derive(Clone)]
pub struct Engine {
    pub(super) engine: wasmtime::Engine,
    pub(super) linker: Arc<wasmtime::Linker<State>>,
}

/// A compiled module. Cloning is cheap.
#[derive(Clone)]
pub struct Module {
    pub(super) module: wasmtime::Module,
}

impl Engine {
    /// Makes the engine and starts the thread that keeps the time.
    pub fn new() -> Self {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let engine = wasmtime::Engine::new(&config).expect("the configuration is valid");
        let linker = calls::link(&engine);
        let weak = engine.weak();
        thread::Builder::new()
            .name("weir-epoch".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(EPOCH);
                    let Some(engine) = weak.upgrade() else { return };
                    engine.increment_epoch();
                }
            })
            .expect("the system can start a thread");
        Self { engine, linker: Arc::new(linker) }
    }

    /// Compiles a module, and checks that the host offers what it imports.
    ///
    /// Takes milliseconds to seconds: not for the event path.
    pub fn compile(&self, bytes: &[u8], limit: usize) -> Result<Module, LoadError> {
        if bytes.len() > limit {
            return Err(LoadError::TooLarge { bytes: bytes.len(), limit });
        }
        match bytes {
            [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {}
            [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => return Err(LoadError::Component),
            // Precompiled modules are native code, and so never taken from a user.
            _ => {
                return Err(LoadError::Invalid(
                    "it does not start with the magic bytes \\0asm and version 1".to_owned(),
                ));
            }
        }
        let module = wasmtime::Module::from_binary(&self.engine, bytes)
            .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        calls::check_imports(&module)?;
        Ok(Module { module })
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}
