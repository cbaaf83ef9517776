//! What strace saw, as fields that weir's event must have.

use serde_json::{Value as Json, json};

use crate::{
    names::{self, Constant},
    sockaddr,
    strace::Call,
    value::Value,
};

#[path = "control.rs"]
mod control;

/// The calls that both sides see.
pub const CALLS: [&str; 7] =
    ["sendmsg", "sendmmsg", "sendto", "recvmsg", "recvmmsg", "recvfrom", "sendfile"];

/// Entries of an iovec table that an event shows.
const IOV_SHOWN: usize = weir_sdk::event::IOV_SHOWN;

/// What a field must be.
#[derive(Clone, Debug)]
pub enum Want {
    /// This.
    Exactly(Json),
    /// This, as a name or as a number.
    Constant(Constant),
    /// A set of names.
    Flags(Vec<String>),
    /// No more than this.
    AtMost(u64),
    /// These bytes, in base64, as many as an event shows.
    Bytes {
        /// From the start, as far as strace shows them.
        shown: Vec<u8>,
        /// Whether there are no more.
        whole: bool,
        /// How many of them are in the entries of the iovec table that an event shows.
        in_table: usize,
    },
    /// Times in seconds and nanoseconds, zero ones left out.
    Times(Vec<(i128, i128)>),
    /// A list of so many.
    Len(usize),
}

impl Want {
    /// A constant as strace writes it.
    pub fn constant(value: &Value) -> Self {
        names::of_strace(value).map_or(Self::Exactly(Json::Null), Self::Constant)
    }
}

/// Fields by their paths: `msg.control[0].fds[1].file`.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, Want)>);

impl Fields {
    /// Adds one.
    pub fn add(&mut self, path: &str, want: Want) {
        self.0.push((path.to_owned(), want));
    }

    /// Adds one that is compared as it stands.
    pub fn exactly(&mut self, path: &str, value: Json) {
        self.add(path, Want::Exactly(value));
    }
}

/// An event that must be there.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The call's name.
    pub call: String,
    /// Number of the message within it.
    pub index: Option<u64>,
    /// Whether it need not be there.
    pub optional: bool,
    /// What it must say.
    pub fields: Fields,
    /// What strace wrote.
    pub line: String,
}

/// The events of a call: one, or one per message.
pub fn events(call: &Call) -> Vec<Expected> {
    match (call.name.as_str(), &call.arguments[..]) {
        ("sendmsg", [fd, message, flags]) => {
            vec![one(call, |fields| {
                head(fields, call, fd, flags);
                pointed_to(fields, message);
                sent(fields, message);
            })]
        }
        ("recvmsg", [fd, message, flags]) => {
            vec![one(call, |fields| {
                head(fields, call, fd, flags);
                pointed_to(fields, message);
                received(fields, message, call.ret);
            })]
        }
        ("sendmmsg", [fd, messages, vlen, flags]) => many(call, messages, |fields, message| {
            head(fields, call, fd, flags);
            fields.exactly("vlen", json!(vlen.number().map(|vlen| vlen as u32)));
            sent(fields, message);
        }),
        ("recvmmsg", [fd, messages, vlen, flags, _timeout]) => {
            many(call, messages, |fields, message| {
                head(fields, call, fd, flags);
                fields.exactly("vlen", json!(vlen.number().map(|vlen| vlen as u32)));
                let bytes = message.get("msg_len").and_then(Value::number);
                if let Some(bytes) = bytes {
                    received(fields, message, bytes as i64);
                }
            })
        }
        ("sendto", [fd, payload, bytes, flags, name, namelen]) => {
            vec![one(call, |fields| {
                head(fields, call, fd, flags);
                buffer(fields, payload, bytes, None);
                sockaddr::want(fields, name, namelen.number());
                fields.exactly("msg.namelen", integer(namelen));
            })]
        }
        ("recvfrom", [fd, payload, bytes, flags, name, namelen]) => {
            vec![one(call, |fields| {
                head(fields, call, fd, flags);
                buffer(fields, payload, bytes, Some(call.ret));
                if let (Value::Struct(_), 0..) = (name, call.ret) {
                    sockaddr::want(fields, name, None);
                }
                if let Some([namelen]) = namelen.list() {
                    let (room, after) = namelen.change();
                    fields.exactly("msg.namelen_room", integer(room));
                    if call.ret >= 0 {
                        fields.exactly("msg.namelen", integer(after));
                    }
                }
            })]
        }
        ("sendfile", [out, input, place, count]) => {
            vec![one(call, |fields| {
                fields.exactly("fd", integer(out));
                result(fields, call);
                socket(fields, out);
                for (part, fd) in [("out", out), ("in", input)] {
                    fields.exactly(&format!("sendfile.{part}.fd"), integer(fd));
                    file(fields, &format!("sendfile.{part}.file"), fd);
                }
                fields.exactly("sendfile.count", integer(count));
                let (before, after) = place.change();
                match before.list() {
                    Some([before]) => fields.exactly("sendfile.offset", offset(before)),
                    _ => fields.exactly("sendfile.offset", Json::Null),
                }
                if let (Value::Change(..), Some([after])) = (place, after.list()) {
                    fields.exactly("sendfile.offset_after", offset(after));
                }
            })]
        }
        _ => panic!("{} has other arguments: {}", call.name, call.line),
    }
}

fn one(call: &Call, add: impl FnOnce(&mut Fields)) -> Expected {
    let mut fields = Fields::default();
    fields.exactly("call", json!(call.name));
    add(&mut fields);
    let (call, line) = (call.name.clone(), call.line.clone());
    Expected { call, index: None, optional: false, fields, line }
}

/// The events of the messages that were sent or received: the others were not looked at, but for
/// the one that failed.
fn many(call: &Call, messages: &Value, add: impl Fn(&mut Fields, &Value)) -> Vec<Expected> {
    let messages = messages.list().unwrap_or(&[]);
    // It failed, or there was nothing to do: strace shows what was to be sent.
    if call.ret <= 0 {
        let mut failed = one(call, |fields| {
            add(fields, messages.first().unwrap_or(&Value::More));
            result(fields, call);
        });
        failed.index = Some(0);
        return vec![failed];
    }
    let mut events = Vec::new();
    for (index, message) in messages.iter().take(call.ret as usize).enumerate() {
        let mut event = one(call, |fields| {
            let hdr = match message {
                Value::Struct(members) => {
                    // The header's members and `msg_len` side by side.
                    let mut all = members.clone();
                    if let Some(Value::Struct(hdr)) = message.get("msg_hdr") {
                        all.extend(hdr.clone());
                    }
                    Value::Struct(all)
                }
                other => other.clone(),
            };
            add(fields, &hdr);
            fields.exactly("index", json!(index));
            fields.exactly("ret", message.get("msg_len").map_or(Json::Null, integer));
            fields.exactly("error", Json::Null);
        });
        event.index = Some(index as u64);
        events.push(event);
    }
    // The one after them may have been tried.
    let mut tried = one(call, |_| {});
    tried.index = Some(call.ret as u64);
    tried.optional = true;
    events.push(tried);
    events
}

/// A file's offset, which strace shows without its sign.
fn offset(value: &Value) -> Json {
    json!(value.number().map(|offset| offset as i64))
}

fn integer(value: &Value) -> Json {
    match value {
        Value::Name(name) if name == "NULL" => Json::Null,
        value => value.number().map_or(Json::Null, |number| {
            u64::try_from(number).map_or_else(|_| json!(number as i64), |number| json!(number))
        }),
    }
}

/// Descriptor and flags, and result and time of a call that is one event.
fn head(fields: &mut Fields, call: &Call, fd: &Value, flags: &Value) {
    fields.exactly("fd", integer(fd));
    let bits = match flags {
        Value::Flags(bits) => &bits[..],
        bit => std::slice::from_ref(bit),
    };
    fields.add("flags", Want::Flags(bits.iter().filter_map(flag).collect()));
    socket(fields, fd);
    fields.add("duration_ns", Want::AtMost(call.took_ns));
    if !call.name.contains("mmsg") {
        fields.exactly("ret", json!(call.ret));
        fields.exactly("error", json!(call.error));
        fields.exactly("index", Json::Null);
        fields.exactly("vlen", Json::Null);
    }
}

fn result(fields: &mut Fields, call: &Call) {
    fields.exactly("ret", json!(call.ret));
    fields.exactly("error", json!(call.error));
    fields.add("duration_ns", Want::AtMost(call.took_ns));
}

fn flag(value: &Value) -> Option<String> {
    match value {
        Value::Name(name) => Some(name.clone()),
        Value::Number(0) => None,
        value => value.number().map(|number| format!("{number:#x}")),
    }
}

/// The socket behind a descriptor, by the text of its link.
fn socket(fields: &mut Fields, fd: &Value) {
    let inode = match fd {
        Value::Fd(_, text) => text
            .strip_prefix(b"socket:[")
            .and_then(|rest| std::str::from_utf8(rest.strip_suffix(b"]")?).ok()?.parse().ok()),
        _ => None::<u64>,
    };
    match inode {
        Some(inode) => fields.exactly("socket.inode", json!(inode)),
        None => fields.exactly("socket", Json::Null),
    }
}

/// What is behind a descriptor; unknown where it is not open.
fn file(fields: &mut Fields, path: &str, fd: &Value) {
    let text = match fd {
        Value::Fd(_, text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    fields.exactly(path, json!(text));
}

/// The address of the message, where strace could not read what is there.
fn pointed_to(fields: &mut Fields, message: &Value) {
    if let Some(address) = message.address() {
        fields.exactly("msg.ptr", json!(format!("{address:#x}")));
        for path in ["msg.name", "msg.iov", "msg.control", "msg.namelen", "msg.iovlen"] {
            fields.exactly(path, Json::Null);
        }
    }
}

/// A message as the caller gave it.
fn sent(fields: &mut Fields, message: &Value) {
    let Value::Struct(_) = message else { return };
    let message = message.get("msg_hdr").unwrap_or(message);
    if let Some(name) = message.get("msg_name") {
        sockaddr::want(fields, name, message.get("msg_namelen").and_then(Value::number));
    }
    if let Some(namelen) = message.get("msg_namelen") {
        fields.exactly("msg.namelen", integer(namelen));
    }
    table(fields, message, None);
    control::want(fields, message);
    flags_of(fields, message);
}

/// A message as the kernel left it.
fn received(fields: &mut Fields, message: &Value, bytes: i64) {
    let Some(namelen) = message.get("msg_namelen") else { return };
    let (room, after) = namelen.change();
    // Of recvmmsg an event does not say it.
    if message.get("msg_len").is_none() {
        fields.exactly("msg.namelen_room", integer(room));
    }
    // A call that failed: strace has read nothing else.
    if bytes < 0 {
        return;
    }
    fields.exactly("msg.namelen", integer(after));
    match message.get("msg_name") {
        Some(name @ Value::Struct(_)) => sockaddr::want(fields, name, None),
        _ => fields.exactly("msg.name", Json::Null),
    }
    table(fields, message, Some(bytes));
    control::want(fields, message);
    flags_of(fields, message);
}

fn flags_of(fields: &mut Fields, message: &Value) {
    if let Some(flags) = message.get("msg_flags") {
        let bits = match flags {
            Value::Flags(bits) => &bits[..],
            bit => std::slice::from_ref(bit),
        };
        fields.add("msg.flags", Want::Flags(bits.iter().filter_map(flag).collect()));
    }
}

/// The iovec table and what its entries point to.
fn table(fields: &mut Fields, message: &Value, received: Option<i64>) {
    let iovlen = message.get("msg_iovlen");
    fields.exactly("msg.iovlen", iovlen.map_or(Json::Null, integer));
    let Some(entries) = message.get("msg_iov").and_then(Value::list) else {
        // It cannot be read: nor by weir.
        if message.get("msg_iov").is_some_and(|iov| !iov.is_null()) {
            fields.exactly("fields.msg.iov.status", json!("fault"));
        }
        return;
    };
    let shown = entries.len().min(IOV_SHOWN);
    fields.add("msg.iov", Want::Len(shown));
    let (mut payload, mut in_table, mut whole) = (Vec::new(), 0, true);
    let mut bytes = 0;
    for (index, entry) in entries.iter().enumerate() {
        // More entries than strace could read, or than the kernel takes.
        let (Some(base), Some(len)) = (entry.get("iov_base"), entry.get("iov_len")) else {
            whole = false;
            break;
        };
        bytes += len.number().unwrap_or_default();
        if index < shown {
            fields.exactly(&format!("msg.iov[{index}].len"), integer(len));
            if let Some(address) = base.address() {
                fields.exactly(&format!("msg.iov[{index}].base"), json!(format!("{address:#x}")));
            }
        }
        match base {
            Value::Text(text) if whole => payload.extend(text),
            Value::Cut(text) if whole => {
                payload.extend(text);
                whole = false;
            }
            _ if len.number() == Some(0) => {}
            _ => whole = false,
        }
        if index < shown {
            in_table = payload.len();
        }
    }
    if iovlen.and_then(Value::number) == Some(entries.len() as i128) {
        fields.exactly("msg.bytes", json!(u64::try_from(bytes).unwrap_or(u64::MAX)));
    }
    if let Some(received) = received {
        payload.truncate(received as usize);
        in_table = in_table.min(payload.len());
    }
    fields.add("msg.payload", Want::Bytes { shown: payload, whole, in_table });
}

/// The one buffer of sendto and recvfrom.
fn buffer(fields: &mut Fields, payload: &Value, bytes: &Value, received: Option<i64>) {
    fields.exactly("msg.bytes", integer(bytes));
    fields.exactly("msg.iov[0].len", integer(bytes));
    let (shown, whole) = match payload {
        Value::Text(text) => (text.clone(), true),
        Value::Cut(text) => (text.clone(), false),
        value => {
            if let Some(address) = value.address() {
                fields.exactly("msg.iov[0].base", json!(format!("{address:#x}")));
            }
            if received.is_some_and(|bytes| bytes < 0) {
                fields.add(
                    "msg.payload",
                    Want::Bytes { shown: Vec::new(), whole: true, in_table: 0 },
                );
            }
            return;
        }
    };
    let in_table = shown.len();
    fields.add("msg.payload", Want::Bytes { shown, whole, in_table });
}
