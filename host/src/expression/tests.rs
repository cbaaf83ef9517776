//! The bundled script's verdicts on compiled expressions are those of the expressions, evaluated in plain
//! over the event's JSON; and what is wrong with an expression is said where it is wrong.

mod event;
mod plain;
mod wrong;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use proptest::prelude::*;
use weir_expression::Field;
use weir_sdk::event::{CALL_SENDMSG, KEEP};

use super::{Compiled, PARAM, SCRIPT, compile};
use crate::{
    decode::Batch,
    script::{Engine, Instance, Limits, Log, Module, Sinks, Wants, bundled},
    table::Tables,
};

/// The bundled script; `None` where this build has none.
static BUNDLED: LazyLock<Option<(Engine, Module)>> = LazyLock::new(|| {
    let (_, bytes) = bundled().iter().find(|(name, _)| *name == SCRIPT)?;
    let engine = Engine::new();
    let module = engine.compile(bytes, bytes.len()).unwrap();
    Some((engine, module))
});

/// An instance with an expression, and its tables.
fn instance(text: &str) -> Option<(Instance, Arc<Tables>)> {
    let Some((engine, module)) = &*BUNDLED else {
        eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
        return None;
    };
    let given = BTreeMap::from([(PARAM.to_owned(), text.to_owned())]);
    let (log, tables) = (Arc::new(Log::new(100)), Arc::new(Tables::default()));
    // On a busy machine a thread may wait for longer than a script may take.
    let limits = Limits { batch_time: Duration::from_secs(60), ..Limits::default() };
    let sinks = Sinks { log, emitted: Arc::default(), tables: tables.clone() };
    let instance = Instance::start(engine, module, limits, &given, sinks).unwrap();
    Some((instance, tables))
}

/// Which events of a batch an expression keeps.
fn kept(instance: &mut Instance, batch: &Batch) -> Vec<bool> {
    let mut verdicts = Vec::new();
    instance.run(batch, None, 0, &mut verdicts).unwrap();
    verdicts.into_iter().map(|verdict| verdict == KEEP).collect()
}

/// Numbers that decide what is generated: fewer and smaller ones make less.
struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    fn below(&mut self, limit: usize) -> usize {
        self.0.next().unwrap_or(0) as usize % limit
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

fn choices(most: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 0..most)
}

/// Whether an event is among what an expression wants; so are all calls that it does not tell apart.
fn is_wanted(compiled: &Compiled, batch: &Batch, index: usize) -> bool {
    let mut want = compiled.want;
    if !tells_calls_apart(compiled) {
        want.calls |= 1 << batch.heads[index].call;
        // Of the calls that are added the bytes may be others.
        want.min_bytes = if batch.heads[index].call == CALL_SENDMSG { want.min_bytes } else { 0 };
    }
    Wants::of(want, 0).fits(&batch.heads[index])
}

/// An expression of what the kernel can hold calls against.
fn conditions(choices: &mut Choices, depth: usize) -> String {
    const SINGLE: [&str; 24] = [
        "process.pid == 1",
        "process.pid in [1, 2]",
        "process.pid != 3",
        "process.uid == 0",
        "1 == process.uid",
        "process.cgroup_id == 0",
        "process.comm == 'curl'",
        "process.comm in ['named', 'curl', 'café']",
        "process.comm == 'a name that is too long'",
        "socket.family == 'AF_INET'",
        "socket.family in ['AF_UNIX', 'AF_INET6']",
        "socket.family != 'AF_NETLINK'",
        "msg.name.port == 53",
        "msg.name.port in [443, 1024]",
        "msg.bytes >= 64",
        "64 < msg.bytes",
        "ret > 3",
        "ret < 0",
        "!(ret >= 0)",
        "ret == -1",
        "error != null",
        "error in ['EAGAIN', 'ECONNREFUSED']",
        "error.startsWith('E')",
        "call in ['recvmsg', 'recvfrom', 'recvmmsg']",
    ];
    let kind = choices.below(5);
    if depth == 0 || kind == 0 {
        return choices.of(&SINGLE).to_owned();
    }
    let mut inner = || conditions(choices, depth - 1);
    match kind {
        1 | 2 => format!("({}) && ({})", inner(), inner()),
        3 => format!("({}) || ({})", inner(), inner()),
        _ => format!("!({})", inner()),
    }
}

fn tells_calls_apart(compiled: &Compiled) -> bool {
    let mut fields = compiled.program.steps.iter().flat_map(|step| step.test.fields());
    fields.any(|field| field == Field::Call || weir_expression::calls_of(field).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(600),
        ..ProptestConfig::default()
    })]

    #[test]
    fn as_over_the_json(
        expression in choices(40),
        events in prop::collection::vec(choices(120), 1..24),
    ) {
        let expression = plain::condition(&mut Choices(expression.into_iter()), 3);
        let text = expression.to_string();
        let mut batch = Batch::default();
        for (seq, choices) in (1..).zip(events) {
            event::append(&mut Choices(choices.into_iter()), seq, &mut batch);
        }
        let compiled = compile(&text).unwrap_or_else(|error| panic!("{error}"));
        let Some((mut instance, _)) = instance(&text) else { return Ok(()) };
        let kept = kept(&mut instance, &batch);
        for (index, kept) in kept.into_iter().enumerate() {
            let json = serde_json::to_value(batch.event(index)).unwrap();
            prop_assert_eq!(kept, expression.holds(&json), "{} of {:#}", &text, json);
            if kept {
                prop_assert!(is_wanted(&compiled, &batch, index), "{} does not want {:#}", &text, json);
            }
        }
    }

    #[test]
    fn what_fits_is_wanted(
        expression in choices(20),
        events in prop::collection::vec(choices(120), 1..60),
    ) {
        let text = conditions(&mut Choices(expression.into_iter()), 2);
        let mut batch = Batch::default();
        for (seq, choices) in (1..).zip(events) {
            event::append(&mut Choices(choices.into_iter()), seq, &mut batch);
        }
        let compiled = compile(&text).unwrap_or_else(|error| panic!("{error}"));
        let Some((mut instance, _)) = instance(&text) else { return Ok(()) };
        for (index, kept) in kept(&mut instance, &batch).into_iter().enumerate() {
            if kept {
                let json = serde_json::to_value(batch.event(index)).unwrap();
                prop_assert!(is_wanted(&compiled, &batch, index), "{} does not want {:#}", &text, json);
            }
        }
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in r#"[a-z. =!&|()\[\]"',0-9é\n\\-]{0,60}"#) {
        if let Err(error) = compile(&text) {
            let (line, column) = error.place();
            prop_assert!(line >= 1 && column >= 1 && !error.message().is_empty());
        }
    }
}

#[test]
fn wants() {
    let check = |text: &str, calls: &[&str], payload: u32| {
        let compiled = compile(text).unwrap();
        let names: Vec<_> = crate::script::call_names(compiled.want.calls).collect();
        assert_eq!((&names[..], compiled.payload), (calls, payload), "{text}");
    };
    let sendmsg = &["sendmsg"][..];
    check("error != null", sendmsg, 0);
    check("call == 'recvmsg'", &["recvmsg"], 0);
    check("call in ['sendto', 'sendmsg'] && msg.bytes > 0", &["sendmsg", "sendto"], 0);
    check(
        "call.startsWith('recv') || call == 'sendfile'",
        &["recvmsg", "recvmmsg", "recvfrom", "sendfile"],
        0,
    );
    check("!(call != 'sendto')", &["sendto"], 0);
    check("sendfile.count > 10", &["sendfile"], 0);
    check("index == 0", &["sendmmsg", "recvmmsg"], 0);
    check("call == 'sendto' ? fd == 3 : false", &["sendto"], 0);
    check("true", sendmsg, 0);
    check("false && call == 'sendto'", &[], 0);
    check("call == 'sendto' && false", &[], 0);
    check("| count by call", &weir_sdk::event::CALL_NAMES, 0);
    check("msg.payload.startsWith('GET ')", sendmsg, 4);
    check("msg.payload == 'x'", sendmsg, 2);
    check("msg.payload.contains('password')", sendmsg, 4096);
    assert_eq!(compile("fd == 3").unwrap().want.calls, 1 << CALL_SENDMSG);
}

#[test]
fn conditions_of_wants() {
    let check = |text: &str, expected: &str| {
        let Compiled { want, payload, .. } = compile(text).unwrap();
        let json = serde_json::to_string(&Wants::of(want, payload)).unwrap();
        let begins = r#"{"calls":["sendmsg"],"payload":0"#;
        assert_eq!(json.strip_prefix(begins).unwrap().trim_start_matches(','), expected, "{text}");
    };
    check("fd == 3", "}");
    check("process.pid == 7", r#""pid":[7]}"#);
    check("process.pid in [7, 9] && error != null", r#""pid":[7,9],"errors":true}"#);
    check("process.comm == 'curl' || process.comm == 'named'", r#""comm":["curl","named"]}"#);
    check("process.comm == 'curl' || process.uid == 0", "}");
    check("(process.uid == 0 || process.uid == 5) && fd > 2", r#""uid":[0,5]}"#);
    check("socket.family == 'AF_UNIX' && ret < 0", r#""family":["AF_UNIX"],"errors":true}"#);
    check("msg.name.port == 53 && msg.bytes > 512", r#""port":[53],"min_bytes":513}"#);
    check("!(process.pid != 7)", r#""pid":[7]}"#);
    check("!(ret >= 0)", r#""errors":true}"#);
    check("error == 'EAGAIN' || error == 'EPIPE'", r#""errors":true}"#);
    check("process.pid in [1, 2, 3, 4, 5, 6, 7, 8, 9]", "}");
    check("process.cgroup_id == 77 ? error != null : false", r#""cgroup":[77],"errors":true}"#);
}

/// What the table of an expression says after four sends: `number` of each row by its key.
#[track_caller]
fn check_sums(aggregate: &str, table: &str, number: &str, expected: &[(&str, i64)]) {
    let text = format!("call == 'sendmsg' && ret > 0 | {aggregate}");
    let Some((mut instance, tables)) = instance(&text) else { return };
    let mut batch = Batch::default();
    for (seq, (comm, ret)) in (1..).zip([("a", 5), ("b", 7), ("a", 20), ("b", -11)]) {
        event::simple(seq, comm, ret, &mut batch);
    }
    assert_eq!(kept(&mut instance, &batch), [true, true, true, false]);
    let mut found = Vec::new();
    tables.each(|name, rows_of| {
        assert_eq!(name, table);
        let sort = Some(crate::table::Sort::Key);
        let query = crate::table::Query { sort, descending: false, limit: 9, now_ns: 0 };
        let (rows, _) = rows_of.rows(&query).unwrap();
        for row in rows {
            let json = serde_json::to_value(&row).unwrap();
            found.push((row.key.join(" "), json[number].as_i64().unwrap()));
        }
    });
    let expected: Vec<_> = expected.iter().map(|&(key, value)| (key.to_owned(), value)).collect();
    assert_eq!(found, expected, "{aggregate}");
}

#[test]
fn sums() {
    let by = "process.comm, socket.family";
    let name = |aggregate| format!("{aggregate}_by_process.comm_socket.family");
    let rows = [("a AF_INET", 25), ("b AF_INET", 7)];
    check_sums(&format!("sum(ret) by {by}"), &name("sum_ret"), "value", &rows);
    check_sums("count", "count", "value", &[("all", 3)]);
    let by_comm = |aggregate: &str, table: &str, number: &str, expected: &[(&str, i64)]| {
        let (aggregate, table) =
            (format!("{aggregate} by process.comm"), format!("{table}_by_process.comm"));
        check_sums(&aggregate, &table, number, expected);
    };
    by_comm("count", "count", "value", &[("a", 2), ("b", 1)]);
    by_comm("histogram(ret)", "histogram_ret", "sum", &[("a", 25), ("b", 7)]);
    by_comm("histogram(ret)", "histogram_ret", "count", &[("a", 2), ("b", 1)]);
    by_comm("top(1)", "top_1", "value", &[("a", 2)]);
    by_comm("top(1, ret)", "top_1_ret", "value", &[("a", 25)]);
    by_comm("distinct(ret)", "distinct_ret", "value", &[("a", 2), ("b", 1)]);
    by_comm("rate", "rate", "value", &[("a", 2), ("b", 1)]);
    by_comm("rate(ret)", "rate_ret", "value", &[("a", 25), ("b", 7)]);
    by_comm("last(ret)", "last_ret", "value", &[("a", 20), ("b", 7)]);
    check_sums("distinct(process.comm)", "distinct_process.comm", "value", &[("all", 2)]);
}

/// Every block of docs/expressions.md marked so compiles, and every name is in its table.
#[test]
fn the_documentation() {
    let page = include_str!("../../../docs/expressions.md");
    let blocks: Vec<_> = page.split("```weir\n").skip(1).collect();
    assert!(blocks.len() >= 2);
    for block in blocks {
        for line in block.split("```").next().unwrap().lines().filter(|line| !line.is_empty()) {
            let line = line.split("  #").next().unwrap();
            compile(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
    let table: Vec<_> = Field::ALL
        .iter()
        .map(|field| format!("| `{}` | {} | {} |", field.name(), field.kind().name(), field.help()))
        .collect();
    let table = table.join("\n");
    assert!(page.contains(&table), "the table of names is not:\n{table}");
    for wrong in page.split("```text\n").skip(1) {
        let wrong = wrong.split("```").next().unwrap();
        let text = wrong.lines().nth(1).unwrap().trim();
        assert_eq!(compile(text).unwrap_err().to_string(), wrong.trim_end());
    }
}
