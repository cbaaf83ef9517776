//! What the benchmark of loads makes of a trace. The benchmark itself has no place for tests.

#[path = "../benches/loads/trace.rs"]
mod trace;

use std::{sync::mpsc, thread, time::Duration};

use trace::{Trace, Waits, waits};

/// Entries, and below them what is to be said of `weir-x` behind `exe`.
const CASES: &str = "
          weir-x-21640   [000] d..2. 59737.055690: sched_switch: prev_comm=weir-x prev_pid=21640 prev_prio=120 prev_state=S ==> next_comm=exe next_pid=21641 next_prio=139
             exe-21641   [000] d.h3. 59737.056753: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
             exe-21641   [000] d..2. 59737.057766: sched_stat_runtime: comm=exe pid=21641 runtime=2011000 [ns]
             exe-21641   [000] d..2. 59737.058767: sched_stat_runtime: comm=exe pid=21641 runtime=1001000 [ns]
             exe-21641   [000] d..2. 59737.058768: sched_switch: prev_comm=exe prev_pid=21641 prev_prio=139 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 1 time behind the load (longest 2.0 ms), 0 times otherwise

          weir-x-21640   [000] d..2. 59738.055690: sched_switch: prev_comm=weir-x prev_pid=21640 prev_prio=120 prev_state=R ==> next_comm=exe next_pid=21641 next_prio=139
             exe-21641   [000] d..2. 59738.058767: sched_stat_runtime: comm=exe pid=21641 runtime=40000 [ns]
             exe-21641   [000] d..2. 59738.058768: sched_switch: prev_comm=exe prev_pid=21641 prev_prio=139 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 1 time otherwise (hypervisor 1)

          weir-x-21640   [000] d..2. 59735.828061: sched_switch: prev_comm=weir-x prev_pid=21640 prev_prio=120 prev_state=R+ ==> next_comm=kdamond.0 next_pid=78 next_prio=120
       kdamond.0-78      [000] d..2. 59735.832312: sched_switch: prev_comm=kdamond.0 prev_pid=78 prev_prio=120 prev_state=R+ ==> next_comm=exe next_pid=36 next_prio=120
             exe-36      [000] d..2. 59735.832321: sched_switch: prev_comm=exe prev_pid=36 prev_prio=120 prev_state=S ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 1 time otherwise (kdamond.0 1)

 a: b [9] pid=1 -21700   [001] d.h3. 59737.366660: sched_wakeup_new: comm=weir-x pid=21640 prio=120 target_cpu=001
 a: b [9] pid=1 -21700   [001] d..2. 59737.367886: sched_switch: prev_comm=a: b [9] pid=1  prev_pid=21700 prev_prio=120 prev_state=D ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 1 time otherwise (a: b [9] pid=1  1)

          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
          <idle>-0       [000] d..2. 59735.827971: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 0 times otherwise

          <idle>-0       [001] d..2. 59735.820000: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=exe next_pid=21641 next_prio=139
          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=001
          <idle>-0       [000] d..2. 59735.829971: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 1 time behind the load (longest 3.0 ms), 0 times otherwise

          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
##### CPU 1 buffer started ####
          <idle>-0       [001] d..2. 59735.836983: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
CPU:1 [LOST EVENTS]
= 0 times behind the load, 0 times otherwise, 1 entries of the trace lost";

#[test]
fn waits_are_told_from_each_other() {
    let comms = ["weir-x", "exe"].map(|comm| vec![comm.to_owned()]);
    for case in CASES[1..].split("\n\n") {
        let (trace, expected) = case.split_once("\n= ").unwrap();
        let waits = waits(trace.as_bytes(), &comms[0], &comms[1], Duration::from_millis(1));
        assert_eq!(waits.to_string(), format!("waited over 1 ms for a processor {expected}"));
    }
}

#[test]
fn a_thread_that_is_woken_has_waited() {
    let trace = match Trace::start(&["woken"], &[]) {
        Ok(trace) => trace,
        Err(why) => return println!("skipped: a trace of this kernel: {why}"),
    };
    let (wake, woken) = mpsc::channel();
    let named = thread::Builder::new().name("woken".to_owned());
    let thread = named.spawn(move || woken.iter().for_each(drop)).unwrap();
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(1));
        wake.send(()).unwrap();
    }
    drop(wake);
    thread.join().unwrap();
    let seen = trace.take(Duration::ZERO);
    assert!(seen.behind == 0 && seen.others >= 50, "{seen}");
    let again = trace.take(Duration::ZERO);
    assert_eq!(again.others, 0, "what was taken is gone");
    let others = seen.others;
    assert_eq!(Waits::and(seen, again).others, others);
}
