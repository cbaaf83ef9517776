//! A socket address as strace decodes it, as what weir must say of it.

use std::{ffi::CString, net::Ipv6Addr};

use serde_json::json;

use crate::{
    expected::{Fields, Want},
    names::{self, Constant},
    value::Value,
};

/// Adds what `msg.name` must be, by the name and its length.
pub fn want(fields: &mut Fields, name: &Value, namelen: Option<i128>) {
    let Value::Struct(_) = name else {
        if name.is_null() {
            fields.exactly("msg.name", json!(null));
        } else if namelen.is_none_or(|len| len >= 2) {
            // strace cannot read it: nor may weir. Shorter, it does not try.
            fields.exactly("msg.name", json!(null));
        }
        return;
    };
    let text = |key: &str| name.get(key).and_then(Value::text).map(<[u8]>::to_vec);
    let number = |key: &str| name.get(key).and_then(Value::number);
    let Some(family) = name.get("sa_family") else { return };
    fields.add("msg.name.family", Want::constant(family));
    // A decoder that knows the family but not enough bytes for it, or not the family.
    let only = matches!(name, Value::Struct(members) if members.len() == 1);
    let unnamed = matches!(family, Value::Name(family) if family == "AF_UNIX");
    if let Some(data) = text("sa_data").or_else(|| (only && !unnamed).then(Vec::new)) {
        if let Some(Constant::Number(family)) = names::of_strace(family) {
            let raw = [&(family as u16).to_ne_bytes()[..], &data].concat();
            fields.exactly("msg.name.raw", json!(hex(&raw)));
        }
        return;
    }
    match family {
        Value::Name(family) if family == "AF_INET" => {
            let address = text("sin_addr").map(lossy);
            fields.exactly("msg.name.address", json!(address));
            fields.exactly("msg.name.port", json!(number("sin_port").map(|port| port as u16)));
        }
        Value::Name(family) if family == "AF_INET6" => {
            let address: Option<Ipv6Addr> =
                text("").or_else(|| text("sin6_addr")).and_then(|text| lossy(text).parse().ok());
            fields.exactly("msg.name.address", json!(address));
            fields.exactly("msg.name.port", json!(number("sin6_port").map(|port| port as u16)));
            let flowinfo = number("sin6_flowinfo").map(|flow| flow as u32);
            fields.exactly("msg.name.flowinfo", json!(flowinfo));
            // Left out of the short form of the address (RFC 2133).
            if let Some(scope) = name.get("sin6_scope_id") {
                fields.exactly("msg.name.scope_id", json!(index(scope)));
            }
        }
        Value::Name(family) if family == "AF_UNIX" => {
            let path = match name.get("sun_path") {
                Some(Value::Call(_, parts)) => {
                    let name = parts.first().and_then(Value::text).unwrap_or_default();
                    [b"@", name].concat()
                }
                Some(path) => path.text().unwrap_or_default().to_vec(),
                None => Vec::new(),
            };
            fields.exactly("msg.name.path", json!(lossy(path)));
        }
        Value::Name(family) if family == "AF_NETLINK" => {
            fields.exactly("msg.name.pid", json!(number("nl_pid").map(|pid| pid as u32)));
            fields.exactly("msg.name.groups", json!(number("nl_groups").map(|set| set as u32)));
        }
        Value::Name(family) if family == "AF_PACKET" => {
            for (member, key) in
                [("sll_protocol", "protocol"), ("sll_hatype", "hatype"), ("sll_pkttype", "pkttype")]
            {
                if let Some(value) = name.get(member) {
                    fields.add(&format!("msg.name.{key}"), Want::constant(value));
                }
            }
            fields.exactly("msg.name.ifindex", json!(name.get("sll_ifindex").and_then(index)));
            if let Some(bytes) = name.get("sll_addr").and_then(Value::list) {
                let bytes = bytes.iter().filter_map(Value::number);
                let bytes: Vec<_> = bytes.map(|byte| format!("{byte:02x}")).collect();
                fields.exactly("msg.name.address", json!(bytes.join(":")));
            }
        }
        Value::Name(family) if family == "AF_VSOCK" => {
            for (member, key) in [("svm_cid", "cid"), ("svm_port", "port")] {
                if let Some(value) = name.get(member) {
                    fields.add(&format!("msg.name.{key}"), Want::constant(value));
                }
            }
        }
        _ => {}
    }
}

/// Number of a network interface, which strace names where it can.
pub fn index(value: &Value) -> Option<u32> {
    let Value::Call(_, arguments) = value else { return value.number().map(|index| index as u32) };
    let name = CString::new(arguments.first()?.text()?).ok()?;
    // SAFETY: the name ends with NUL.
    Some(unsafe { libc::if_nametoindex(name.as_ptr()) })
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
