//! An event in one line, for people.

use serde_json::Value;

/// Time, who, which call, where to, how much, what came of it.
pub fn line(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_i64);
    // Of 2026-11-23T17:20:31.123456789Z the time of the day, to the microsecond.
    let time = text("/time").and_then(|time| time.get(11..26)).unwrap_or("-");
    let comm = text("/process/comm").unwrap_or("-");
    let pid = number("/process/pid").unwrap_or(0);
    let call = text("/call").unwrap_or("-");
    let mut line = format!("{time} {comm}[{pid}] {call}");
    if let Some(fd) = number("/fd").filter(|&fd| fd >= 0) {
        line.push_str(&format!(" fd={fd}"));
    }
    if let Some(family) = text("/socket/family") {
        line.push_str(&format!(" {}", family.trim_start_matches("AF_").to_lowercase()));
    }
    if let Some(to) = peer(event) {
        let arrow = if call.starts_with("recv") { "<-" } else { "->" };
        line.push_str(&format!(" {arrow} {to}"));
    }
    if let Some(bytes) = number("/msg/bytes").or_else(|| number("/sendfile/count")) {
        line.push_str(&format!(" {bytes} B"));
    }
    match text("/error") {
        Some(error) => line.push_str(&format!(" = {error}")),
        None => line.push_str(&format!(" = {}", number("/ret").unwrap_or(0))),
    }
    if let Some(ns) = number("/duration_ns") {
        line.push_str(&format!(" {}", duration(ns as u64)));
    }
    if text("/toctou") == Some("changed") {
        line.push_str(" CHANGED");
    }
    let attrs = event["attrs"].as_object().into_iter().flatten();
    for (name, value) in attrs {
        line.push_str(&format!(" {name}={}", value.as_str().unwrap_or_default()));
    }
    // A name may hold anything, and a terminal takes orders.
    line.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

/// Where to, or from: as the message says, else as the socket is connected.
fn peer(event: &Value) -> Option<String> {
    let name = &event["msg"]["name"];
    let text = |key: &str| name[key].as_str();
    if let Some(path) = text("path") {
        return Some(path.to_owned());
    }
    if let (Some(address), Some(port)) = (text("address"), name["port"].as_u64()) {
        let v6 = address.contains(':');
        return Some(if v6 { format!("[{address}]:{port}") } else { format!("{address}:{port}") });
    }
    event["socket"]["peer"].as_str().map(str::to_owned)
}

/// A duration in the unit that suits it.
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_line_has_what_matters() {
        let event = json!({"time": "2026-11-23T17:20:31.123456789Z", "call": "sendto", "fd": 7,
            "ret": -1, "error": "EPIPE", "duration_ns": 2310, "toctou": "changed",
            "process": {"pid": 42, "comm": "na\u{1b}[2Jmed"},
            "socket": {"family": "AF_INET6", "peer": "[::1]:1"},
            "msg": {"name": {"family": "AF_INET6", "address": "::1", "port": 53}, "bytes": 64},
            "attrs": {"service": "dns"}});
        let expected = "17:20:31.123456 na\u{fffd}[2Jmed[42] sendto fd=7 inet6 -> [::1]:53 64 B = EPIPE \
                        2.3 µs CHANGED service=dns";
        assert_eq!(line(&event), expected);
        let event = json!({"time": "x", "call": "recvmsg", "fd": -1, "ret": 5, "msg": {"name": null},
            "socket": {"family": "AF_UNIX", "peer": "/run/x"}, "duration_ns": 999});
        assert_eq!(line(&event), "- -[0] recvmsg unix <- /run/x = 5 999 ns");
    }

    #[test]
    fn durations() {
        let all = [7, 1_500, 2_000_000, 3_210_000_000].map(duration);
        assert_eq!(all, ["7 ns", "1.5 µs", "2.0 ms", "3.21 s"]);
    }
}
