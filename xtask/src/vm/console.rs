//! The guest's serial console: shown, kept and read for verdicts.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// Lines that a guest does not come back from.
const MARKERS: [&str; 4] = [
    "Kernel panic - not syncing",
    "watchdog: BUG: soft lockup",
    "detected stalls on CPUs",
    "blocked for more than",
];

/// What the console of one guest said.
#[derive(Default)]
pub struct Run {
    /// From the start of QEMU to its end.
    pub time: Duration,
    /// Tests that passed, of all binaries.
    pub passed: u64,
    /// `test result:` lines, and those of them that count no test passed.
    results: usize,
    empty: usize,
    /// `weir-vm: NAME …` lines: binaries that ended, and those of them that failed.
    ended: usize,
    failed: Vec<String>,
    /// The line after which nothing more comes.
    done: bool,
    /// A line that tells of the kernel's end, or that the time is over.
    stopped: Option<String>,
}

impl Run {
    /// Takes one line in.
    fn read(&mut self, line: &str) {
        if let Some(said) = line.strip_prefix("weir-vm: ") {
            match said.split_once(' ') {
                None if said == "done" => self.done = true,
                None => {}
                Some((_, "ok")) => self.ended += 1,
                Some(_) => {
                    self.ended += 1;
                    self.failed.push(said.into());
                }
            }
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            let passed = passed_in(counts).unwrap_or(0);
            self.passed += passed;
            self.results += 1;
            self.empty += usize::from(passed == 0);
        } else if MARKERS.iter().any(|marker| line.contains(marker)) {
            self.stopped = Some(line.into());
        }
    }

    /// Whether everything ran and passed; if not, why not. With a filter, some binaries may be empty.
    pub fn verdict(&self, binaries: usize, filtered: bool) -> Result<()> {
        if let Some(line) = &self.stopped {
            anyhow::bail!("{line}");
        }
        ensure!(self.failed.is_empty(), "{}", self.failed.join(", "));
        ensure!(self.done, "the guest ended before its tests did");
        ensure!(self.ended == binaries, "{} of {binaries} test binaries ran", self.ended);
        // A test that exits takes the rest of its binary with it, and may look like success.
        ensure!(
            self.results == binaries,
            "{} of {binaries} test binaries came to a result",
            self.results
        );
        ensure!(self.passed > 0, "no test ran");
        ensure!(filtered || self.empty == 0, "{} test binaries have no test that ran", self.empty);
        Ok(())
    }
}

/// 3 of `ok. 3 passed; 0 failed; …`.
fn passed_in(counts: &str) -> Option<u64> {
    let before = counts.split(" passed").next()?;
    before.rsplit(' ').next()?.parse().ok()
}

/// Runs QEMU, shows what the guest writes and ends QEMU when the guest is done, dead or late.
pub fn watch(qemu: &mut Command, series: &str, timeout: Duration) -> Result<Run> {
    let path = super::log(series);
    let mut log = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let start = Instant::now();
    let mut guest =
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start QEMU")?;
    let lines = lines_of(&mut guest)?;

    let mut run = Run::default();
    let mut deadline = start + timeout;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                writeln!(log, "{line}")
                    .with_context(|| format!("cannot write {}", path.display()))?;
                eprintln!("{series:>5} {:>6.1} │ {line}", start.elapsed().as_secs_f64());
                let over = run.done || run.stopped.is_some();
                run.read(&line);
                if !over && (run.done || run.stopped.is_some()) {
                    // The rest of a backtrace, or the time to power off.
                    deadline = Instant::now() + Duration::from_secs(5);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if !run.done && run.stopped.is_none() {
                    run.stopped = Some(format!("not done after {} s", timeout.as_secs()));
                }
                break;
            }
        }
    }
    // It may have ended by itself, which is as good.
    guest.kill().context("cannot end QEMU")?;
    guest.wait().context("cannot wait for QEMU")?;
    run.time = start.elapsed();
    Ok(run)
}

/// Reads the console in a thread of its own, so that a silent guest can be given up.
fn lines_of(guest: &mut Child) -> Result<Receiver<String>> {
    let console = guest.stdout.take().context("the console is piped")?;
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line);
            let text =
                text.trim_end_matches('\r').replace(|c: char| c.is_control() && c != '\t', "");
            if !text.is_empty() && sender.send(text).is_err() {
                break;
            }
        }
    });
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a console of one binary and says why it is no pass, if it is none.
    fn check(console: &str) -> Result<u64> {
        let mut run = Run::default();
        console.lines().for_each(|line| run.read(line));
        run.verdict(1, false).map(|()| run.passed)
    }

    #[test]
    fn a_whole_run_passes() {
        let console = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\n\
                       weir-vm: kernel ok\nweir-vm: done";
        assert_eq!(check(console).unwrap(), 12);
    }

    #[test]
    fn anything_less_fails() {
        let consoles = [
            ("", "before its tests did"),
            ("weir-vm: done", "0 of 1"),
            ("test result: ok. 3 passed; 0 failed\nweir-vm: kernel ok", "before its tests did"),
            ("half a line\nweir-vm: kernel ok\nweir-vm: done", "0 of 1 test binaries came"),
            (
                "test result: ok. 0 passed; 0 failed\nweir-vm: kernel ok\nweir-vm: done",
                "no test ran",
            ),
            (
                "test result: FAILED. 1 passed; 1 failed\nweir-vm: kernel failed 101\nweir-vm: done",
                "kernel failed 101",
            ),
            ("[ 1.2] Kernel panic - not syncing: oops\nweir-vm: done", "Kernel panic"),
        ];
        for (console, reason) in consoles {
            let error = check(console).unwrap_err().to_string();
            assert!(error.contains(reason), "{console:?} gives {error:?}");
        }
    }
}
