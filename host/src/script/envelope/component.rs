//! A script that is a component of the world in sdk/wit. A batch goes in as one list of bytes.

use std::{collections::BTreeMap, sync::Arc};

use wasmtime::{
    Store, bail,
    component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc},
};

use super::{Answer, Envelope, Given, SAVED_BYTES, TEXT_BYTES, Unmade};
use crate::script::{LoadError, clock, guest::State};

/// The interface that a component exports.
const INTERFACE: &str = "weir:script/guest@1.0.0";

/// A component at work.
pub struct Component {
    describe: TypedFunc<(), (String,)>,
    start: TypedFunc<(String,), (Answer,)>,
    batch: TypedFunc<(Arc<Vec<u8>>,), (Vec<u8>,)>,
    tick: TypedFunc<(u32,), ()>,
    save: TypedFunc<(), (Vec<u8>,)>,
    restore: TypedFunc<(u32, Vec<u8>), (Answer,)>,
    /// The batch at hand as one block; shared with a call while that lasts.
    block: Arc<Vec<u8>>,
}

impl Component {
    /// The interface that a component exports.
    pub const INTERFACE: &str = INTERFACE;

    /// Instantiates a component and checks what it exports.
    pub fn new(store: &mut Store<State>, component: &InstancePre<State>) -> Result<Self, Unmade> {
        clock::begin(store);
        let trap = |error| Unmade::Trap("instantiation", error);
        let instance = component.instantiate(&mut *store).map_err(trap)?;
        let interface = component
            .component()
            .get_export_index(None, INTERFACE)
            .ok_or(LoadError::Export { name: INTERFACE, expected: "an interface" })?;
        let exports = Exports { component, instance, interface };
        Ok(Self {
            describe: exports.get(store, "describe", "func() -> string")?,
            start: exports.get(store, "start", "func(params: string) -> result<_, string>")?,
            batch: exports.get(store, "batch", "func(bytes: list<u8>) -> list<u8>")?,
            tick: exports.get(store, "tick", "func(now-ms: u32)")?,
            save: exports.get(store, "save", "func() -> list<u8>")?,
            restore: exports.get(
                store,
                "restore",
                "func(version: u32, state: list<u8>) -> result<_, string>",
            )?,
            block: Arc::default(),
        })
    }
}

/// Where exports are looked for.
struct Exports<'a> {
    component: &'a InstancePre<State>,
    instance: wasmtime::component::Instance,
    interface: ComponentExportIndex,
}

impl Exports<'_> {
    fn get<P, R>(
        &self,
        store: &mut Store<State>,
        name: &'static str,
        expected: &'static str,
    ) -> Result<TypedFunc<P, R>, LoadError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let missing = LoadError::Export { name, expected };
        let component = self.component.component();
        let Some(index) = component.get_export_index(Some(&self.interface), name) else {
            return Err(missing);
        };
        self.instance.get_typed_func(store, index).map_err(|_| missing)
    }
}

fn short(text: String) -> wasmtime::Result<String> {
    if text.len() > TEXT_BYTES {
        bail!("a text of {} bytes, more than {TEXT_BYTES}", text.len());
    }
    Ok(text)
}

fn answer(answer: Answer) -> wasmtime::Result<Answer> {
    Ok(match answer {
        Ok(()) => Ok(()),
        Err(refusal) => Err(short(refusal)?),
    })
}

impl Envelope for Component {
    fn name(&self, function: &'static str) -> String {
        function.to_owned()
    }

    fn describe(&mut self, store: &mut Store<State>) -> wasmtime::Result<Option<Vec<u8>>> {
        let (text,) = self.describe.call(&mut *store, ())?;
        Ok(Some(short(text)?.into_bytes()).filter(|text| !text.is_empty()))
    }

    fn start(
        &mut self,
        store: &mut Store<State>,
        params: &BTreeMap<String, String>,
    ) -> wasmtime::Result<Answer> {
        let (answered,) = self.start.call(&mut *store, (serde_json::to_string(params)?,))?;
        answer(answered)
    }

    fn prepare(&mut self, _store: &mut Store<State>, len: usize) -> wasmtime::Result<()> {
        Arc::make_mut(&mut self.block).resize(len, 0);
        Ok(())
    }

    fn batch(
        &mut self,
        store: &mut Store<State>,
        Given { batch, only, header, .. }: Given<'_>,
        verdicts: &mut Vec<u8>,
    ) -> wasmtime::Result<()> {
        batch.write(header, only, Arc::<Vec<u8>>::make_mut(&mut self.block));
        let (given,) = self.batch.call(&mut *store, (self.block.clone(),))?;
        match given.len() {
            0 => verdicts.resize(header.count as usize, weir_sdk::event::KEEP),
            count if count == header.count as usize => verdicts.extend_from_slice(&given),
            count => bail!("batch returned {count} verdicts for {} events", header.count),
        }
        Ok(())
    }

    fn has_tick(&self) -> bool {
        true
    }

    fn tick(&mut self, store: &mut Store<State>, now_ms: u32) -> wasmtime::Result<()> {
        self.tick.call(&mut *store, (now_ms,))
    }

    fn save(&mut self, store: &mut Store<State>) -> wasmtime::Result<Vec<u8>> {
        let (saved,) = self.save.call(&mut *store, ())?;
        if saved.len() > SAVED_BYTES {
            bail!("a state of {} bytes, more than {SAVED_BYTES}", saved.len());
        }
        Ok(saved)
    }

    fn restore(
        &mut self,
        store: &mut Store<State>,
        version: u32,
        saved: &[u8],
    ) -> wasmtime::Result<Answer> {
        let (answered,) = self.restore.call(&mut *store, (version, saved.to_vec()))?;
        answer(answered)
    }
}
