//! The account of every call, under overload, with failing scripts, and while scripts are
//! swapped. Needs root.

mod calls;
mod guest;
mod live;

use std::{
    fs,
    ops::Range,
    os::{fd::AsRawFd, unix::net::UnixStream},
    process, ptr,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use calls::{Message, drain, full_stream, own_events, sendmsg, settle, tid, wait_until_blocked};
use live::{Weir, pipeline, row};

/// Each test counts on there being no other flood.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed says nothing about the others.
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Writes a script to where it can be loaded from, and returns its path.
fn save(weir_folder: &tempfile::TempDir, name: &str, module: &[u8]) -> String {
    let path = weir_folder.path().join(format!("{name}.wasm"));
    fs::write(&path, module).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Calls with descriptors that nobody has, by which each is known: -1000, -1001, …
fn number(call: u64) -> i32 {
    -1000 - call as i32
}

fn make_call(call: u64) {
    sendmsg(number(call), ptr::null(), 0).unwrap_err();
}

/// The numbers of the calls of which there are events, in their order.
fn numbers(weir: &Weir) -> Vec<i32> {
    let events = own_events(weir);
    events.iter().map(|event| event["fd"].as_i64().unwrap() as i32).collect()
}

fn expected(calls: Range<u64>) -> Vec<i32> {
    calls.map(number).collect()
}

#[test]
fn every_call_of_a_flood_is_in_a_row() {
    let _alone = alone();
    const THREADS: u64 = 4;
    const CALLS: u64 = 50_000;
    let weir = Weir::start(["--ring-bytes", "4096"]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let message = Message::of(&[5]);
                for _ in 0..CALLS {
                    sendmsg(-1, message.ptr(), 0).unwrap_err();
                }
            });
        }
        // It adds up at any moment.
        for _ in 0..20 {
            weir.ledger();
            thread::sleep(Duration::from_millis(5));
        }
    });
    let before = weir.ledger();
    assert!(row(&before, "seen") >= THREADS * CALLS, "{before}");
    let after = weir.stop();
    assert!(row(&after, "seen") >= THREADS * CALLS, "{after}");
    assert!(row(&after, "ring_full") > 0, "{after}");
    assert_eq!(row(&after, "undecodable"), 0, "{after}");
    let own = pipeline(&after, "own");
    assert_eq!(row(own, "delivered"), row(&after, "delivered"), "{after}");
    assert!(row(own, "kept") > 0, "{after}");
}

#[test]
fn nothing_is_lost_at_a_moderate_rate() {
    let _alone = alone();
    const CALLS: u64 = 3000;
    let folder = tempfile::tempdir().unwrap();
    let gapless = save(&folder, "gapless", &guest::script(guest::GAPLESS));
    let weir = Weir::start(["-s", &gapless]);
    for call in 0..CALLS {
        make_call(call);
        if call % 10 == 9 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    settle(&weir);
    assert_eq!(numbers(&weir), expected(0..CALLS));
    let ledger = weir.stop();
    assert_eq!(row(&ledger, "seen"), row(&ledger, "delivered") + row(&ledger, "unpaired"));
    assert_eq!(row(pipeline(&ledger, "gapless"), "kept"), row(&ledger, "delivered"), "{ledger}");
}

/// One call sleeps before there is a host, and is none of its business; another sleeps when the
/// host is stopped, and is in the row of those that never returned.
#[test]
fn calls_that_are_asleep_when_the_host_comes_and_goes() {
    let _alone = alone();
    let (before, mut before_to) = full_stream();
    let (after, mut after_to) = full_stream();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let send = |from: UnixStream| {
            let tell = tell.clone();
            scope.spawn(move || {
                tell.send(tid()).unwrap();
                let message = Message::of(&[1]);
                assert_eq!(sendmsg(from.as_raw_fd(), message.ptr(), 0).unwrap(), 1);
            });
            let tid = told.recv().unwrap();
            wait_until_blocked(process::id(), tid);
            tid
        };
        let before = send(before);
        let weir = Weir::start([] as [&str; 0]);
        drain(&mut before_to);
        let after = send(after);
        settle(&weir);
        let events = weir.events("own", |event| {
            let tid = &event["process"]["tid"];
            tid == before || tid == after
        });
        assert!(events.is_empty(), "{events:#?}");
        let ledger = weir.ledger();
        assert!(row(&ledger, "in_flight") >= 1, "{ledger}");
        let ledger = weir.stop();
        assert!(row(&ledger["unpaired_by"], "at_stop") >= 1, "{ledger}");
        drain(&mut after_to);
    });
}

#[test]
fn a_script_that_traps_harms_no_other() {
    let _alone = alone();
    const CALLS: u64 = 200;
    let folder = tempfile::tempdir().unwrap();
    let traps = save(&folder, "traps", &guest::script(guest::TRAP_ON_TENTH));
    let keeps = save(&folder, "keeps", &guest::script(guest::KEEP));
    let weir = Weir::start(["-s", &traps, "-s", &keeps]);
    for call in 0..CALLS {
        make_call(call);
        // Longer than a batch takes to close, so that there are many.
        thread::sleep(Duration::from_millis(4));
    }
    settle(&weir);
    assert_eq!(numbers(&weir), expected(0..CALLS));

    let (_, script) = weir.request("GET", "/api/v1/scripts/traps", &[], &[]);
    let last = &script["faults"]["last"];
    assert_eq!(last["kind"], "trap", "{script:#}");
    assert_eq!(last["backtrace"][0], "tenth", "{script:#}");

    let ledger = weir.stop();
    let (traps, keeps) = (pipeline(&ledger, "traps"), pipeline(&ledger, "keeps"));
    assert!(row(traps, "trapped") > 0, "{ledger}");
    assert_eq!(row(traps, "timed_out") + row(traps, "queue_full"), 0, "{ledger}");
    assert_eq!(row(keeps, "kept"), row(keeps, "delivered"), "{ledger}");
    assert_eq!(row(keeps, "delivered"), row(&ledger, "delivered"), "{ledger}");
    assert_eq!(row(traps, "delivered"), row(&ledger, "delivered"), "{ledger}");
}

#[test]
fn nothing_is_lost_while_scripts_are_swapped() {
    let _alone = alone();
    const SWAPS: usize = 50;
    // Every third time by itself.
    let version = |swap: usize| usize::from(swap % 3 == 1);
    let folder = tempfile::tempdir().unwrap();
    let labels = [guest::label('a'), guest::label('b')];
    let sieves = [guest::script(guest::KEEP), guest::script(guest::DROP)];
    let label = save(&folder, "label", &labels[1]);
    let sieve = save(&folder, "sieve", &sieves[1]);
    let mine = save(&folder, "mine", &guest::own());
    let labels_mine = format!("{label} | {mine}");
    let weir = Weir::start(["-s", &labels_mine, "-s", &sieve, "--keep-events", "100000"]);
    let swapped = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut made = 0;
            while !swapped.load(Relaxed) {
                make_call(made);
                made += 1;
                thread::sleep(Duration::from_micros(500));
            }
            made
        });
        for swap in 0..SWAPS {
            for (name, modules) in [("label", &labels), ("sieve", &sieves)] {
                let (status, answer) = weir.put(name, &modules[version(swap)]);
                assert_eq!(status, 200, "{answer}");
                assert_eq!(answer["state"], "running", "{answer}");
            }
        }
        swapped.store(true, Relaxed);
        sender.join().unwrap()
    });
    settle(&weir);
    assert_eq!(numbers(&weir), expected(0..made));
    let events = weir.events("label-mine", |_| true);
    let switched_at = weir.get("/api/v1/scripts/label")["switched_at_seq"].as_u64().unwrap();
    let mut versions = Vec::new();
    for event in &events {
        let label = event["attrs"]["version"].as_str().unwrap_or_else(|| panic!("{event}"));
        versions.push(label);
        if event["seq"].as_u64().unwrap() >= switched_at {
            assert_eq!(label, ["a", "b"][version(SWAPS - 1)], "{event}");
        }
    }
    let switches = versions.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!((1..=SWAPS).contains(&switches), "{switches} switches of {made} events");

    let ledger = weir.stop();
    for name in ["label-mine", "sieve"] {
        let rows = pipeline(&ledger, name);
        assert_eq!(row(rows, "delivered"), row(&ledger, "delivered"), "{ledger}");
        let passed = row(rows, "kept") + row(rows, "dropped_by_script");
        assert_eq!(passed, row(rows, "delivered"), "{ledger}");
    }
    let sieve = pipeline(&ledger, "sieve");
    assert!(row(sieve, "kept") > 0 && row(sieve, "dropped_by_script") > 0, "{ledger}");
}
