//! Texts that a field can be: a constant that it never is would be a filter that never fits.

use cel::common::ast::IdedExpr;
use weir_expression::{Field, Text};
use weir_sdk::{Errno, event::CALL_NAMES};

use super::{
    error::{Wrong, did_you_mean},
    names,
    parse::Parsed,
};

/// What `toctou` can be.
const TOCTOU: [&str; 3] = ["same", "changed", "unread"];

/// A constant that is compared with a text, as that text would have it.
pub fn checked(
    parsed: &Parsed<'_>,
    with: &Text,
    constant: Text,
    expr: &IdedExpr,
) -> Result<Text, Wrong> {
    let (Text::Field(field), Text::Constant(bytes)) = (with, &constant) else {
        return Ok(constant);
    };
    let Ok(text) = str::from_utf8(bytes) else { return Ok(constant) };
    let wrong = |known: &mut dyn Iterator<Item = &str>| {
        let known: Vec<_> = known.collect();
        let mut hint = did_you_mean(text, known.iter().copied());
        if hint.is_empty() && known.len() <= CALL_NAMES.len() {
            hint = format!("; there are {}", known.join(", "));
        }
        Wrong::new(parsed.at(expr), format!("`{}` is never \"{text}\"{hint}", field.name()))
    };
    match field {
        Field::Call if !CALL_NAMES.contains(&text) => Err(wrong(&mut CALL_NAMES.into_iter())),
        Field::Toctou if !TOCTOU.contains(&text) => Err(wrong(&mut TOCTOU.into_iter())),
        Field::Error => match Errno::from_name(text) {
            // Of two names for one error the event shows one.
            Some(error) => Ok(Text::Constant(error.to_string().into_bytes())),
            None => {
                let all: Vec<_> = (1..600).filter_map(|number| Errno(number).name()).collect();
                Err(wrong(&mut all.into_iter()))
            }
        },
        _ => match names::known(*field) {
            Some(table) if !is_number(text) && !table.iter().any(|(_, name)| name == text) => {
                Err(wrong(&mut table.iter().map(|(_, name)| name.as_str())))
            }
            _ => Ok(constant),
        },
    }
}

/// A number without a name, as the event shows it: `0x3e7`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    u32::from_str_radix(digits, 16).is_ok_and(|number| format!("{number:x}") == digits)
}

/// What a field may be, for messages.
pub fn example(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Call => "sendmsg",
        Field::Error => "EAGAIN",
        Field::Toctou => "changed",
        Field::SocketFamily | Field::NameFamily => "AF_INET",
        Field::SocketType => "SOCK_DGRAM",
        Field::SocketProtocol => "IPPROTO_UDP",
        Field::SocketState => "TCP_ESTABLISHED",
        Field::Comm => "curl",
        Field::NameAddress => "127.0.0.1",
        Field::Local | Field::Peer => "127.0.0.1:53",
        _ => return None,
    })
}
