//! Kept events by filter, place and number.

use serde_json::Value;

use crate::{alone, check_refused, encode, live::Weir, send_kept, seqs};

fn list(weir: &Weir, query: &str) -> (Vec<Value>, Option<u64>) {
    let mut page = weir.get(&format!("/api/v1/events?pipeline=own{query}"));
    let Value::Array(events) = page["events"].take() else { panic!("{page}") };
    (events, page["next_before"].as_u64())
}

#[test]
fn by_filter_and_place() {
    let _alone = alone();
    let weir = Weir::start([] as [&str; 0]);
    send_kept(&weir, "api-one", 20);
    send_kept(&weir, "api-two", 10);
    send_kept(&weir, "api-one", 5);
    let filter = format!("&filter={}", encode("process.comm == 'api-one' && ret == 14"));

    let (all, next) = list(&weir, &filter);
    assert_eq!((all.len(), next), (25, None));
    assert!(all.iter().all(|event| event["process"]["comm"] == "api-one"));
    let all = seqs(&all);
    assert!(all.is_sorted_by(|a, b| a > b), "newest first: {all:?}");
    assert_eq!(list(&weir, "&filter=").0.len(), 35);

    // In pages.
    let (mut paged, mut before) = (Vec::new(), u64::MAX);
    loop {
        let (page, next) = list(&weir, &format!("{filter}&limit=7&before={before}"));
        paged.extend(seqs(&page));
        let Some(next) = next else { break };
        assert_eq!((page.len(), Some(&next)), (7, paged.last()));
        before = next;
    }
    assert_eq!(paged, all);

    // Only what is new.
    assert_eq!(seqs(&list(&weir, &format!("{filter}&after={}", all[5])).0), all[..5]);
    assert_eq!(list(&weir, &format!("{filter}&after={}", all[0])), (vec![], None));
    let between = format!("{filter}&after={}&before={}", all[9], all[3]);
    assert_eq!(seqs(&list(&weir, &between).0), all[4..9]);

    // One of them.
    let path = format!("/api/v1/events/{}?pipeline=own", all[7]);
    let one = weir.get(&path);
    assert_eq!((one["seq"].as_u64(), &one["process"]["comm"]), (Some(all[7]), &"api-one".into()));
    for number in [0, all[0] + 1_000_000] {
        let path = format!("/api/v1/events/{number}?pipeline=own");
        check_refused(weir.request("GET", &path, &[], &[]), 404, "unknown_event");
    }
    for number in ["x", "-1", "1.5"] {
        let path = format!("/api/v1/events/{number}?pipeline=own");
        check_refused(weir.request("GET", &path, &[], &[]), 400, "bad_parameter");
    }
    let path = "/api/v1/events/1?pipeline=none";
    check_refused(weir.request("GET", path, &[], &[]), 404, "unknown_pipeline");
    weir.stop();
}

#[test]
fn filters_that_are_wrong() {
    let _alone = alone();
    let weir = Weir::start([] as [&str; 0]);
    for list in ["events", "events/stream"] {
        let ask = |filter: &str| {
            let path = format!("/api/v1/{list}?filter={}", encode(filter));
            weir.request("GET", &path, &[], &[])
        };
        let message = check_refused(ask("fd == 3 && proces.comm == 'x'"), 422, "bad_expression");
        let lines: Vec<_> = message.lines().collect();
        assert_eq!(lines.len(), 3, "{message}");
        assert!(lines[0].starts_with("column 12: there is no `proces.comm`"), "{message}");
        let message = check_refused(ask("fd == 3 | count by process.comm"), 422, "bad_expression");
        assert!(message.contains("a filter alone"), "{message}");
        // Whoever may not see the payload may not guess it either.
        let message = check_refused(ask("msg.payload.startsWith('s')"), 403, "payload_hidden");
        assert!(message.contains("--show-payload"), "{message}");
    }
    let header = [("last-event-id", "x")];
    let answer = weir.request("GET", "/api/v1/events/stream", &header, &[]);
    check_refused(answer, 400, "bad_parameter");
    weir.stop();
}

#[test]
fn payload_is_shown_where_that_is_asked_for() {
    let _alone = alone();
    let check = |args: &[&str], hidden: bool| {
        let weir = Weir::start(args);
        send_kept(&weir, "api-pay", 1);
        let filter = encode("process.comm == 'api-pay' && msg.payload_len == 6");
        let (found, _) = list(&weir, &format!("&filter={filter}"));
        let [event] = &found[..] else { panic!("{found:?}") };
        let msg = &event["msg"];
        let payload = if hidden { Value::Null } else { "c2VjcmV0".into() };
        assert_eq!((&msg["payload"], &msg["payload_hidden"]), (&payload, &hidden.into()));
        assert_eq!((&msg["payload_len"], &msg["bytes"]), (&6.into(), &14.into()));
        assert_eq!(event["fields"]["msg.payload"]["status"], "truncated");
        let number = &event["seq"];
        assert_eq!(weir.get(&format!("/api/v1/events/{number}?pipeline=own")), *event);
        if !hidden {
            let filter = encode("msg.payload.startsWith('sec')");
            assert_eq!(list(&weir, &format!("&filter={filter}")).0.len(), 1);
        }
        weir.stop();
    };
    check(&["--payload", "6"], true);
    check(&["--payload", "6", "--show-payload"], false);
}
