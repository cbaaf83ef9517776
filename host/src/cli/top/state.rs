//! What `weir top` shows, and what the keys change of it.

use anyhow::bail;
use serde_json::Value;

use crate::{
    cli::{
        look::{Look, Order, Source},
        tables::{cells, heads},
    },
    table::{Kind, Sort},
};

/// Rows that are asked for: more than anybody scrolls through.
const ROWS: usize = 1000;

/// All that is shown.
pub struct State {
    /// Where the host is.
    pub host: String,
    /// What the host showed before, and at last.
    pub looks: [Option<Look>; 2],
    /// The table that is shown; none, if it is the list of scripts.
    pub shown: Option<(String, String)>,
    /// That table with its rows.
    pub table: Value,
    /// What it is sorted by, by number in the list of its kind.
    column: usize,
    /// Whether the smallest come first.
    pub ascending: bool,
    /// Only rows that contain this are shown.
    pub filter: String,
    /// Whether that is being written.
    pub typing: bool,
    /// Whether the host is not asked.
    pub paused: bool,
    /// The first row that is shown.
    pub first: usize,
    /// Why the host could not be asked.
    pub trouble: Option<String>,
}

impl State {
    /// Begins with a table, written SCRIPT/TABLE, else with the first one there is, else with the scripts.
    pub fn new(host: String, look: Look, table: Option<&str>) -> anyhow::Result<Self> {
        let names: Vec<_> = look.tables.iter().map(names).collect();
        let shown = match table {
            None => names.first().cloned(),
            Some(text) => {
                match names.iter().find(|(script, name)| format!("{script}/{name}") == text) {
                    Some(found) => Some(found.clone()),
                    None => {
                        let there: Vec<_> =
                            names.iter().map(|(script, name)| format!("{script}/{name}")).collect();
                        bail!("there is no table {text}; there are: {}", there.join(", "))
                    }
                }
            }
        };
        Ok(Self {
            host,
            looks: [None, Some(look)],
            shown,
            table: Value::Null,
            column: 0,
            ascending: false,
            filter: String::new(),
            typing: false,
            paused: false,
            first: 0,
            trouble: None,
        })
    }

    /// Asks for everything.
    pub fn look(&mut self, source: &Source) {
        match source.look() {
            Ok(look) => {
                self.looks = [self.looks[1].take(), Some(look)];
                self.trouble = None;
                self.rows(source);
            }
            Err(error) => self.trouble = Some(format!("{error:#}")),
        }
    }

    /// Asks for the rows of the table that is shown.
    pub fn rows(&mut self, source: &Source) {
        let Some((script, name)) = &self.shown else { return };
        let order = Order { sort: self.sorted(), ascending: self.ascending, limit: ROWS };
        match source.table(script, name, &order) {
            Ok(table) => self.table = table,
            Err(error) => self.trouble = Some(format!("{error:#}")),
        }
    }

    /// Shows another table.
    pub fn step(&mut self, by: isize) {
        let all = self.tabs();
        let at = all.iter().position(|tab| *tab == self.shown).unwrap_or(0) as isize;
        self.shown = all[(at + by).rem_euclid(all.len() as isize) as usize].clone();
        (self.table, self.column, self.first) = (Value::Null, 0, 0);
    }

    /// What can be shown: the scripts, and each table.
    pub fn tabs(&self) -> Vec<Option<(String, String)>> {
        let tables = self.now().map_or(&[][..], |look| &look.tables);
        std::iter::once(None).chain(tables.iter().map(|table| Some(names(table)))).collect()
    }

    /// The last look.
    pub fn now(&self) -> Option<&Look> {
        self.looks[1].as_ref()
    }

    /// Sorts by another column.
    pub fn sort(&mut self, by: isize) {
        let columns = self.columns().len().max(1) as isize;
        self.column = (self.column as isize + by).rem_euclid(columns) as usize;
        self.first = 0;
    }

    /// What rows are sorted by; the kind's first if nothing is known of the table.
    pub fn sorted(&self) -> Option<String> {
        self.columns().get(self.column).map(Sort::to_string)
    }

    fn columns(&self) -> &'static [Sort] {
        let (script, name) = match &self.shown {
            Some(shown) => shown,
            None => return &[],
        };
        let all = self.now().map_or(&[][..], |look| &look.tables);
        let table =
            all.iter().find(|table| table["script"] == **script && table["table"] == **name);
        let kind =
            table.and_then(|table| serde_json::from_value::<Kind>(table["kind"].clone()).ok());
        kind.map_or(&[], |kind| kind.sorts())
    }

    /// Moves through the rows.
    pub fn scroll(&mut self, by: isize) {
        let last = self.filtered().len().saturating_sub(1);
        self.first = self.first.saturating_add_signed(by).min(last);
    }

    /// The heads of the table's columns.
    pub fn heads(&self) -> Vec<String> {
        heads(&self.table)
    }

    /// The rows that are let through, as text.
    pub fn filtered(&self) -> Vec<Vec<String>> {
        let rows = self.table["row_list"].as_array().into_iter().flatten();
        let other = Some(&self.table["other"]).filter(|other| other.is_object());
        let filter = self.filter.to_lowercase();
        let fits = |row: &Vec<String>| row.iter().any(|cell| cell.to_lowercase().contains(&filter));
        rows.chain(other).map(|row| cells(&self.table, row)).filter(fits).collect()
    }
}

fn names(table: &Value) -> (String, String) {
    let text = |key: &str| table[key].as_str().unwrap_or_default().to_owned();
    (text("script"), text("table"))
}

#[cfg(test)]
pub mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    /// A host with two tables.
    pub fn state() -> State {
        let tables = vec![
            json!({"script": "e1", "table": "count", "kind": "counter"}),
            json!({"script": "latency", "table": "duration", "kind": "histogram"}),
        ];
        let look = Look {
            at: Instant::now(),
            backend: json!({"name": "tracepoint"}),
            ledger: json!({"seen": 5, "delivered": 5, "pipelines": []}),
            scripts: vec![json!({"name": "e1", "state": "running"})],
            tables,
        };
        let mut state = State::new("http://127.0.0.1:7070".to_owned(), look, None).unwrap();
        state.table = json!({"script": "e1", "table": "count", "kind": "counter", "labels": ["call"],
            "rows": 2, "row_list": [{"key": ["sendmsg"], "value": 5}, {"key": ["recvmsg"], "value": 3}]});
        state
    }

    #[test]
    fn tables_and_columns_go_round() {
        let mut state = state();
        assert_eq!(state.shown, Some(("e1".to_owned(), "count".to_owned())));
        assert_eq!(state.sorted().as_deref(), Some("value"));
        state.sort(1);
        assert_eq!(state.sorted().as_deref(), Some("key"));
        state.sort(1);
        assert_eq!(state.sorted().as_deref(), Some("value"));
        state.step(1);
        state.sort(-1);
        assert_eq!(state.shown.as_ref().unwrap().0, "latency");
        assert_eq!(state.sorted().as_deref(), Some("max"));
        state.step(1);
        assert_eq!((state.shown.clone(), state.sorted()), (None, None));
        state.step(-1);
        assert_eq!(state.shown.as_ref().unwrap().1, "duration");
    }

    #[test]
    fn rows_are_filtered() {
        let mut state = state();
        state.filter = "RECV".to_owned();
        assert_eq!(state.filtered(), [["recvmsg", "3"]]);
        state.scroll(9);
        assert_eq!(state.first, 0);
    }

    #[test]
    fn a_table_that_is_not_there() {
        let mut before = state();
        let look = before.looks[1].take().unwrap();
        let error = State::new(String::new(), look, Some("e1/x")).err().unwrap().to_string();
        assert_eq!(error, "there is no table e1/x; there are: e1/count, latency/duration");
    }
}
