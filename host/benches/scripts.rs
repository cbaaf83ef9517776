//! What a script costs per event, beside the same work done natively over the same copy, and what a host call
//! costs.
//!
//! `cargo xtask bench --scripts`. The ways take turns in short rounds, and the best round of each counts: the
//! one that nothing else on the machine disturbed.

use std::{
    collections::BTreeMap, env, fs, hint::black_box, path::PathBuf, sync::Arc, time::Instant,
};

use weir::{
    decode::Batch,
    script::{Emitted, Engine, Instance, Limits, Log, Sinks},
    table::Tables,
};
use weir_sdk::event::{BATCH_HEADER_BYTES, CALL_SENDMSG, HEAD_BYTES, Head};

#[path = "filter/calls.rs"]
mod calls;
#[path = "../tests/guest/mod.rs"]
mod guest;

const EVENTS: usize = 256;
/// Rounds of each way; those that take long have fewer.
const ROUNDS: usize = 1000;
/// Batches of a round, and those of a way that takes microseconds per event.
const BATCHES: usize = 50;
const SLOW_BATCHES: usize = 4;
/// The same filter by each language's SDK: names, and the modules that `cargo xtask bench` builds.
const LANGUAGES: [(&str, &str); 8] = [
    ("Rust", "rust"),
    ("C", "c"),
    ("Zig", "zig"),
    ("Go", "go"),
    ("AssemblyScript", "assemblyscript"),
    ("JavaScript (QuickJS), component", "js"),
    ("JavaScript (StarlingMonkey), component", "starlingmonkey"),
    ("Python, component", "python"),
];
/// Where a head has the call's result.
const RET: usize = std::mem::offset_of!(Head, ret);

/// Drops what did not fail: `$to` is where the verdicts go, `$head` the first head.
const FILTER: &str = r#"
    (loop $next
        (i32.store8 (local.get $to) (i64.ge_s (i64.load offset=24 (local.get $head)) (i64.const 0)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.load offset=4 (local.get $at)))))"#;
const HEADS: &str =
    "(local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))";

fn core() -> Vec<u8> {
    guest::script(&format!(
        r#"(func (export "weir_batch") (param $at i32) (param i32)
            (local $i i32) (local $head i32) (local $to i32)
            {HEADS}
            (local.set $to (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
            {FILTER})"#
    ))
}

fn component() -> Vec<u8> {
    let batch = format!(
        "(local $head i32) (local $to i32) {HEADS}
         (local.set $to (i32.const 4096)) {FILTER}
         (i32.store (i32.const 600) (i32.const 4096))
         (i32.store (i32.const 604) (i32.load offset=4 (local.get $at)))
         (i32.const 600)"
    );
    guest::Component { batch: &batch, ..guest::Component::default() }.build()
}

fn instance(engine: &Engine, module: &[u8]) -> Instance {
    let limits = Limits::default();
    let module = engine.compile(module, limits.module_bytes).unwrap();
    let sinks = Sinks {
        log: Arc::new(Log::new(100)),
        emitted: Arc::<Emitted>::default(),
        tables: Arc::<Tables>::default(),
    };
    Instance::start(engine, &module, limits, &BTreeMap::new(), sinks).unwrap()
}

/// The same work without a script: the copy, and a loop over it.
fn native(batch: &Batch, block: &mut Vec<u8>) -> usize {
    let (header, len) = batch.header(None);
    block.resize(len, 0);
    batch.write(&header, None, block);
    let (heads, verdicts) = block.split_at_mut(header.verdicts as usize);
    let heads = heads[BATCH_HEADER_BYTES..].chunks_exact(HEAD_BYTES);
    for (head, verdict) in heads.zip(verdicts) {
        let ret = head[RET..RET + 8].try_into().map(i64::from_le_bytes).unwrap_or_default();
        *verdict = u8::from(ret >= 0);
    }
    block[header.verdicts as usize..][..batch.heads.len()].iter().map(|&it| usize::from(it)).sum()
}

/// One way to do the work.
struct Way {
    name: &'static str,
    script: Instance,
    batches: usize,
    best: f64,
}

impl Way {
    fn new(name: &'static str, script: Instance) -> Self {
        Self { name, script, batches: BATCHES, best: f64::INFINITY }
    }

    /// Nanoseconds per event of a round.
    fn round(&mut self, batch: &Batch, verdicts: &mut Vec<u8>) {
        let Self { script, batches, best, .. } = self;
        let ns =
            time(*batches, || script.run(black_box(batch), None, 0, verdicts).unwrap().dropped);
        *best = best.min(ns);
        *batches = if *best > 100.0 { SLOW_BATCHES } else { BATCHES };
    }
}

fn main() {
    let mut batch = Batch::default();
    for seq in 1..=EVENTS as u64 {
        let ret = if seq % 4 == 0 { 64 } else { -11 };
        batch.push(Head { seq, ret, call: CALL_SENDMSG, ..Head::default() });
    }
    let engine = Engine::new();
    let mut ways = vec![
        Way::new("WAT, core module", instance(&engine, &core())),
        Way::new("WAT, component", instance(&engine, &component())),
    ];
    let folder = env::var_os("WEIR_FILTERS").map(PathBuf::from);
    for (name, file) in LANGUAGES {
        let path = folder.as_ref().map(|folder| folder.join(file).with_extension("wasm"));
        match path.as_ref().and_then(|path| fs::read(path).ok()) {
            Some(module) => ways.push(Way::new(name, instance(&engine, &module))),
            None => println!("skipped: {name}; run `cargo xtask bench --scripts`, which builds it"),
        }
    }
    let (mut block, mut verdicts) = (Vec::new(), Vec::new());
    let mut native_best = f64::INFINITY;
    let began = Instant::now();
    for round in 0..ROUNDS {
        native_best = native_best.min(time(BATCHES, || native(black_box(&batch), &mut block)));
        for way in &mut ways {
            if way.batches == BATCHES || round % 20 == 0 {
                way.round(&batch, &mut verdicts);
            }
        }
    }
    println!(
        "a filter, ns per event of {HEAD_BYTES} bytes, batches of {EVENTS}, best of {ROUNDS} rounds ({:.0?})",
        began.elapsed()
    );
    println!("  {:<24}{native_best:>8.2}  1.00x", "native");
    for Way { name, best, .. } in &ways {
        println!("  {name:<40}{best:>8.2}  {:.2}x", best / native_best);
    }
    calls(&engine, &batch);
}

/// What host calls cost: one for each event of a batch, less what the batch costs without.
fn calls(engine: &Engine, batch: &Batch) {
    let mut ways = [
        ("core: nothing", calls::core("")),
        ("core: table_add", calls::core(calls::TABLE_ADD)),
        ("core: table_add_many, by batch", calls::core_many()),
        ("core: attr", calls::core(calls::ATTR)),
        ("component: nothing", calls::component("")),
        ("component: table-add", calls::component(calls::COMPONENT_TABLE_ADD)),
        ("component: attr", calls::component(calls::COMPONENT_ATTR)),
    ]
    .map(|(name, module)| Way::new(name, instance(engine, &module)));
    let mut verdicts = Vec::new();
    for _ in 0..ROUNDS {
        for way in &mut ways {
            way.batches = SLOW_BATCHES;
            way.round(batch, &mut verdicts);
        }
    }
    println!(
        "host calls, ns each, their effects taken over; one per event unless it says otherwise"
    );
    let mut nothing = 0.0;
    for Way { name, best, .. } in &ways {
        if name.ends_with("nothing") {
            nothing = *best;
        } else {
            println!("  {name:<32}{:>8.2}", best - nothing);
        }
    }
}

/// Nanoseconds per event.
fn time(batches: usize, mut run: impl FnMut() -> usize) -> f64 {
    let began = Instant::now();
    for _ in 0..batches {
        black_box(run());
    }
    began.elapsed().as_nanos() as f64 / (batches * EVENTS) as f64
}
