//! `cargo xtask bench`: what tracing costs the traced, and what Weir itself takes.

use std::{
    fs,
    io::IoSlice,
    net::UdpSocket,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use nix::sys::socket::{MsgFlags, SockaddrIn, sendmsg};

use crate::{
    build,
    command::{cargo, run},
    traced::Traced,
    workspace::{target, weir},
};

/// The three bundled Rust scripts: a filter, and an enricher with an aggregator behind it.
const SCRIPTS: &[&str] = &["-s", "service | latency", "-s", "errors"];

/// Measures one loop of UDP sends at full speed, untraced and traced in turns.
///
/// Prints the time per send and its ratio to untraced, what was lost by ledger row, the share of a
/// processor and the peak memory that weir took, and the time from start to the first event. Needs
/// root. Other load on the machine blurs the figures; the median of the rounds' ratios suffers least.
#[derive(Args)]
pub struct Options {
    /// Sends in one round
    #[arg(long, default_value_t = 300_000)]
    sends: u32,
    /// Rounds of each kind
    #[arg(long, default_value_t = 11)]
    rounds: u32,
    /// Measure what a script costs per event instead, in each language, as core module and as component, and
    /// natively; and what host calls cost
    #[arg(long)]
    scripts: bool,
    /// Measure loads instead: from PUT to the first batch, what they cost the event path, and the memory of
    /// idle scripts
    #[arg(long)]
    loads: bool,
    /// Measure the tables instead: adding to each kind, and merging
    #[arg(long)]
    tables: bool,
    /// Another build of weir to measure beside this one, in the same rounds
    #[arg(long, value_name = "WEIR")]
    against: Option<PathBuf>,
}

/// What a loop is called, and the build of weir that traces it, with its arguments.
type Way<'a> = (&'static str, Option<(&'a Path, &'static [&'static str])>);

/// Runs the benchmark.
pub fn measure(options: &Options) -> Result<()> {
    build::all()?;
    let benches =
        [("scripts", options.scripts), ("loads", options.loads), ("tables", options.tables)];
    if benches.iter().any(|(_, asked)| *asked) {
        build::for_bench()?;
        for (name, _) in benches.iter().filter(|(_, asked)| *asked) {
            let bench = ["bench", "--package", "weir", "--bench", name];
            run(cargo().env("WEIR_FILTERS", target("filters")).args(bench))?;
        }
        return Ok(());
    }
    let own = weir();
    let mut ways: Vec<Way> = vec![
        ("untraced", None),
        ("traced, no script", Some((&own, &[]))),
        ("traced, payload 4096", Some((&own, &["--payload", "4096"]))),
        ("traced, 3 scripts", Some((&own, SCRIPTS))),
    ];
    if let Some(other) = &options.against {
        ways.insert(1, ("the other, no script", Some((other, &[]))));
    }
    let mut times = vec![Vec::new(); ways.len()];
    let mut last = None;
    for round in 0..options.rounds {
        for ((name, way), times) in ways.iter().zip(&mut times) {
            let traced = way.map(|(weir, args)| Traced::start(weir, args)).transpose()?;
            let ns = sends(options.sends)?;
            println!("round {:>2}  {name:<20} {ns:>7.0} ns per send", round + 1);
            times.push(ns);
            if let Some(traced) = traced {
                last = Some((*name, traced.stop()?));
            }
        }
    }
    println!();
    for ((name, _), own) in ways.iter().zip(&times) {
        // Rounds next to each other in time share the machine's mood: ratios are taken within one.
        let ratios = own.iter().zip(&times[0]).map(|(ns, untraced)| ns / untraced);
        let (ns, ratio) = (median(own.iter().copied()), median(ratios));
        let added = median(own.iter().zip(&times[0]).map(|(ns, untraced)| ns - untraced));
        println!("median    {name:<20} {ns:>7.0} ns per send  {ratio:.2}x  {added:>+7.0} ns");
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
