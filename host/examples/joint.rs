fn main() {
    let t = std::time::Instant::now();
    let (probe, mut ring) = weir::probe::Probe::attach(weir::probe::Options { backend: weir::probe::Request::Auto, ring_bytes: 1 << 20 }).unwrap();
    println!("attach {:?} {:#?}", t.elapsed(), probe.choice);
    for p in aya::programs::loaded_programs().flatten() { println!("{:?} {:?}", p.name_as_str(), p.verified_instruction_count()); }
    let s = std::os::unix::net::UnixDatagram::unbound().unwrap();
    drop(s);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let n = ring.drain(1000, |b| println!("{} {:?}", b.len(), &b[..]));
    println!("{n} {:?} {:?}", probe.kernel.counters(), probe.kernel.programs());
    let k = probe.kernel.clone();
    probe.detach();
    println!("stranded {:?}", k.stranded());
}
