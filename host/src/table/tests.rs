//! What holds for tables of every kind.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Some time in 2026, on a whole minute.
const NOW: u64 = 1_780_000_020_000_000_000;

/// Key, value, nanoseconds since a second before now.
type Added = Vec<(u8, u64, u64)>;

fn table(kind: Kind, max_keys: usize) -> Table {
    Table::new(kind, Options { labels: vec!["key".into()], ..Options::default() }, max_keys)
}

fn of(kind: Kind, max_keys: usize, added: &Added) -> Table {
    let mut table = table(kind, max_keys);
    for &(key, value, at) in added {
        table.add(&[b'a' + key], value, NOW - 1_000_000_000 + at);
    }
    table
}

fn query(sort: Sort, descending: bool, limit: usize) -> Query {
    Query { sort: Some(sort), descending, limit, now_ns: NOW }
}

fn rows(table: &Table) -> (Vec<Row>, Option<Row>) {
    table.rows(&query(Sort::Key, false, usize::MAX)).unwrap()
}

fn json_of(table: &Table, query: &Query) -> (Value, Value) {
    let (rows, other) = table.rows(query).unwrap();
    (json!(rows), json!(other))
}

/// In the order of time, as batches come.
fn added(most: usize) -> impl Strategy<Value = Added> {
    prop::collection::vec((0..12_u8, 0..1_000_u64, 0..1_000_000_000_u64), 0..most).prop_map(
        |mut added| {
            added.sort_by_key(|&(_, _, at)| at);
            added
        },
    )
}

#[test]
fn each_kind_as_json() {
    let at = [(0, 5, 0), (1, 7, 500_000_000), (0, u64::MAX - 2, 750_000_000)];
    let shown = |kind| {
        let added = match kind {
            Kind::Gauge | Kind::Distinct => at.to_vec(),
            _ => at[..2].to_vec(),
        };
        json_of(&of(kind, 10, &added), &query(Sort::Key, false, 1)).0[0].clone()
    };
    assert_eq!(shown(Kind::Counter), json!({"key": ["a"], "value": 5}));
    assert_eq!(
        shown(Kind::Gauge),
        json!({"key": ["a"], "value": -3, "set": "2026-05-28T20:26:59.750000000Z"})
    );
    assert_eq!(shown(Kind::TopK), json!({"key": ["a"], "value": 5, "error": 0}));
    assert_eq!(shown(Kind::Distinct), json!({"key": ["a"], "value": 2, "relative_error": 0.0}));
    // Now is at the beginning of a part, which is empty.
    let per_second = 5.0 / (60.0 * 63.0 / 64.0);
    assert_eq!(
        shown(Kind::Rate),
        json!({"key": ["a"], "per_second": per_second, "value": 5, "window_s": 60})
    );
    let histogram = shown(Kind::Histogram);
    assert_eq!((&histogram["count"], &histogram["p50"]), (&json!(1), &json!(5)));
}

#[test]
fn keys_beyond_the_cap_go_into_other() {
    let added = vec![(0, 5, 1), (1, 7, 2), (2, 1, 3), (3, 2, 4), (2, 1, 5), (0, 5, 6)];
    let other = |kind| json!(rows(&of(kind, 2, &added)).1);
    assert_eq!(other(Kind::Counter), json!({"key": ["other"], "value": 4}));
    assert_eq!(other(Kind::Histogram)["sum"], 4);
    // The last one that was set among them.
    assert_eq!(other(Kind::Gauge)["value"], 1);
    // An item that two of these keys had is one.
    assert_eq!(other(Kind::Distinct)["value"], 2);
    assert_eq!(other(Kind::Rate)["value"], 4);
    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::TopK) {
        let table = of(kind, 2, &added);
        assert_eq!((table.len(), table.max_keys(), rows(&table).0.len()), (2, 2, 2));
    }
}

#[test]
fn rows_are_sorted_and_cut() {
    for kind in Kind::ALL {
        // Of each kind `c` is the largest, and `a` and `b` are equal.
        let added = vec![(1, 1, 1), (0, 1, 1), (2, 3, 2), (2, 4, 2)];
        let table = of(kind, 10, &added);
        let keys = |sort, descending, limit| {
            let (rows, _) = table.rows(&query(sort, descending, limit)).unwrap();
            rows.into_iter().map(|row| row.key[0].clone()).collect::<Vec<_>>()
        };
        for &sort in kind.sorts().iter().filter(|sort| ![Sort::Key, Sort::Error].contains(sort)) {
            assert_eq!(keys(sort, true, 10), ["c", "a", "b"], "{kind} {sort}");
            assert_eq!(keys(sort, false, 10), ["a", "b", "c"], "{kind} {sort}");
            assert_eq!(keys(sort, true, 1), ["c"], "{kind} {sort}");
        }
        assert_eq!(keys(Sort::Key, true, 2), ["c", "b"]);
        let default = Query { sort: None, ..query(Sort::Key, true, 1) };
        assert_eq!(table.rows(&default).unwrap().0[0].key, ["c"]);
    }
}

#[test]
fn an_order_that_a_kind_has_not() {
    let refused = |kind, sort| table(kind, 1).rows(&query(sort, true, 1)).unwrap_err().to_string();
    assert_eq!(
        refused(Kind::Counter, Sort::P99),
        "a table of kind counter cannot be sorted by p99: choose from value, key"
    );
    assert_eq!(
        refused(Kind::Rate, Sort::Count),
        "a table of kind rate cannot be sorted by count: choose from per_second, key, value"
    );
    assert_eq!(
        refused(Kind::Gauge, Sort::Error),
        "a table of kind gauge cannot be sorted by error: choose from value, key, set"
    );
}

#[test]
fn what_is_another_table_is_left_out() {
    let mut counter = of(Kind::Counter, 10, &vec![(0, 5, 0)]);
    counter.merge(&of(Kind::Gauge, 10, &vec![(1, 5, 0)]));
    assert_eq!(counter.len(), 1);
}

fn merged(first: &Table, second: &Table) -> Table {
    let mut to = first.clone();
    to.merge(second);
    to
}

/// What each row and `other` hold, to be compared: all kinds' numbers are functions of it.
fn content(table: &Table) -> BTreeMap<String, String> {
    let (rows, other) = rows(table);
    let all = rows.into_iter().chain(other.map(|mut row| {
        row.key = vec!["(other)".into()];
        row
    }));
    all.map(|row| (row.key.join(" "), format!("{:?}", row.values))).collect()
}

proptest! {
    /// Caps and all.
    #[test]
    fn merging_in_any_order_and_grouping_is_the_same(
        parts in prop::array::uniform3(added(60)),
        caps in prop::array::uniform3(1..14_usize),
    ) {
        for kind in Kind::ALL {
            let [a, b, c] = [0, 1, 2].map(|part| of(kind, caps[part], &parts[part]));
            let all = content(&merged(&merged(&a, &b), &c));
            for other in [
                merged(&a, &merged(&b, &c)),
                merged(&merged(&c, &b), &a),
                merged(&b, &merged(&c, &a)),
            ] {
                prop_assert_eq!(&content(&other), &all, "{}", kind);
            }
        }
    }

    /// Under any cap, merged or not: what was added is in the rows and `other` together.
    #[test]
    fn other_loses_nothing(
        parts in prop::array::uniform2(added(60)),
        caps in prop::array::uniform2(1..14_usize),
    ) {
        let all = parts.concat();
        for kind in Kind::ALL {
            let [a, b] = [0, 1].map(|part| of(kind, caps[part], &parts[part]));
            let table = merged(&a, &b);
            let (rows, other) = rows(&table);
            prop_assert!(rows.len() <= caps[0] + caps[1] || kind == Kind::TopK);
            let each = rows.iter().chain(&other).map(|row| &row.values);
            let told: u64 = each.clone().map(|values| match values {
                Values::Counter { value } | Values::Rate { value, .. } => *value,
                Values::Histogram(summary) => summary.sum,
                Values::TopK { value, error } => value - error,
                Values::Gauge { .. } | Values::Distinct { .. } => 0,
            }).sum();
            let sum = all.iter().map(|&(_, value, _)| value).sum::<u64>();
            match kind {
                Kind::Counter | Kind::Histogram | Kind::Rate => prop_assert_eq!(told, sum),
                // So few keys are all watched.
                Kind::TopK => prop_assert_eq!((told, other.is_none()), (sum, true)),
                // A gauge does not add up: of all that was set, the last is there.
                Kind::Gauge => {
                    let last = all.iter().map(|&(_, _, at)| at).max();
                    let told = each.filter_map(|values| match values {
                        Values::Gauge { set, .. } => humantime::parse_rfc3339(set).ok(),
                        _ => None,
                    });
                    let told = told.max().map(|set| {
                        let since = set.duration_since(std::time::UNIX_EPOCH).unwrap();
                        since.as_nanos() as u64 - (NOW - 1_000_000_000)
                    });
                    prop_assert_eq!(told, last);
                }
                // Each row's items, once; an item may be in several rows.
                Kind::Distinct => {
                    let told: u64 = each.map(|values| match values {
                        Values::Distinct { value, .. } => *value,
                        _ => 0,
                    }).sum();
                    // What is a row of one part may be in the other's `other`.
                    let pairs = parts.iter().zip(0..);
                    let pairs = pairs.flat_map(|(part, which)| {
                        part.iter().map(move |&(key, value, _)| (which, key, value))
                    });
                    let items: BTreeSet<u64> = all.iter().map(|&(_, value, _)| value).collect();
                    prop_assert!(items.len() as u64 <= told);
                    prop_assert!(told <= pairs.collect::<BTreeSet<_>>().len() as u64);
                }
            }
        }
    }
}

proptest! {
    /// What is stored is what is read, and it goes on from there as the table itself does.
    #[test]
    fn a_table_that_was_stored_goes_on(before in added(60), after in added(60)) {
        for kind in Kind::ALL {
            let max_keys = 5;
            let mut table = of(kind, max_keys, &before);
            let chunks: Vec<_> = (0..table.changes().len()).map(|chunk| table.save_chunk(chunk)).collect();
            let chunks = chunks.iter().map(|chunk| &chunk[..]);
            let mut restored = Table::restore(&table.save_head(), chunks).unwrap();
            prop_assert_eq!(rows(&restored), rows(&table));
            prop_assert_eq!((restored.kind(), restored.options()), (kind, table.options()));
            for &(key, value, at) in &after {
                table.add(&[b'a' + key], value, NOW + at);
                restored.add(&[b'a' + key], value, NOW + at);
            }
            prop_assert_eq!(rows(&restored), rows(&table));
        }
    }

    /// Whatever happens to one of the two.
    #[test]
    fn a_copy_stays_as_it_was(before in added(60), after in added(60)) {
        for kind in Kind::ALL {
            let mut table = of(kind, 5, &before);
            let (copy, seen) = (table.clone(), rows(&table));
            for &(key, value, at) in &after {
                table.add(&[b'a' + key], value, NOW + at);
            }
            prop_assert_eq!(rows(&copy), seen);
            let (mut copy, seen) = (copy, rows(&table));
            copy.merge(&table);
            prop_assert_eq!(rows(&table), seen);
        }
    }
}

#[test]
fn damaged_bytes_are_no_table() {
    for kind in Kind::ALL {
        let table = of(kind, 5, &vec![(1, 2, 3), (2, 500, 4), (3, 70_000, 5)]);
        let (head, chunk) = (table.save_head(), table.save_chunk(0));
        assert_eq!(
            Table::restore(&[], []).unwrap_err().to_string(),
            "its stored form is damaged: nothing"
        );
        let mut other = head.clone();
        other[0] = 9;
        assert!(matches!(Table::restore(&other, []), Err(SavedError::Form(9))));
        // Whatever byte it is: an error or a table, and no panic.
        for at in 0..chunk.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut chunk = chunk.clone();
                chunk[at] = byte;
                if let Ok(table) = Table::restore(&head, [&chunk[..]]) {
                    _ = rows(&table);
                }
            }
        }
    }
}

/// Who reads takes the lock for no longer the more the rows hold, and a batch makes up for at most as many
/// chunks as it has updates.
#[test]
fn a_copy_shares_what_does_not_change() {
    for kind in [Kind::Counter, Kind::Histogram, Kind::Distinct, Kind::Rate, Kind::TopK] {
        let tables = Tables::default();
        let json = if kind == Kind::TopK {
            r#"{"labels":["key"],"k":1000}"#
        } else {
            r#"{"labels":["key"]}"#
        };
        let index = tables.open("t", kind, serde_json::from_str(json).unwrap()).unwrap();
        let keys: Vec<_> = (0..5_000_u32).flat_map(u32::to_be_bytes).collect();
        let update = |number: usize| (index, 4 * number..4 * number + 4, 7);
        tables.apply(&(0..5_000).map(update).collect::<Vec<_>>(), &keys, NOW);
        let before = tables.copy("t").unwrap();
        tables.apply(&[update(70), update(71), update(4_000)], &keys, NOW);
        let after = tables.copy("t").unwrap();
        assert_eq!((after.shared_chunks(&before), after.changes().len()), (77, 79), "{kind}");
    }
}
