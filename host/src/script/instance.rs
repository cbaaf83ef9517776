//! One running instance of a script: the core-module envelope.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use wasmtime::{Memory, Store, Trap, TypedFunc, WasmBacktrace, WasmParams, WasmResults};
use weir_sdk::event::{ABI, DROP};

use super::{
    Describe, Engine, Fault, FaultKind, Limits, LoadError, Log, Module,
    describe::DESCRIBE_BYTES,
    guest::{State, Updates},
};
use crate::{
    decode::{Attributes, Batch, Only},
    table::Tables,
};

/// The smallest buffer that a script is asked for, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// A script at work. It belongs to one pipeline's thread.
pub struct Instance {
    store: Store<State>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    batch: TypedFunc<(u32, u32), ()>,
    tick: Option<TypedFunc<u32, ()>>,
    buffer: Option<Buffer>,
    describe: Describe,
}

/// Where the guest wants its batches.
#[derive(Clone, Copy)]
struct Buffer {
    ptr: u32,
    bytes: usize,
}

/// What a script did with a batch.
pub struct Effects<'a> {
    /// Number of events that it dropped.
    pub dropped: usize,
    /// The attributes it added, by index in the whole batch.
    pub attributes: &'a mut Attributes,
    /// Updates and attributes that were refused for being too many.
    pub refused: u64,
    /// Memory of the instance in bytes.
    pub memory_bytes: usize,
}

impl Instance {
    /// Instantiates the module, checks what it exports, and starts it.
    pub fn start(
        engine: &Engine,
        module: &Module,
        limits: Limits,
        given: &BTreeMap<String, String>,
        log: Arc<Log>,
        tables: Arc<Tables>,
    ) -> Result<Self, LoadError> {
        let state = State {
            memory: None,
            limits,
            log,
            params: BTreeMap::new(),
            tables,
            opened: Vec::new(),
            events: 0,
            updates: Updates::default(),
            attributes: Attributes::default(),
            refused: 0,
            memory_refused: None,
            memory_bytes: 0,
            last_words: None,
        };
        let mut store = Store::new(&engine.engine, state);
        store.limiter(|state| state);
        let pre = engine.linker.instantiate_pre(&module.module).map_err(|error| {
            let text = format!("{error:#}");
            let name = module.module.imports().map(|import| import.name().to_owned());
            let name = name.into_iter().find(|name| text.contains(&format!("`weir::{name}`")));
            LoadError::ImportType { name: name.unwrap_or(text) }
        })?;
        store.set_epoch_deadline(limits.epochs());
        let instance = pre.instantiate(&mut store).map_err(|error| LoadError::Fault {
            during: "instantiation",
            fault: Box::new(fault(&store, error)),
        })?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or(LoadError::Export { name: "memory", expected: "a memory" })?;
        store.data_mut().memory = Some(memory);
        let abi: TypedFunc<(), u32> =
            export(&instance, &mut store, "weir_abi", "a function () -> i32")?;
        let found = call(&mut store, &abi, (), "weir_abi")?;
        if found != ABI {
            return Err(LoadError::Abi { found });
        }
        let alloc = export(&instance, &mut store, "weir_alloc", "a function (i32) -> i32")?;
        let batch = export(&instance, &mut store, "weir_batch", "a function (i32, i32)")?;
        let tick = optional(&instance, &mut store, "weir_tick", "a function (i32)")?;
        let describe: Option<TypedFunc<(), u64>> =
            optional(&instance, &mut store, "weir_describe", "a function () -> i64")?;
        let start: Option<TypedFunc<(), u64>> =
            optional(&instance, &mut store, "weir_start", "a function () -> i64")?;
        let mut this =
            Self { store, memory, alloc, batch, tick, buffer: None, describe: Describe::default() };
        if let Some(describe) = describe {
            let text = this.text(&describe, "weir_describe")?;
            this.describe = Describe::parse(&text)?;
        }
        this.store.data_mut().params = this.describe.values(given)?;
        if let Some(start) = start {
            let refusal = this.text(&start, "weir_start")?;
            if !refusal.is_empty() {
                return Err(LoadError::Refused(String::from_utf8_lossy(&refusal).into_owned()));
            }
        }
        this.commit();
        Ok(this)
    }

    /// What the script says of itself.
    pub fn describe(&self) -> &Describe {
        &self.describe
    }

    /// The parameters' values in force.
    pub fn params(&self) -> &BTreeMap<String, String> {
        &self.store.data().params
    }

    /// Gives the script a batch, or only some events of it, and takes its verdicts, one per event
    /// given. `lost_before` are calls lost before batches that it was not given. After a fault the
    /// instance must not be used again, and nothing of what it did with this batch counts.
    pub fn run(
        &mut self,
        batch: &Batch,
        only: Only<'_>,
        lost_before: u64,
        verdicts: &mut Vec<u8>,
    ) -> Result<Effects<'_>, Fault> {
        let (mut header, len) = batch.header(only);
        header.lost_before += lost_before;
        self.store.set_epoch_deadline(self.store.data().limits.epochs());
        let ptr = self.room(len)?;
        let at = ptr as usize;
        batch.write(&header, only, &mut self.memory.data_mut(&mut self.store)[at..at + len]);
        let state = self.store.data_mut();
        state.discard();
        (state.events, state.refused) = (header.count, 0);
        let result = self.batch.call(&mut self.store, (ptr, len as u32));
        self.store.data_mut().events = 0;
        result.map_err(|error| fault(&self.store, error))?;
        verdicts.clear();
        let from = at + header.verdicts as usize;
        // The memory may have moved, but it never shrinks.
        let given = &self.memory.data(&self.store)[from..from + header.count as usize];
        verdicts.extend_from_slice(given);
        if let Some(wrong) = verdicts.iter().position(|&verdict| verdict > DROP) {
            let message = format!(
                "verdict {} for event {wrong} of the batch is neither 0 (keep) nor 1 (drop)",
                verdicts[wrong]
            );
            return Err(Fault {
                time: SystemTime::now(),
                kind: FaultKind::Trap,
                message,
                backtrace: Vec::new(),
            });
        }
        self.commit();
        let dropped = verdicts.iter().map(|&verdict| usize::from(verdict)).sum();
        let State { attributes, refused, memory_bytes, .. } = self.store.data_mut();
        if let Some(only) = only {
            attributes.move_to(only);
        }
        Ok(Effects { dropped, attributes, refused: *refused, memory_bytes: *memory_bytes })
    }

    /// Lets the script do what it does from time to time.
    pub fn tick(&mut self, now_ms: u32) -> Result<(), Fault> {
        let Some(tick) = &self.tick else { return Ok(()) };
        self.store.data_mut().discard();
        self.store.set_epoch_deadline(self.store.data().limits.epochs());
        tick.call(&mut self.store, now_ms).map_err(|error| fault(&self.store, error))?;
        self.commit();
        Ok(())
    }

    /// Applies the table updates of a run that ended well.
    fn commit(&mut self) {
        let State { tables, updates, .. } = self.store.data_mut();
        tables.apply(&updates.list, &updates.keys);
        updates.clear();
    }

    /// Where a batch of so many bytes goes: the buffer that the guest gave, or a larger one.
    fn room(&mut self, len: usize) -> Result<u32, Fault> {
        if let Some(buffer) = self.buffer
            && buffer.bytes >= len
        {
            return Ok(buffer.ptr);
        }
        let bytes = len.next_power_of_two().max(BUFFER_BYTES);
        let ptr = self
            .alloc
            .call(&mut self.store, bytes as u32)
            .map_err(|error| fault(&self.store, error))?;
        let memory = self.memory.data_size(&self.store);
        if ptr == 0 || ptr % 8 != 0 || u64::from(ptr) + bytes as u64 > memory as u64 {
            let error = wasmtime::format_err!(
                "weir_alloc({bytes}) returned {ptr:#x}: not {bytes} bytes, aligned to 8, within the \
                 module's memory of {memory} bytes"
            );
            return Err(fault(&self.store, error));
        }
        self.buffer = Some(Buffer { ptr, bytes });
        Ok(ptr)
    }

    /// Calls a function that returns a text as `ptr << 32 | len`.
    fn text(
        &mut self,
        function: &TypedFunc<(), u64>,
        name: &'static str,
    ) -> Result<Vec<u8>, LoadError> {
        let packed = call(&mut self.store, function, (), name)?;
        let (ptr, len) = ((packed >> 32) as u32, packed as u32);
        let text = if len > DESCRIBE_BYTES {
            Err(wasmtime::format_err!("a text of {len} bytes, more than {DESCRIBE_BYTES}"))
        } else {
            super::guest::bytes(self.memory.data(&self.store), ptr, len, "the text")
        };
        text.map(<[u8]>::to_vec).map_err(|error| LoadError::Fault {
            during: name,
            fault: Box::new(fault(&self.store, error)),
        })
    }
}

fn call<P: WasmParams, R: WasmResults>(
    store: &mut Store<State>,
    function: &TypedFunc<P, R>,
    params: P,
    name: &'static str,
) -> Result<R, LoadError> {
    store.set_epoch_deadline(store.data().limits.epochs());
    function
        .call(&mut *store, params)
        .map_err(|error| LoadError::Fault { during: name, fault: Box::new(fault(store, error)) })
}

fn export<P: WasmParams, R: WasmResults>(
    instance: &wasmtime::Instance,
    store: &mut Store<State>,
    name: &'static str,
    expected: &'static str,
) -> Result<TypedFunc<P, R>, LoadError> {
    instance.get_typed_func(store, name).map_err(|_| LoadError::Export { name, expected })
}

fn optional<P: WasmParams, R: WasmResults>(
    instance: &wasmtime::Instance,
    store: &mut Store<State>,
    name: &'static str,
    expected: &'static str,
) -> Result<Option<TypedFunc<P, R>>, LoadError> {
    if instance.get_export(&mut *store, name).is_none() {
        return Ok(None);
    }
    export(instance, store, name, expected).map(Some)
}

/// Functions of Rust's that a panic goes through.
const PANIC: [&str; 4] = ["rust_panic", "panicking", "panic_handler", "backtrace::__rust"];

/// Makes of an error what people are shown.
fn fault(store: &Store<State>, error: wasmtime::Error) -> Fault {
    let state = store.data();
    let trap = error.downcast_ref::<Trap>();
    let kind = if trap == Some(&Trap::Interrupt) { FaultKind::Timeout } else { FaultKind::Trap };
    let mut message = match trap {
        Some(Trap::Interrupt) => {
            format!("ran longer than its limit of {:?} for one batch", state.limits.batch_time)
        }
        Some(Trap::UnreachableCodeReached) if state.last_words.is_some() => {
            state.last_words.clone().unwrap_or_default()
        }
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if let Some(bytes) = state.memory_refused {
        message.push_str(&format!(
            ", after it was refused {bytes} bytes of memory (limit {})",
            state.limits.memory_bytes
        ));
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map_or_else(Vec::new, |backtrace| {
        let names = backtrace.frames().iter().map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        });
        // What a Rust panic goes through says nothing of where it came from.
        names.skip_while(|name| PANIC.iter().any(|part| name.contains(part))).collect()
    });
    Fault { time: SystemTime::now(), kind, message, backtrace }
}
