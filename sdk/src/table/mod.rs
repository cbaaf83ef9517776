//! Tables: named aggregates that the host owns and a script updates.

mod counter;
mod distinct;
mod gathered;
mod gauge;
mod histogram;
mod key;
mod rate;
pub(crate) mod rows;
mod topk;

pub use counter::Counter;
pub use distinct::Distinct;
pub(crate) use gathered::flush;
pub use gauge::Gauge;
pub use histogram::Histogram;
pub use key::{Label, Labels};
pub use rate::Rate;
pub use topk::TopK;

use crate::{calls::table_open::table_open, json};

/// A table: what a script says of it in [`About`](crate::About), and opens it by.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    help: &'static str,
    /// What the kind has, or any but `topk`: 0 for what the host takes.
    k: u32,
    window_s: u32,
    max_keys: u32,
}

/// What a table does with values. The numbers are those of the host's `table_open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Counter = 0,
    Histogram = 1,
    Gauge = 2,
    TopK = 3,
    Distinct = 4,
    Rate = 5,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Gauge => "gauge",
            Self::TopK => "topk",
            Self::Distinct => "distinct",
            Self::Rate => "rate",
        }
    }
}

impl Table {
    /// A table that adds values up, per key of one to four labels.
    pub const fn counter(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::Counter, name, labels)
    }

    /// A table that tells quantiles of values, per key of one to four labels.
    pub const fn histogram(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::Histogram, name, labels)
    }

    /// A table of values that change, per key of one to four labels.
    pub const fn gauge(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::Gauge, name, labels)
    }

    /// A table of the keys with the largest sums; a key has one to four labels.
    pub const fn topk(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::TopK, name, labels)
    }

    /// A table that tells how many different items there were, per key of one to four labels.
    pub const fn distinct(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::Distinct, name, labels)
    }

    /// A table that adds values up over a window of time, per key of one to four labels.
    pub const fn rate(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self::new(Kind::Rate, name, labels)
    }

    const fn new(kind: Kind, name: &'static str, labels: &'static [&'static str]) -> Self {
        assert!(!labels.is_empty() && labels.len() <= 4, "a key has one to four labels");
        Self { kind, name, labels, unit: "1", help: "", k: 0, window_s: 0, max_keys: 0 }
    }

    /// Sets the unit of the values, as in UCUM: `ns`, `By`; `1` unless set.
    pub const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Sets one line on what the table says.
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Sets how many keys a `topk` shows, up to 1,000; 100 unless set.
    pub const fn k(self, k: u32) -> Self {
        assert!(matches!(self.kind, Kind::TopK), "only a topk has `k`");
        assert!(k > 0 && k <= 1_000, "`k` is 1 to 1,000");
        Self { k, ..self }
    }

    /// Sets how many seconds a rate is taken over, up to a day; 60 unless set.
    pub const fn window_s(self, window_s: u32) -> Self {
        assert!(matches!(self.kind, Kind::Rate), "only a rate has a window");
        assert!(window_s > 0 && window_s <= 86_400, "a window has 1 second to a day");
        Self { window_s, ..self }
    }

    /// Sets how many rows there are at most; the host's limit unless set, and never more. Further keys share
    /// the row `other`.
    pub const fn max_keys(self, max_keys: u32) -> Self {
        assert!(!matches!(self.kind, Kind::TopK), "a topk has as many rows as `k` says");
        assert!(max_keys > 0, "a table has a row at least");
        Self { max_keys, ..self }
    }

    /// Writes what a description says of a table.
    pub(crate) fn describe(&self, to: &mut String) {
        json::open_object(
            to,
            &[("name", self.name), ("kind", self.kind.name()), ("help", self.help)],
        );
        to.push('}');
    }

    fn options(&self) -> String {
        let mut to = String::new();
        json::open_object(&mut to, &[("unit", self.unit), ("help", self.help)]);
        to.push_str(",\"labels\":");
        json::list(&mut to, self.labels, |to, label| json::text(to, label));
        for (name, number) in
            [("k", self.k), ("window_s", self.window_s), ("max_keys", self.max_keys)]
        {
            if number > 0 {
                to.push_str(&format!(",\"{name}\":{number}"));
            }
        }
        to.push('}');
        to
    }

    /// Opens the table and returns the host's handle.
    fn open(&self, kind: Kind) -> u32 {
        let Self { kind: own, name, .. } = *self;
        assert!(kind == own, "table `{name}` is a {}, not a {}", own.name(), kind.name());
        table_open(kind as u32, name, &self.options())
    }

    /// A key with the wrong number of labels would end the script's run in the host, far from where it is
    /// made.
    fn check<L: Labels>(&self) {
        assert!(
            L::COUNT == self.labels.len(),
            "table `{}` has {} labels, the key has {}",
            self.name,
            self.labels.len(),
            L::COUNT
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_as_the_host_reads_them() {
        let table = Table::histogram("took", &["process", "service"]).unit("ns").help("time taken");
        assert_eq!(
            table.options(),
            r#"{"unit":"ns","help":"time taken","labels":["process","service"]}"#
        );
        let rate = Table::rate("rate", &["process"]).window_s(5).max_keys(7);
        assert_eq!(
            rate.options(),
            r#"{"unit":"1","help":"","labels":["process"],"window_s":5,"max_keys":7}"#
        );
    }

    #[test]
    #[should_panic(expected = "table `took` is a histogram, not a counter")]
    fn opened_as_another_kind() {
        Counter::open(&Table::histogram("took", &["process"]));
    }
}
