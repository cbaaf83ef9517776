//! `weir run` as a process: started for a test, asked over HTTP, stopped with its account checked.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part")]

mod alone;
mod ledger;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use alone::{Alone, alone};
pub use ledger::{pipeline, row};

use crate::guest;

/// How long anything may take: an emulated machine is slow, and nothing here waits for nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a start may take, with all programs to verify.
const START: Duration = Duration::from_secs(300);
/// Between two looks at something that will change.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The binary under test: of WEIR_BIN, else the one that cargo built for the tests.
pub fn binary() -> PathBuf {
    env::var_os("WEIR_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_weir").into()).into()
}

/// Restricts tests that run on each backend to one: a slow machine is busy with the events of one weir,
/// and those of tests that share a weir then leave one running, not three.
const BACKEND: &str = "WEIR_BACKEND";

/// The backends that this kernel can have, best first. Those it cannot have are named with the
/// reason.
pub fn backends() -> Vec<&'static str> {
    if Path::new(KPROBES).exists() {
        let mut all = vec!["kprobe", "fentry", "tracepoint"];
        if let Ok(only) = env::var(BACKEND) {
            all.retain(|&backend| backend == only);
            assert!(!all.is_empty(), "{BACKEND}={only} is none");
        }
        return all;
    }
    eprintln!("skipped: backends kprobe and fentry: this kernel has no kprobes (no {KPROBES})");
    vec!["tracepoint"]
}

/// Where a kernel with kprobes says so.
pub const KPROBES: &str = "/sys/bus/event_source/devices/kprobe";

/// Looks until there is something to see.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        thread::sleep(PAUSE);
    }
}

/// A running `weir run`.
pub struct Weir {
    child: Child,
    lines: Mutex<mpsc::Receiver<String>>,
    folder: TempDir,
    agent: ureq::Agent,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// What changes need.
    pub token: String,
}

impl Weir {
    /// Starts it with these arguments and a free port, and waits for the link that it prints. It
    /// has the pipeline `own`, which keeps the events of this process and of its children.
    pub fn start<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start_wanting(&["sendmsg"], 0, args)
    }

    /// The same, where `own` wants other calls and so much payload, which is shown.
    pub fn start_wanting<A: AsRef<std::ffi::OsStr>>(
        calls: &[&str],
        payload: usize,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::start_in(&[], calls, payload, args)
    }

    /// The same with these variables in its environment.
    pub fn start_in<A: AsRef<std::ffi::OsStr>>(
        environment: &[(&str, &str)],
        calls: &[&str],
        payload: usize,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::start_with(folder, &data, environment, calls, payload, args)
    }

    /// The same as [`start`](Self::start), with a data folder that outlives it.
    pub fn start_on<A: AsRef<std::ffi::OsStr>>(
        data: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), data, &[], &["sendmsg"], 0, args)
    }

    fn start_with<A: AsRef<std::ffi::OsStr>>(
        folder: TempDir,
        data: &Path,
        environment: &[(&str, &str)],
        calls: &[&str],
        payload: usize,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let _starting = alone::starting();
        let stderr = fs::File::create(folder.path().join("stderr")).unwrap();
        let own = folder.path().join("own.wasm");
        fs::write(&own, guest::own_wanting(calls, payload)).unwrap();
        let args: Vec<_> = args.into_iter().collect();
        let listens = args.iter().any(|arg| arg.as_ref() == "--listen");
        let mut child = Command::new(binary())
            .envs(environment.iter().copied())
            .arg("run")
            .args((!listens).then_some("--listen=127.0.0.1:0"))
            .arg("--data-dir")
            .arg(data)
            .arg("--exit-ledger")
            .arg(folder.path().join("ledger.json"))
            .args((payload > 0).then_some("--show-payload"))
            .args(args)
            .arg("-s")
            .arg(own)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = mpsc::channel();
        thread::spawn(move || {
            // An error means that the test is over.
            stdout.lines().map_while(Result::ok).try_for_each(|line| to.send(line))
        });
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // A request that is refused before its body is read ends the connection.
            .max_idle_connections(0)
            .build();
        let (url, token) = (String::new(), String::new());
        let lines = Mutex::new(lines);
        let mut weir = Self { child, lines, folder, agent: config.into(), url, token };
        let link = weir.link();
        let (url, token) = link.split_once("/#token=").unwrap();
        (weir.url, weir.token) = (url.to_owned(), token.to_owned());
        weir
    }

    fn link(&mut self) -> String {
        let deadline = Instant::now() + START;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.get_mut().unwrap().recv_timeout(left) else {
                panic!("weir prints no link with a token; on stderr:\n{}", self.stderr());
            };
            if let Some(link) = line.split_whitespace().find(|word| word.contains("/#token=")) {
                return link.to_owned();
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A folder of the tests that ask this weir.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that it wrote to stderr.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Asks, and takes the answer whatever it is.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Value) {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let _named = guest::Asking::new();
        let response = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, value)
    }

    /// Reads something that is there.
    pub fn get(&self, path: &str) -> Value {
        let (status, value) = self.request("GET", path, &[], &[]);
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// Changes something with the token.
    pub fn change(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        if method == "PATCH" {
            headers.push(("content-type", "application/json"));
        }
        self.request(method, path, &headers, body)
    }

    /// Loads or swaps a script; the name may have a query.
    pub fn put(&self, name: &str, module: &[u8]) -> (u16, Value) {
        let (code, answer) = self.change("PUT", &format!("/api/v1/scripts/{name}"), module);
        if code != 202 {
            return (code, answer);
        }
        // It takes longer than whoever asks has to wait, as on a slow machine.
        let follow = answer["follow"].as_str().unwrap();
        let load = wait_for("end of a load", || {
            let load = self.get(follow);
            let ended = !["compiling", "starting"].contains(&load["state"].as_str().unwrap());
            ended.then_some(load)
        });
        if load["state"] == "refused" {
            return (422, json!({ "code": load["code"], "message": load["error"] }));
        }
        let name = name.split('?').next().unwrap();
        (200, self.get(&format!("/api/v1/scripts/{name}")))
    }

    /// The kept events of a pipeline that fit, oldest first.
    pub fn events(&self, pipeline: &str, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        let mut before = u64::MAX;
        loop {
            let path = format!("/api/v1/events?pipeline={pipeline}&limit=1000&before={before}");
            let mut page = self.get(&path);
            let Value::Array(events) = page["events"].take() else { panic!("no events: {page}") };
            found.extend(events.into_iter().filter(|event| fits(event)));
            match page["next_before"].as_u64() {
                Some(next) => before = next,
                None => break,
            }
        }
        found.reverse();
        found
    }

    /// The kept events of a pipeline behind the newest that is `mark`, oldest first. There must be one.
    pub fn events_behind(&self, pipeline: &str, mark: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        let mut before = u64::MAX;
        loop {
            // Few at once: in an emulated machine thousands take seconds.
            let path = format!("/api/v1/events?pipeline={pipeline}&limit=100&before={before}");
            let mut page = self.get(&path);
            let Value::Array(events) = page["events"].take() else { panic!("no events: {page}") };
            for event in events {
                if mark(&event) {
                    found.reverse();
                    return found;
                }
                found.push(event);
            }
            before = page["next_before"].as_u64().expect("the mark's event");
        }
    }

    /// Whether an event that fits is among the newest of a pipeline.
    pub fn has_event(&self, pipeline: &str, fits: impl Fn(&Value) -> bool) -> bool {
        let newest = self.get(&format!("/api/v1/events?pipeline={pipeline}&limit=1000"));
        newest["events"].as_array().unwrap().iter().any(fits)
    }

    /// Number of a pipeline's newest kept event, 0 if there is none.
    pub fn newest(&self, pipeline: &str) -> u64 {
        let newest = self.get(&format!("/api/v1/events?pipeline={pipeline}&limit=1"));
        newest["events"][0]["seq"].as_u64().unwrap_or(0)
    }

    /// Whether an event that fits is among those of a pipeline behind that number.
    pub fn has_event_behind(
        &self,
        pipeline: &str,
        number: u64,
        fits: impl Fn(&Value) -> bool,
    ) -> bool {
        let mut before = u64::MAX;
        loop {
            let path = format!("/api/v1/events?pipeline={pipeline}&limit=50&before={before}");
            let page = self.get(&path);
            for event in page["events"].as_array().unwrap() {
                if event["seq"].as_u64().unwrap() <= number {
                    return false;
                }
                if fits(event) {
                    return true;
                }
            }
            let Some(next) = page["next_before"].as_u64() else { return false };
            before = next;
        }
    }

    /// The ledger at this moment, which must add up.
    pub fn ledger(&self) -> Value {
        let ledger = self.get("/api/v1/ledger");
        ledger::check(&ledger);
        ledger
    }

    /// Interrupts it and returns the ledger it leaves, which must add up, with nothing in flight,
    /// and say the same on stdout and in the file.
    pub fn stop(mut self) -> Value {
        let status = self.interrupt();
        let stderr = self.stderr();
        assert!(status.success(), "weir ends with {status}; on stderr:\n{stderr}");
        let file = fs::read(self.folder.path().join("ledger.json")).unwrap();
        let ledger: Value = serde_json::from_slice(&file).unwrap();
        ledger::check(&ledger);
        assert_eq!(ledger["in_flight"], 0, "{ledger}");
        for pipeline in ledger["pipelines"].as_array().unwrap() {
            assert_eq!(pipeline["queued"], 0, "{pipeline}");
        }
        let printed: Vec<String> = self.lines.get_mut().unwrap().iter().collect();
        assert_eq!(ledger::printed(&printed), ledger::rows(&ledger), "{}", printed.join("\n"));
        ledger
    }

    /// Kills it, as it stands.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn interrupt(&mut self) -> ExitStatus {
        // SAFETY: the child is not waited for yet, so the id is still its own.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        let status = wait_for("end of weir", || self.child.try_wait().unwrap());
        assert_eq!(status.signal(), None, "weir dies of the signal instead of catching it");
        status
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
        if thread::panicking() {
            eprintln!("stderr of weir:\n{}", self.stderr());
        }
    }
}
