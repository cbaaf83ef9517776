//! What is stored is found again, at times that the tests set.

mod files;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    Error,
    answer::{self, Wish},
    history::{self, STEPS},
    point::{Point, ROWS, Value},
    record::put_history,
    recorder::Recorder,
    schema, totals,
};
use crate::{
    pipeline::TablesOf,
    table::{self, Kind, Query, Tables, Values},
};

/// Some time in 2026, at the beginning of an hour.
const START: i64 = 1_779_998_400;

fn database() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let (database, was_there) = schema::open(folder.path()).unwrap();
    assert!(!was_there);
    (folder, database)
}

fn time(at: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(at.cast_unsigned())
}

fn options(json: &str) -> table::Options {
    serde_json::from_str(json).unwrap()
}

/// A script with one table, looked at from time to time.
struct Looked {
    _folder: TempDir,
    database: Connection,
    recorder: Recorder,
    tables: Tables,
}

impl Looked {
    fn new(kind: Kind, json: &str) -> Self {
        let (folder, database) = database();
        let tables = Tables::default();
        tables.open("t", kind, options(json)).unwrap();
        Self { _folder: folder, database, recorder: Recorder::default(), tables }
    }

    fn add(&self, key: &str, value: u64, at: i64) {
        let now_ns = at.cast_unsigned() * 1_000_000_000;
        self.tables.apply(&[(0, 0..key.len(), value)], key.as_bytes(), now_ns);
    }

    fn copies(&self) -> Vec<TablesOf> {
        vec![("p".into(), "s".to_owned(), self.tables.copies())]
    }

    /// Looks at the end of ten seconds.
    fn look(&mut self, end: i64) {
        let copies = self.copies();
        self.recorder.look(&copies);
        let one = self.database.transaction().unwrap();
        put_history(&one, &self.recorder.pending, &copies, UNIX_EPOCH, time(end)).unwrap();
        one.commit().unwrap();
        self.recorder.pending.clear();
    }

    fn series(&self, wish: &Wish, now: i64) -> serde_json::Value {
        let pending = self.recorder.pending.values().next();
        let answer = answer::series(&self.database, ("s", "t"), wish, pending, now).unwrap();
        serde_json::to_value(answer).unwrap()
    }

    fn values(&self, wish: &Wish, now: i64) -> Vec<(String, serde_json::Value)> {
        let answer = self.series(wish, now);
        let lines = answer["series"].as_array().unwrap().iter();
        lines
            .map(|line| (line["key"][0].as_str().unwrap().to_owned(), line["values"].clone()))
            .collect()
    }

    fn at(&self, at: i64) -> Result<super::Then, answer::AnswerError> {
        let query = Query { sort: None, descending: true, limit: 10, now_ns: 0 };
        super::then::table_at(&self.database, "s", "t", at, &query)
    }
}

fn wish(from: i64, to: i64, step: i64) -> Wish {
    let (from, to) = (START + from, START + to);
    Wish { from, to, step: Some(step), keys: Vec::new(), limit: 10, heat: false }
}

#[test]
fn a_counter_over_time() {
    let mut looked = Looked::new(Kind::Counter, r#"{"labels":["key"],"unit":"By"}"#);
    looked.add("a", 3, START);
    looked.look(START + 10);
    looked.look(START + 20);
    looked.add("a", 5, START + 21);
    looked.add("b", 100, START + 21);
    looked.look(START + 30);
    // Weir does not run for a while.
    looked.add("a", 1, START + 51);
    looked.look(START + 60);
    looked.add("a", 7, START + 61);
    let copies = looked.copies();
    looked.recorder.look(&copies);

    let all = looked.values(&wish(-10, 70, 10), START + 65);
    let expected = serde_json::json!([null, 0, 0, 100, null, null, 0, 0]);
    let numbers = |value: &serde_json::Value| {
        let values = value.as_array().unwrap().iter();
        values.map(serde_json::Value::as_f64).collect::<Vec<_>>()
    };
    assert_eq!((&all[0].0[..], numbers(&all[0].1)), ("b", numbers(&expected)));
    let expected = serde_json::json!([null, 3, 0, 5, null, null, 1, 7]);
    assert_eq!((&all[1].0[..], numbers(&all[1].1)), ("a", numbers(&expected)));
    let minute = looked.values(&wish(0, 60, 60), START + 65);
    assert_eq!((minute[0].1[0].as_f64(), minute[1].1[0].as_f64()), (Some(100.0), Some(9.0)));
    let only = Wish { keys: vec![vec!["a".to_owned()]], ..wish(0, 60, 60) };
    assert_eq!(looked.values(&only, START + 65).len(), 1);
    assert_eq!(looked.values(&Wish { limit: 1, ..wish(0, 60, 60) }, START + 65)[0].0, "b");

    for (at, expected) in [(10, 3), (19, 3), (30, 8), (45, 8), (60, 9), (1_000, 9)] {
        let then = looked.at(START + at).unwrap();
        let a = then.row_list.iter().find(|row| row.key == ["a"]).unwrap();
        assert_eq!(a.values, Values::Counter { value: expected }, "{at}");
        assert_eq!((then.kind, &then.unit[..]), (Kind::Counter, "By"));
    }
    let error = looked.at(START + 9).unwrap_err();
    assert!(matches!(error, answer::AnswerError::NoHistory { .. }), "{error}");
    let many = looked_error(&looked, &wish(0, 100_000, 10));
    assert!(many.contains("more than 5,000 steps"), "{many}");
    assert!(looked_error(&looked, &wish(5, 5, 10)).contains("not later"));
}

fn looked_error(looked: &Looked, wish: &Wish) -> String {
    answer::series(&looked.database, ("s", "t"), wish, None, START).unwrap_err().to_string()
}

#[test]
fn the_other_kinds_over_time() {
    let mut gauge = Looked::new(Kind::Gauge, r#"{"labels":["key"]}"#);
    gauge.add("a", 3, START + 1);
    gauge.look(START + 10);
    gauge.look(START + 20);
    gauge.add("a", 9, START + 21);
    gauge.look(START + 30);
    // What it was set to last holds on, also from before.
    let numbers = |looked: &Looked, from| {
        let all = looked.values(&wish(from, 30, 10), START + 31);
        all[0].1.as_array().unwrap().iter().map(|value| value.as_f64()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&gauge, 0), [Some(3.0), Some(3.0), Some(9.0)]);
    assert_eq!(numbers(&gauge, 10), [Some(3.0), Some(9.0)]);
    assert!(matches!(
        gauge.at(START + 20).unwrap().row_list[0].values,
        Values::Gauge { value: 3, .. }
    ));

    let mut distinct = Looked::new(Kind::Distinct, r#"{"labels":["key"]}"#);
    for (item, at) in [(1, 1), (2, 2), (1, 11), (3, 21)] {
        distinct.add("a", item, START + at);
        if at != 1 {
            distinct.look(START + at / 10 * 10 + 10);
        }
    }
    assert_eq!(numbers(&distinct, 0), [Some(2.0), Some(2.0), Some(3.0)]);

    let mut rate = Looked::new(Kind::Rate, r#"{"labels":["key"],"window_s":20}"#);
    for at in [1, 11, 21] {
        rate.add("a", 10, START + at);
        rate.look(START + at / 10 * 10 + 10);
    }
    assert_eq!(numbers(&rate, 0), [Some(10.0); 3]);
    let then = rate.at(START + 30).unwrap().row_list.remove(0).values;
    assert_eq!(then, Values::Rate { per_second: 1.0, value: 20, window_s: 20 });

    let mut top = Looked::new(Kind::TopK, r#"{"labels":["key"],"k":1}"#);
    for (key, value, at) in [("a", 5, 1), ("b", 9, 11), ("a", 1, 21)] {
        top.add(key, value, START + at);
        top.look(START + at / 10 * 10 + 10);
    }
    let shown = |at| top.at(START + at).unwrap().row_list.remove(0);
    assert_eq!((&shown(10).key[0][..], &shown(20).key[0][..]), ("a", "b"));
    assert_eq!(shown(30).values, Values::TopK { value: 9, error: 0 });
    assert_eq!(top.at(START + 30).unwrap().row_list.len(), 1);

    let mut histogram = Looked::new(Kind::Histogram, r#"{"labels":["key"]}"#);
    for (value, at) in [(100, 1), (100, 2), (1_000, 11)] {
        histogram.add("a", value, START + at);
        histogram.look(START + at / 10 * 10 + 10);
    }
    assert_eq!(numbers(&histogram, 0), [Some(2.0), Some(1.0), None]);
    let heat = histogram.series(&Wish { heat: true, ..wish(0, 30, 10) }, START + 31);
    let line = &heat["series"][0];
    assert_eq!(line["p50"][0], 100);
    assert!((990..=1_010).contains(&line["p99"][1].as_u64().unwrap()), "{line}");
    let (bounds, counts) = (&line["buckets"]["bounds"], &line["buckets"]["counts"]);
    assert_eq!(bounds.as_array().unwrap().len(), counts[0].as_array().unwrap().len() + 1);
    assert_eq!((&bounds[0], &counts[0][0], &counts[1][0]), (&96.into(), &2.into(), &0.into()));
    let then = histogram.at(START + 20).unwrap().row_list.remove(0).values;
    let Values::Histogram(summary) = then else { panic!("{then:?}") };
    assert_eq!((summary.count, summary.min, summary.max), (3, 100, 1_000));
}

/// Points of ten seconds go, and what they added up to stays.
#[test]
fn what_is_forgotten_is_told_by_the_minute_and_the_hour() {
    let mut looked = Looked::new(Kind::Counter, r#"{"labels":["key"]}"#);
    for step in 0..3 * 360 {
        looked.add("a", 1, START + 10 * step);
        looked.look(START + 10 * step + 10);
    }
    let end = 3 * 3_600;
    let check = |looked: &Looked, step_s: i64| {
        let answer = looked.series(&wish(0, end, 10), START + end + 1);
        assert_eq!(answer["step_s"], step_s);
        let values = answer["series"][0]["values"].as_array().unwrap();
        assert_eq!(values.len() as i64, end / step_s);
        assert!(
            values.iter().all(|value| value.as_f64() == Some(step_s as f64 / 10.0)),
            "{values:?}"
        );
    };
    check(&looked, 10);
    let forget = |looked: &mut Looked, before_10, before_60| {
        let one = looked.database.transaction().unwrap();
        history::forget(&one, START + before_10, START + before_60, 0).unwrap();
        one.commit().unwrap();
    };
    forget(&mut looked, 7_300, 0);
    check(&looked, 60);
    assert_eq!(looked.at(START + 3_600 + 130).unwrap().at, START + 3_600 + 120);
    let value = |looked: &Looked, at| looked.at(START + at).unwrap().row_list[0].values.clone();
    assert_eq!(value(&looked, 3_600 + 130), Values::Counter { value: 372 });
    assert_eq!(value(&looked, 7_200 + 130), Values::Counter { value: 733 });
    forget(&mut looked, 7_300, 7_300);
    check(&looked, 3_600);
    assert_eq!(value(&looked, 3_600 + 130), Values::Counter { value: 360 });
    assert_eq!(value(&looked, 7_200 + 130), Values::Counter { value: 733 });
}

/// What each row was added, over points of one length.
fn sums(database: &Connection, step: i64) -> (BTreeMap<Vec<u8>, u64>, u64) {
    let mut query = database.prepare("SELECT body FROM points WHERE step = ?1").unwrap();
    let bodies = query.query_map([step], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let (mut rows, mut other) = (BTreeMap::new(), 0);
    for body in bodies {
        let point = Point::from_bytes(&body.unwrap()).unwrap();
        for (key, value) in point.rows {
            *rows.entry(key).or_default() += value.weight();
        }
        other += point.other.map_or(0, |value| value.weight());
    }
    (rows, other)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever comes when, also after a clock was set back.
    #[test]
    fn roll_ups_keep_totals(
        added in prop::collection::vec((0..1_500_i64, 0..4_u8, 1..100_u64), 1..60),
        rolled in prop::collection::vec(0..15_000_i64, 0..6),
        forgotten in 0..15_000_i64,
    ) {
        let (_folder, mut database) = database();
        let mut expected = BTreeMap::<Vec<u8>, u64>::new();
        let mut rolls = rolled.iter();
        for (number, &(step, key, value)) in added.iter().enumerate() {
            let one = database.transaction().unwrap();
            let point = Point { rows: [(vec![key], Value::Added(value))].into(), other: None };
            history::add(&one, 1, START + 10 * step, &point).unwrap();
            if number % 8 == 0 && let Some(now) = rolls.next() {
                history::roll_up(&one, START + now).unwrap();
            }
            one.commit().unwrap();
            *expected.entry(vec![key]).or_default() += value;
        }
        let one = database.transaction().unwrap();
        history::roll_up(&one, START + 36_000).unwrap();
        one.commit().unwrap();
        for step in STEPS {
            prop_assert_eq!(&sums(&database, step), &(expected.clone(), 0), "{}", step);
        }
        // Read over what is left of each length, each second once.
        let one = database.transaction().unwrap();
        history::forget(&one, START + forgotten, START + forgotten / 2, 0).unwrap();
        one.commit().unwrap();
        for step in [10, 60, 600, 3_600] {
            let mut read = BTreeMap::<Vec<u8>, u64>::new();
            history::read(&database, 1, (START, START + 36_000), step, |_, _, body| {
                for (key, value) in Point::from_bytes(body)?.rows {
                    *read.entry(key).or_default() += value.weight();
                }
                Ok(())
            }).unwrap();
            prop_assert_eq!(&read, &expected, "{}", step);
        }
    }

    /// All that looks found together is what is in the table.
    #[test]
    fn looks_find_all_that_was_added(
        rounds in prop::collection::vec(
            prop::collection::vec((0..30_u8, 1..1_000_u64), 0..40), 1..6),
        kind in prop::sample::select(vec![Kind::Counter, Kind::Histogram, Kind::Rate, Kind::TopK]),
    ) {
        let tables = Tables::default();
        let json = if kind == Kind::TopK { r#"{"labels":["k"],"k":2}"# } else { r#"{"labels":["k"],"max_keys":20}"# };
        tables.open("t", kind, options(json)).unwrap();
        let mut recorder = Recorder::default();
        let (mut all, mut added) = (Point::default(), 0);
        for (round, values) in (0..).zip(&rounds) {
            for (key, value) in values {
                tables.apply(&[(0, 0..1, *value)], &[*key], round * 1_000_000_000);
                added += if kind == Kind::Histogram { 1 } else { *value };
            }
            recorder.look(&[("p".into(), "s".to_owned(), tables.copies())]);
            let pending = std::mem::take(&mut recorder.pending);
            pending.into_values().for_each(|pending| all.then(pending.point));
        }
        let told: u64 = all.rows.values().chain(&all.other).map(Value::weight).sum();
        prop_assert_eq!(told, added);
        if kind != Kind::TopK {
            tables.copy("t").unwrap().read(|key, reading| {
                let value = match key {
                    Some(key) => all.rows.get(key),
                    None => all.other.as_ref(),
                };
                match (reading, value) {
                    (table::Reading::Sum(sum), Some(Value::Added(told))) => assert_eq!(sum, *told),
                    (table::Reading::Histogram(all), Some(Value::Recorded(told))) => {
                        assert_eq!((all.count(), all.sum()), (told.count(), told.sum()));
                        assert_eq!(all.quantile(0.5), told.quantile(0.5));
                    }
                    other => panic!("{other:?}"),
                }
            });
        }
    }
}

#[test]
fn a_point_holds_the_largest_and_the_rest_together() {
    let mut point = Point::default();
    for number in 0..2 * ROWS as u64 {
        point.put(number.to_be_bytes().to_vec(), Value::Added(number));
    }
    let all: u64 = (0..2 * ROWS as u64).sum();
    point.cap();
    let rows: u64 = point.rows.values().map(Value::weight).sum();
    assert_eq!((point.rows.len(), rows + point.other.unwrap().weight()), (ROWS, all));
    assert!(point.rows.values().all(|value| value.weight() >= ROWS as u64));
}

#[test]
fn only_what_changed_is_written_and_all_is_read() {
    let (_folder, mut database) = database();
    let tables = Tables::default();
    tables.open("t", Kind::Counter, options(r#"{"labels":["key"]}"#)).unwrap();
    let add = |number: u32| tables.apply(&[(0, 0..4, 1)], &number.to_be_bytes(), 0);
    (0..1_000).for_each(add);
    let mut write = |written: &totals::Written| {
        let copies = vec![("p".into(), "s".to_owned(), tables.copies())];
        let one = database.transaction().unwrap();
        let before: i64 = one.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap();
        let written = totals::write(&one, &copies, written, 7).unwrap();
        let after: i64 = one.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap();
        one.commit().unwrap();
        (written, after - before)
    };
    // The head, and 16 chunks of 64 rows.
    let (written, changes) = write(&totals::Written::new());
    assert_eq!(changes, 17);
    let (written, changes) = write(&written);
    assert_eq!(changes, 1);
    add(5);
    add(6);
    let (written, changes) = write(&written);
    assert_eq!(changes, 2);
    drop(written);
    let key = ("p".to_owned(), "s".to_owned());
    let read = totals::read(&database).unwrap().remove(&key).unwrap();
    let query = Query { sort: None, descending: true, limit: 2_000, now_ns: 0 };
    assert_eq!(read[0].1.rows(&query), tables.copy("t").unwrap().rows(&query));
    let one = database.transaction().unwrap();
    totals::forget(&one, "s", &[]).unwrap();
    one.commit().unwrap();
    assert!(totals::read(&database).unwrap().is_empty());
    let chunks: i64 =
        database.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0)).unwrap();
    assert_eq!(chunks, 0);
}

#[test]
fn the_oldest_makes_room() {
    let (_folder, mut database) = database();
    let one = database.transaction().unwrap();
    for number in 0..100_i64 {
        one.execute(
            "INSERT INTO events (pipeline, first_seq, last_seq, first_ns, last_ns, count, body)
             VALUES ('p', ?1, ?1, ?2, ?2, 1, zeroblob(20000))",
            [number, (START + number) * 1_000_000_000],
        )
        .unwrap();
    }
    let point = Point { rows: [(vec![1], Value::Added(1))].into(), other: None };
    history::add(&one, 1, START, &point).unwrap();
    super::room::forget_old(&one, START + 110, 100).unwrap();
    assert_eq!(super::room::events(&one).unwrap(), 90);
    let used = super::room::used_bytes(&one).unwrap();
    assert!(super::room::make_room(&one, START + 110, used).unwrap());
    assert_eq!(super::room::events(&one).unwrap(), 90);
    assert!(super::room::make_room(&one, START + 110, used / 2).unwrap());
    let left = super::room::events(&one).unwrap();
    assert!((20..50).contains(&left), "{left}");
    let first: i64 =
        one.query_row("SELECT min(first_seq) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(first as u64, 100 - left);
    // History is there as long as there is an event.
    assert_eq!(sums(&one, 10).0.len(), 1);
    // Not even without any event.
    assert!(!super::room::make_room(&one, START + 110, 4_096).unwrap());
    assert_eq!(super::room::events(&one).unwrap(), 0);
}

/// A look comes late, and tells of the ten seconds before; but a process does not of those before it.
#[test]
fn nothing_is_told_of_the_time_before_the_process_began() {
    let mut looked = Looked::new(Kind::Counter, r#"{"labels":["key"]}"#);
    looked.add("a", 3, START + 10);
    let copies = looked.copies();
    looked.recorder.look(&copies);
    let one = looked.database.transaction().unwrap();
    let (began, now) = (time(START + 10), time(START + 10) + Duration::from_millis(200));
    put_history(&one, &looked.recorder.pending, &copies, began, now).unwrap();
    one.commit().unwrap();
    looked.recorder.pending.clear();
    let values = looked.values(&wish(0, 20, 10), START + 10).remove(0).1;
    assert_eq!((values[0].as_f64(), values[1].as_f64()), (None, Some(3.0)));
}

/// Nothing is written over what cannot be read, and nothing is made up in its place.
#[test]
fn damage_is_told() {
    let mut looked = Looked::new(Kind::Counter, r#"{"labels":["key"]}"#);
    looked.add("a", 3, START + 1);
    looked.look(START + 10);
    looked.database.execute("UPDATE points SET body = x'00' WHERE length(body) > 0", []).unwrap();
    looked.add("a", 4, START + 2);
    looked.recorder.look(&looked.copies());
    let copies = looked.copies();
    let one = looked.database.transaction().unwrap();
    let put = put_history(&one, &looked.recorder.pending, &copies, UNIX_EPOCH, time(START + 10));
    assert!(matches!(put, Err(Error::Damaged(_))), "{put:?}");
    one.rollback().unwrap();
    looked.database.execute("UPDATE series SET labels = '['", []).unwrap();
    let error = looked_error(&looked, &wish(0, 10, 10));
    assert!(error.contains("the labels of table `t`"), "{error}");
}
