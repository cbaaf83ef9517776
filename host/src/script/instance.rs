//! One running instance of a script, whatever it is made of.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use wasmtime::Store;
use weir_sdk::event::{DROP, HEAD_BYTES};

use super::{
    Describe, Engine, Fault, Limits, LoadError, Module, clock,
    engine::Code,
    envelope::{Answer, Component, Core, Envelope, Given, Unmade},
    guest::{Sinks, State},
    wasi::Wasi,
};
use crate::decode::{Attributes, Batch, Only};

/// A script at work. It belongs to one pipeline's thread.
pub struct Instance {
    store: Store<State>,
    envelope: Box<dyn Envelope>,
    describe: Describe,
    /// Bytes from one head to the next, in the batches that it is given.
    stride: usize,
}

/// What a script did with a batch.
pub struct Effects<'a> {
    /// Number of events that it dropped.
    pub dropped: usize,
    /// The attributes it added, by index in the whole batch.
    pub attributes: &'a mut Attributes,
    /// Updates, attributes and results that were refused for being too many.
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
        sinks: Sinks,
    ) -> Result<Self, LoadError> {
        let wasi = match &module.code {
            Code::Core { wasi: true, .. } => Wasi::preview_1(&sinks.log),
            Code::Core { .. } => Wasi::None,
            Code::Component(_) => Wasi::preview_2(&sinks.log),
        };
        sinks.tables.limit_keys(limits.table_keys);
        let state = State::new(limits, sinks, engine.processes.clone(), wasi);
        let mut store = Store::new(&engine.engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        clock::watch(&mut store);
        let made: Result<Box<dyn Envelope>, Unmade> = match &module.code {
            Code::Core { module, .. } => {
                Core::new(&mut store, module).map(|core| Box::new(core) as _)
            }
            Code::Component(component) => {
                Component::new(&mut store, component).map(|component| Box::new(component) as _)
            }
        };
        let envelope = made.map_err(|error| match error {
            Unmade::Wrong(error) => error,
            Unmade::Trap(during, error) => LoadError::Fault {
                during: during.to_owned(),
                fault: Box::new(Fault::of(&store, &error)),
            },
        })?;
        let describe = Describe::default();
        let mut this = Self { store, envelope, describe, stride: HEAD_BYTES };
        let describe = this.load("describe", |envelope, store| envelope.describe(store))?;
        if let Some(json) = describe {
            this.describe = Describe::parse(&json)?;
        }
        this.store.data_mut().params = this.describe.values(given)?;
        let answer = this.load("start", |envelope, store| {
            let params = store.data().params.clone();
            envelope.start(store, &params)
        })?;
        answer.map_err(LoadError::Refused)?;
        this.commit(now_ns());
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

    /// Sets its limits from the next run on.
    pub fn limit(&mut self, limits: Limits) {
        let state = self.store.data_mut();
        state.limits = limits;
        state.sinks.tables.limit_keys(limits.table_keys);
    }

    /// Lets heads lie so many bytes apart from the next run on, as those of a later host may: to find out whether the
    /// script bears it. A multiple of 8, and [`HEAD_BYTES`] at least.
    pub fn set_stride(&mut self, stride: usize) {
        assert!(stride >= HEAD_BYTES && stride.is_multiple_of(8), "{stride} is no stride");
        self.stride = stride;
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
        let Self { store, envelope, stride, .. } = self;
        let (mut header, len) = batch.header_by(only, *stride);
        header.lost_before += lost_before;
        clock::begin(store);
        envelope.prepare(store, len).map_err(|error| Fault::of(store, &error))?;
        begin(store, header.count);
        verdicts.clear();
        let given = Given { batch, only, header: &header, len };
        let result = envelope.batch(store, given, verdicts);
        store.data_mut().output.events = 0;
        result.map_err(|error| Fault::of(store, &error))?;
        if let Some(wrong) = verdicts.iter().position(|&verdict| verdict > DROP) {
            return Err(Fault::new(format!(
                "verdict {} for event {wrong} of the batch is neither 0 (keep) nor 1 (drop)",
                verdicts[wrong]
            )));
        }
        self.commit(batch.now_ns);
        let dropped = verdicts.iter().map(|&verdict| usize::from(verdict)).sum();
        let State { output, memory_bytes, .. } = self.store.data_mut();
        if let Some(only) = only {
            output.attributes.move_to(only);
        }
        let (refused, memory_bytes) = (output.refused, *memory_bytes);
        Ok(Effects { dropped, attributes: &mut output.attributes, refused, memory_bytes })
    }

    /// Lets the script do what it does from time to time.
    pub fn tick(&mut self, now_ms: u32) -> Result<(), Fault> {
        if self.envelope.has_tick() {
            self.call(|envelope, store| envelope.tick(store, now_ms))?;
            self.commit(now_ns());
        }
        Ok(())
    }

    /// What it leaves to the version that takes its place.
    pub fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.call(|envelope, store| envelope.save(store))
    }

    /// Takes what the version before left. After a fault the instance must not be used again.
    pub fn restore(&mut self, version: u32, saved: &[u8]) -> Result<Answer, Fault> {
        let answer = self.call(|envelope, store| envelope.restore(store, version, saved))?;
        self.commit(now_ns());
        Ok(answer)
    }

    /// A run outside of a batch.
    fn call<T>(
        &mut self,
        run: impl FnOnce(&mut dyn Envelope, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let Self { store, envelope, .. } = self;
        clock::begin(store);
        begin(store, 0);
        run(&mut **envelope, store).map_err(|error| Fault::of(store, &error))
    }

    fn load<T>(
        &mut self,
        function: &'static str,
        run: impl FnOnce(&mut dyn Envelope, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, LoadError> {
        let during = self.envelope.name(function);
        self.call(run).map_err(|fault| LoadError::Fault { during, fault: Box::new(fault) })
    }

    /// Hands on what a run that ended well has to say, at the time of what it saw.
    fn commit(&mut self, now_ns: u64) {
        let State { sinks, output, .. } = self.store.data_mut();
        sinks.tables.apply(&output.updates.list, &output.updates.keys, now_ns);
        sinks.emitted.add(&output.emitted);
        output.updates.clear();
        output.emitted.clear();
    }
}

/// The time of a run that is not about a batch.
fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// What a component may hand to the host in one call, in bytes.
const HOSTCALL_BYTES: usize = 32 << 20;

fn begin(store: &mut Store<State>, events: u32) {
    let State { output, limits, last_words, .. } = store.data_mut();
    output.begin(events, Instant::now(), limits);
    *last_words = None;
}
