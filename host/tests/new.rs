//! What `weir new` makes, in each language: `cargo xtask test` builds the projects by the commands in their
//! READMEs, and here they are run.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use weir::{
    decode::Batch,
    script::{Emitted, Engine, Instance, Limits, Log, Sinks},
    table::Tables,
};
use weir_sdk::event::{DROP, Head, KEEP};

const LANGUAGES: [&str; 8] =
    ["rust", "c", "zig", "go", "assemblyscript", "javascript", "python", "wat"];

#[test]
fn a_made_project_is_a_script_that_works() {
    let engine = Engine::new();
    for language in LANGUAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/new").join(language);
        let path = path.with_extension("wasm");
        let bytes = fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}: `cargo xtask test` builds it", path.display())
        });
        let limits = Limits { batch_time: Duration::from_secs(10), ..Limits::default() };
        let module = engine.compile(&bytes, limits.module_bytes).unwrap();
        let tables = Arc::new(Tables::default());
        let sinks = Sinks {
            log: Arc::new(Log::new(limits.log_lines)),
            emitted: Arc::<Emitted>::default(),
            tables: tables.clone(),
        };
        let started = Instance::start(&engine, &module, limits, &BTreeMap::new(), sinks);
        let mut instance = started.unwrap_or_else(|error| panic!("{language}: {error}"));
        assert_eq!(instance.describe().name, "made", "{language}");
        assert_eq!(instance.describe().language, language);
        let of = |uid| Head { uid, comm: *b"sshd\0\0\0\0\0\0\0\0\0\0\0\0", ..Head::default() };
        let mut batch = Batch::default();
        for uid in [0, 1000, 0] {
            batch.push(Head { call: 1, ..of(uid) });
        }
        let mut verdicts = Vec::new();
        instance
            .run(&batch, None, 0, &mut verdicts)
            .unwrap_or_else(|fault| panic!("{language}: {fault}"));
        assert_eq!(verdicts, [KEEP, DROP, KEEP], "{language}");
        let mut seen = Vec::new();
        tables.each(|name, table| seen.push((name.to_owned(), table.len())));
        assert_eq!(seen, [("calls".to_owned(), 1)], "{language}");
    }
}
