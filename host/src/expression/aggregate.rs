//! What is done with the events that fit: `sum(msg.bytes) by process.comm, error`.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr};
use weir_expression::{Aggregate, Field, Item, Kind, Label, Number, Sum, Text};

use super::{
    error::{Wrong, did_you_mean},
    operand::{self, Operand, operand},
    parse::Parsed,
    split::{outside, part},
};

/// The aggregates, each with an example.
const AGGREGATES: [(&str, &str); 7] = [
    ("count", "count by process.comm"),
    ("sum", "sum(msg.bytes) by process.comm"),
    ("histogram", "histogram(duration_ns) by process.comm"),
    ("top", "top(10) by process.comm, or top(10, msg.bytes) by process.comm"),
    ("distinct", "distinct(socket.peer) by process.comm"),
    ("rate", "rate by process.comm, or rate(msg.bytes) by process.comm"),
    ("last", "last(msg.bytes) by process.comm"),
];
/// Most labels of a key.
const MOST_LABELS: usize = 4;
/// Longest name of a table, in bytes.
const NAME_BYTES: usize = 64;
/// Most keys that `top` tells.
const MOST_TOP: i64 = 1000;

/// Whether a text that is the whole expression is an aggregate.
pub fn begins(text: &str) -> bool {
    let rest = AGGREGATES.iter().find_map(|(name, _)| text.strip_prefix(name));
    rest.map(str::trim_start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('(') || rest.starts_with("by "))
}

/// Compiles an aggregate.
pub fn compile(text: &str, range: Range<usize>) -> Result<Aggregate, Wrong> {
    let by = by(text, range.clone());
    let head = part(text, range.start..by.unwrap_or(range.end));
    let head = head.ok_or_else(|| Wrong::new(range.clone(), all()))?;
    let sum = sum(&Parsed::new(text, head.clone())?)?;
    let by = match by {
        None => Vec::new(),
        Some(at) => labels(text, at..at + 2, at + 2..range.end)?,
    };
    let name = name(&text[head], &by);
    let help = text[range].split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Aggregate { unit: unit(&sum).to_owned(), sum, table: name, help, by })
}

/// Where the word `by` stands.
fn by(text: &str, range: Range<usize>) -> Option<usize> {
    let is_word = |at: usize| {
        let around = |byte: Option<&u8>| {
            byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_.".contains(byte))
        };
        let bytes = text.as_bytes();
        around(at.checked_sub(1).and_then(|before| bytes.get(before))) && around(bytes.get(at + 2))
    };
    outside(text, range).find(|&at| text[at..].starts_with("by") && is_word(at))
}

fn all() -> String {
    let names: Vec<_> = AGGREGATES.iter().map(|(name, _)| *name).collect();
    format!("an aggregate is one of {}, as in `| {}`", names.join(", "), AGGREGATES[0].1)
}

fn sum(parsed: &Parsed<'_>) -> Result<Sum, Wrong> {
    let (name, args) = match &parsed.tree.expr {
        Expr::Ident(name) => (name.as_str(), &[][..]),
        Expr::Call(CallExpr { func_name, target: None, args })
            if !func_name.contains('_') && !func_name.starts_with('@') =>
        {
            (func_name.as_str(), &args[..])
        }
        _ => return Err(Wrong::new(parsed.at(&parsed.tree), all())),
    };
    let number = |expr: &IdedExpr| operand::number(parsed, expr);
    match (name, args) {
        ("count", []) => Ok(Sum::Count),
        ("sum", [of]) => Ok(Sum::Sum(number(of)?)),
        ("histogram", [of]) => Ok(Sum::Histogram(number(of)?)),
        ("top", [most]) => Ok(Sum::Top(top(parsed, most)?, Number::Constant(1))),
        ("top", [most, of]) => Ok(Sum::Top(top(parsed, most)?, number(of)?)),
        ("distinct", [of]) => Ok(Sum::Distinct(item(parsed, of)?)),
        ("rate", []) => Ok(Sum::Rate(Number::Constant(1))),
        ("rate", [of]) => Ok(Sum::Rate(number(of)?)),
        ("last", [of]) => Ok(Sum::Last(number(of)?)),
        _ => Err(match AGGREGATES.iter().find(|(known, _)| *known == name) {
            Some((_, example)) => {
                Wrong::new(parsed.at(&parsed.tree), format!("write `| {example}`"))
            }
            None => {
                let meant = did_you_mean(name, AGGREGATES.iter().map(|(name, _)| *name));
                let hint = if meant.is_empty() { format!(": {}", all()) } else { meant };
                let start = parsed.at(&parsed.tree).start;
                Wrong::new(
                    start..start + name.len(),
                    format!("there is no aggregate `{name}`{hint}"),
                )
            }
        }),
    }
}

/// How many keys `top` tells.
fn top(parsed: &Parsed<'_>, expr: &IdedExpr) -> Result<u32, Wrong> {
    match operand::number(parsed, expr)? {
        Number::Constant(most) if (1..=MOST_TOP.into()).contains(&most) => Ok(most as u32),
        _ => Err(Wrong::new(
            parsed.at(expr),
            format!("write how many, from 1 to {MOST_TOP}: `| top(10) by …`"),
        )),
    }
}

/// What can be a label, or counted once.
fn item(parsed: &Parsed<'_>, expr: &IdedExpr) -> Result<Item, Wrong> {
    let found = operand(parsed, expr)?;
    let needed = "a string, a number or a bool of the event";
    Ok(match found {
        Operand::Text(Text::Constant(_)) => {
            return Err(Wrong::new(
                parsed.at(expr),
                format!("this is the same for every event; write {needed}"),
            ));
        }
        Operand::Text(text) if !text.is_bytes() => Item::Text(text),
        Operand::List(field) => Item::Text(Text::Field(field)),
        Operand::Number(number) => Item::Number(number),
        ref other @ Operand::Condition(_) => match Field::of(parsed.text(expr)) {
            Some(field) if field.kind() == Kind::Bool => Item::Bool(field),
            _ => return Err(operand::unfit(parsed, expr, other, needed)),
        },
        ref other => return Err(operand::unfit(parsed, expr, other, needed)),
    })
}

fn labels(text: &str, by: Range<usize>, range: Range<usize>) -> Result<Vec<Label>, Wrong> {
    let mut ends: Vec<_> =
        outside(text, range.clone()).filter(|&at| text.as_bytes()[at] == b',').collect();
    ends.push(range.end);
    let mut labels = Vec::new();
    let mut start = range.start;
    for end in ends {
        let Some(found) = part(text, start..end) else {
            let place = if labels.is_empty() { by.clone() } else { start..start };
            return Err(Wrong::new(place, "a name is missing: write `by process.comm, error`"));
        };
        if labels.len() == MOST_LABELS {
            return Err(Wrong::new(found, format!("a key has at most {MOST_LABELS} labels")));
        }
        let parsed = Parsed::new(text, found.clone())?;
        let name = text[found].split_whitespace().collect::<Vec<_>>().join(" ");
        labels.push(Label { name, item: item(&parsed, &parsed.tree)? });
        start = end + 1;
    }
    Ok(labels)
}

/// `sum_msg.bytes_by_process.comm`: a table for each aggregate, since its kind and labels stay.
fn name(head: &str, by: &[Label]) -> String {
    let labels: Vec<_> = by.iter().map(|label| label.name.as_str()).collect();
    let whole = match &labels[..] {
        [] => head.to_owned(),
        labels => format!("{head} by {}", labels.join(" ")),
    };
    let words = whole.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    let mut name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    if name.len() > NAME_BYTES {
        // Two that begin alike are to differ.
        let hash =
            whole.bytes().fold(5381_u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte));
        name.truncate(NAME_BYTES - 9);
        name.push_str(&format!("_{hash:08x}"));
    }
    name
}

/// In UCUM.
fn unit(sum: &Sum) -> &'static str {
    let of = |number: &Number| match number {
        Number::Field(Field::DurationNs) => "ns",
        Number::Field(Field::Bytes | Field::Count | Field::KernelBytes | Field::Ret) => "By",
        _ => "1",
    };
    match sum {
        Sum::Count | Sum::Distinct(_) => "1",
        Sum::Sum(number)
        | Sum::Histogram(number)
        | Sum::Last(number)
        | Sum::Top(_, number)
        | Sum::Rate(number) => of(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(text: &str) -> Aggregate {
        compile(text, 0..text.len()).unwrap()
    }

    #[test]
    fn every_aggregate() {
        let bytes = || Number::Field(Field::Bytes);
        let check = |text: &str, expected: Sum, table: &str, unit: &str, labels: &[&str]| {
            let found = aggregate(text);
            assert_eq!(
                (&found.sum, found.table.as_str(), found.unit.as_str()),
                (&expected, table, unit)
            );
            let names: Vec<_> = found.by.iter().map(|label| label.name.as_str()).collect();
            assert_eq!(names, labels, "{text}");
        };
        check("count", Sum::Count, "count", "1", &[]);
        check(
            "count by process.comm , error",
            Sum::Count,
            "count_by_process.comm_error",
            "1",
            &["process.comm", "error"],
        );
        check("sum(msg.bytes) by fd", Sum::Sum(bytes()), "sum_msg.bytes_by_fd", "By", &["fd"]);
        check(
            "histogram( duration_ns )",
            Sum::Histogram(Number::Field(Field::DurationNs)),
            "histogram_duration_ns",
            "ns",
            &[],
        );
        check(
            "top(10) by flags",
            Sum::Top(10, Number::Constant(1)),
            "top_10_by_flags",
            "1",
            &["flags"],
        );
        check(
            "top(5, msg.bytes) by compat",
            Sum::Top(5, bytes()),
            "top_5_msg.bytes_by_compat",
            "By",
            &["compat"],
        );
        let by = Item::Text(Text::Attr(b"by".to_vec()));
        check("distinct(attrs.by)", Sum::Distinct(by), "distinct_attrs.by", "1", &[]);
        check("rate", Sum::Rate(Number::Constant(1)), "rate", "1", &[]);
        check("last(msg.bytes)", Sum::Last(bytes()), "last_msg.bytes", "By", &[]);
    }

    #[test]
    fn names_fit_and_differ() {
        let long = "count by process.container.runtime, process.container.id, socket.peer_process.";
        let (pid, uid) = (aggregate(&format!("{long}pid")), aggregate(&format!("{long}uid")));
        assert_ne!(pid.table, uid.table);
        assert_eq!((pid.table.len(), uid.table.len()), (64, 64));
    }

    #[test]
    fn refusals_say_what_would_be_right() {
        let check = |text: &str, at: Range<usize>, expected: &str| {
            let wrong = compile(text, 0..text.len()).unwrap_err();
            assert_eq!(wrong.at, at, "{text}: {}", wrong.message);
            assert!(wrong.message.contains(expected), "{}", wrong.message);
        };
        check("cuont by fd", 0..5, "there is no aggregate `cuont`; did you mean `count`?");
        check("average(fd)", 0..7, "one of count, sum, histogram");
        check("sum by fd", 0..3, "write `| sum(msg.bytes) by process.comm`");
        check("top(0) by fd", 4..5, "from 1 to 1000");
        check(
            "sum(process.comm)",
            4..16,
            "`process.comm` is a string, but a number is needed here",
        );
        check("count by", 6..8, "a name is missing");
        check("count by fd,", 12..12, "a name is missing");
        check("count by fd, seq, cpu, ret, call", 28..32, "at most 4 labels");
        check("count by msg.payload", 9..20, "is bytes");
        check("count by socket", 9..15, "in it are `socket.family`");
        check("count by proces.comm", 9..20, "did you mean `process.comm`");
        check("count by 'x'", 9..12, "the same for every event");
        check("count fd", 6..8, "not expected here");
    }
}
