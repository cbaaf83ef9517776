//! One specification of what a script sees and does, held against a guest in every language and both envelopes.
//! The guests say all that they see; here it is compared with what Rust reads of the same bytes. A change of
//! the host or of an SDK that breaks one language fails here. Needs what `cargo xtask test` builds.

#[path = "conformance/fields.rs"]
mod fields;
#[path = "conformance/guest.rs"]
mod guest;
#[path = "conformance/guests/rust/src/parts.rs"]
mod parts;
#[path = "conformance/sample.rs"]
mod sample;
#[path = "conformance/tables.rs"]
mod tables;
#[path = "conformance/text.rs"]
mod text;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use guest::{Guest, Running};
use text::Text;
use weir::{decode::Batch, script::Form};
use weir_sdk::{
    self as sdk,
    event::{DROP, HEAD_BYTES, KEEP},
};

/// Runs a check with each guest. Names of those that fail stand in the message.
fn each(check: impl Fn(&Guest)) {
    let failed: Vec<_> = Guest::all()
        .into_iter()
        .filter(|guest| catch_unwind(AssertUnwindSafe(|| check(guest))).is_err())
        .map(|guest| guest.file)
        .collect();
    assert!(failed.is_empty(), "see above: {failed:?}");
}

/// A language that is forgotten would not be tested.
#[test]
fn every_language_and_both_forms_have_a_guest() {
    let guests = Guest::all();
    let core = guests.iter().filter(|guest| guest.form() == Form::Core).map(|guest| guest.language);
    assert_eq!(core.collect::<Vec<_>>(), ["rust", "c", "zig", "assemblyscript", "wat", "go"]);
    let component = guests.iter().filter(|guest| guest.form() == Form::Component);
    let component: Vec<_> = component.map(|guest| guest.language).collect();
    assert_eq!(component, ["javascript", "javascript", "python"]);
}

#[test]
fn says_what_it_is() {
    each(|guest| {
        let running = guest.start(&[]).unwrap();
        let about = running.instance.describe();
        assert_eq!((about.name.as_str(), about.version.as_str()), ("conformance", "1.2.3"));
        assert_eq!(about.summary, "what a script sees and does");
        assert_eq!(about.language, guest.language);
        assert_eq!(about.state_version, 7);
        let [greeting] = &about.params[..] else { panic!("{:?}", about.params) };
        assert_eq!((greeting.name.as_str(), greeting.default.as_str()), ("greeting", "hello"));
        let wants = serde_json::to_value(about.wants).unwrap();
        assert_eq!(wants, serde_json::json!({"calls": ["sendmsg", "recvmsg"], "payload": 64}));
    });
}

#[test]
fn reads_every_field_and_part() {
    each(|guest| {
        let batch = sample::batch();
        let mut running = guest.start(&[]).unwrap();
        let mut said = running.run(&batch);
        let (header, _) = batch.header(None);
        let mut expected = Text::default();
        fields::header(&mut expected, &header);
        if guest.sees_header() {
            assert_eq!(said[0].remove("header").as_deref(), Some(&*expected.0), "header");
        }
        let bytes = sample::bytes(&batch);
        let view = weir_sdk::Batch::new(&bytes).unwrap();
        for (at, (mut said, head)) in said.into_iter().zip(&batch.heads).enumerate() {
            let mut expected = Text::default();
            fields::event(&mut expected, &batch, head);
            check_fields(guest, &expected.0, &said.remove("event").unwrap());
            let expected = said_by(guest, parts::of(&view.get(at).unwrap(), at as u64));
            assert_eq!(said.remove("parts"), Some(expected), "parts of event {at}");
            assert!(said.is_empty(), "{said:?}");
        }
    });
}

/// Text has no SDK, and so no names of errors.
fn said_by(guest: &Guest, parts: String) -> String {
    let lines = parts.split_inclusive('\n');
    lines.filter(|line| guest.language != "wat" || !line.starts_with("error=")).collect()
}

#[test]
fn names_every_error() {
    each(|guest| {
        let batch = sample::errors();
        let mut running = guest.start(&[]).unwrap();
        for (said, head) in running.run(&batch).into_iter().zip(&batch.heads) {
            let error = sdk::Errno::of(head.ret);
            let name = error.map_or("-", |error| error.name().unwrap_or("unknown"));
            let line = said_by(guest, format!("error={name}\n"));
            assert!(said["parts"].contains(&line), "{line:?} is not in {:?}", said["parts"]);
        }
    });
}

/// What fields a later host appends is not known to scripts, which step by the stride that the batch tells.
#[test]
fn keeps_working_when_heads_grow() {
    each(|guest| {
        for (batch, table) in [(sample::batch(), false), (sample::many(), true)] {
            let run = |stride: usize| {
                let mut running = guest.start(&[]).unwrap();
                running.instance.set_stride(stride);
                let said = running.run(&batch);
                if table {
                    tables::check_once(guest, &running.tables, &batch);
                }
                (said, running.verdicts)
            };
            let (before, verdicts) = run(HEAD_BYTES);
            for more in [8, 104, HEAD_BYTES] {
                let (mut said, now) = run(HEAD_BYTES + more);
                if guest.sees_header() {
                    let header = &said[0]["header"];
                    let stride = format!("stride={}\n", HEAD_BYTES + more);
                    assert!(header.contains(&stride), "{header}");
                    said[0].insert("header".to_owned(), before[0]["header"].clone());
                }
                assert_eq!((&said, &now), (&before, &verdicts), "{more} bytes more");
            }
        }
    });
}

/// Views of Rust leave out what was not seen, and have no heap; the others show all that there is.
fn check_fields(guest: &Guest, expected: &str, said: &str) {
    if guest.language != "rust" {
        assert_eq!(said, expected);
        return;
    }
    let expected: Vec<_> = expected.lines().collect();
    let wrong: Vec<_> = said.lines().filter(|line| !expected.contains(line)).collect();
    assert!(wrong.is_empty() && said.lines().count() >= 17, "{wrong:?} in {said}");
}

#[test]
fn drops_what_failed() {
    each(|guest| {
        let batch = sample::batch();
        let mut running = guest.start(&[]).unwrap();
        running.run(&batch);
        let failed = |ret: i64| (-4095..0).contains(&ret);
        let expected: Vec<_> =
            batch.heads.iter().map(|head| if failed(head.ret) { DROP } else { KEEP }).collect();
        assert!(expected.contains(&DROP) && expected.contains(&KEEP));
        assert_eq!(running.verdicts, expected);
        // One that drops nothing may say so in another way.
        let kept = Batch { heads: vec![batch.heads[1]], ..sample::batch() };
        running.run(&kept);
        assert_eq!(running.verdicts, [KEEP]);
    });
}

#[test]
fn adds_to_tables_of_every_kind() {
    each(|guest| {
        let batch = sample::many();
        let mut running = guest.start(&[]).unwrap();
        // What a batch adds is gathered, and begins anew with the next.
        running.run(&batch);
        running.run(&batch);
        tables::check(guest, &running.tables, &batch);
    });
}

#[test]
fn has_its_parameters() {
    each(|guest| {
        assert_eq!(guest.start(&[]).unwrap().lines(), [("info", "greeting: hello".to_owned())]);
        let text = "grüße ☂ 😀 \"quoted\" \\ line\tend";
        let running = guest.start(&[("greeting", text)]).unwrap();
        assert_eq!(running.lines(), [("info", format!("greeting: {text}"))]);
        let refused = guest.start(&[("greeting", "refuse")]).err().unwrap();
        assert!(refused.ends_with(": told to refuse: grüße"), "{refused}");
    });
}

#[test]
fn ticks_emits_and_asks_for_processes() {
    each(|guest| {
        let batch = sample::batch();
        let mut running = guest.start(&[]).unwrap();
        running.run(&batch);
        running.instance.tick(4_000_000_000).unwrap();
        let lines: BTreeMap<_, _> =
            running.lines().into_iter().map(|(level, text)| (text, level)).collect();
        assert_eq!(lines.get("tick 4000000000"), Some(&"warn"), "{lines:?}");
        assert_eq!(lines.get("process: known"), Some(&"debug"), "{lines:?}");
        assert_eq!(running.emitted(), [serde_json::json!({"events": batch.heads.len()})]);
        let mut stranger = sample::batch();
        stranger.heads[0].pid = 1;
        let mut running = guest.start(&[]).unwrap();
        running.run(&stranger);
        let none = ("debug", "process: none".to_owned());
        assert!(
            guest.language == "rust" || running.lines().contains(&none),
            "{:?}",
            running.lines()
        );
    });
}

#[test]
fn goes_on_where_the_version_before_ended() {
    each(|guest| {
        let batch = sample::batch();
        let events = batch.heads.len();
        let mut old = guest.start(&[]).unwrap();
        old.run(&batch);
        let saved = old.instance.save().unwrap();
        assert_eq!(String::from_utf8(saved.clone()).unwrap(), format!("events={events}"));
        let mut new = guest.start(&[]).unwrap();
        assert_eq!(new.instance.restore(7, &saved).unwrap(), Ok(()));
        new.run(&batch);
        let expected = format!("events={}", 2 * events);
        assert_eq!(String::from_utf8(new.instance.save().unwrap()).unwrap(), expected);
        let mut other = guest.start(&[]).unwrap();
        let refused = Err("the state is not of version 7".to_owned());
        assert_eq!(other.instance.restore(6, &saved).unwrap(), refused);
        other.run(&batch);
    });
}

/// A batch as large as they come, after a small one: the script is asked for another buffer.
#[test]
fn takes_batches_of_every_size() {
    each(|guest| {
        let mut running: Running = guest.start(&[]).unwrap();
        let small = sample::batch();
        running.run(&small);
        let large = sample::largest();
        // So many attributes are refused in part, and counted.
        running.instance.run(&large, None, 0, &mut running.verdicts).unwrap();
        assert_eq!(running.verdicts, [KEEP; 1024]);
        let said = running.run(&small);
        assert!(said.iter().all(|said| said.contains_key("parts")));
    });
}
