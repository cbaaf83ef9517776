//! What happened to tables between two looks at them.

use std::collections::{BTreeMap, HashMap};

use super::point::{Point, Value};
use crate::{
    pipeline::TablesOf,
    table::{Histogram, Kind, Options, Reading, Table},
};

/// Rows that wait to be written, of one table, about.
const MOST_ROWS: usize = 20 * super::point::ROWS;

/// What tables were like at the last look, and what happened since history was last written.
#[derive(Default)]
pub struct Recorder {
    /// By the number of a table.
    last: HashMap<u64, Last>,
    /// Different items that rows had, by script and table.
    distinct: HashMap<(String, String), HashMap<Vec<u8>, u64>>,
    /// What is not written yet, by script and table.
    pub pending: BTreeMap<(String, String), Pending>,
}

/// What happened to a table, and what it is.
#[derive(Clone, Debug)]
pub struct Pending {
    /// What it does with values.
    pub kind: Kind,
    /// What its script said of it.
    pub options: Options,
    /// Of a rate.
    pub window_s: Option<u32>,
    /// What happened.
    pub point: Point,
}

/// What a table was like.
#[derive(Default)]
struct Last {
    sums: HashMap<Vec<u8>, u64>,
    histograms: HashMap<Vec<u8>, Histogram>,
    /// When gauges were set.
    set: HashMap<Vec<u8>, u64>,
    /// Count and error of items.
    weights: HashMap<Vec<u8>, (u64, u64)>,
    other_sum: u64,
    other_histogram: Histogram,
    total: u64,
    seen: bool,
}

impl Recorder {
    /// Takes what is there as known: it happened before.
    pub fn prime(&mut self, tables: &[TablesOf]) {
        self.look(tables);
        self.pending.clear();
    }

    /// Notes what happened since the last look.
    pub fn look(&mut self, tables: &[TablesOf]) {
        self.last.values_mut().for_each(|last| last.seen = false);
        let mut merged = BTreeMap::<(String, String), Table>::new();
        for (_, script, tables) in tables {
            for (name, table) in tables {
                let series = (script.clone(), name.clone());
                let pending =
                    self.pending.entry(series.clone()).or_insert_with(|| Pending::of(table));
                if pending.kind != table.kind() || pending.options.labels != table.options().labels
                {
                    // Another table has taken its place.
                    *pending = Pending::of(table);
                }
                let last = self.last.entry(table.id()).or_default();
                last.seen = true;
                last.look(table, &mut pending.point);
                if matches!(table.kind(), Kind::Distinct | Kind::TopK) {
                    match merged.get_mut(&series) {
                        Some(known) => known.merge(table),
                        None => _ = merged.insert(series, table.clone()),
                    }
                }
            }
        }
        self.last.retain(|_, last| last.seen);
        self.distinct.retain(|series, _| merged.contains_key(series));
        for (series, table) in merged {
            let Some(Pending { point, .. }) = self.pending.get_mut(&series) else { continue };
            match table.top() {
                Some(_) => show_top(&table, point),
                None => show_distinct(&table, self.distinct.entry(series).or_default(), point),
            }
        }
        // Of a topk any number of keys may come while nothing can be written.
        for Pending { point, .. } in self.pending.values_mut() {
            if point.rows.len() > MOST_ROWS {
                point.cap();
            }
        }
    }
}

impl Pending {
    fn of(table: &Table) -> Self {
        Self {
            kind: table.kind(),
            options: table.options().clone(),
            window_s: table.window_s(),
            point: Point::default(),
        }
    }
}

impl Last {
    fn look(&mut self, table: &Table, point: &mut Point) {
        if let Some(top) = table.top() {
            let mut told = 0;
            for item in top.watched() {
                let (count, error) = match self.weights.get_mut(item.key) {
                    Some(known) => std::mem::replace(known, (item.count, item.error)),
                    None => {
                        self.weights.insert(item.key.to_owned(), (item.count, item.error));
                        (0, 0)
                    }
                };
                // One that made room and came back has another error: what is certain of it is new.
                let certain = item.count - item.error;
                let added = if error == item.error {
                    certain.saturating_sub(count - error)
                } else {
                    certain
                };
                if added > 0 {
                    told += added;
                    point.put(item.key.to_owned(), Value::Weighed(added, None));
                }
            }
            if self.weights.len() > 4 * top.watched().count() + 1_000 {
                let watched: HashMap<_, _> = top
                    .watched()
                    .map(|item| (item.key.to_owned(), (item.count, item.error)))
                    .collect();
                self.weights = watched;
            }
            let added = top.total().saturating_sub(self.total);
            self.total = top.total();
            if added > told {
                point.put_other(Value::Weighed(added - told, None));
            }
            return;
        }
        table.read(|key, reading| match (key, reading) {
            (Some(key), Reading::Sum(sum)) => {
                let before = match self.sums.get_mut(key) {
                    Some(known) => std::mem::replace(known, sum),
                    None => self.sums.insert(key.to_owned(), sum).unwrap_or(0),
                };
                if sum > before {
                    point.put(key.to_owned(), Value::Added(sum - before));
                }
            }
            (None, Reading::Sum(sum)) => {
                let before = std::mem::replace(&mut self.other_sum, sum);
                if sum > before {
                    point.put_other(Value::Added(sum - before));
                }
            }
            (Some(key), Reading::Histogram(histogram)) => {
                let known = self.histograms.get(key);
                if known.is_none_or(|known| known.count() != histogram.count()) {
                    let recorded =
                        known.map_or_else(|| histogram.clone(), |known| histogram.since(known));
                    self.histograms.insert(key.to_owned(), histogram.clone());
                    point.put(key.to_owned(), Value::Recorded(recorded));
                }
            }
            (None, Reading::Histogram(histogram)) => {
                if self.other_histogram.count() != histogram.count() {
                    let recorded = histogram.since(&self.other_histogram);
                    self.other_histogram = histogram.clone();
                    point.put_other(Value::Recorded(recorded));
                }
            }
            (Some(key), Reading::Gauge(gauge)) => {
                let before = match self.set.get_mut(key) {
                    Some(known) => std::mem::replace(known, gauge.set_ns()),
                    None => self.set.insert(key.to_owned(), gauge.set_ns()).unwrap_or(0),
                };
                if gauge.set_ns() > before {
                    point.put(key.to_owned(), Value::Set(gauge));
                }
            }
            // Told of the table over all pipelines; of `other` there is no history.
            (_, Reading::Distinct(_)) | (None, Reading::Gauge(_)) => {}
        });
    }
}

/// Notes what a topk shows: all of that, if anything happened.
fn show_top(table: &Table, point: &mut Point) {
    let Some(top) = table.top() else { return };
    if point.is_empty() {
        return;
    }
    for value in point.rows.values_mut() {
        if let Value::Weighed(_, shown) = value {
            *shown = None;
        }
    }
    for item in top.heaviest() {
        let shown = Some((item.count, item.error));
        match point.rows.get_mut(item.key) {
            Some(Value::Weighed(_, known)) => *known = shown,
            _ => _ = point.rows.insert(item.key.to_owned(), Value::Weighed(0, shown)),
        }
    }
    if let Some(other) = top.other() {
        match &mut point.other {
            Some(Value::Weighed(_, known)) => *known = Some(other),
            place => *place = Some(Value::Weighed(0, Some(other))),
        }
    }
}

fn show_distinct(table: &Table, known: &mut HashMap<Vec<u8>, u64>, point: &mut Point) {
    table.read(|key, reading| {
        if let (Some(key), Reading::Distinct(distinct)) = (key, reading) {
            let value = distinct.value();
            let before = match known.get_mut(key) {
                Some(known) => Some(std::mem::replace(known, value)),
                None => known.insert(key.to_owned(), value),
            };
            if before != Some(value) {
                let exact = distinct.relative_error() == 0.0;
                point.put(key.to_owned(), Value::Distinct(value, exact));
            }
        }
    });
}

/// All rows of a table as they are.
pub fn frame(table: &Table) -> Point {
    let mut frame = Point::default();
    if let Some(top) = table.top() {
        for item in top.heaviest() {
            frame.put(item.key.to_owned(), Value::Weighed(0, Some((item.count, item.error))));
        }
        if let Some(other) = top.other() {
            frame.put_other(Value::Weighed(0, Some(other)));
        }
    }
    table.read(|key, reading| {
        let value = match reading {
            Reading::Sum(_) if table.kind() == Kind::Rate => return,
            Reading::Sum(sum) => Value::Added(sum),
            Reading::Histogram(histogram) => Value::Recorded(histogram.clone()),
            Reading::Gauge(gauge) => Value::Set(gauge),
            Reading::Distinct(distinct) => {
                Value::Distinct(distinct.value(), distinct.relative_error() == 0.0)
            }
        };
        match key {
            Some(key) => frame.put(key.to_owned(), value),
            None => frame.put_other(value),
        }
    });
    frame
}
