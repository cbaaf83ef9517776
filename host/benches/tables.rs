//! What an update of a table costs, by kind: `cargo bench -p weir --bench tables`.

use std::time::Instant;

use weir::table::{Kind, Options, Tables, Update};

/// Updates of a batch.
const BATCH: usize = 1_024;
/// Batches of a round, and rounds, of which the fastest counts: other load only slows down.
const BATCHES: usize = 200;
const ROUNDS: usize = 7;

fn main() {
    println!("{:<10} {:>14} {:>14}  ns per update", "kind", "1,000 keys", "a new key each");
    for kind in Kind::ALL {
        println!(
            "{:<10} {:>14.1} {:>14.1}",
            kind.name(),
            time(kind, 1_000),
            time(kind, usize::MAX)
        );
    }
}

/// Nanoseconds of an update, of so many keys in turn.
fn time(kind: Kind, keys: usize) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let tables = Tables::default();
        let labels = vec!["process".to_owned(), "destination".to_owned()];
        let table = tables.open("t", kind, Options { labels, ..Options::default() });
        let table = table.expect("the options make sense");
        if keys < usize::MAX {
            // So that the rows are there, as they are for most of a table's life.
            for batch in 0..keys.div_ceil(BATCH) {
                let (updates, bytes) = batch_of(table, batch * BATCH, keys);
                tables.apply(&updates, &bytes, 0);
            }
        }
        let batches: Vec<_> =
            (0..BATCHES).map(|batch| batch_of(table, batch * BATCH, keys)).collect();
        let began = Instant::now();
        for (number, (updates, bytes)) in (0..).zip(&batches) {
            tables.apply(updates, bytes, number * 2_000_000);
        }
        began.elapsed().as_nanos() as f64 / (BATCHES * BATCH) as f64
    });
    rounds.fold(f64::INFINITY, f64::min)
}

fn batch_of(table: usize, first: usize, keys: usize) -> (Vec<Update>, Vec<u8>) {
    let mut bytes = Vec::new();
    let updates = (first..first + BATCH).map(|number| {
        // Neighbours in time are no neighbours in the table.
        let key = number.wrapping_mul(7_919) % keys;
        let start = bytes.len();
        bytes.extend(format!("process {}\010.0.{}.{}:443", key % 17, key / 256, key % 256).bytes());
        (table, start..bytes.len(), (number % 5_000) as u64 + 1)
    });
    let updates = updates.collect();
    (updates, bytes)
}
