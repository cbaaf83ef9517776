//! The live stream: from where it goes on, and what a slow client misses.

use crate::{
    alone, encode, kept,
    live::{self, Weir},
    send, send_kept, seqs,
    sse::Sse,
};

#[test]
fn goes_on_where_it_was() {
    let _alone = alone();
    let weir = Weir::start([] as [&str; 0]);
    let filter = format!("&filter={}", encode("process.comm == 'api-one'"));
    let mut stream = Sse::open(&weir, &filter, &[]);
    send("api-one", 5);
    send("api-two", 5);
    let first = stream.account_for(5);
    assert_eq!((first.events.len(), first.missed), (5, 0));
    drop(stream);

    send_kept(&weir, "api-one", 2000);
    send_kept(&weir, "api-two", 5);
    let last = seqs(&first.events)[4].to_string();
    let mut stream = Sse::open(&weir, &filter, &[("last-event-id", &last)]);
    send("api-one", 3);
    let second = stream.account_for(2003);
    assert_eq!((second.events.len(), second.missed), (2003, 0));
    assert!(seqs(&second.events).is_sorted_by(|a, b| a < b));
    assert!(seqs(&second.events)[0] > seqs(&first.events)[4]);

    // By the address, for who comes for the first time; the header says it better.
    let query = format!("{filter}&after={last}");
    let third = Sse::open(&weir, &query, &[]).account_for(2003);
    assert_eq!(seqs(&third.events), seqs(&second.events));
    let newest = seqs(&second.events)[2002].to_string();
    let mut stream = Sse::open(&weir, &query, &[("last-event-id", &newest)]);
    send("api-one", 1);
    assert!(seqs(&stream.account_for(1).events)[0] > newest.parse().unwrap());
    weir.stop();
}

#[test]
fn what_is_gone_is_missed() {
    let _alone = alone();
    let weir = Weir::start(["--keep-events", "50"]);
    send_kept(&weir, "api-one", 1);
    let first = weir.newest("own").to_string();
    let before = kept(&weir);
    for _ in 0..20 {
        send_kept(&weir, "api-one", 40);
    }
    let since = kept(&weir) - before;
    let got = Sse::open(&weir, "", &[("last-event-id", &first)]).account_for(since);
    assert!(got.missed > 0 && got.events.len() >= 40, "{} and {}", got.missed, got.events.len());
    assert_eq!(got.unseen, 0);
    // A filter was not held against what is gone.
    let filter = format!("&filter={}", encode("process.comm == 'api-one'"));
    let got = Sse::open(&weir, &filter, &[("last-event-id", &first)]).account_for(since);
    assert!(got.missed > 0);
    assert_eq!(got.unseen, got.missed);
    weir.stop();
}

#[test]
fn a_client_that_does_not_read_costs_little_and_is_told() {
    const CLIENTS: usize = 20;
    const CALLS: u64 = 200_000;
    let _alone = alone();
    let weir = Weir::start([] as [&str; 0]);
    let before = kept(&weir);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Sse::open(&weir, "", &[])).collect();
    // Streams are there, and so is all that they share.
    send_kept(&weir, "api-one", 3000);
    let rss = |weir: &Weir| weir.get("/api/v1/status")["rss_bytes"].as_u64().unwrap();
    let at_first = rss(&weir);
    for _ in 0..CALLS / 10_000 {
        send_kept(&weir, "api-one", 10_000);
    }
    let grown = rss(&weir).saturating_sub(at_first);
    assert!(grown < 64 << 20, "{CLIENTS} clients that do not read cost {grown} bytes");
    let since = kept(&weir) - before;
    for client in &mut clients {
        let got = client.account_for(since);
        assert!(got.missed > 0 && !got.events.is_empty());
    }
    let ledger = weir.ledger();
    assert_eq!(live::row(live::pipeline(&ledger, "own"), "queue_full"), 0, "{ledger}");
    weir.stop();
}
