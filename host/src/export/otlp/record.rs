//! An event as a log record, with the names of OpenTelemetry's semantic conventions where they have one.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord, SeverityNumber},
};
use serde_json::Value;

use super::message::{flag, number, text, texts};
use crate::decode::Batch;

/// What records of events are called.
pub const EVENT_NAME: &str = "weir.call";

/// A record of an event.
pub fn record(pipeline: &str, batch: &Batch, index: usize, payload: bool) -> LogRecord {
    let event = batch.event(index);
    let event = serde_json::to_value(if payload { event } else { event.without_payload() });
    let event = event.expect("an event is JSON: its keys are texts");
    let failed = !event["error"].is_null();
    let (severity, severity_text) =
        if failed { (SeverityNumber::Warn, "WARN") } else { (SeverityNumber::Info, "INFO") };
    LogRecord {
        time_unix_nano: batch.heads[index].time_ns,
        observed_time_unix_nano: batch.now_ns,
        severity_number: severity as i32,
        severity_text: severity_text.to_owned(),
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(body(&event))) }),
        attributes: Attributes { pipeline, event: &event }.list(),
        event_name: EVENT_NAME.to_owned(),
        ..LogRecord::default()
    }
}

/// One line for people: `named[4242] sendmsg to 127.0.0.1:53 = 64`.
fn body(event: &Value) -> String {
    let process = &event["process"];
    let plain = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (comm, call) = (plain(&process["comm"]), plain(&event["call"]));
    let peer = match peer(event) {
        Some((address, Some(port))) if address.contains(':') => format!(" to [{address}]:{port}"),
        Some((address, Some(port))) => format!(" to {address}:{port}"),
        Some((address, None)) => format!(" to {address}"),
        None => String::new(),
    };
    let peer = if call.starts_with("recv") { peer.replacen(" to ", " from ", 1) } else { peer };
    let error = event["error"].as_str().map(|error| format!(" {error}")).unwrap_or_default();
    format!("{comm}[{}] {call}{peer} = {}{error}", process["pid"], event["ret"])
}

struct Attributes<'a> {
    pipeline: &'a str,
    event: &'a Value,
}

impl Attributes<'_> {
    fn list(&self) -> Vec<KeyValue> {
        let mut list = vec![text("weir.pipeline", self.pipeline)];
        self.process(&mut list);
        self.network(&mut list);
        self.call(&mut list);
        list
    }

    fn process(&self, list: &mut Vec<KeyValue>) {
        let process = &self.event["process"];
        let add_number = |list: &mut Vec<_>, key: &str, value: &Value| {
            list.extend(value.as_i64().map(|value| number(key, value)));
        };
        let add_text = |list: &mut Vec<_>, key: &str, value: &Value| {
            list.extend(value.as_str().map(|value| text(key, value)));
        };
        add_number(list, "process.pid", &process["pid"]);
        add_number(list, "process.parent_pid", &process["ppid"]);
        add_number(list, "thread.id", &process["tid"]);
        add_text(list, "process.executable.name", &process["comm"]);
        add_text(list, "process.executable.path", &process["exe"]);
        let strings = process["cmdline"].as_array().into_iter().flatten();
        let strings: Vec<_> = strings.filter_map(|part| part.as_str().map(str::to_owned)).collect();
        if !strings.is_empty() {
            list.push(texts("process.command_args", strings));
        }
        add_text(list, "process.owner", &process["user"]);
        add_number(list, "process.user.id", &process["uid"]);
        add_text(list, "process.creation.time", &process["started"]);
        add_text(list, "process.linux.cgroup", &process["cgroup"]);
        let container = &process["container"];
        add_text(list, "container.id", &container["id"]);
        add_text(list, "container.runtime.name", &container["runtime"]);
        add_text(list, "k8s.pod.uid", &container["pod"]);
    }

    fn network(&self, list: &mut Vec<KeyValue>) {
        let socket = &self.event["socket"];
        let transport = match (socket["family"].as_str(), socket["protocol"].as_str()) {
            (Some("AF_UNIX"), _) => Some("unix"),
            (_, Some("IPPROTO_TCP")) => Some("tcp"),
            (_, Some("IPPROTO_UDP")) => Some("udp"),
            _ => None,
        };
        list.extend(transport.map(|transport| text("network.transport", transport)));
        let kind = match socket["family"].as_str() {
            Some("AF_INET") => Some("ipv4"),
            Some("AF_INET6") => Some("ipv6"),
            _ => None,
        };
        list.extend(kind.map(|kind| text("network.type", kind)));
        let mut add = |side: &str, end: Option<(String, Option<u16>)>| {
            let Some((address, port)) = end else { return };
            list.push(text(format!("network.{side}.address"), address));
            list.extend(port.map(|port| number(format!("network.{side}.port"), port.into())));
        };
        add("local", socket["local"].as_str().map(end));
        add("peer", peer(self.event));
    }

    fn call(&self, list: &mut Vec<KeyValue>) {
        let event = self.event;
        list.extend(event["call"].as_str().map(|call| text("weir.call", call)));
        list.extend(event["error"].as_str().map(|error| text("error.type", error)));
        for (key, value) in [
            ("weir.seq", &event["seq"]),
            ("weir.ret", &event["ret"]),
            ("weir.fd", &event["fd"]),
            ("weir.duration_ns", &event["duration_ns"]),
            ("weir.msg.bytes", &event["msg"]["bytes"]),
            ("weir.msg.iovlen", &event["msg"]["iovlen"]),
        ] {
            list.extend(value.as_i64().map(|value| number(key, value)));
        }
        let flags = event["flags"].as_array().into_iter().flatten();
        let flags: Vec<_> = flags.filter_map(|flag| flag.as_str().map(str::to_owned)).collect();
        if !flags.is_empty() {
            list.push(texts("weir.flags", flags));
        }
        list.extend(event["toctou"].as_str().map(|toctou| text("weir.toctou", toctou)));
        list.extend(event["msg"]["payload"].as_str().map(|bytes| text("weir.msg.payload", bytes)));
        if event["compat"] == true {
            list.push(flag("weir.compat", true));
        }
        let attrs = event["attrs"].as_object().into_iter().flatten();
        for (name, value) in attrs {
            list.extend(value.as_str().map(|value| text(format!("weir.attrs.{name}"), value)));
        }
    }
}

/// The other end: that of the message, else that of the socket.
fn peer(event: &Value) -> Option<(String, Option<u16>)> {
    let name = &event["msg"]["name"];
    if let Some(address) = name["address"].as_str() {
        let port = name["port"].as_u64().and_then(|port| port.try_into().ok());
        return Some((address.to_owned(), port));
    }
    if let Some(path) = name["path"].as_str() {
        return Some((path.to_owned(), None));
    }
    event["socket"]["peer"].as_str().map(end)
}

/// An end of a socket: address and port, or whatever else it is called.
fn end(end: &str) -> (String, Option<u16>) {
    match end.parse::<SocketAddr>() {
        Ok(address) => (address.ip().to_string(), Some(address.port())),
        Err(_) => (end.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::CALL_SENDMSG;

    use super::*;
    use crate::decode::sample::Sample;

    fn attribute(record: &LogRecord, key: &str) -> Option<any_value::Value> {
        let found = record.attributes.iter().find(|attribute| attribute.key == key);
        found.and_then(|attribute| attribute.value.clone()?.value)
    }

    #[test]
    fn names_are_those_of_the_conventions() {
        let mut sample = Sample::new(CALL_SENDMSG);
        sample.head.ret = -11;
        // `struct sockaddr_in`: AF_INET, port 53, 192.0.2.1.
        sample.head.name = sample.part(&[2, 0, 0, 53, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        sample.head.payload = sample.part(b"secret");
        let batch = sample.batch();
        let hidden = record("dns", &batch, 0, false);
        assert_eq!(hidden.time_unix_nano, sample.head.time_ns);
        assert_eq!(hidden.severity_text, "WARN");
        let string = |text: &str| Some(any_value::Value::StringValue(text.to_owned()));
        let int = |number| Some(any_value::Value::IntValue(number));
        for (key, expected) in [
            ("weir.pipeline", string("dns")),
            ("weir.call", string("sendmsg")),
            ("error.type", string("EAGAIN")),
            ("process.pid", int(4242)),
            ("thread.id", int(4243)),
            ("process.parent_pid", int(1)),
            ("process.executable.name", string("named")),
            ("network.peer.address", string("192.0.2.1")),
            ("network.peer.port", int(53)),
            ("weir.duration_ns", int(2310)),
            ("weir.ret", int(-1)),
            ("weir.msg.payload", None),
        ] {
            assert_eq!(attribute(&hidden, key), expected, "{key}");
        }
        let Some(any_value::Value::StringValue(body)) = hidden.body.unwrap().value else {
            panic!()
        };
        assert_eq!(body, "named[4242] sendmsg to 192.0.2.1:53 = -1 EAGAIN");
        let shown = record("dns", &batch, 0, true);
        assert_eq!(attribute(&shown, "weir.msg.payload"), string("c2VjcmV0"));
    }

    #[test]
    fn ends_of_sockets() {
        assert_eq!(end("[::1]:53"), ("::1".to_owned(), Some(53)));
        assert_eq!(end("127.0.0.1:80"), ("127.0.0.1".to_owned(), Some(80)));
        assert_eq!(end("@abstract"), ("@abstract".to_owned(), None));
    }
}
