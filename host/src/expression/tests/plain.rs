//! Expressions, evaluated as one reads them: over the event's JSON, step by step.

use std::{fmt, time::UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use weir_expression::{Field, Kind};

use super::Choices;

/// Something that is true or false.
#[derive(Debug)]
pub enum Condition {
    Constant(bool),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    If(Box<Condition>, Box<Condition>, Box<Condition>),
    Equal(Box<Condition>, Box<Condition>),
    True(Field),
    Null(&'static str, Path),
    Numbers(Number, &'static str, Number),
    OneOfNumbers(Number, Vec<i64>),
    Texts(Path, &'static str, Side),
    OneOfTexts(Path, Vec<&'static str>),
    Method(Path, &'static str, Side),
    Has(&'static str, Field),
}

#[derive(Clone, Debug)]
pub enum Path {
    Field(Field),
    Attr(&'static str),
}

#[derive(Debug)]
pub enum Number {
    Constant(i64),
    Field(Field),
    Duration(&'static str, i128),
    Timestamp(&'static str),
    Calculated(Box<Number>, char, Box<Number>),
}

#[derive(Debug)]
pub enum Side {
    Constant(&'static str),
    Path(Path),
}

fn fields(kind: Kind) -> Vec<Field> {
    Field::ALL.iter().copied().filter(|field| field.kind() == kind).collect()
}

/// Any condition, nested so deeply at most.
pub fn condition(choices: &mut Choices, depth: usize) -> Condition {
    if depth == 0 {
        return single(choices);
    }
    let kind = choices.below(8);
    let mut inner = || Box::new(condition(choices, depth - 1));
    match kind {
        3 => Condition::And(inner(), inner()),
        4 => Condition::Or(inner(), inner()),
        5 => Condition::Not(inner()),
        6 => Condition::If(inner(), inner(), inner()),
        7 => Condition::Equal(inner(), inner()),
        _ => single(choices),
    }
}

fn single(choices: &mut Choices) -> Condition {
    let text = |choices: &mut Choices| path(choices);
    match choices.below(10) {
        0 => Condition::Constant(choices.below(2) == 1),
        1 => Condition::True(Field::Compat),
        2 => {
            let of = match choices.below(5) {
                0 => Path::Attr("service"),
                _ => Path::Field(choices.of(Field::ALL)),
            };
            Condition::Null(choices.of(&["==", "!="]), of)
        }
        3 | 4 => {
            let order = choices.of(&["==", "!=", "<", "<=", ">", ">="]);
            match choices.below(6) {
                0 => Condition::Numbers(
                    Number::Field(choices.of(&fields(Kind::Time))),
                    order,
                    Number::Timestamp(
                        choices.of(&["2026-11-23T17:20:31Z", "2026-11-24T00:00:00Z"]),
                    ),
                ),
                _ => Condition::Numbers(number(choices, 1), order, number(choices, 1)),
            }
        }
        5 => {
            let list = (0..choices.below(4)).map(|_| choices.of(&CONSTANTS)).collect();
            Condition::OneOfNumbers(number(choices, 1), list)
        }
        6 => {
            let path = text(choices);
            let side = match (choices.below(4), &path) {
                (0, Path::Field(Field::Cgroup | Field::User)) => Side::Path(self::path(choices)),
                _ => Side::Constant(constant(choices, &path)),
            };
            Condition::Texts(path, choices.of(&["==", "!="]), side)
        }
        7 => {
            let path = text(choices);
            let list = (0..choices.below(4)).map(|_| constant(choices, &path)).collect();
            Condition::OneOfTexts(path, list)
        }
        8 => {
            let path = text(choices);
            let part =
                choices.of(&["", "c", "named", "GET", "AF_", "/run", "127.0", "é", "0x", ":53"]);
            Condition::Method(
                path,
                choices.of(&["contains", "startsWith", "endsWith"]),
                Side::Constant(part),
            )
        }
        _ => match choices.below(3) {
            0 => Condition::Has(choices.of(&["-u", "bind", "x"]), Field::Cmdline),
            1 => Condition::Has(choices.of(&FLAGS), Field::MsgFlags),
            _ => Condition::Has(choices.of(&FLAGS), Field::Flags),
        },
    }
}

const CONSTANTS: [i64; 9] = [0, 1, 2, 3, 53, 64, -1, 4096, i64::MAX];
const FLAGS: [&str; 4] = ["MSG_DONTWAIT", "MSG_OOB", "0x10000000", "MSG_TRUNC"];

fn number(choices: &mut Choices, depth: usize) -> Number {
    match choices.below(8) {
        0 | 1 => Number::Constant(choices.of(&CONSTANTS)),
        2 => Number::Duration("4us", 4_000),
        3 if depth > 0 => Number::Calculated(
            Box::new(number(choices, depth - 1)),
            choices.of(&['+', '-', '*', '/', '%']),
            Box::new(number(choices, depth - 1)),
        ),
        _ => Number::Field(choices.of(&fields(Kind::Int))),
    }
}

fn path(choices: &mut Choices) -> Path {
    match choices.below(8) {
        0 => Path::Attr("service"),
        1 => Path::Field(Field::Payload),
        _ => Path::Field(choices.of(&fields(Kind::Text))),
    }
}

/// A text that this may be.
fn constant(choices: &mut Choices, path: &Path) -> &'static str {
    let list: &[&str] = match path {
        Path::Attr(_) => &["dns", "http", "x"],
        Path::Field(field) => match field {
            Field::Call => &weir_sdk::event::CALL_NAMES,
            Field::Error => &["EAGAIN", "EPERM", "ECONNREFUSED", "600"],
            Field::Toctou => &["same", "changed", "unread"],
            Field::SocketFamily | Field::NameFamily => {
                &["AF_INET", "AF_UNIX", "AF_NETLINK", "0x3e7"]
            }
            Field::SocketType => &["SOCK_STREAM", "SOCK_DGRAM", "0x0"],
            Field::SocketState => &["TCP_LISTEN", "TCP_CLOSE", "0x0"],
            Field::SocketProtocol => {
                &["IPPROTO_UDP", "IPPROTO_TCP", "0x0", "NETLINK_ROUTE", "0x12c"]
            }
            Field::Comm => &["curl", "named", "", "café"],
            Field::Exe => &["/usr/bin/curl", "/usr/sbin/named"],
            Field::NameAddress => &["127.0.0.1", "2001:db8::1", "ff:ff:ff:01:02:03"],
            Field::NamePath => &["/run/x", "@abstract", ""],
            Field::Local | Field::Peer => &[
                "/run/x",
                "@abstract",
                "netlink:77:0x5",
                "vsock:2:1024",
                "0.0.0.1:53",
                "0.0.0.0:2",
            ],
            Field::User => &["root", "bind"],
            Field::ContainerId => &["8f2a"],
            Field::Runtime => &["docker", "podman"],
            Field::Payload => &["GET / HTTP/1.1", "password=x", ""],
            _ => &["0c", "/system.slice/named.service", "x"],
        },
    };
    choices.of(list)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field.name()),
            Self::Attr(name) => write!(f, "attrs[\"{name}\"]"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(text) => write!(f, "{text:?}"),
            Self::Path(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(number) => write!(f, "{number}"),
            Self::Field(field) => f.write_str(field.name()),
            Self::Duration(text, _) => write!(f, "duration(\"{text}\")"),
            Self::Timestamp(text) => write!(f, "timestamp(\"{text}\")"),
            Self::Calculated(a, sign, b) => write!(f, "({a} {sign} {b})"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(constant) => write!(f, "{constant}"),
            Self::And(a, b) => write!(f, "({a} && {b})"),
            Self::Or(a, b) => write!(f, "({a} || {b})"),
            Self::Not(a) => write!(f, "!({a})"),
            Self::If(condition, a, b) => write!(f, "({condition} ? {a} : {b})"),
            Self::Equal(a, b) => write!(f, "(({a}) == ({b}))"),
            Self::True(field) => f.write_str(field.name()),
            Self::Null(sign, path) => write!(f, "{path} {sign} null"),
            Self::Numbers(a, sign, b) => write!(f, "{a} {sign} {b}"),
            Self::OneOfNumbers(of, list) => write!(f, "{of} in {list:?}"),
            Self::Texts(a, sign, b) => write!(f, "{a} {sign} {b}"),
            Self::OneOfTexts(of, list) => write!(f, "{of} in {list:?}"),
            Self::Method(of, name, part) => write!(f, "{of}.{name}({part})"),
            Self::Has(item, list) => write!(f, "{item:?} in {}", list.name()),
        }
    }
}

impl Path {
    fn value<'a>(&self, event: &'a Value) -> &'a Value {
        let pointer = match self {
            Self::Field(field) => format!("/{}", field.name().replace('.', "/")),
            Self::Attr(name) => format!("/attrs/{name}"),
        };
        event.pointer(&pointer).unwrap_or(&Value::Null)
    }

    /// The text, or the bytes that base64 says.
    fn text(&self, event: &Value) -> Option<Vec<u8>> {
        let text = self.value(event).as_str()?;
        Some(match self {
            Self::Field(Field::Payload) => BASE64_STANDARD.decode(text).unwrap(),
            _ => text.as_bytes().to_vec(),
        })
    }
}

impl Side {
    fn text(&self, event: &Value) -> Option<Vec<u8>> {
        match self {
            Self::Constant(text) => Some(text.as_bytes().to_vec()),
            Self::Path(path) => path.text(event),
        }
    }
}

fn nanoseconds(time: &str) -> i128 {
    let time = humantime::parse_rfc3339(time).unwrap();
    time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as i128
}

impl Number {
    fn value(&self, event: &Value) -> Option<i128> {
        match self {
            Self::Constant(number) => Some((*number).into()),
            Self::Duration(_, number) => Some(*number),
            Self::Timestamp(text) => Some(nanoseconds(text)),
            Self::Field(field) => match Path::Field(*field).value(event) {
                Value::Number(number) => Some(match number.as_u64() {
                    Some(number) => number.into(),
                    None => number.as_i64().unwrap().into(),
                }),
                Value::String(time) => Some(nanoseconds(time)),
                _ => None,
            },
            Self::Calculated(a, sign, b) => {
                let (a, b) = (a.value(event)?, b.value(event)?);
                match sign {
                    '+' => a.checked_add(b),
                    '-' => a.checked_sub(b),
                    '*' => a.checked_mul(b),
                    '/' => a.checked_div(b),
                    _ => a.checked_rem(b),
                }
            }
        }
    }
}

impl Condition {
    /// Whether it holds for an event.
    pub fn holds(&self, event: &Value) -> bool {
        match self {
            Self::Constant(constant) => *constant,
            Self::And(a, b) => a.holds(event) && b.holds(event),
            Self::Or(a, b) => a.holds(event) || b.holds(event),
            Self::Not(a) => !a.holds(event),
            Self::If(condition, a, b) => {
                if condition.holds(event) {
                    a.holds(event)
                } else {
                    b.holds(event)
                }
            }
            Self::Equal(a, b) => a.holds(event) == b.holds(event),
            Self::True(field) => Path::Field(*field).value(event) == &Value::Bool(true),
            Self::Null(sign, path) => path.value(event).is_null() == (*sign == "=="),
            Self::Numbers(a, sign, b) => {
                let (a, b) = (a.value(event), b.value(event));
                match (*sign, a, b) {
                    ("==", a, b) => a == b,
                    ("!=", a, b) => a != b,
                    ("<", Some(a), Some(b)) => a < b,
                    ("<=", Some(a), Some(b)) => a <= b,
                    (">", Some(a), Some(b)) => a > b,
                    (">=", Some(a), Some(b)) => a >= b,
                    _ => false,
                }
            }
            Self::OneOfNumbers(of, list) => of
                .value(event)
                .is_some_and(|number| list.iter().any(|&one| i128::from(one) == number)),
            Self::Texts(a, sign, b) => (a.text(event) == b.text(event)) == (*sign == "=="),
            Self::OneOfTexts(of, list) => {
                of.text(event).is_some_and(|text| list.iter().any(|one| one.as_bytes() == text))
            }
            Self::Method(of, name, part) => {
                let (Some(text), Some(part)) = (of.text(event), part.text(event)) else {
                    return false;
                };
                match *name {
                    "contains" => {
                        part.is_empty() || text.windows(part.len()).any(|window| window == part)
                    }
                    "startsWith" => text.starts_with(&part),
                    _ => text.ends_with(&part),
                }
            }
            Self::Has(item, list) => {
                let list = Path::Field(*list).value(event);
                list.as_array().is_some_and(|list| list.iter().any(|one| one == item))
            }
        }
    }
}
