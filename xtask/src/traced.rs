//! A weir at work, to look at from outside.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::workspace::target;

/// A weir at work.
pub struct Traced {
    child: Child,
    address: String,
    ticks: u64,
    began: Instant,
}

impl Traced {
    /// Starts this build of it with these arguments, and waits until it serves.
    pub fn start(weir: &Path, args: &[&str]) -> Result<Self> {
        let mut child = Command::new(weir)
            .args(["run", "--listen", "127.0.0.1:0", "--exit-ledger"])
            .arg(target("bench-ledger.json"))
            .arg("--data-dir")
            .arg(target("bench-data"))
            .args(args)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start weir")?;
        let stdout = child.stdout.take().context("weir has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let link = lines.find_map(|line| Some(line.ok()?.split_once("http://")?.1.to_owned()));
        let Some(link) = link else { bail!("weir ended before it served; run it by hand") };
        // The rest is read to the end, or weir would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let address = link.split('/').next().unwrap_or_default().to_owned();
        let ticks = cpu_ticks(child.id())?;
        Ok(Self { child, address, ticks, began: Instant::now() })
    }

    /// Stops it, and reports what it took and what it lost.
    pub fn stop(mut self) -> Result<String> {
        let pid = self.child.id();
        // What the flood left in queues is part of the cost.
        std::thread::sleep(Duration::from_millis(100));
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = (cpu_ticks(pid)? - self.ticks) as f64 / 100.0;
        let status = get(&self.address, "/api/v1/status")?;
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT).context("cannot stop weir")?;
        if !self.child.wait().context("cannot wait for weir")?.success() {
            bail!("weir failed");
        }
        let ledger = fs::read(target("bench-ledger.json")).context("weir left no ledger")?;
        let ledger: Value = serde_json::from_slice(&ledger).context("the ledger is not JSON")?;
        let mut report = format!(
            "share of a processor  {:.0} %\npeak memory           {:.1} MB\nto the first event    {} ms\n",
            100.0 * cpu / wall,
            status["peak_rss_bytes"].as_f64().unwrap_or_default() / 1e6,
            status["time_to_first_event_ms"],
        );
        for row in ["seen", "ring_full", "unpaired", "undecodable", "delivered"] {
            report.push_str(&format!("{row:<22}{}\n", ledger[row]));
        }
        for pipeline in ledger["pipelines"].as_array().into_iter().flatten() {
            report.push_str(&format!(
                "pipeline {}: kept {}, dropped_by_script {}, queue_full {}, trapped {}, timed_out {}\n",
                pipeline["name"].as_str().unwrap_or_default(),
                pipeline["kept"],
                pipeline["dropped_by_script"],
                pipeline["queue_full"],
                pipeline["trapped"],
                pipeline["timed_out"],
            ));
        }
        Ok(report)
    }
}

/// Time on processors so far, in clock ticks (proc(5), fields 14 and 15 of stat).
fn cpu_ticks(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks = fields.get(11..13).with_context(|| format!("{path} is too short"))?;
    Ok(ticks.iter().filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn get(address: &str, path: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(address).context("cannot reach weir")?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("cannot read weir's answer")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).context("weir's answer is not JSON")
}
