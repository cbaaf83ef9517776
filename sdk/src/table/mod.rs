//! Tables: named aggregates that the host owns and a script updates.

mod counter;
mod histogram;
mod key;
mod sums;

pub use counter::Counter;
pub(crate) use counter::flush;
pub use histogram::Histogram;
pub use key::{Label, Labels};

use crate::{calls::table_open::table_open, json};

/// A table: what a script says of it in [`About`](crate::About), and opens it by.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    help: &'static str,
}

/// What a table does with values. The numbers are those of the host's `table_open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    Counter = 0,
    Histogram = 1,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
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

    const fn new(kind: Kind, name: &'static str, labels: &'static [&'static str]) -> Self {
        assert!(!labels.is_empty() && labels.len() <= 4, "a key has one to four labels");
        Self { kind, name, labels, unit: "1", help: "" }
    }

    /// Sets the unit of the values, as in UCUM: `ns`, `By`; `1` unless set.
    pub const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Sets one line on what the table says.
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
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
    }

    #[test]
    #[should_panic(expected = "table `took` is a histogram, not a counter")]
    fn opened_as_another_kind() {
        Counter::open(&Table::histogram("took", &["process"]));
    }
}
