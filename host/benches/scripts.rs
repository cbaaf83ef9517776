//! What a script costs per event, beside the same work done natively over the same copy.
//!
//! `cargo xtask bench --scripts`. The ways take turns in rounds of less than a millisecond, and the
//! best round of each counts: the one that nothing else on the machine disturbed.

use std::{collections::BTreeMap, hint::black_box, sync::Arc, time::Instant};

use weir::{
    decode::Batch,
    script::{Emitted, Engine, Instance, Limits, Log, Sinks, bundled},
    table::Tables,
};
use weir_sdk::event::{BATCH_HEADER_BYTES, CALL_SENDMSG, HEAD_BYTES, Head};

#[path = "../tests/guest/mod.rs"]
mod guest;

const EVENTS: usize = 256;
const BATCHES: usize = 50;
const ROUNDS: usize = 2000;
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

fn main() {
    let mut batch = Batch::default();
    for seq in 1..=EVENTS as u64 {
        let ret = if seq % 4 == 0 { 64 } else { -11 };
        batch.push(Head { seq, ret, call: CALL_SENDMSG, ..Head::default() });
    }
    let engine = Engine::new();
    let mut scripts = vec![
        ("core module", instance(&engine, &core())),
        ("component", instance(&engine, &component())),
    ];
    if let Some((_, errors)) = bundled().iter().find(|(name, _)| *name == "errors") {
        scripts.push(("core module, Rust SDK", instance(&engine, errors)));
    }
    let mut times = vec![f64::INFINITY; scripts.len() + 1];
    let (mut block, mut verdicts) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times[0] = times[0].min(time(|| native(black_box(&batch), &mut block)));
        for ((_, script), best) in scripts.iter_mut().zip(&mut times[1..]) {
            *best = best.min(time(|| {
                script.run(black_box(&batch), None, 0, &mut verdicts).unwrap().dropped
            }));
        }
    }
    println!("ns per event of {HEAD_BYTES} bytes, batches of {EVENTS}, best of {ROUNDS} rounds");
    let names = ["native"].into_iter().chain(scripts.iter().map(|(name, _)| *name));
    for (name, ns) in names.zip(&times) {
        println!("  {name:<24}{ns:>6.2}  {:.2}x", ns / times[0]);
    }
}

/// Nanoseconds per event.
fn time(mut run: impl FnMut() -> usize) -> f64 {
    let began = Instant::now();
    for _ in 0..BATCHES {
        black_box(run());
    }
    began.elapsed().as_nanos() as f64 / (BATCHES * EVENTS) as f64
}
