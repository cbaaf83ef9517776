//! Compiles modules, and keeps the time by which they are stopped.

use std::{io::Write, sync::Arc, thread, time::Duration};

use wasmtime::{UnknownImportError, component};

use super::{
    Cache, Compiler, LoadError, Processes, calls,
    digest::sha256,
    envelope::Component,
    guest::State,
    native::{Compiled, Native},
    wasi::{PREVIEW_1, PREVIEW_2},
};

/// How exactly a script's time is kept.
pub const EPOCH: Duration = Duration::from_millis(5);

/// The one engine of a host.
#[derive(Clone)]
pub struct Engine {
    pub(super) engine: wasmtime::Engine,
    pub(super) processes: Processes,
    linker: Arc<wasmtime::Linker<State>>,
    component_linker: Arc<component::Linker<State>>,
    cache: Option<Arc<Cache>>,
    compiler: Option<Arc<Compiler>>,
}

/// A compiled module. Cloning is cheap.
#[derive(Clone)]
pub struct Module {
    pub(super) code: Code,
    sha256: Arc<str>,
}

/// What it was compiled from.
#[derive(Clone)]
pub(super) enum Code {
    /// A core module, and whether it wants WASI.
    Core { module: wasmtime::InstancePre<State>, wasi: bool },
    /// A component.
    Component(component::InstancePre<State>),
}

/// The form in which a script came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A core module.
    Core,
    /// A component.
    Component,
}

impl Module {
    /// Of its bytes, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The form in which it came.
    pub fn form(&self) -> Form {
        match self.code {
            Code::Core { .. } => Form::Core,
            Code::Component(_) => Form::Component,
        }
    }
}

impl Engine {
    /// An engine without a cache, to which no process is known.
    pub fn new() -> Self {
        Self::with(None, Processes::default())
    }

    /// Makes the engine and starts the thread that keeps the time.
    pub fn with(cache: Option<Cache>, processes: Processes) -> Self {
        let engine = wasmtime::Engine::new(&configuration()).expect("the configuration is valid");
        let linker = Arc::new(calls::link(&engine));
        let component_linker = Arc::new(calls::link_component(&engine));
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
        let cache = cache.map(Arc::new);
        Self { engine, processes, linker, component_linker, cache, compiler: None }
    }

    /// Compiles in processes of their own from now on, which have limits; without, in this one.
    pub fn compiled_by(self, compiler: Arc<Compiler>) -> Self {
        Self { compiler: Some(compiler), ..self }
    }

    /// Compiles a module or component, or takes it from the cache, and checks that the host offers
    /// what it imports.
    ///
    /// Takes milliseconds to seconds: not for the event path.
    pub fn compile(&self, bytes: &[u8], limit: usize) -> Result<Module, LoadError> {
        if bytes.len() > limit {
            return Err(LoadError::TooLarge { bytes: bytes.len(), limit });
        }
        let form = match bytes {
            [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => Form::Core,
            [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Form::Component,
            // Precompiled modules are native code, and so never taken from a user.
            _ => {
                return Err(LoadError::Invalid(
                    "it does not start with the magic bytes \\0asm and version 1".to_owned(),
                ));
            }
        };
        let sha256 = sha256(bytes);
        let code = match form {
            Form::Core => self.core(self.code(bytes, &sha256)?)?,
            Form::Component => self.component(&self.code(bytes, &sha256)?)?,
        };
        Ok(Module { code, sha256: sha256.into() })
    }

    fn core(&self, module: wasmtime::Module) -> Result<Code, LoadError> {
        let wasi = module.imports().any(|import| import.module() == PREVIEW_1);
        let module = self.linker.instantiate_pre(&module).map_err(|error| {
            if let Some(unknown) = error.downcast_ref::<UnknownImportError>() {
                let (module, name) = (unknown.module().to_owned(), unknown.name().to_owned());
                return LoadError::Import { module, name };
            }
            let text = format!("{error:#}");
            let mut names = module
                .imports()
                .map(|import| (import.module().to_owned(), import.name().to_owned()));
            let found = names.find(|(module, name)| text.contains(&format!("`{module}::{name}`")));
            let (module, name) = found.unwrap_or((calls::MODULE.to_owned(), text));
            LoadError::ImportType { module, name }
        })?;
        Ok(Code::Core { module, wasi })
    }

    fn component(&self, component: &component::Component) -> Result<Code, LoadError> {
        let component = self.component_linker.instantiate_pre(component).map_err(|error| {
            let text = format!("{error:#}");
            let ty = component.component_type();
            let mut names = ty.imports(&self.engine).map(|(name, _)| name.to_owned());
            let name = names.find(|name| text.contains(&format!("`{name}`")));
            let known = |name: &str| name.starts_with(PREVIEW_2) || name == calls::INTERFACE;
            match name {
                // What is offered under this name does not fit.
                Some(name) if known(&name) => LoadError::Interface { name, why: one_line(&error) },
                Some(name) => LoadError::Interface { name, why: "it does not exist".to_owned() },
                None => LoadError::Invalid(one_line(&error)),
            }
        })?;
        if component.component().get_export_index(None, Component::INTERFACE).is_none() {
            return Err(LoadError::Export {
                name: Component::INTERFACE,
                expected: "an interface of that name",
            });
        }
        Ok(Code::Component(component))
    }

    fn code<C: Compiled>(&self, bytes: &[u8], sha256: &str) -> Result<C, LoadError> {
        if let Some(cache) = &self.cache
            && let Some(code) = cache.find(&self.engine, sha256)
        {
            return Ok(code);
        }
        let failed = |error| LoadError::Compiler(format!("no memory for code: {error}"));
        let native = Native::new().map_err(failed)?;
        match &self.compiler {
            Some(compiler) => compiler.compile(C::FORM, bytes, native.file())?,
            None => {
                let code = C::precompile(&self.engine, bytes);
                let code = code.map_err(|error| LoadError::Invalid(one_line(&error)))?;
                native.file().write_all(&code).map_err(failed)?;
            }
        }
        // SAFETY: this very program made it of the module, here or in a process that nobody else writes to.
        let code = unsafe { native.map(&self.engine) }.map_err(|error| {
            LoadError::Compiler(format!("it gives what cannot be used: {error:#}"))
        })?;
        if let Some(cache) = &self.cache {
            cache.keep(&self.engine, sha256, native.file());
        }
        Ok(code)
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}

/// How modules are compiled. What was compiled in another way cannot be run.
pub(super) fn configuration() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    // It costs every call into a component a quarter of a microsecond.
    config.epoch_interruption(true).concurrency_support(false);
    config
}
