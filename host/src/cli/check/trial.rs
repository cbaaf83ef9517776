//! What a script does with sample events.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;
use weir_sdk::event::{BATCH_EVENTS, DROP};

use super::samples::samples;
use crate::{
    cli::{
        columns::{Align, columns},
        script::bytes,
    },
    decode::Batch,
    script::{Fault, Instance, Limits},
    table::Tables,
};

/// How long the time per event is measured.
const MEASURED: Duration = Duration::from_millis(200);

/// What it did.
#[derive(Debug, Default, Serialize)]
pub struct Trial {
    /// Each sample.
    pub events: Vec<Tried>,
    /// The tables that it opened.
    pub tables: Vec<Filled>,
    /// Time per event, in full batches of what it wants.
    pub ns_per_event: Option<u64>,
    /// The longest of them took so long.
    pub slowest_batch_ns: Option<u64>,
    /// How long a batch may take.
    pub batch_limit_ns: u64,
    /// Memory of the instance.
    pub memory_bytes: usize,
    /// Updates and attributes that were too many.
    pub refused: u64,
    /// How it failed, if it did.
    pub fault: Option<Fault>,
}

/// A sample.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// What is odd about it.
    pub event: String,
    /// `keep`, `drop`, `fault`, or `not given` to a script that does not want such.
    pub verdict: &'static str,
    /// The attributes that it added.
    pub attrs: BTreeMap<String, String>,
}

/// A table.
#[derive(Debug, Serialize)]
pub struct Filled {
    /// Its name.
    pub table: String,
    /// Rows from the samples.
    pub rows: usize,
    /// Its labels.
    pub labels: Vec<String>,
}

/// Gives a script each sample alone, then all together, then full batches.
pub fn run(instance: &mut Instance, limits: Limits, tables: &Tables) -> Trial {
    let (batch, words) = samples();
    let mut trial =
        Trial { batch_limit_ns: limits.batch_time.as_nanos() as u64, ..Trial::default() };
    let wants = instance.describe().wants;
    let fits = |index: u32| wants.fits(&batch.heads[index as usize]);
    for (index, word) in (0..).zip(words) {
        let (verdict, attrs) = if !fits(index) {
            ("not given", BTreeMap::new())
        } else {
            match alone(instance, &batch, index, &mut trial) {
                Ok(tried) => tried,
                Err(fault) => {
                    trial.fault = Some(fault);
                    trial.events.push(Tried {
                        event: word,
                        verdict: "fault",
                        attrs: BTreeMap::new(),
                    });
                    return trial;
                }
            }
        };
        trial.events.push(Tried { event: word, verdict, attrs });
    }
    let given: Vec<u32> = (0..batch.heads.len() as u32).filter(|&index| fits(index)).collect();
    tables.each(|name, table| {
        trial.tables.push(Filled {
            table: name.to_owned(),
            rows: table.len(),
            labels: table.options().labels.clone(),
        });
    });
    if !given.is_empty()
        && let Err(fault) = measure(instance, &batch, &given, &mut trial)
    {
        trial.fault = Some(fault);
    }
    trial
}

fn alone(
    instance: &mut Instance,
    batch: &Batch,
    index: u32,
    trial: &mut Trial,
) -> Result<(&'static str, BTreeMap<String, String>), Fault> {
    let mut verdicts = Vec::new();
    let effects = instance.run(batch, Some(&[index]), 0, &mut verdicts)?;
    trial.memory_bytes = effects.memory_bytes;
    trial.refused += effects.refused;
    if verdicts[0] == DROP {
        return Ok(("drop", BTreeMap::new()));
    }
    let attrs = |batch: &Batch| {
        let event = serde_json::to_value(batch.event(index as usize)).unwrap_or_default();
        let attrs = event["attrs"].as_object().cloned().unwrap_or_default();
        attrs.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
    };
    let before: BTreeMap<_, _> = attrs(batch).collect();
    let after = batch.after(&vec![0; batch.heads.len()], effects.attributes);
    Ok(("keep", attrs(&after).filter(|(name, value)| before.get(name) != Some(value)).collect()))
}

/// Full batches and ticks, for a while.
fn measure(
    instance: &mut Instance,
    batch: &Batch,
    given: &[u32],
    trial: &mut Trial,
) -> Result<(), Fault> {
    let only: Vec<u32> = given.iter().copied().cycle().take(BATCH_EVENTS).collect();
    let (began, mut verdicts) = (Instant::now(), Vec::new());
    let (mut batches, mut slowest) = (0, Duration::ZERO);
    while batches == 0 || began.elapsed() < MEASURED {
        let start = Instant::now();
        let effects = instance.run(batch, Some(&only), 0, &mut verdicts)?;
        trial.memory_bytes = effects.memory_bytes;
        trial.refused += effects.refused;
        slowest = slowest.max(start.elapsed());
        batches += 1;
    }
    let spent = began.elapsed();
    instance.tick(1000)?;
    trial.ns_per_event = Some((spent.as_nanos() / batches / only.len() as u128) as u64);
    trial.slowest_batch_ns = Some(slowest.as_nanos() as u64);
    Ok(())
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["sample event", "verdict", "attributes"].map(|name| (name, Align::Left));
        let rows = self.events.iter().map(|tried| {
            let attrs: Vec<_> =
                tried.attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            vec![tried.event.clone(), tried.verdict.to_owned(), attrs.join(" ")]
        });
        f.write_str(&columns(&head, rows))?;
        for Filled { table, rows, labels } in &self.tables {
            writeln!(f, "table {table}: {rows} rows by {}", labels.join(", "))?;
        }
        if self.refused > 0 {
            writeln!(
                f,
                "{} table updates and attributes were refused: too many in one batch",
                self.refused
            )?;
        }
        if let (Some(ns), Some(slowest)) = (self.ns_per_event, self.slowest_batch_ns) {
            let slowest = Duration::from_nanos(slowest);
            let limit = Duration::from_nanos(self.batch_limit_ns);
            writeln!(
                f,
                "{ns} ns per event; the slowest batch of {BATCH_EVENTS} took {slowest:.1?} of {limit:?}"
            )?;
        }
        writeln!(f, "memory {}", bytes(self.memory_bytes as u64))
    }
}
