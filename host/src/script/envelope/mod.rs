//! The two forms in which a script comes. Nobody else needs to know which one it is.

mod component;
mod core;

use std::collections::BTreeMap;

use wasmtime::Store;
use weir_sdk::event::BatchHeader;

use super::{LoadError, guest::State};
use crate::decode::{Batch, Only};

pub use component::Component;
pub use core::Core;

/// Longest description, or error text, in bytes.
pub const TEXT_BYTES: usize = 64 << 10;
/// Longest state that one version leaves to the next, in bytes.
pub const SAVED_BYTES: usize = 16 << 20;

/// What a script answers: nothing, or why not.
pub type Answer = Result<(), String>;

/// A batch, and which of its events a script is given.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub batch: &'a Batch,
    pub only: Only<'a>,
    pub header: &'a BatchHeader,
    /// Length of the whole block.
    pub len: usize,
}

/// An instance in one of the forms. An error is a trap.
pub trait Envelope: Send {
    /// What a function is called in this form.
    fn name(&self, function: &'static str) -> String;
    /// The description as JSON, if there is one.
    fn describe(&mut self, store: &mut Store<State>) -> wasmtime::Result<Option<Vec<u8>>>;
    /// Lets it begin.
    fn start(
        &mut self,
        store: &mut Store<State>,
        params: &BTreeMap<String, String>,
    ) -> wasmtime::Result<Answer>;
    /// Makes room for a batch, before its run begins.
    fn prepare(&mut self, store: &mut Store<State>, len: usize) -> wasmtime::Result<()>;
    /// Gives it a batch and takes the verdicts, one for each event given.
    fn batch(
        &mut self,
        store: &mut Store<State>,
        given: Given<'_>,
        verdicts: &mut Vec<u8>,
    ) -> wasmtime::Result<()>;
    /// Whether it wants to be ticked.
    fn has_tick(&self) -> bool;
    /// Lets it do what it does from time to time.
    fn tick(&mut self, store: &mut Store<State>, now_ms: u32) -> wasmtime::Result<()>;
    /// What it leaves to the next version.
    fn save(&mut self, store: &mut Store<State>) -> wasmtime::Result<Vec<u8>>;
    /// Takes what a version left.
    fn restore(
        &mut self,
        store: &mut Store<State>,
        version: u32,
        saved: &[u8],
    ) -> wasmtime::Result<Answer>;
}

/// Why an instance could not be made.
pub enum Unmade {
    /// The module is not as it should be.
    Wrong(LoadError),
    /// It trapped.
    Trap(&'static str, wasmtime::Error),
}

impl From<LoadError> for Unmade {
    fn from(error: LoadError) -> Self {
        Self::Wrong(error)
    }
}
