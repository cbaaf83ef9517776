//! New versions while events come as fast as they can be taken.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use weir::{
    pipeline::{LoadState, Put, ScriptInfo, ScriptState},
    script::{Cache, Engine, LimitValues, Limits, Processes},
    table::{Query, Values},
};

use crate::{
    guest::{self, Component, FRAME, KEEP, error, returned},
    inside::{EVENTS, Inside},
    live::wait_for,
};

/// Swaps of one test.
const SWAPS: usize = 1000;

/// Counts every event in a table, and traps unless the next one is the one after the last. Which
/// one is next it hands on to the version that takes its place.
fn tally(version: usize, begin: &str) -> Vec<u8> {
    guest::text(&format!(
        r#"(module
            (import "weir" "table_open" (func $open (param i32 i32 i32 i32 i32) (result i32)))
            (import "weir" "table_add" (func $add (param i32 i32 i32 i64)))
            {FRAME}
            (data (i32.const 16) "events{{\22labels\22:[\22x\22]}}{version:04}")
            (global $next (mut i64) (i64.const 1))
            (func (export "weir_save") (result i64)
                (i64.store (i32.const 64) (global.get $next))
                (i64.const {saved}))
            (func (export "weir_restore") (param i32 i32 i32) (result i64)
                (if (i32.ne (local.get 2) (i32.const 8)) (then unreachable))
                (global.set $next (i64.load (local.get 1)))
                (i64.const 0))
            (func (export "weir_batch") (param $at i32) (param i32)
                {begin}
                (if (i64.ne (i64.load offset=32 (local.get $at)) (global.get $next))
                    (then unreachable))
                (global.set $next (i64.add (global.get $next)
                    (i64.load32_u offset=4 (local.get $at))))
                (drop (call $open (i32.const 0) (i32.const 16) (i32.const 6)
                    (i32.const 22) (i32.const 16)))
                (call $add (i32.const 0) (i32.const 16) (i32.const 1)
                    (i64.load32_u offset=4 (local.get $at)))))"#,
        saved = 64u64 << 32 | 8,
    ))
}

fn counted(inside: &Inside) -> u64 {
    let table = &inside.pipelines.tables()[&("tally".to_owned(), "events".to_owned())];
    let query = Query { sort: None, descending: true, limit: 1, now_ns: 0 };
    let Values::Counter { value } = table.rows(&query).unwrap().0.remove(0).values else {
        panic!("not a counter")
    };
    value
}

#[test]
fn a_thousand_swaps_cost_no_event() {
    let mut inside = Inside::new(Limits::default());
    let versions: Vec<_> = (0..4).map(|version| tally(version, "")).collect();
    // Its first batch ends badly, so the one before gets it.
    let broken = tally(9, "unreachable");
    inside.put("tally", &versions[0]);
    let done = AtomicBool::new(false);
    let mut batches = 0;
    let pipelines = inside.pipelines.clone();
    thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            for swap in 1..=SWAPS {
                let bytes = if swap % 50 == 0 { &broken } else { &versions[swap % 4] };
                let put = Put { name: "tally", bytes, pipeline: None, params: None };
                pipelines.put(put).unwrap();
                if swap % 50 == 0 {
                    wait_for("rollback", || pipelines.script("tally").unwrap().rolled_back);
                }
            }
            done.store(true, Relaxed);
        });
        while !done.load(Relaxed) && !swapping.is_finished() {
            inside.deliver();
            batches += 1;
            inside.wait(64 * EVENTS);
        }
    });
    inside.finish();
    let delivered = batches * EVENTS;
    println!("{SWAPS} swaps among {delivered} events");
    let rows = inside.pipelines.rows();
    let row = rows.iter().find(|row| row.name == "tally").unwrap();
    assert_eq!((row.kept, row.queue_full, row.trapped), (delivered, 0, 0), "{row:?}");
    assert_eq!(counted(&inside), delivered);
    let script = inside.script("tally");
    assert_eq!((script.events_in, script.kept), (delivered, delivered));
    assert_eq!((script.faults.trapped, script.faults.timed_out), (SWAPS as u64 / 50, 0));
    assert_eq!(script.state, ScriptState::Running);
}

#[test]
fn state_is_kept_while_it_is_turned_off() {
    let mut inside = Inside::new(Limits::default());
    inside.put("tally", &tally(0, ""));
    inside.deliver_and_wait();
    let off = |on| inside.pipelines.enable("tally", on).unwrap();
    let handover = |info: ScriptInfo| info.handover.map(|it| (it.saved_bytes, it.error));
    assert_eq!(off(false).state, ScriptState::Disabled);
    assert_eq!(handover(off(true)), Some((8, None)));
    assert_eq!(handover(off(true)), Some((8, None)), "it is turned on already");
    off(false);
    off(false);
    assert_eq!(handover(inside.put("tally", &tally(1, ""))), Some((8, None)));
    inside.deliver_and_wait();
    inside.finish();
    assert_eq!(counted(&inside), 2 * EVENTS);
    let script = inside.script("tally");
    assert_eq!((script.state, script.faults.trapped), (ScriptState::Running, 0));
}

#[test]
fn what_fails_within_its_first_batches_is_rolled_back() {
    let mut inside =
        Inside::new(Limits { batch_time: Duration::from_millis(20), ..Limits::default() });
    let good = guest::script(&format!(
        r#"{KEEP} (data (i32.const 16) "{{\22version\22:\22good\22}}")
           (func (export "weir_describe") (result i64) (i64.const {}))"#,
        16u64 << 32 | 18
    ));
    // Fails with the batch of this number.
    let failing = |batch: u32, how: &str| {
        guest::script(&format!(
            r#"(global $n (mut i32) (i32.const 0))
               (func (export "weir_batch") (param i32 i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (if (i32.eq (global.get $n) (i32.const {batch})) (then {how})))"#
        ))
    };
    inside.put("x", &good);
    inside.deliver_and_wait();
    let sha256 = inside.script("x").sha256;
    for (batch, how, text) in [
        (1, "unreachable", "unreachable"),
        (3, "unreachable", "unreachable"),
        (2, "(loop $l (br $l))", "20ms"),
    ] {
        let info = inside.put("x", &failing(batch, how));
        assert!(info.rolled_back.is_none() && info.sha256 != sha256);
        for _ in 0..4 {
            inside.deliver_and_wait();
        }
        let info = wait_for("old version", || {
            Some(inside.script("x")).filter(|info| info.sha256 == sha256)
        });
        let rolled_back = info.rolled_back.unwrap();
        assert!(rolled_back.fault.message.contains(text), "{rolled_back:?}");
        assert_eq!((info.state, info.version.as_str()), (ScriptState::Running, "good"));
    }
    // The fourth batch is its own affair.
    inside.put("x", &failing(4, "unreachable"));
    for _ in 0..4 {
        inside.deliver_and_wait();
    }
    let info = inside.script("x");
    assert!(info.rolled_back.is_none() && info.sha256 != sha256, "{info:?}");
    assert_eq!(info.faults.last.unwrap().kind, weir::script::FaultKind::Trap);
    inside.finish();
    let rows = inside.pipelines.rows();
    let row = rows.iter().find(|row| row.name == "x").unwrap();
    assert_eq!((row.kept, row.trapped, row.timed_out), (16 * EVENTS, EVENTS, 0), "{row:?}");
}

#[test]
fn a_rollback_in_one_pipeline_is_one_in_all() {
    let mut inside = Inside::new(Limits::default());
    let good = guest::script(KEEP);
    let spec = |name: &str| weir::pipeline::Spec {
        name: name.to_owned(),
        scripts: vec![weir::pipeline::ScriptSpec {
            name: "x".to_owned(),
            bytes: good.clone(),
            params: Default::default(),
        }],
    };
    inside.pipelines.add(spec("one")).unwrap();
    inside.pipelines.add(spec("two")).unwrap();
    // Both fail with their second batch; who comes second is rolled back already.
    let once = guest::script(
        r#"(func (export "weir_batch") (param $at i32) (param i32)
            (if (i64.ge_u (i64.load offset=32 (local.get $at)) (i64.const 65)) (then unreachable)))"#,
    );
    inside.put("x", &once);
    inside.deliver_and_wait();
    assert!(inside.script("x").rolled_back.is_none());
    inside.deliver_and_wait();
    inside.deliver_and_wait();
    inside.finish();
    let rows = inside.pipelines.rows();
    for name in ["one", "two"] {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.kept, 3 * EVENTS, "{row:?}");
    }
    assert!(inside.script("x").rolled_back.is_some());
}

#[test]
fn state_goes_over_or_not_and_the_api_says_so() {
    let mut inside = Inside::new(Limits::default());
    let saving = |save: &str, restore: &str| {
        guest::script(&format!(
            r#"{KEEP} (data (i32.const 16) "too old")
               (func (export "weir_save") (result i64) {save})
               (func (export "weir_restore") (param i32 i32 i32) (result i64) {restore})"#
        ))
    };
    let packed = |len: u64| format!("(i64.const {})", 16u64 << 32 | len);
    let (save, nothing) = (packed(7), packed(0));
    inside.put("x", &saving(&save, "unreachable"));
    inside.deliver_and_wait();
    let handover = |module: &[u8]| {
        let handover = inside.put("x", module).handover;
        handover.map(|it| (it.saved_bytes, it.error.unwrap_or_default()))
    };
    assert_eq!(handover(&saving(&save, "(i64.const 0)")), Some((7, String::new())));
    let (bytes, why) = handover(&saving(&save, "unreachable")).unwrap();
    assert!(bytes == 7 && why.contains("restore failed"), "{why}");
    assert_eq!(handover(&saving(&save, &save)), Some((7, "too old".to_owned())));
    // From one form into the other.
    let parts = [returned(600, b"12345"), error(700, "I am new")].concat();
    let component = Component {
        data: &parts,
        save: "(i32.const 600)",
        restore: "(if (result i32) (i32.eq (local.get $len) (i32.const 7))
            (then (i32.const 512)) (else (i32.const 700)))",
        ..Component::default()
    }
    .build();
    assert_eq!(handover(&component), Some((7, String::new())));
    assert_eq!(handover(&component), Some((5, "I am new".to_owned())));
    assert_eq!(handover(&saving("unreachable", "unreachable")).unwrap().0, 5);
    let (bytes, why) = handover(&saving(&nothing, "(i64.const 0)")).unwrap();
    assert!(bytes == 0 && why.contains("save failed"), "{why}");
    assert_eq!(handover(&guest::script(KEEP)), None);
    let log = inside.log("x");
    assert!(log.iter().any(|line| line.contains("I am new")), "{log:?}");
    inside.deliver_and_wait();
    inside.finish();
    assert_eq!(inside.script("x").kept, 2 * EVENTS);
}

#[test]
fn limits_are_set_while_it_runs() {
    let mut inside = Inside::new(Limits::default());
    let grow = "(drop (memory.grow (i32.const 1)))
        (if (i32.ge_u (memory.size) (i32.const 40)) (then unreachable))";
    inside.put(
        "x",
        &guest::script(&format!(r#"(func (export "weir_batch") (param i32 i32) {grow})"#)),
    );
    let memory = LimitValues { memory_bytes: Some(2 << 20), ..LimitValues::default() };
    let info = inside.pipelines.limit("x", &memory).unwrap();
    assert_eq!((info.limits.memory_bytes, info.limits.batch_time_ms), (Some(2 << 20), Some(100)));
    for _ in 0..60 {
        inside.deliver_and_wait();
    }
    let info = inside.script("x");
    assert_eq!((info.faults.trapped, info.memory_bytes), (0, 2 << 20));
    // They are those of the next version, too, unless that is given others.
    let keep = guest::script(KEEP);
    let put = || Put { name: "x", bytes: &keep, pipeline: None, params: None };
    assert_eq!(inside.pipelines.put(put()).unwrap().0.limits.memory_bytes, Some(2 << 20));
    let more = LimitValues { memory_bytes: Some(3 << 20), ..LimitValues::default() };
    let info = inside.pipelines.put_limited(put(), &more).unwrap().0;
    assert_eq!(info.limits.memory_bytes, Some(3 << 20));
    let none = LimitValues { memory_bytes: Some(0), ..LimitValues::default() };
    let error = inside.pipelines.put_limited(put(), &none).unwrap_err().to_string();
    assert!(error.contains("memory_bytes"), "{error}");
    inside.finish();
}

#[test]
fn what_was_compiled_once_is_taken_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let files = || std::fs::read_dir(folder.path().join("c")).unwrap().count();
    let open = || Cache::open(folder.path().join("c")).unwrap();
    for _ in 0..2 {
        let engine = Engine::with(Some(open()), Processes::default());
        let mut inside = Inside::with(engine, Limits::default());
        inside.put("core", &tally(0, ""));
        inside.put("component", &Component::default().build());
        inside.deliver_and_wait();
        inside.finish();
        for name in ["core", "component"] {
            assert_eq!(inside.script(name).kept, EVENTS, "{name}");
            assert_eq!(inside.pipelines.load_of(name).unwrap().state, LoadState::Loaded);
        }
        // The witness's is the third.
        assert_eq!(files(), 3);
    }
}
