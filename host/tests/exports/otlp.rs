//! To a collector.

use std::{collections::HashMap, net::TcpListener};

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    metrics::v1::{AggregationTemporality, metric::Data, number_data_point},
};

use crate::{
    calls,
    collector::{Answer, Collector},
    count, export,
    live::{PATIENCE, Weir, pipeline, row, wait_for},
    make_calls,
};

fn attributes(list: &[KeyValue]) -> HashMap<String, String> {
    let text = |value: any_value::Value| match value {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pair =
        |pair: &KeyValue| (pair.key.clone(), text(pair.value.clone().unwrap().value.unwrap()));
    list.iter().map(pair).collect()
}

#[test]
fn metrics_and_kept_events() {
    let collector = Collector::start();
    let weir = Weir::start([
        "--otlp",
        &collector.url,
        "--otlp-interval",
        "1s",
        "--otlp-header",
        "authorization=Bearer s3cret",
        "--otlp-logs",
        "own",
        "-e",
        "call == \"sendmsg\" | count by process.comm",
        "-e",
        "call == \"sendmsg\" | histogram(duration_ns) by process.comm",
    ]);
    make_calls(100);
    calls::settle(&weir);
    let kept = row(pipeline(&weir.ledger(), "own"), "kept");
    wait_for("all records", || {
        collector.look(|got| (got.records.len() as u64 >= kept).then_some(()))
    });
    let seen = wait_for("metrics with a table", || {
        let has = |kind: fn(&Data) -> bool| {
            collector.look(|got| {
                let of = got.metrics.iter().flat_map(|of| &of.scope_metrics);
                let of =
                    of.flat_map(|of| &of.metrics).filter(|m| m.name.starts_with("weir.table."));
                of.rev().find(|metric| metric.data.as_ref().is_some_and(kind)).cloned()
            })
        };
        let sum = has(|data| matches!(data, Data::Sum(sum) if !sum.data_points.is_empty()))?;
        let histogram =
            has(|data| matches!(data, Data::Histogram(of) if !of.data_points.is_empty()))?;
        Some((sum, histogram))
    });
    let Some(Data::Sum(sum)) = &seen.0.data else { unreachable!() };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality, AggregationTemporality::Cumulative as i32);
    let point = &sum.data_points[0];
    assert!(point.start_time_unix_nano > 0 && point.time_unix_nano > point.start_time_unix_nano);
    assert!(attributes(&point.attributes).contains_key("process.comm"));
    let Some(Data::Histogram(histogram)) = &seen.1.data else { unreachable!() };
    let point = &histogram.data_points[0];
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    assert_eq!(seen.1.unit, "ns");

    {
        let got = collector.got.lock().unwrap();
        let resource = attributes(&got.metrics[0].resource.as_ref().unwrap().attributes);
        assert_eq!(resource["service.name"], "weir");
        assert!(!resource["host.name"].is_empty() && !resource["service.version"].is_empty());
        for head in &got.heads {
            assert!(head.to_ascii_lowercase().contains("authorization: bearer s3cret\r\n"));
        }
        // Each event once, as it is in the API.
        let mut seqs: Vec<u64> = got
            .records
            .iter()
            .map(|record| attributes(&record.attributes)["weir.seq"].parse().unwrap())
            .collect();
        let records = seqs.len();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), records);
        let one = got.records.iter().map(|record| (record, attributes(&record.attributes)));
        // Other tests of this process make such calls as well.
        let tid = calls::tid().to_string();
        let own: Vec<_> =
            one.filter(|(_, of)| of["weir.fd"] == "-5000" && of["thread.id"] == tid).collect();
        let [(record, of)] = &own[..] else { panic!("{own:?}") };
        assert_eq!(of["process.pid"], std::process::id().to_string());
        assert_eq!((&of["error.type"][..], &of["weir.pipeline"][..]), ("EBADF", "own"));
        assert_eq!(record.event_name, "weir.call");
    }
    let info = export(&weir, "otlp_logs");
    assert_eq!((count(&info, "dropped"), &info["ok"]), (0, &true.into()), "{info}");
    // The secret is in neither.
    assert!(!weir.get("/api/v1/status").to_string().contains("s3cret"));
    assert!(!weir.stderr().contains("s3cret"));

    // What came last is sent before the end.
    let ledger = weir.stop();
    let kept = row(pipeline(&ledger, "own"), "kept");
    assert_eq!(collector.got.lock().unwrap().records.len() as u64, kept);
    let seen = collector.metric("weir.calls.seen").unwrap();
    let Some(Data::Sum(sum)) = seen.data else { panic!("{seen:?}") };
    let last = number_data_point::Value::AsInt(row(&ledger, "seen") as i64);
    assert_eq!(sum.data_points[0].value, Some(last));
}

#[test]
fn a_collector_that_is_busy_is_asked_again() {
    let collector = Collector::start();
    collector.next(&[
        Answer::Status(503, ""),
        Answer::Status(429, "retry-after: 1\r\n"),
        Answer::Status(302, "location: http://127.0.0.1:1/\r\n"),
        Answer::Status(400, ""),
    ]);
    let weir =
        Weir::start(["--otlp", &collector.url, "--otlp-logs", "own", "--otlp-interval", "1h"]);
    make_calls(1);
    calls::settle(&weir);
    // Twice it is asked again; a redirection is not followed, with secrets to who knows where.
    wait_for("second refusal", || {
        make_calls(1);
        let log = weir.stderr();
        (log.contains("answers 302") && log.contains("answers 400")).then_some(())
    });
    let info = export(&weir, "otlp_logs");
    assert_eq!(count(&info, "retries"), 2, "{info}");
    assert!(count(&info["dropped_by"], "refused") > 0 && info["last_error"].is_object(), "{info}");
    wait_for("records", || {
        make_calls(1);
        collector.look(|got| (!got.records.is_empty()).then_some(()))
    });
    weir.stop();
}

#[test]
fn a_collector_that_is_not_there_is_found_when_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}");
    let weir = Weir::start(["--otlp", &url, "--otlp-logs", "*", "--otlp-interval", "1s"]);
    make_calls(10);
    wait_for("error", || (export(&weir, "otlp_logs")["ok"] == false).then_some(()));
    wait_for("drop", || {
        (count(&export(&weir, "otlp_metrics")["dropped_by"], "failed") > 0).then_some(())
    });
    let collector = Collector::on(TcpListener::bind(address).unwrap());
    wait_for("records", || collector.look(|got| (got.records.len() >= 10).then_some(())));
    wait_for("metrics", || collector.metric("weir.calls.seen"));
    assert_eq!(count(&export(&weir, "otlp_logs"), "dropped"), 0);
    weir.stop();
}

#[test]
fn a_collector_that_stalls_holds_nothing_up() {
    let collector = Collector::start();
    collector.then(Answer::Never);
    let weir =
        Weir::start(["--otlp", &collector.url, "--otlp-logs", "own", "--otlp-interval", "1s"]);
    wait_for("request", || collector.look(|got| (got.refused > 0).then_some(())));
    make_calls(2000);
    calls::settle(&weir);
    let info = wait_for("queue", || {
        let info = export(&weir, "otlp_logs");
        (count(&info, "queued") > 0).then_some(info)
    });
    let began = std::time::Instant::now();
    let ledger = weir.stop();
    assert!(began.elapsed() < PATIENCE);
    let own = pipeline(&ledger, "own");
    assert!(row(own, "kept") >= 2000 && row(own, "queue_full") == 0, "{own} {info}");
}

#[test]
fn hostile_addresses_are_refused_without_repeating_them() {
    use std::process::Command;
    for (arguments, text) in [
        (&["--otlp", "http://user:s3cret@127.0.0.1:4318"][..], "--otlp-header"),
        (&["--otlp", "file:///etc/shadow"], "http://127.0.0.1:4318"),
        (&["--otlp", "http://127.0.0.1:4318", "--otlp-header", "s3cret"], "NAME=VALUE"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(crate::live::binary());
        command.args(["run", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path());
        let output = command.args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(text) && !stderr.contains("s3cret"), "{stderr}");
    }
}
