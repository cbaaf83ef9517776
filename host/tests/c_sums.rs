//! sdk/c/weir_sums.h, compiled to Wasm and run: what it hands to the host is what was added.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use wasmtime::{Caller, Engine, Instance, Linker, Memory, Module, Store};

/// Keys and values that the host was handed, and by how many calls.
#[derive(Default)]
struct Handed {
    rows: Vec<(Vec<u8>, u64)>,
    calls: usize,
}

struct Sums {
    store: Store<Handed>,
    instance: Instance,
    memory: Memory,
    room: u32,
}

impl Sums {
    /// None, with the reason printed, where there is no clang.
    fn compiled() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("sums.wasm");
        let host = env!("CARGO_MANIFEST_DIR");
        let compiled = ["clang-22", "clang"].into_iter().find_map(|clang| {
            Command::new(clang)
                .args(["--target=wasm32", "-O2", "-Wall", "-Werror", "-nostdlib"])
                .args(["-Wl,--no-entry", "-Wl,--export-dynamic", "-I"])
                .arg(format!("{host}/../sdk/c"))
                .arg("-o")
                .arg(&module)
                .arg(format!("{host}/tests/c_sums/sums.c"))
                .output()
                .ok()
        });
        let Some(compiled) = compiled else {
            eprintln!("skipped: no clang; run `cargo xtask setup`");
            return None;
        };
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let engine = Engine::default();
        let module = Module::from_file(&engine, module).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("weir", "table_add_many", table_add_many).unwrap();
        linker.func_wrap("weir", "table_add", table_add).unwrap();
        let mut store = Store::new(&engine, Handed::default());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let room = instance.get_typed_func::<(), u32>(&mut store, "room").unwrap();
        let room = room.call(&mut store, ()).unwrap();
        Some(Self { store, instance, memory, room })
    }

    fn write(&mut self, key: &[u8]) -> u32 {
        self.memory.write(&mut self.store, self.room as usize, key).unwrap();
        key.len() as u32
    }

    fn give(&mut self, function: &str, key: &[u8], value: u64) {
        let len = self.write(key);
        let function =
            self.instance.get_typed_func::<(u32, u64), ()>(&mut self.store, function).unwrap();
        function.call(&mut self.store, (len, value)).unwrap();
    }

    fn item(&mut self, text: &[u8]) -> u64 {
        let len = self.write(text);
        let item = self.instance.get_typed_func::<u32, u64>(&mut self.store, "item").unwrap();
        item.call(&mut self.store, len).unwrap()
    }

    /// What was handed over since the last time, by key, and by how many calls.
    fn flush(&mut self) -> Handed {
        let flush = self.instance.get_typed_func::<(), ()>(&mut self.store, "flush").unwrap();
        flush.call(&mut self.store, ()).unwrap();
        let mut handed = std::mem::take(self.store.data_mut());
        handed.rows.sort();
        handed
    }
}

fn memory(caller: &mut Caller<'_, Handed>) -> Memory {
    caller.get_export("memory").and_then(|export| export.into_memory()).unwrap()
}

fn table_add_many(mut caller: Caller<'_, Handed>, _table: u32, ptr: u32, len: u32) {
    let (memory, handed) = memory(&mut caller).data_and_store_mut(&mut caller);
    let mut rows = &memory[ptr as usize..(ptr + len) as usize];
    handed.calls += 1;
    while let Some((fixed, rest)) = rows.split_first_chunk::<16>() {
        let number = |at: usize| u64::from_le_bytes(*fixed[at..].first_chunk().unwrap());
        let len = number(0) as usize;
        handed.rows.push((rest[..len].to_vec(), number(8)));
        rows = &rest[len.next_multiple_of(8)..];
    }
    assert_eq!(rows, b"");
}

fn table_add(mut caller: Caller<'_, Handed>, _table: u32, ptr: u32, len: u32, value: u64) {
    let (memory, handed) = memory(&mut caller).data_and_store_mut(&mut caller);
    handed.calls += 1;
    handed.rows.push((memory[ptr as usize..(ptr + len) as usize].to_vec(), value));
}

fn row(key: &str, value: u64) -> (Vec<u8>, u64) {
    (key.as_bytes().to_vec(), value)
}

#[test]
fn one_call_for_a_batch() {
    let Some(mut sums) = Sums::compiled() else { return };
    for (function, expected) in [
        ("add", vec![row("a\0b", 12), row("c", 3)]),
        ("set", vec![row("a\0b", 5), row("c", 3)]),
        ("once", vec![row("a\0b", 5), row("a\0b", 7), row("c", 3)]),
        ("each", vec![row("a\0b", 5), row("a\0b", 7), row("c", 3)]),
    ] {
        for (key, value) in [("a\0b", 7), ("c", 3), ("a\0b", 5)] {
            sums.give(function, key.as_bytes(), value);
        }
        let handed = sums.flush();
        assert_eq!((handed.rows, handed.calls), (expected, 1), "{function}");
    }
    assert_eq!(sums.flush().calls, 0);
    // The published values of FNV-1a.
    assert_eq!(sums.item(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(sums.item(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn more_than_there_is_room_for() {
    let Some(mut sums) = Sums::compiled() else { return };
    let mut exact = BTreeMap::<Vec<u8>, u64>::new();
    let mut pairs = BTreeSet::new();
    let keys = (0..9_000_u64).map(|number| {
        // Of every length, and more than a batch has; some again at once, some later.
        let number = number / 2 * 7_919 % 3_001;
        (format!("{number}{}", "x".repeat(number as usize % 90)).into_bytes(), number % 13)
    });
    for (key, value) in keys.clone() {
        sums.give("add", &key, value);
        *exact.entry(key).or_default() += value;
    }
    let handed = sums.flush();
    assert!((3..60).contains(&handed.calls), "{}", handed.calls);
    let mut told = BTreeMap::<Vec<u8>, u64>::new();
    handed.rows.into_iter().for_each(|(key, value)| *told.entry(key).or_default() += value);
    assert_eq!(told, exact);

    for (key, value) in keys {
        sums.give("once", &key, value);
        pairs.insert((key, value));
    }
    assert_eq!(sums.flush().rows.into_iter().collect::<BTreeSet<_>>(), pairs);

    let long = vec![b'y'; 66_000];
    sums.give("add", &long, 3);
    sums.give("add", b"z", 1);
    assert_eq!(sums.flush().rows, [(long, 3), row("z", 1)]);
}
