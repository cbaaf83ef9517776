//! What is drawn in a terminal: `weir top`, and the live view of `weir run`.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{FromRawFd, OwnedFd},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    calls, live,
    live::{Weir, wait_for},
};

const ROWS: u16 = 24;
const COLUMNS: u16 = 100;

/// A program in a terminal of its own.
struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Terminal {
    fn start(command: &mut Command) -> Self {
        let size = libc::winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        let (mut outer, mut inner) = (0, 0);
        let none = std::ptr::null_mut();
        // SAFETY: the numbers and the size are there for as long as the call takes; the rest may be null.
        let opened = unsafe {
            libc::openpty(&mut outer, &mut inner, none, none.cast(), (&raw const size).cast_mut())
        };
        assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: both were opened just now, and nobody else has them.
        let (outer, inner) = unsafe { (OwnedFd::from_raw_fd(outer), OwnedFd::from_raw_fd(inner)) };
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(inner.try_clone().unwrap())
            .stdout(inner.try_clone().unwrap())
            .stderr(inner)
            .spawn()
            .unwrap();
        let size = (ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size.0, size.1, 0)));
        let (mut read, drawn) = (File::from(outer.try_clone().unwrap()), screen.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error means that nobody has the terminal any more.
            while let Ok(count @ 1..) = read.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { keyboard: outer.into(), screen, child }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    #[track_caller]
    fn shows(&self, texts: &[&str]) {
        let all = |text: &String| texts.iter().all(|part| text.contains(part));
        let deadline = std::time::Instant::now() + live::PATIENCE;
        while !all(&self.contents()) {
            let text = self.contents();
            assert!(std::time::Instant::now() < deadline, "{texts:?} is not all in\n{text}");
            thread::sleep(live::PAUSE);
        }
    }

    fn ended(mut self) -> bool {
        wait_for("end", || self.child.try_wait().unwrap()).success()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn top_shows_tables_and_obeys_keys() {
    let weir = Weir::start(["-e", "true | count by call, error"]);
    wait_for("row", || {
        calls::settle(&weir);
        let tables = weir.get("/api/v1/tables");
        (tables["tables"][0]["rows"].as_u64() > Some(0)).then_some(())
    });
    let mut command = Command::new(live::binary());
    command.args(["top", "--url", &weir.url, "--interval", "100ms"]);
    let mut top = Terminal::start(&mut command);
    top.shows(&["e1/count_by_call_error", "CALL", "VALUE▼", "sendmsg", "ledger:", "calls/s seen"]);
    top.press("r");
    top.shows(&["VALUE▲"]);
    top.press("/nothing\r");
    top.shows(&["no row contains that text", "only: nothing"]);
    top.press("\t");
    top.shows(&["SCRIPT  STATE"]);
    top.press("q");
    assert!(top.ended());
    weir.stop();
}

#[test]
fn run_draws_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(live::binary());
    command
        .args(["run", "--listen", "127.0.0.1:0", "--interval", "100ms", "--data-dir"])
        .arg(folder.path())
        .args(["-e", "true | count by call"]);
    let mut run = Terminal::start(&mut command);
    run.shows(&["calls/s seen", "ledger:", "PIPELINE", "e1", "SCRIPT", "running"]);
    // Ctrl-C of a terminal that is nobody's controlling one sends no signal.
    // SAFETY: the child is not waited for yet, so the id is still its own.
    unsafe { libc::kill(run.child.id() as i32, libc::SIGINT) };
    let status = wait_for("end", || run.child.try_wait().unwrap());
    assert!(status.success(), "{}", run.contents());
    run.shows(&["= filtered_in_kernel", "+ dropped_by_script"]);
}
