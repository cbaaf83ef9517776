//! A script that is a core module: it says where its memory has room, and gets its batches there.

use std::collections::BTreeMap;

use wasmtime::{Instance, InstancePre, Memory, Store, TypedFunc, WasmParams, WasmResults, bail};
use weir_sdk::event::ABI;

use super::{Answer, Envelope, Given, SAVED_BYTES, TEXT_BYTES, Unmade};
use crate::script::{
    LoadError, clock,
    guest::{State, bytes},
};

/// The smallest buffer that a script is asked for, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// A core module at work.
pub struct Core {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    batch: TypedFunc<(u32, u32), ()>,
    describe: Option<TypedFunc<(), u64>>,
    start: Option<TypedFunc<(), u64>>,
    tick: Option<TypedFunc<u32, ()>>,
    save: Option<TypedFunc<(), u64>>,
    restore: Option<TypedFunc<(u32, u32, u32), u64>>,
    buffer: Buffer,
}

/// Where the guest wants its batches.
#[derive(Clone, Copy, Default)]
struct Buffer {
    ptr: u32,
    bytes: usize,
}

impl Core {
    /// Instantiates a module and checks what it exports.
    pub fn new(store: &mut Store<State>, module: &InstancePre<State>) -> Result<Self, Unmade> {
        clock::begin(store);
        let trap = |error| Unmade::Trap("instantiation", error);
        let instance = &module.instantiate(&mut *store).map_err(trap)?;
        let memory = instance
            .get_memory(&mut *store, "memory")
            .ok_or(LoadError::Export { name: "memory", expected: "a memory" })?;
        store.data_mut().memory = Some(memory);
        // What a WASI library is begun with, before anything else is called.
        let initialize: Option<TypedFunc<(), ()>> =
            optional(instance, store, "_initialize", "a function ()")?;
        if let Some(initialize) = initialize {
            let trap = |error| Unmade::Trap("_initialize", error);
            initialize.call(&mut *store, ()).map_err(trap)?;
        }
        let abi: TypedFunc<(), u32> = export(instance, store, "weir_abi", "a function () -> i32")?;
        clock::begin(store);
        let trap = |error| Unmade::Trap("weir_abi", error);
        let found = abi.call(&mut *store, ()).map_err(trap)?;
        if found != ABI {
            return Err(LoadError::Abi { found }.into());
        }
        let text = "a function () -> i64";
        Ok(Self {
            memory,
            alloc: export(instance, store, "weir_alloc", "a function (i32) -> i32")?,
            batch: export(instance, store, "weir_batch", "a function (i32, i32)")?,
            describe: optional(instance, store, "weir_describe", text)?,
            start: optional(instance, store, "weir_start", text)?,
            tick: optional(instance, store, "weir_tick", "a function (i32)")?,
            save: optional(instance, store, "weir_save", text)?,
            restore: optional(
                instance,
                store,
                "weir_restore",
                "a function (i32, i32, i32) -> i64",
            )?,
            buffer: Buffer::default(),
        })
    }

    /// A text that was returned as `ptr << 32 | len`.
    fn text(&self, store: &Store<State>, packed: u64, most: usize) -> wasmtime::Result<Vec<u8>> {
        let (ptr, len) = ((packed >> 32) as u32, packed as u32);
        if len as usize > most {
            bail!("a text of {len} bytes, more than {most}");
        }
        Ok(bytes(self.memory.data(store), ptr, len, "the text")?.to_vec())
    }

    fn answer(&self, store: &Store<State>, packed: u64) -> wasmtime::Result<Answer> {
        let refusal = self.text(store, packed, TEXT_BYTES)?;
        Ok(match refusal.is_empty() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&refusal).into_owned()),
        })
    }

    /// Sees to it that the guest's buffer has so much room.
    fn room(&mut self, store: &mut Store<State>, len: usize) -> wasmtime::Result<()> {
        let bytes = len.next_power_of_two().max(BUFFER_BYTES);
        let ptr = self.alloc.call(&mut *store, bytes as u32)?;
        let memory = self.memory.data_size(&*store);
        if ptr == 0 || ptr % 8 != 0 || u64::from(ptr) + bytes as u64 > memory as u64 {
            bail!(
                "weir_alloc({bytes}) returned {ptr:#x}: not {bytes} bytes, aligned to 8, within the \
                 module's memory of {memory} bytes"
            );
        }
        self.buffer = Buffer { ptr, bytes };
        Ok(())
    }
}

impl Envelope for Core {
    fn name(&self, function: &'static str) -> String {
        format!("weir_{function}")
    }

    fn describe(&mut self, store: &mut Store<State>) -> wasmtime::Result<Option<Vec<u8>>> {
        let Some(describe) = &self.describe else { return Ok(None) };
        let packed = describe.call(&mut *store, ())?;
        self.text(store, packed, TEXT_BYTES).map(Some)
    }

    fn start(
        &mut self,
        store: &mut Store<State>,
        _params: &BTreeMap<String, String>,
    ) -> wasmtime::Result<Answer> {
        let Some(start) = &self.start else { return Ok(Ok(())) };
        let packed = start.call(&mut *store, ())?;
        self.answer(store, packed)
    }

    fn prepare(&mut self, store: &mut Store<State>, len: usize) -> wasmtime::Result<()> {
        if self.buffer.bytes < len { self.room(store, len) } else { Ok(()) }
    }

    fn batch(
        &mut self,
        store: &mut Store<State>,
        Given { batch, only, header, len }: Given<'_>,
        verdicts: &mut Vec<u8>,
    ) -> wasmtime::Result<()> {
        let at = self.buffer.ptr as usize;
        batch.write(header, only, &mut self.memory.data_mut(&mut *store)[at..at + len]);
        self.batch.call(&mut *store, (self.buffer.ptr, len as u32))?;
        let from = at + header.verdicts as usize;
        // The memory may have moved, but it never shrinks.
        let given = &self.memory.data(&*store)[from..from + header.count as usize];
        verdicts.extend_from_slice(given);
        Ok(())
    }

    fn has_tick(&self) -> bool {
        self.tick.is_some()
    }

    fn tick(&mut self, store: &mut Store<State>, now_ms: u32) -> wasmtime::Result<()> {
        self.tick.as_ref().map_or(Ok(()), |tick| tick.call(&mut *store, now_ms))
    }

    fn save(&mut self, store: &mut Store<State>) -> wasmtime::Result<Vec<u8>> {
        let Some(save) = &self.save else { return Ok(Vec::new()) };
        let packed = save.call(&mut *store, ())?;
        self.text(store, packed, SAVED_BYTES)
    }

    fn restore(
        &mut self,
        store: &mut Store<State>,
        version: u32,
        saved: &[u8],
    ) -> wasmtime::Result<Answer> {
        let Some(restore) = self.restore.clone() else {
            return Ok(Err("it exports no weir_restore".to_owned()));
        };
        self.prepare(store, saved.len())?;
        let at = self.buffer.ptr as usize;
        self.memory.data_mut(&mut *store)[at..at + saved.len()].copy_from_slice(saved);
        let args = (version, self.buffer.ptr, saved.len() as u32);
        let packed = restore.call(&mut *store, args)?;
        self.answer(store, packed)
    }
}

fn export<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<State>,
    name: &'static str,
    expected: &'static str,
) -> Result<TypedFunc<P, R>, LoadError> {
    instance.get_typed_func(store, name).map_err(|_| LoadError::Export { name, expected })
}

fn optional<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<State>,
    name: &'static str,
    expected: &'static str,
) -> Result<Option<TypedFunc<P, R>>, LoadError> {
    if instance.get_export(&mut *store, name).is_none() {
        return Ok(None);
    }
    export(instance, store, name, expected).map(Some)
}
