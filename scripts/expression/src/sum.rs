//! What is done with the events that fit.

use weir::{Counter, Event, Histogram, Table};
use weir_expression::{Aggregate, Item, Label, Names, Number, Sum};

use crate::{
    field::number,
    host::{Kind, table_add, table_open},
    label::{Key, item, key},
    text::Room,
};

/// An aggregate at work.
pub struct Summing {
    aggregate: Aggregate,
    table: Open,
    /// Rooms for a key, and for what is counted once.
    key: Vec<u8>,
    item: Vec<u8>,
}

enum Open {
    Counter(Counter),
    Histogram(Histogram),
    /// A table of another kind, by its handle.
    Other(u32),
}

impl Summing {
    /// Opens the table.
    pub fn open(aggregate: &Aggregate) -> Result<Self, String> {
        let table = match &aggregate.sum {
            Sum::Count | Sum::Sum(_) => Open::Counter(Counter::open(&table(aggregate))),
            Sum::Histogram(_) => Open::Histogram(Histogram::open(&histogram(aggregate))),
            Sum::Last(_) => Open::Other(other(Kind::Gauge, aggregate, "")),
            Sum::Top(most, _) => {
                Open::Other(other(Kind::Top, aggregate, &format!(",\"k\":{most}")))
            }
            Sum::Distinct(_) => Open::Other(other(Kind::Distinct, aggregate, "")),
            Sum::Rate(_) => Open::Other(other(Kind::Rate, aggregate, "")),
        };
        if aggregate.by.len() > 4 {
            return Err(format!("a key has at most 4 labels, not {}", aggregate.by.len()));
        }
        Ok(Self { aggregate: aggregate.clone(), table, key: Vec::new(), item: Vec::new() })
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event, names: &Names, room: &mut Room) {
        let Some(value) = self.value(event, names, room) else { return };
        let Self { aggregate, table, key: to, .. } = self;
        key(&aggregate.by, event, names, room, to);
        match table {
            Open::Counter(counter) => match aggregate.by.len() {
                0 | 1 => counter.add(Key::<1>(to), value),
                2 => counter.add(Key::<2>(to), value),
                3 => counter.add(Key::<3>(to), value),
                _ => counter.add(Key::<4>(to), value),
            },
            Open::Histogram(histogram) => match aggregate.by.len() {
                0 | 1 => histogram.record(Key::<1>(to), value),
                2 => histogram.record(Key::<2>(to), value),
                3 => histogram.record(Key::<3>(to), value),
                _ => histogram.record(Key::<4>(to), value),
            },
            Open::Other(table) => table_add(*table, to, value),
        }
    }

    /// What is added to the row, if anything.
    fn value(&mut self, event: &Event, names: &Names, room: &mut Room) -> Option<u64> {
        let unsigned = |of: &Number| u64::try_from(number(event, of)?).ok();
        match &self.aggregate.sum {
            Sum::Count => Some(1),
            Sum::Sum(of) | Sum::Histogram(of) | Sum::Top(_, of) | Sum::Rate(of) => unsigned(of),
            // In two's complement.
            Sum::Last(of) => Some(i64::try_from(number(event, of)?).ok()? as u64),
            Sum::Distinct(of) => {
                self.item.clear();
                let there = item(of, event, names, room, &mut self.item);
                there.then(|| match of {
                    Item::Number(of) => number(event, of).unwrap_or_default() as u64,
                    Item::Text(_) | Item::Bool(_) => hash(&self.item),
                })
            }
        }
    }
}

/// Labels for as long as the instance lives, which starts once.
fn labels(aggregate: &Aggregate) -> &'static [&'static str] {
    let name = |label: &Label| &*label.name.clone().leak();
    let names: Vec<&'static str> = aggregate.by.iter().map(name).collect();
    if names.is_empty() { &["all"] } else { names.leak() }
}

fn table(aggregate: &Aggregate) -> Table {
    described(Table::counter(aggregate.table.clone().leak(), labels(aggregate)), aggregate)
}

fn histogram(aggregate: &Aggregate) -> Table {
    described(Table::histogram(aggregate.table.clone().leak(), labels(aggregate)), aggregate)
}

fn described(table: Table, aggregate: &Aggregate) -> Table {
    table.unit(aggregate.unit.clone().leak()).help(aggregate.help.clone().leak())
}

fn other(kind: Kind, aggregate: &Aggregate, more: &str) -> u32 {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let labels: Vec<_> = labels(aggregate).iter().map(|label| text(label)).collect();
    let (unit, help) = (text(&aggregate.unit), text(&aggregate.help));
    let options =
        format!("{{\"labels\":[{}],\"unit\":{unit},\"help\":{help}{more}}}", labels.join(","));
    table_open(kind, &aggregate.table, &options)
}

/// FNV-1a, and then mixed (MurmurHash3's finalizer), so that all bits depend on all bytes.
fn hash(text: &[u8]) -> u64 {
    let mut hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ hash >> 33).wrapping_mul(factor);
    }
    hash ^ hash >> 33
}
