//! Control messages as strace decodes them, as what weir must say of them.

use serde_json::json;

use super::{Fields, Want, file, integer};
use crate::value::Value;

/// Bytes of a `struct cmsghdr` (include/linux/socket.h), which data and next header are aligned to 8 of.
const HEADER: usize = 16;

/// Adds what `msg.control` must be.
pub fn want(fields: &mut Fields, message: &Value) {
    let controllen = message.get("msg_controllen");
    fields.exactly("msg.controllen", controllen.map_or(json!(null), integer));
    let end = controllen.and_then(Value::number).unwrap_or_default() as usize;
    let Some(entries) = message.get("msg_control").and_then(Value::list) else {
        // None, too short to be shown, or not to be read.
        let address = message.get("msg_control").and_then(Value::address);
        if end >= HEADER && address.is_some_and(|address| address > 0) {
            fields.exactly("fields.msg.control.status", json!("fault"));
        }
        return;
    };
    let entries: Vec<_> = entries.iter().filter(|entry| **entry != Value::More).collect();
    fields.add("msg.control", Want::Len(entries.len()));
    let mut at = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("msg.control[{index}]");
        let len = entry.get("cmsg_len").and_then(Value::number).unwrap_or_default() as usize;
        if len < HEADER || len > end - at {
            fields.exactly(&format!("{path}.malformed.at"), json!(at));
            fields.exactly(&format!("{path}.malformed.len"), json!(len));
            return;
        }
        at = (at + len.next_multiple_of(8)).min(end);
        for (member, key) in [("cmsg_level", "level"), ("cmsg_type", "type")] {
            if let Some(value) = entry.get(member) {
                fields.add(&format!("{path}.{key}"), Want::constant(value));
            }
        }
        if let (Some(data), Some(Value::Name(kind))) =
            (entry.get("cmsg_data"), entry.get("cmsg_type"))
        {
            decoded(fields, &path, kind, data);
        } else if unknown(entry) {
            fields.exactly(&format!("{path}.len"), json!(len - HEADER));
        }
    }
}

/// Whether it is of a level that nobody knows: others, weir may decode and strace may not.
fn unknown(entry: &Value) -> bool {
    matches!(entry.get("cmsg_level"), Some(Value::Number(_)))
}

fn decoded(fields: &mut Fields, path: &str, kind: &str, data: &Value) {
    match (kind, data) {
        ("SCM_RIGHTS", Value::List(fds)) => {
            fields.add(&format!("{path}.fds"), Want::Len(fds.len()));
            for (index, fd) in fds.iter().enumerate() {
                fields.exactly(&format!("{path}.fds[{index}].fd"), integer(fd));
                file(fields, &format!("{path}.fds[{index}].file"), fd);
            }
        }
        ("SCM_PIDFD", Value::Fd(..)) => {
            fields.exactly(&format!("{path}.fd"), integer(data));
            file(fields, &format!("{path}.file"), data);
        }
        ("SCM_CREDENTIALS", Value::Struct(members)) => {
            for (member, value) in members {
                fields.exactly(&format!("{path}.{member}"), integer(value));
            }
        }
        (
            "SO_TIMESTAMP_OLD" | "SO_TIMESTAMPNS_OLD" | "SO_TIMESTAMP_NEW" | "SO_TIMESTAMPNS_NEW",
            data,
        ) => {
            fields.add(&format!("{path}.time"), Want::Times(time(data).into_iter().collect()));
        }
        ("SO_TIMESTAMPING_OLD" | "SO_TIMESTAMPING_NEW", Value::List(times)) => {
            let times = times.iter().filter_map(time).filter(|time| *time != (0, 0)).collect();
            fields.add(&format!("{path}.time"), Want::Times(times));
        }
        ("IP_PKTINFO", data) => {
            let text = |name| {
                let text = data.get(name).and_then(Value::text);
                json!(text.map(String::from_utf8_lossy))
            };
            fields.exactly(&format!("{path}.spec_dst"), text("ipi_spec_dst"));
            fields.exactly(&format!("{path}.addr"), text("ipi_addr"));
            if let Some(index) = data.get("ipi_ifindex") {
                fields.exactly(&format!("{path}.ifindex"), json!(crate::sockaddr::index(index)));
            }
        }
        ("IP_TTL" | "IP_TOS", Value::List(values)) => {
            // IP_TOS is shown byte by byte where it is an int.
            let bytes: Option<Vec<_>> = values.iter().map(Value::number).collect();
            let value = bytes.map(|bytes| bytes.iter().rev().fold(0, |all, byte| all << 8 | byte));
            fields.exactly(&format!("{path}.value"), json!(value.map(|value| value as i32)));
        }
        ("IP_RECVERR", data) => {
            for (member, key) in [("ee_info", "info"), ("ee_data", "data")] {
                if let Some(value) = data.get(member) {
                    fields.exactly(&format!("{path}.{key}"), integer(value));
                }
            }
            for (member, key) in [("ee_errno", "errno"), ("ee_origin", "origin")] {
                if let Some(value) = data.get(member) {
                    fields.add(&format!("{path}.{key}"), Want::constant(value));
                }
            }
        }
        _ => {}
    }
}

fn time(data: &Value) -> Option<(i128, i128)> {
    let seconds = data.get("tv_sec")?.number()?;
    let nanos = match data.get("tv_usec") {
        Some(micros) => micros.number()? * 1000,
        None => data.get("tv_nsec")?.number()?,
    };
    Some((seconds, nanos))
}
