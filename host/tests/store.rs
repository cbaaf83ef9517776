//! What survives: processes that are killed at any moment, disks that are full, files that are of no use.
//! Needs root.

mod calls;
mod guest;
mod live;

use std::{
    ffi::CStr,
    fs,
    net::UdpSocket,
    os::fd::AsRawFd,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, SystemTime},
};

use live::{Weir, wait_for};
use serde_json::{Value, json};

/// Name of the threads that make the traffic that the script counts.
const LOAD: &CStr = c"storeload";
/// Name of those that make any.
const OTHER: &CStr = c"storeother";

/// Sends until it is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Load {
    fn start(name: &'static CStr) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stopped, count) = (stop.clone(), sent.clone());
        let thread = thread::spawn(move || {
            rustix::thread::set_name(name).unwrap();
            let to = UdpSocket::bind("127.0.0.1:0").unwrap();
            let from = UdpSocket::bind("127.0.0.1:0").unwrap();
            let name = calls::inet(to.local_addr().unwrap());
            let message = calls::Message::of(&[8]).to(&name);
            while !stopped.load(SeqCst) {
                // Counted before, so that nobody sees more than were counted.
                count.fetch_add(1, SeqCst);
                calls::sendmsg(from.as_raw_fd(), message.ptr(), 0).unwrap();
                thread::sleep(Duration::from_micros(300));
            }
        });
        Self { stop, sent, thread: Some(thread) }
    }

    fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Loads the script `counts`, which counts what is sent here; `false` where this build has none.
fn put_counts(weir: &Weir) -> bool {
    let bundled = weir::script::bundled();
    let Some((_, bytes)) = bundled.iter().find(|(name, _)| *name == "expression") else {
        eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
        return false;
    };
    let expression = r#"{"expression":"process.comm == 'storeload' | count by process.comm"}"#;
    let expression = expression.replace(' ', "%20").replace('"', "%22").replace('|', "%7C");
    let expression = expression.replace('{', "%7B").replace('}', "%7D").replace('=', "%3D");
    let (status, answer) = weir.put(&format!("counts?params={expression}"), bytes);
    assert!([200, 201].contains(&status), "{answer}");
    true
}

fn table(weir: &Weir) -> u64 {
    let (status, table) =
        weir.request("GET", "/api/v1/tables/counts/count_by_process.comm", &[], &[]);
    if status != 200 { 0 } else { table["row_list"][0]["value"].as_u64().unwrap_or(0) }
}

fn store(weir: &Weir) -> Value {
    weir.get("/api/v1/status")["store"].take()
}

/// What history says that was added in all, up to now.
fn history(weir: &Weir) -> f64 {
    let series = weir.get("/api/v1/tables/counts/count_by_process.comm/series?from=-1h&step=1h");
    let values = series["series"][0]["values"].as_array().unwrap().iter();
    values.filter_map(Value::as_f64).sum()
}

fn time(text: &Value) -> SystemTime {
    humantime::parse_rfc3339(text.as_str().unwrap()).unwrap()
}

const OFTEN: [&str; 2] = ["--store-every", "200ms"];

/// A number that differs from run to run.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}

#[test]
fn killed_at_any_moment_all_is_as_of_the_last_commit() {
    let data = tempfile::tempdir().unwrap();
    let args = [&OFTEN[..], &["--store-events", "own"]].concat();
    let mut weir = Weir::start_on(data.path(), &args);
    if !put_counts(&weir) {
        return;
    }
    let other = guest::script(guest::KEEP);
    assert_eq!(weir.put("kept?pipeline=counts", &other).0, 201);
    assert_eq!(weir.put("off", &other).0, 201);
    assert_eq!(weir.change("PATCH", "/api/v1/scripts/off", br#"{"enabled":false}"#).0, 200);
    let order = br#"{"scripts":["kept","counts"]}"#;
    assert_eq!(weir.change("PATCH", "/api/v1/pipelines/counts", order).0, 200);
    let load = Load::start(LOAD);
    wait_for("a commit", || {
        let store = store(&weir);
        let is_stored = store["events"].as_u64().unwrap() > 0 && store["last_commit"].is_string();
        (table(&weir) > 0 && is_stored).then_some(())
    });
    for round in 1..=6_u64 {
        let mut seen = Vec::new();
        let limits = format!(r#"{{"batch_time_ms":{}}}"#, 100 + round);
        let (status, _) = weir.change("PATCH", "/api/v1/scripts/counts/limits", limits.as_bytes());
        assert_eq!(status, 200);
        let until = SystemTime::now() + Duration::from_millis(300 + random(900));
        while SystemTime::now() < until {
            let count = table(&weir);
            // The look was over by then.
            seen.push((SystemTime::now(), count));
        }
        weir.kill();
        weir = Weir::start_on(data.path(), &args);
        let (now, most) = (table(&weir), load.sent());
        let status = store(&weir);
        let restored = &status["restored"];
        assert_eq!((&status["error"], &restored["complete"]), (&json!(null), &json!(false)));
        assert_eq!(restored["scripts"], 3, "{status}");
        assert!(restored["age_s"].as_f64().unwrap() < 60.0, "{status}");
        // All that was seen before the last commit is there, and nothing that never was.
        let last = time(&restored["last_commit"]);
        let least = seen.iter().filter(|(at, _)| *at < last).map(|(_, count)| *count).max();
        let least = least.unwrap_or(0);
        assert!(least <= now && now <= most, "{least} {now} {most} in round {round}: {status}");
        // Totals and history are of one commit.
        let before = table(&weir);
        let told = history(&weir);
        let after = table(&weir);
        assert!(before as f64 <= told && told <= after as f64, "{before} {told} {after}");
        let script = weir.get("/api/v1/scripts/counts");
        assert_eq!(script["limits"]["batch_time_ms"], 100 + round);
        assert_eq!(
            script["params"]["expression"],
            "process.comm == 'storeload' | count by process.comm"
        );
        assert_eq!(weir.get("/api/v1/scripts/off")["state"], "disabled");
        let pipelines = weir.get("/api/v1/pipelines");
        let pipelines = pipelines["pipelines"].as_array().unwrap();
        let scripts = |name: &str| {
            let found = pipelines.iter().find(|pipeline| pipeline["name"] == name);
            found.map(|pipeline| pipeline["scripts"].clone())
        };
        assert_eq!(scripts("counts"), Some(json!(["kept", "counts"])));
        assert_eq!((scripts("own"), scripts("off")), (Some(json!(["own"])), Some(json!(["off"]))));
        wait_for("a commit", || {
            (store(&weir)["last_commit"] != restored["last_commit"]).then_some(())
        });
    }
    drop(load);
    // Events of all these processes, each number once, the newest first.
    let events = weir.events("own", |_| true);
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b) && seqs[0] < 10_000_000, "{}", seqs[0]);
    assert!(*seqs.last().unwrap() > 60_000_000, "{seqs:?}");
    // What ends by itself loses nothing.
    calls::settle(&weir);
    let count = wait_for("end of the count", || {
        let before = table(&weir);
        thread::sleep(Duration::from_millis(100));
        (table(&weir) == before).then_some(before)
    });
    weir.stop();
    let weir = Weir::start_on(data.path(), &args);
    let status = store(&weir);
    assert_eq!((table(&weir), &status["restored"]["complete"]), (count, &json!(true)), "{status}");
    // What is unloaded is gone, also for the next.
    assert_eq!(weir.change("DELETE", "/api/v1/scripts/counts", b"").0, 204);
    weir.stop();
    let weir = Weir::start_on(data.path(), &args);
    assert_eq!(weir.request("GET", "/api/v1/scripts/counts", &[], &[]).0, 404);
    assert!(put_counts(&weir));
    assert_eq!(table(&weir), 0);
    weir.stop();
}

#[test]
fn a_full_disk_stops_storing_and_nothing_else() {
    let disk = tempfile::tempdir().unwrap();
    let mounted = rustix::mount::mount(
        "tmpfs",
        disk.path(),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        Some(c"size=12m"),
    );
    if let Err(error) = mounted {
        return eprintln!("skipped: a small disk cannot be mounted here: {error}");
    }
    let _unmount = Unmount(disk.path());
    let data = disk.path().join("data");
    let weir = Weir::start_on(&data, [&OFTEN[..], &["--store-events", "own"]].concat());
    let committed = || store(&weir)["last_commit"].as_str().map(str::to_owned);
    wait_for("a commit", committed);
    let ballast = disk.path().join("ballast");
    let load = Load::start(OTHER);
    let full = wait_for("a full disk", || {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
        _ = std::io::Write::write_all(&mut file, &[1; 64 << 10]);
        let status = store(&weir);
        status["error"].as_str().is_some().then(|| status.clone())
    });
    assert!(full["error"].as_str().unwrap().contains("full"), "{full}");
    // It goes on tracing.
    let newest = weir.newest("own");
    wait_for("further events", || (weir.newest("own") > newest + 100).then_some(()));
    fs::remove_file(&ballast).unwrap();
    wait_for("the end of the error", || store(&weir)["error"].is_null().then_some(()));
    let before = committed();
    wait_for("another commit", || (committed() != before).then_some(()));
    drop(load);
    weir.stop();
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn a_damaged_store_is_put_aside_and_all_goes_on() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("store.db"), "of no use").unwrap();
    let weir = Weir::start_on(data.path(), OFTEN);
    let status = wait_for("a commit", || {
        let status = store(&weir);
        status["last_commit"].is_string().then_some(status)
    });
    assert_eq!((&status["error"], &status["restored"]), (&json!(null), &json!(null)));
    let aside = fs::read_to_string(status["put_aside"].as_str().unwrap()).unwrap();
    assert_eq!(aside, "of no use");
    assert!(weir.stderr().contains("is put aside as"), "{}", weir.stderr());
    // A second one that is given the same folder traces all the same.
    let second = Weir::start_on(data.path(), OFTEN);
    let error = store(&second)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("is in use by another weir"), "{error}");
    calls::settle(&second);
    second.stop();
    weir.stop();
}

#[test]
fn nothing_is_stored_if_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let weir = Weir::start_on(data.path(), ["--no-store"]);
    assert_eq!(store(&weir), json!(null));
    let (status, answer) = weir.request("GET", "/api/v1/tables/own/t/series?from=-5m", &[], &[]);
    assert_eq!((status, &answer["code"]), (404, &json!("no_history")));
    weir.stop();
    assert!(!data.path().join("store.db").exists());
}

#[test]
fn events_are_found_behind_those_in_memory() {
    let data = tempfile::tempdir().unwrap();
    let args = [&OFTEN[..], &["--store-events", "own", "--keep-events", "50"]].concat();
    let weir = Weir::start_on(data.path(), &args);
    for number in 0..500 {
        calls::sendmsg(-5000 - number, std::ptr::null(), 0).unwrap_err();
    }
    calls::settle(&weir);
    let own = |event: &Value| (-5499..=-5000).contains(&event["fd"].as_i64().unwrap());
    wait_for("the last event in the store", || {
        (store(&weir)["events"].as_u64()? >= 500).then_some(())
    });
    let check = |weir: &Weir| {
        let found = weir.events("own", own);
        assert_eq!(found.len(), 500);
        assert!(found.is_sorted_by_key(|event| event["seq"].as_u64().unwrap()));
        let first = &found[0];
        assert_eq!(first["fd"], -5000);
        let seq = first["seq"].as_u64().unwrap();
        assert_eq!(&weir.get(&format!("/api/v1/events/{seq}?pipeline=own")), first);
        // Filters are held against what is stored as well.
        let page = weir.get("/api/v1/events?pipeline=own&filter=fd%20%3D%3D%20-5001");
        let found: Vec<_> = page["events"].as_array().unwrap().iter().collect();
        assert_eq!(found.len(), 1, "{page}");
        assert_eq!((&found[0]["fd"], &page["next_before"]), (&json!(-5001), &json!(null)));
    };
    check(&weir);
    weir.stop();
    // So are those of the process before.
    let weir = Weir::start_on(data.path(), &args);
    check(&weir);
    weir.stop();
}
