//! What is done with the events that fit.

use weir::{Counter, Distinct, Event, Gauge, Histogram, Rate, Table, TopK};
use weir_expression::{
    Aggregate, Item, Label, Names, Number, Sum,
    run::{Room, number},
};

use crate::label::{Key, item, key};

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
    Gauge(Gauge),
    TopK(TopK),
    Distinct(Distinct),
    Rate(Rate),
}

/// Does something with a joined key, whose number of labels is part of its type.
macro_rules! keyed {
    ($labels:expr, $joined:expr, |$key:ident| $does:expr) => {
        match $labels {
            0 | 1 => {
                let $key = Key::<1>($joined);
                $does
            }
            2 => {
                let $key = Key::<2>($joined);
                $does
            }
            3 => {
                let $key = Key::<3>($joined);
                $does
            }
            _ => {
                let $key = Key::<4>($joined);
                $does
            }
        }
    };
}

impl Summing {
    /// Opens the table.
    pub fn open(aggregate: &Aggregate) -> Result<Self, String> {
        if aggregate.by.len() > 4 {
            return Err(format!("a key has at most 4 labels, not {}", aggregate.by.len()));
        }
        let (name, labels) = (aggregate.table.clone().leak(), labels(aggregate));
        let described = |table: Table| {
            table.unit(aggregate.unit.clone().leak()).help(aggregate.help.clone().leak())
        };
        let table = match &aggregate.sum {
            Sum::Count | Sum::Sum(_) => {
                Open::Counter(Counter::open(&described(Table::counter(name, labels))))
            }
            Sum::Histogram(_) => {
                Open::Histogram(Histogram::open(&described(Table::histogram(name, labels))))
            }
            Sum::Last(_) => Open::Gauge(Gauge::open(&described(Table::gauge(name, labels)))),
            Sum::Top(most, _) => {
                Open::TopK(TopK::open(&described(Table::topk(name, labels).k(*most))))
            }
            Sum::Distinct(_) => {
                Open::Distinct(Distinct::open(&described(Table::distinct(name, labels))))
            }
            Sum::Rate(_) => Open::Rate(Rate::open(&described(Table::rate(name, labels)))),
        };
        Ok(Self { aggregate: aggregate.clone(), table, key: Vec::new(), item: Vec::new() })
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event, names: &Names, room: &mut Room) {
        let Some(value) = self.value(event, names, room) else { return };
        let Self { aggregate, table, key: to, .. } = self;
        key(&aggregate.by, event, names, room, to);
        let labels = aggregate.by.len();
        match table {
            Open::Counter(counter) => keyed!(labels, to, |key| counter.add(key, value)),
            Open::Histogram(histogram) => keyed!(labels, to, |key| histogram.record(key, value)),
            // A gauge's value is in two's complement.
            Open::Gauge(gauge) => keyed!(labels, to, |key| gauge.set(key, value as i64)),
            Open::TopK(top) => keyed!(labels, to, |key| top.add(key, value)),
            Open::Distinct(distinct) => keyed!(labels, to, |key| distinct.add_id(key, value)),
            Open::Rate(rate) => keyed!(labels, to, |key| rate.add(key, value)),
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

/// FNV-1a, as in every language; the host mixes it.
fn hash(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
