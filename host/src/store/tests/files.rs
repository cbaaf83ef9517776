//! Files that are of use, and files that are not.

use std::{fs, path::Path, time::Duration};

use rusqlite::Connection;

use super::{START, time};
use crate::{
    pipeline::Definitions,
    store::{Before, Error, Options, Status, Store, schema, scripts},
};

fn store(folder: &Path) -> (Store, Before) {
    let options = Options {
        folder: folder.to_owned(),
        size_bytes: 1 << 30,
        age: Duration::from_secs(3_600),
        every: Duration::from_secs(10),
        events: Vec::new(),
    };
    Store::open(options, time(START))
}

/// A store that begins anew beside what was there.
fn check_aside(folder: &Path, content: &[u8]) -> Status {
    let (store, before) = store(folder);
    let status = store.state();
    assert_eq!((status.error.clone(), before.last_commit), (None, None));
    let aside = status.put_aside.clone().unwrap();
    assert_eq!(fs::read(aside).unwrap(), content);
    assert!(schema::open(folder).unwrap().1);
    status
}

#[test]
fn what_is_of_no_use_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE);
    fs::write(
        &path,
        b"no database, but longer than the header of one, which has a hundred bytes at its \
        beginning, and then pages",
    )
    .unwrap();
    check_aside(folder.path(), &fs::read(&path).unwrap());
    // Somebody else's database, one of a later version, and one without its middle.
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    check_aside(folder.path(), &fs::read(&path).unwrap());
    for damage in ["PRAGMA user_version = 99", "UPDATE definitions SET json = '{'"] {
        let (database, _) = schema::open(folder.path()).unwrap();
        database.execute_batch("INSERT INTO definitions VALUES (1, '{}')").ok();
        database.execute_batch(damage).unwrap();
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(database);
        check_aside(folder.path(), &fs::read(&path).unwrap());
    }
    let (database, _) = schema::open(folder.path()).unwrap();
    for number in 0..500 {
        database
            .execute("INSERT INTO modules VALUES (?1, zeroblob(1000))", [number.to_string()])
            .unwrap();
    }
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(database);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 8..bytes.len() * 7 / 8;
    bytes[middle].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    check_aside(folder.path(), &bytes);
}

#[test]
fn two_processes_do_not_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = store(folder.path());
    let (second, _) = store(folder.path());
    assert_eq!(first.state().error, None);
    let error = second.state().error.unwrap();
    assert!(error.contains("is in use by another weir"), "{error}");
    assert_eq!(second.state().put_aside, None);
    let error = second.events_before("p", 1).unwrap_err();
    assert!(matches!(error, Error::NotStored(_)), "{error}");
    drop((first, second));
    assert_eq!(store(folder.path()).0.state().error, None);
}

#[test]
fn a_folder_that_cannot_be_used_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, before) = store(&folder.path().join("missing"));
    assert!(before.last_commit.is_none());
    assert!(store.state().error.unwrap().contains("missing"));
}

#[test]
fn a_file_of_the_first_schema_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE);
    let old = Connection::open(&path).unwrap();
    old.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL").unwrap();
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        r#"PRAGMA application_id = 1464158546; PRAGMA user_version = 1;
        INSERT INTO definitions VALUES (1, '{"pipelines":[{"name":"p","scripts":["s"]}],"scripts":{"s":
            {"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
             "params":{"min":"5"},"limits":{"batch_time_ms":9},"enabled":false,"given":false}}}');
        INSERT INTO modules VALUES
            ('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', x''), ('other', x'00');
        INSERT INTO meta VALUES ('last_commit_ns', 1779998390000000000), ('next_seq', 42), ('clean', 1)"#,
    )
    .unwrap();
    drop(old);
    let (store, before) = store(folder.path());
    let restored = store.state().restored.unwrap();
    assert_eq!((restored.age_s, restored.complete, restored.scripts), (10.0, true, 1));
    assert_eq!(before.next_seq, 42);
    let script = &before.definitions.scripts["s"];
    assert_eq!(
        (&script.params["min"][..], script.limits.batch_time_ms, script.enabled),
        ("5", Some(9), false)
    );
    // Only what is what its name says.
    assert_eq!(before.modules.keys().collect::<Vec<_>>(), [&script.sha256]);
    drop(store);
    let (database, was_there) = schema::open(folder.path()).unwrap();
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!((version as usize, was_there), (schema::MIGRATIONS.len(), true));
    database.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap();
}

/// A module may be about to be used, or be put back: it goes when it was unused twice.
#[test]
fn a_module_outlives_the_script_that_it_was_of() {
    let folder = tempfile::tempdir().unwrap();
    let (mut database, _) = schema::open(folder.path()).unwrap();
    let sha256 = |text: &str| text.repeat(32);
    let of = |text: &str| {
        let json = format!(
            r#"{{"pipelines":[{{"name":"p","scripts":["s"]}}],"scripts":{{"s":{{"sha256":"{}",
                "params":{{}},"limits":{{}},"enabled":true,"given":false}}}}}}"#,
            sha256(text)
        );
        serde_json::from_str::<Definitions>(&json).unwrap()
    };
    let module = |text: &str| (sha256(text), text.as_bytes().into());
    let (old, new) = (of("aa"), of("bb"));
    let one = database.transaction().unwrap();
    scripts::replace(&one, None, &old, &[module("aa")].into()).unwrap();
    assert!(scripts::unused(&one, &old).unwrap().is_empty());
    // One that came before the list that names it is there when that comes.
    scripts::replace(&one, Some(&old), &old, &[module("bb")].into()).unwrap();
    scripts::replace(&one, Some(&old), &new, &[].into()).unwrap();
    let unused = scripts::unused(&one, &new).unwrap();
    assert_eq!(unused, [sha256("aa")].into());
    assert!(scripts::unused(&one, &old).unwrap().contains(&sha256("bb")));
    scripts::forget(&one, &unused).unwrap();
    assert!(scripts::unused(&one, &new).unwrap().is_empty());
    one.commit().unwrap();
}
