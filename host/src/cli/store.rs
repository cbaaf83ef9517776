//! Options of `weir run` for what survives a restart.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use clap::Args;

use crate::{
    pipeline::Pipelines,
    store::{self, Before, Refused},
};

/// What is kept in the data folder.
#[derive(Args)]
#[command(next_help_heading = "Store")]
pub struct Store {
    /// What scripts, table totals, history and stored events may take in the data folder.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    store_size: u64,
    /// How long history and stored events are kept.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration)]
    store_age: Duration,
    /// How often table totals are stored: a crash loses what came since.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    store_every: Duration,
    /// Pipelines whose kept events are stored, beyond --keep-events and over a restart: NAME,NAME…
    #[arg(long, value_name = "PIPELINES", value_delimiter = ',')]
    store_events: Vec<String>,
    /// Store nothing: no script, no table and no history outlives this process.
    #[arg(long, conflicts_with = "store_events")]
    no_store: bool,
}

impl Store {
    /// What survives a restart, and what was there before; nothing if nothing is to be stored.
    pub fn open(&self, data_dir: &Path, now: SystemTime) -> Option<(Arc<store::Store>, Before)> {
        let options = store::Options {
            folder: data_dir.to_owned(),
            size_bytes: self.store_size,
            age: self.store_age,
            every: self.store_every,
            events: self.store_events.clone(),
        };
        let (store, before) = (!self.no_store).then(|| store::Store::open(options, now))?;
        Some((Arc::new(store), before))
    }
}

/// Loads the scripts of before again that the command line does not give; the store notes which cannot be.
pub fn load_again(store: &store::Store, before: &Before, pipelines: &Pipelines) {
    let refused = pipelines.load_again(&before.definitions, &before.modules).into_iter();
    let refused = refused.map(|(script, error)| Refused { script, error: error.to_string() });
    store.refused(before, refused.collect());
}

/// A size like `1GiB`.
fn size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 1 << 20;
    match parse_size::parse_size(text) {
        Ok(size) if size >= LEAST => Ok(size),
        Ok(_) => Err("it takes at least 1MiB".to_owned()),
        Err(error) => Err(format!("write it like 1GiB: {error}")),
    }
}
