//! docs/events.md says what the code does. `UPDATE_DOCS=1 cargo test --release -p weir events_doc`
//! writes its tables anew, all columns but the last, which is kept.

use std::{env, fs, path::PathBuf};

use serde_json::Value;
use weir_sdk::event::{
    CALL_IO_URING, CALL_NAMES, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE,
    CALL_SENDMMSG, CALL_SENDMSG, CALL_SENDTO, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_PAYLOAD,
    GROUP_PPID, GROUP_SOCKET, Head, STATUS_OK,
};

use super::{
    Backend,
    plan::{Hook, Step, bit, plan},
};
use crate::decode::{Batch, Row, Source, fields_of};

const FIELDS: &str = "| Field | Tags | Read | Status | |\n|---|---|---|---|---|\n";
const HOOKS: &str = "| Backend | Program | Attached to | |\n|---|---|---|---|\n";
/// The section of what every call has.
const SHARED: &str = "Every event";

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", "events.md"].iter().collect()
}

fn calls() -> impl Iterator<Item = u16> + Clone {
    1..=CALL_NAMES.len() as u16
}

/// When a part is read, as the event says; the rule before the exception.
fn read(call: u16, source: Source) -> &'static str {
    let Source::Group(group) = source else {
        return match source {
            Source::Exit | Source::GroupAtExit(_) => "exit",
            Source::Entry | Source::GroupAtEntry(_) | Source::Room | Source::Netns => "entry",
            _ => "–",
        };
    };
    let argument = matches!((call, group), (CALL_SENDTO, GROUP_MSG | GROUP_IOV))
        || (call, group) == (CALL_RECVFROM, GROUP_IOV);
    match call {
        _ if argument || matches!(group, GROUP_PPID | GROUP_SOCKET) => "entry",
        CALL_IO_URING => "entry",
        CALL_RECVMMSG => "exit",
        CALL_SENDFILE => "exit, entry",
        CALL_RECVMSG | CALL_RECVFROM if group != GROUP_IOV => "exit, entry",
        _ => "entry, exit",
    }
}

/// The statuses that a part can have.
fn statuses(call: u16, source: Source) -> &'static str {
    let (Source::Group(group) | Source::GroupAtEntry(group)) = source else {
        return match source {
            Source::Entry | Source::Exit => "ok",
            Source::Room if call == CALL_RECVFROM => "ok, fault",
            Source::Room => "ok, fault, not_seen",
            Source::GroupAtExit(_) => "ok, absent, fault",
            Source::Kernel => "ok, absent, not_seen",
            _ => "ok, not_seen",
        };
    };
    match (call, group) {
        (_, GROUP_PPID) => "ok, not_seen",
        (_, GROUP_SOCKET) => "ok, absent, not_seen",
        (CALL_SENDTO, GROUP_MSG | GROUP_IOV) | (CALL_RECVFROM, GROUP_IOV) => "ok",
        (CALL_SENDMSG | CALL_RECVMSG, GROUP_MSG) => "ok, fault, not_seen",
        (CALL_RECVFROM, GROUP_MSG) => "ok, fault",
        (CALL_SENDFILE, GROUP_MSG) => "ok, absent, fault",
        (CALL_SENDMMSG | CALL_RECVMMSG, GROUP_MSG) => "ok, absent, fault, not_seen",
        (CALL_IO_URING, GROUP_MSG | GROUP_IOV) => "ok, not_seen",
        (CALL_IO_URING, GROUP_PAYLOAD) => "not_seen",
        (CALL_IO_URING, GROUP_CONTROL) => "ok, absent, truncated, not_seen",
        (CALL_IO_URING, _) => "ok, absent, not_seen",
        _ => "ok, absent, fault, truncated, not_seen",
    }
}

fn everywhere(row: &Row) -> bool {
    calls().all(|call| fields_of(call).contains(row))
}

/// Whether every backend has it for every call.
fn always(step: &Step) -> bool {
    ALL.iter().all(|&backend| calls().all(|call| plan(backend, bit(call)).contains(step)))
}

const ALL: [Backend; 3] = [Backend::Kprobe, Backend::Fentry, Backend::Tracepoint];

fn field_cells(call: u16, &(path, tags, source): &Row) -> Vec<String> {
    let (read, statuses) = (read(call, source), statuses(call, source));
    vec![format!("`{path}`"), tags.join(" "), read.to_owned(), statuses.to_owned()]
}

fn hook_cells(backend: &str, Step { program, hook, .. }: &Step) -> Vec<String> {
    let code = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let hook = match hook {
        Hook::RawTracepoint(name) => format!("raw tracepoint `{name}`"),
        Hook::Functions(names) => format!("kprobe {}", code(names)),
        Hook::Returns(names) => format!("kretprobe {}", code(names)),
        Hook::Fentry(name) => format!("fentry `{name}`"),
        Hook::Fexit(name) => format!("fexit `{name}`"),
        Hook::Entry(_) => "`sys_enter`, by the call's number".to_owned(),
    };
    vec![backend.to_owned(), format!("`{program}`"), hook]
}

/// The rows of a section's tables, but for the last column.
fn tables(section: &str) -> [Vec<Vec<String>>; 2] {
    let Some(call) = calls().find(|&call| CALL_NAMES[usize::from(call) - 1] == section) else {
        let first = CALL_SENDMSG;
        let fields = fields_of(first).iter().filter(|row| everywhere(row));
        let steps = plan(Backend::Kprobe, bit(first));
        let hooks = steps.iter().filter(|step| always(step));
        return [
            fields.map(|row| field_cells(first, row)).collect(),
            hooks.map(|step| hook_cells("all", step)).collect(),
        ];
    };
    let fields = fields_of(call).iter().filter(|row| !everywhere(row));
    let hooks = ALL.iter().flat_map(|&backend| {
        let steps = plan(backend, bit(call)).into_iter().filter(|step| !always(step));
        steps.map(move |step| hook_cells(backend.name(), &step))
    });
    [fields.map(|row| field_cells(call, row)).collect(), hooks.collect()]
}

/// The text with the tables as the code has them.
fn written_anew(text: &str) -> String {
    let mut written = String::new();
    for (index, section) in text.split("\n## ").enumerate() {
        let mut section = section.to_owned();
        let name = section.lines().next().unwrap_or_default().to_owned();
        if name == SHARED || CALL_NAMES.contains(&name.as_str()) {
            for (header, rows) in [FIELDS, HOOKS].into_iter().zip(tables(&name)) {
                section = with_table(&section, header, &rows);
            }
        }
        written += if index == 0 { "" } else { "\n## " };
        written += &section;
    }
    written
}

fn with_table(section: &str, header: &str, rows: &[Vec<String>]) -> String {
    let (before, rest) = section
        .split_once(header)
        .unwrap_or_else(|| panic!("no table {header} in the section:\n{section}"));
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let (old, after) = if rest.starts_with('\n') { ("", rest) } else { rest.split_at(end) };
    // The last cell of the row that begins alike.
    let keys = if header == FIELDS { 1 } else { 2 };
    let kept = |row: &[String]| {
        let start = format!("| {} |", row[..keys].join(" | "));
        let line = old.lines().find(|line| line.starts_with(&start));
        line.and_then(|line| line.strip_suffix(" |")?.rsplit_once(" | "))
            .map_or(String::new(), |(_, cell)| cell.to_owned())
    };
    let lines = rows.iter().map(|row| format!("| {} | {} |\n", row.join(" | "), kept(row)));
    format!("{before}{header}{}{after}", lines.collect::<String>())
}

#[test]
fn tables_are_those_of_the_code() {
    let text = fs::read_to_string(path()).unwrap();
    let anew = written_anew(&text);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(), &anew).unwrap();
    } else {
        let stale = text.lines().zip(anew.lines()).find(|(is, should)| is != should);
        assert!(text == anew, "docs/events.md is stale (UPDATE_DOCS=1 writes it): {stale:?}");
    }
    for line in anew.lines().filter(|line| line.starts_with('|')) {
        assert!(!line.ends_with("|  |"), "nothing is said of {line}");
    }
}

#[test]
fn every_call_has_a_section_in_order() {
    let text = fs::read_to_string(path()).unwrap();
    let names = text.split("\n## ").skip(1).filter_map(|section| section.lines().next());
    let names: Vec<_> = names.filter(|name| CALL_NAMES.contains(name)).collect();
    assert_eq!(names, CALL_NAMES);
}

#[test]
fn examples_are_events() {
    let text = fs::read_to_string(path()).unwrap();
    for call in calls() {
        let name = CALL_NAMES[usize::from(call) - 1];
        let section = text.split(&format!("\n## {name}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let example = section.split("```json").nth(1).unwrap().split("```").next().unwrap();
        let example: Value = serde_json::from_str(example)
            .unwrap_or_else(|error| panic!("example of {name}: {error}"));
        let mut batch = Batch::default();
        batch.heads.push(Head { call, status: [STATUS_OK; 8], ..Head::default() });
        let event = serde_json::to_value(batch.event(0)).unwrap();
        let keys = |value: &Value| {
            value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>())
        };
        assert_eq!(example["call"], name);
        assert_eq!(keys(&example), keys(&event), "{name}");
        for part in ["process", "socket", "msg", "sendfile"] {
            assert_eq!(keys(&example[part]), keys(&event[part]), "{part} of {name}");
        }
        // Only the first has those of every event.
        let rows = fields_of(call).iter().filter(|row| call == CALL_SENDMSG || !everywhere(row));
        assert_eq!(example["fields"].as_object().unwrap().len(), rows.clone().count(), "{name}");
        for &(path, tags, source) in rows {
            let field = &example["fields"][path];
            let within = |told: &str, key: &str| {
                told.split(", ").any(|told| told == field[key].as_str().unwrap_or("–"))
            };
            assert_eq!(field["tags"], serde_json::json!(tags), "{path} of {name}");
            assert!(within(statuses(call, source), "status"), "{path} of {name}: {field}");
            assert!(within(read(call, source), "read"), "{path} of {name}: {field}");
        }
    }
}
