//! scripts/changed, in WebAssembly text.

use weir_sdk::{Toctou, event::TOCTOU_NOT_SEEN, testing::Call};

use crate::script::Script;

#[test]
fn keeps_what_was_changed_and_nothing_else() {
    let mut script = Script::start("changed", &[]);
    let of = |comm: &str, toctou| Call::new().comm(comm).toctou(toctou);
    let calls = [
        of("honest", Toctou::Same),
        of("mallory", Toctou::Changed),
        of("unlucky", Toctou::Unread),
        Call::new().comm("unseen").head(|head| head.toctou = TOCTOU_NOT_SEEN),
        of("mallory", Toctou::Changed),
        // A name without an end, and none at all.
        of("", Toctou::Changed).head(|head| head.comm = [b'x'; 16]),
        of("", Toctou::Changed),
    ];
    let did = script.batch(&calls);
    assert_eq!(did.kept(), [false, true, false, false, true, true, true]);
    for (event, kept) in did.kept().into_iter().enumerate() {
        let expected: &[&str] = if kept { &["toctou=changed"] } else { &[] };
        assert_eq!(did.attrs(event), expected);
    }
    script.check("changed", &[("", 1), ("mallory", 2), ("xxxxxxxxxxxxxxxx", 1)]);
    let line = ("warn", "a caller changed its message while the kernel looked at it".to_owned());
    assert_eq!(script.log(), [line]);
    assert_eq!(script.batch(&calls[..1]).kept(), [false]);
    assert_eq!(script.log().len(), 1, "a line a batch with an alarm");
}

#[test]
fn takes_batches_that_do_not_fit_its_memory() {
    let mut script = Script::start("changed", &[]);
    let calls: Vec<_> = (0..1024)
        .map(|number| {
            let toctou = if number % 2 == 0 { Toctou::Changed } else { Toctou::Same };
            Call::new().comm("flood").toctou(toctou).payload(&[0; 100])
        })
        .collect();
    let kept = script.batch(&calls).kept();
    assert!(kept.iter().enumerate().all(|(event, kept)| *kept == (event % 2 == 0)));
    script.check("changed", &[("flood", 512)]);
}
