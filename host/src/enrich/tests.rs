use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant},
};

use weir_sdk::event::{
    PROCESS_CMDLINE, PROCESS_CONTAINER, PROCESS_PARENT, PROCESS_POD, PROCESS_RUNTIME, PROCESS_USER,
};

use super::{
    clock::now_ns,
    lookup::{Cgroup, Program},
    parts::parts,
    process::{start_ticks, tick_ns},
    *,
};

const SECOND: u64 = 1_000_000_000;

/// A reader's side whose questions the test answers.
fn by_hand() -> (Enrich, Receiver<Ask>, Sender<Answer>) {
    let (ask, asked) = bounded(QUEUE);
    let (answer, answers) = bounded(QUEUE);
    (Enrich::new(ask, answers), asked, answer)
}

fn head(pid: u32, start_ns: u64, time_ns: u64) -> Head {
    let mut head = Head { pid, start_ns, time_ns, ..Head::default() };
    head.status[GROUP_START] = STATUS_OK;
    head
}

fn head_of(pid: u32) -> Head {
    head(pid, start_ticks(pid).unwrap() * tick_ns(), now_ns())
}

fn enriched(enrich: &mut Enrich, heads: &[Head]) -> Batch {
    let mut batch = Batch { heads: heads.to_vec(), ..Batch::default() };
    enrich.enrich(&mut batch);
    batch
}

fn exe(batch: &Batch, index: usize) -> String {
    String::from_utf8(batch.part(batch.heads[index].exe).to_vec()).unwrap()
}

fn part(batch: &Batch, index: usize, kind: u16) -> Option<String> {
    let blob = batch.part(batch.heads[index].process);
    let (_, bytes) = parts(blob).into_iter().find(|(found, _)| *found == kind)?;
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Enriches until the test is content, as events of a process keep coming.
fn until(enrich: &mut Enrich, head: Head, content: impl Fn(&Batch) -> bool) -> Batch {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let batch = enriched(enrich, &[head]);
        if content(&batch) {
            return batch;
        }
        assert!(Instant::now() < deadline, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

fn wait_for_answers(enrich: &Enrich, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while enrich.answers.len() < count {
        assert!(Instant::now() < deadline, "no answer");
        thread::sleep(Duration::from_millis(1));
    }
}

fn program(start: u64, exe: &str) -> Program {
    Program { start, exe: exe.as_bytes().into(), parts: Box::default() }
}

/// An answer that was looked up at this time.
fn answer_at(ask: Ask, exe: &str, looked_ns: u64) -> Answer {
    let Ask::Process { pid, start, generation } = ask else { panic!("{ask:?}") };
    let found = Some(program(start.unwrap_or(1), exe));
    Answer::Process { pid, generation, found, looked_ns: (looked_ns, looked_ns), cgroup: None }
}

fn answer(ask: Ask, exe: &str) -> Answer {
    answer_at(ask, exe, now_ns())
}

/// What was asked of processes.
fn processes(asked: &Receiver<Ask>) -> Vec<Ask> {
    asked.try_iter().filter(|ask| matches!(ask, Ask::Process { .. })).collect()
}

/// Waits until a child has executed a program, arguments and all: that is when the kernel says so.
fn runs(child: &Child, cmdline: &str) {
    let file = format!("/proc/{}/cmdline", child.id());
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::read(&file).unwrap() != cmdline.as_bytes() {
        assert!(Instant::now() < deadline, "it never executed it");
        thread::yield_now();
    }
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn knows_this_process_a_little_later() {
    let mut enrich = Enrich::start(|| {});
    let this = Head { uid: 0, ..head_of(std::process::id()) };
    let batch = until(&mut enrich, this, |batch| {
        batch.heads[0].exe.len != 0 && part(batch, 0, PROCESS_USER).is_some()
    });
    assert_eq!(exe(&batch, 0), std::env::current_exe().unwrap().to_str().unwrap());
    assert_eq!(part(&batch, 0, PROCESS_USER).unwrap(), "root");
    let arguments = std::env::args().collect::<Vec<_>>().join("\0");
    assert_eq!(part(&batch, 0, PROCESS_CMDLINE).unwrap(), arguments);

    let all = parts(batch.part(batch.heads[0].process));
    let (_, parent) = all.iter().find(|(kind, _)| *kind == PROCESS_PARENT).unwrap();
    assert_eq!(parent[..4], std::os::unix::process::parent_id().to_le_bytes());
    let (_, started) = all.iter().find(|(kind, _)| *kind == PROCESS_STARTED).unwrap();
    let started = u64::from_le_bytes((*started).try_into().unwrap());
    assert!(started < now_ns() && started > now_ns() - 3600 * SECOND);
}

#[test]
fn a_process_that_executes_another_program_is_known_by_it_from_then_on() {
    let mut enrich = Enrich::start(|| {});
    let mut shell = Command::new("sh");
    shell.args(["-c", "read go; exec sleep 60"]).stdin(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    runs(&child, "sh\0-c\0read go; exec sleep 60\0");
    let before = head_of(child.id());
    let batch = until(&mut enrich, before, |batch| batch.heads[0].exe.len != 0);
    let shell = exe(&batch, 0);
    assert_eq!(part(&batch, 0, PROCESS_CMDLINE).unwrap(), "sh\0-c\0read go; exec sleep 60");

    thread::sleep(Duration::from_millis(5));
    let at_ns = now_ns();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    runs(&child, "sleep\x0060\0");
    let link = format!("/proc/{}/exe", child.id());
    // The same start, the same name, and still another program.
    let after = Head { time_ns: at_ns + 1, ..before };
    enrich.executed(child.id(), at_ns);
    let batch = until(&mut enrich, after, |batch| batch.heads[0].exe.len != 0);
    assert_eq!(Path::new(&exe(&batch, 0)), std::fs::read_link(&link).unwrap());
    assert_ne!(exe(&batch, 0), shell);
    assert_eq!(part(&batch, 0, PROCESS_CMDLINE).unwrap(), "sleep\x0060");

    // A call from before that comes late, between two others.
    let batch = enriched(&mut enrich, &[after, before, after]);
    assert_eq!(exe(&batch, 1), shell);
    assert_ne!(exe(&batch, 0), shell);
    assert_eq!(batch.heads[0].exe, batch.heads[2].exe);
    end(child);
}

#[test]
fn a_process_that_exits_soon_was_looked_up_when_it_was_executed() {
    let mut enrich = Enrich::start(|| {});
    let child = Command::new("sleep").arg("60").spawn().unwrap();
    runs(&child, "sleep\x0060\0");
    let pid = child.id();
    wait_for_answers(&enrich, 1);
    enrich.executed(pid, now_ns());
    let event = head_of(pid);
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    wait_for_answers(&enrich, 1);
    end(child);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());

    enrich.exited(pid, event.time_ns);
    for _ in 0..2 {
        let batch = enriched(&mut enrich, &[event]);
        assert_eq!(Path::new(&exe(&batch, 0)), link);
        assert_eq!(part(&batch, 0, PROCESS_CMDLINE).unwrap(), "sleep\x0060");
    }
    assert_eq!(enriched(&mut enrich, &[event]).heads[0].exe, Span::default(), "forgotten");
}

#[test]
fn executed_at_an_unknown_time_forgets_at_once() {
    let (mut enrich, asked, answers) = by_hand();
    let event = head(7, 5 * SECOND, now_ns());
    enriched(&mut enrich, &[event]);
    answers.send(answer(processes(&asked)[0], "/old")).unwrap();
    assert_eq!(exe(&enriched(&mut enrich, &[event]), 0), "/old");
    enrich.executed(7, 0);
    assert_eq!(exe(&enriched(&mut enrich, &[event]), 0), "");
    let asks = processes(&asked);
    assert!(matches!(asks[..], [Ask::Process { pid: 7, start: None, .. }]), "{asks:?}");
}

#[test]
fn an_answer_from_around_the_execution_is_not_used() {
    let (mut enrich, asked, answers) = by_hand();
    let start = 5 * SECOND;
    let event = head(7, start, now_ns());
    enriched(&mut enrich, &[event]);
    let first = processes(&asked)[0];
    let Ask::Process { pid, generation, .. } = first else { panic!() };
    let found = Some(program(start / tick_ns(), "/either"));
    let t = now_ns();
    answers
        .send(Answer::Process { pid, generation, found, looked_ns: (t, t + 5), cgroup: None })
        .unwrap();
    // It executed while it was being read.
    enrich.executed(7, t + 3);
    let batch = enriched(&mut enrich, &[Head { time_ns: t, ..event }]);
    assert_eq!(exe(&batch, 0), "", "of the one before nothing is known");
    // An answer to the first question that comes now is too old.
    answers.send(answer(first, "/old")).unwrap();
    let after = Head { time_ns: t + 10, ..event };
    assert_eq!(exe(&enriched(&mut enrich, &[after]), 0), "");

    // What was looked up since is kept.
    let asks = processes(&asked);
    let Ask::Process { generation, .. } = asks[0] else { panic!() };
    let looked_ns = (t + SECOND, t + SECOND);
    let found = Some(program(start / tick_ns(), "/new"));
    answers.send(Answer::Process { pid, generation, found, looked_ns, cgroup: None }).unwrap();
    assert_eq!(exe(&enriched(&mut enrich, &[after]), 0), "/new");
    enrich.executed(7, t + 4);
    assert_eq!(exe(&enriched(&mut enrich, &[after]), 0), "/new");
    assert!(processes(&asked).is_empty());
}

#[test]
fn another_process_under_the_same_id_is_not_taken_for_it() {
    let (mut enrich, asked, answers) = by_hand();
    let (first, second) = (head(7, SECOND, 50 * SECOND), head(7, 60 * SECOND, 61 * SECOND));
    enriched(&mut enrich, &[first]);
    answers.send(answer(processes(&asked)[0], "/first")).unwrap();
    let batch = enriched(&mut enrich, &[first, second]);
    assert_eq!((exe(&batch, 0), exe(&batch, 1)), ("/first".to_owned(), String::new()));
    let start = Some(60 * SECOND / tick_ns());
    let asks = processes(&asked);
    assert!(matches!(asks[..], [Ask::Process { pid: 7, start: s, .. }] if s == start), "{asks:?}");

    answers.send(answer_at(asks[0], "/second", 62 * SECOND)).unwrap();
    assert_eq!(exe(&enriched(&mut enrich, &[second]), 0), "/second");

    // A third, which executed a program, and late events of those before.
    enrich.executed(7, 70 * SECOND);
    let ask = match processes(&asked)[0] {
        Ask::Process { pid, start: None, generation } => {
            Ask::Process { pid, start: Some(69 * SECOND / tick_ns()), generation }
        }
        ask => panic!("{ask:?}"),
    };
    answers.send(answer_at(ask, "/third", 71 * SECOND)).unwrap();
    let third = head(7, 69 * SECOND, 72 * SECOND);
    let batch = enriched(&mut enrich, &[first, second, third]);
    assert_eq!(["", "/second", "/third"], [0, 1, 2].map(|index| exe(&batch, index)));
    assert!(processes(&asked).is_empty(), "an old event does not push the new process out");
}

#[test]
fn an_exit_of_one_process_does_not_touch_the_next_with_its_id() {
    let (mut enrich, asked, answers) = by_hand();
    let (first, second) = (head(7, SECOND, 50 * SECOND), head(7, 60 * SECOND, 61 * SECOND));
    enriched(&mut enrich, &[first]);
    enrich.exited(7, 55 * SECOND);
    enriched(&mut enrich, &[second]);
    answers.send(answer(processes(&asked)[1], "/second")).unwrap();
    for _ in 0..4 {
        assert_eq!(exe(&enriched(&mut enrich, &[second]), 0), "/second");
    }
}

#[test]
fn an_exited_process_stays_while_its_calls_may_be_on_their_way() {
    let (mut enrich, asked, answers) = by_hand();
    let event = head(7, SECOND, 50 * SECOND);
    enriched(&mut enrich, &[event]);
    answers.send(answer(processes(&asked)[0], "/a")).unwrap();
    enrich.exited(7, 60 * SECOND);
    // The ring is full of calls that returned before.
    for _ in 0..20 {
        assert_eq!(exe(&enriched(&mut enrich, &[event]), 0), "/a");
    }
    let later = Head { duration_ns: 10 * SECOND, ..event };
    assert_eq!(exe(&enriched(&mut enrich, &[later]), 0), "/a");
    assert_eq!(exe(&enriched(&mut enrich, &[event]), 0), "");
}

#[test]
fn processes_in_turns_share_their_parts() {
    let (mut enrich, asked, answers) = by_hand();
    let turns: Vec<Head> = (0..1000).map(|at| head(at % 2, SECOND, now_ns())).collect();
    enriched(&mut enrich, &turns);
    let asks = processes(&asked);
    assert_eq!(asks.len(), 2);
    answers.send(answer(asks[0], "/even")).unwrap();
    answers.send(answer(asks[1], "/odd")).unwrap();
    let batch = enriched(&mut enrich, &turns);
    assert_eq!((exe(&batch, 998), exe(&batch, 999)), ("/even".to_owned(), "/odd".to_owned()));
    assert_eq!(batch.heads[0].process, batch.heads[998].process);
    // Two paths, and twice when it started.
    assert_eq!(batch.heap.len(), "/even".len() + "/odd".len() + 2 * 12);

    // Users and cgroups are looked at for each call, all the same.
    let other = Head { uid: 5, ..turns[0] };
    let mut names = user::Names::new();
    let mut name = Vec::new();
    parts::push(&mut name, PROCESS_USER, b"five");
    names.insert(5, name.into());
    answers.send(Answer::Users(names)).unwrap();
    let batch = enriched(&mut enrich, &[turns[0], other]);
    assert_eq!(part(&batch, 0, PROCESS_USER), None);
    assert_eq!(part(&batch, 1, PROCESS_USER).unwrap(), "five");
}

#[test]
fn a_cgroup_shows_the_container_of_a_process_that_has_gone() {
    let (mut enrich, _asked, answers) = by_hand();
    let id = "ab".repeat(32);
    let pod = "d41d8cd98f00b204e9800998ecf8427e";
    let path = format!("/kubepods.slice/kubepods-pod{pod}.slice/cri-containerd-{id}.scope");
    let mut blob = Vec::new();
    container(path.as_bytes()).unwrap().encode(&mut blob);
    let cgroup = Cgroup { path: path.as_bytes().into(), parts: blob.into() };
    let answer = Answer::Cgroup { id: 9, found: Some(cgroup), looked_ns: 0 };
    answers.send(answer).unwrap();
    let batch = enriched(&mut enrich, &[Head { cgroup_id: 9, ..Head::default() }]);
    assert_eq!(batch.part(batch.heads[0].cgroup), path.as_bytes());
    assert_eq!(part(&batch, 0, PROCESS_CONTAINER).unwrap(), id);
    assert_eq!(part(&batch, 0, PROCESS_RUNTIME).unwrap(), "containerd");
    assert_eq!(part(&batch, 0, PROCESS_POD).unwrap(), pod);
    assert_eq!(part(&batch, 0, PROCESS_STARTED), None, "its start was not seen");
}

#[test]
fn what_is_not_found_is_asked_for_again_later() {
    let (mut enrich, asked, answers) = by_hand();
    let event = Head { cgroup_id: 3, time_ns: 10 * SECOND, ..Head::default() };
    let cgroups = || asked.try_iter().filter(|ask| matches!(ask, Ask::Cgroup { .. })).count();
    enriched(&mut enrich, &[event, event]);
    enriched(&mut enrich, &[event]);
    assert_eq!(cgroups(), 1, "once, while the answer is awaited");
    answers.send(Answer::Cgroup { id: 3, found: None, looked_ns: 10 * SECOND }).unwrap();
    enriched(&mut enrich, &[event]);
    assert_eq!(cgroups(), 0, "not at once");
    enriched(&mut enrich, &[Head { time_ns: 11 * SECOND, ..event }]);
    assert_eq!(cgroups(), 1);
}

#[test]
fn a_full_queue_refuses_and_counts_and_the_next_event_asks_again() {
    let (mut enrich, asked, _answers) = by_hand();
    let refused = enrich.refused();
    for pid in 0..QUEUE as u32 {
        enrich.executed(pid, 1);
    }
    let ahead = asked.len();
    assert!(ahead < QUEUE, "events come first");
    assert_eq!(refused.load(Relaxed), (QUEUE - ahead) as u64);

    let events: Vec<Head> = (0..2 * QUEUE as u32).map(|at| head(5000 + at, SECOND, 9)).collect();
    enriched(&mut enrich, &events);
    assert_eq!(asked.len(), QUEUE);
    let before = refused.load(Relaxed);
    let last = events[events.len() - 1];
    enriched(&mut enrich, &[last, events[events.len() - 2], last]);
    assert_eq!(refused.load(Relaxed), before + 2, "once for each process and batch");

    asked.try_iter().for_each(drop);
    enriched(&mut enrich, &[last]);
    assert_eq!(processes(&asked).len(), 1);
}

#[test]
fn memory_is_bounded() {
    let (mut enrich, asked, answers) = by_hand();
    let big: Box<[u8]> = vec![0; 60_000].into();
    for pid in 0..100_000 {
        if pid % 2 == 0 {
            enrich.executed(pid, 0);
            enrich.exited(pid, u64::MAX);
        } else {
            let event = Head { cgroup_id: pid.into(), ..head(pid, SECOND, 1) };
            enriched(&mut enrich, &[event]);
        }
        for ask in asked.try_iter() {
            let mut answer = match ask {
                Ask::Process { .. } => answer(ask, ""),
                _ => continue,
            };
            if let Answer::Process { found: Some(found), .. } = &mut answer
                && pid % 16 == 0
            {
                found.parts = big.clone();
            }
            answers.send(answer).unwrap();
        }
    }
    let (count, exited, bytes) = enrich.processes.size();
    assert!(count <= 16_384 && exited <= 16_384, "{count} processes, {exited} exits");
    assert!(bytes <= 33 << 20, "{bytes} bytes");
    enrich.missed();
    assert_eq!(enrich.processes.size(), (0, 0, 0));
}
