//! `cargo xtask bench`: what tracing costs the traced, and what Weir itself takes.

use std::{
    fs,
    io::{BufRead, BufReader, IoSlice, Read, Write},
    net::{TcpStream, UdpSocket},
    os::fd::AsRawFd,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::{
    sys::{
        signal::{Signal, kill},
        socket::{MsgFlags, SockaddrIn, sendmsg},
    },
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    build,
    workspace::{target, weir},
};

/// The three bundled Rust scripts: a filter, and an enricher with an aggregator behind it.
const SCRIPTS: &[&str] = &["-s", "service | latency", "-s", "errors"];

/// Measures one loop of UDP sends at full speed, untraced and traced in turns.
///
/// Prints the time per send and its ratio to untraced, what was lost by ledger row, the share of a
/// processor and the peak memory that weir took, and the time from start to the first event. Needs
/// root. Other load on the machine blurs the figures; the ratio of medians suffers least.
#[derive(Args)]
pub struct Options {
    /// Sends in one round
    #[arg(long, default_value_t = 1_000_000)]
    sends: u32,
    /// Rounds of each kind
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// Runs the benchmark.
pub fn measure(options: &Options) -> Result<()> {
    build::all()?;
    let ways: [(&str, Option<&[&str]>); 3] = [
        ("untraced", None),
        ("traced, no script", Some(&[])),
        ("traced, 3 scripts", Some(SCRIPTS)),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    let mut last = None;
    for round in 0..options.rounds {
        for (way, times) in ways.iter().zip(&mut times) {
            let (name, scripts) = way;
            let traced = scripts.map(Traced::start).transpose()?;
            let ns = sends(options.sends)?;
            println!("round {} {name:<20} {ns:>7.0} ns per send", round + 1);
            times.push(ns);
            if let Some(traced) = traced {
                last = Some((*name, traced.stop()?));
            }
        }
    }
    println!();
    let untraced = median(&mut times[0]);
    for ((name, _), times) in ways.iter().zip(&mut times) {
        let ns = median(times);
        println!("median  {name:<20} {ns:>7.0} ns per send  {:.2}x", ns / untraced);
    }
    if let Some((name, report)) = last {
        println!("\n{name}, last round:\n{report}");
    }
    let size = fs::metadata(weir()).context("cannot look at the binary")?.len();
    println!("binary                {:.1} MB", size as f64 / 1e6);
    Ok(())
}

/// Time of one send in nanoseconds.
fn sends(count: u32) -> Result<f64> {
    let to = UdpSocket::bind("127.0.0.1:0").context("cannot bind a UDP socket")?;
    let from = UdpSocket::bind("127.0.0.1:0").context("cannot bind a UDP socket")?;
    from.connect(to.local_addr()?).context("cannot connect a UDP socket")?;
    let payload = [IoSlice::new(&[0; 64])];
    let began = Instant::now();
    for _ in 0..count {
        sendmsg::<SockaddrIn>(from.as_raw_fd(), &payload, &[], MsgFlags::empty(), None)
            .context("cannot send")?;
    }
    Ok(began.elapsed().as_nanos() as f64 / f64::from(count))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A weir at work.
struct Traced {
    child: Child,
    address: String,
    ticks: u64,
    began: Instant,
}

impl Traced {
    fn start(scripts: &[&str]) -> Result<Self> {
        let mut child = Command::new(weir())
            .args(["run", "--listen", "127.0.0.1:0", "--exit-ledger"])
            .arg(target("bench-ledger.json"))
            .arg("--data-dir")
            .arg(target("bench-data"))
            .args(scripts)
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

    fn stop(mut self) -> Result<String> {
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
