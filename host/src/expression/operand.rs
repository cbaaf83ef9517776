//! What stands on a side of a comparison: names, constants, calculations, and their types.

use std::time::UNIX_EPOCH;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use weir_expression::{Arithmetic, Field, Kind, Number, Text};

use super::{
    error::{Wrong, did_you_mean},
    parse::{IN, Parsed},
};

/// What an expression is.
#[derive(Clone, Debug)]
pub enum Operand<'a> {
    Null,
    Number(Number),
    /// Nanoseconds since the Unix epoch.
    Time(Number),
    Text(Text),
    List(Field),
    Object(Field),
    /// True or false: to be compiled into tests.
    Condition(&'a IdedExpr),
    /// A list as written.
    Written(&'a [IdedExpr]),
}

impl Operand<'_> {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Number(_) => Kind::Int.name(),
            Self::Time(_) => Kind::Time.name(),
            Self::Text(text) if text.is_bytes() => Kind::Bytes.name(),
            Self::Text(_) => Kind::Text.name(),
            Self::List(_) => Kind::List.name(),
            Self::Object(_) => Kind::Object.name(),
            Self::Condition(_) => Kind::Bool.name(),
            Self::Written(_) => "list",
        }
    }
}

/// What an expression of the tree is.
pub fn operand<'a>(parsed: &Parsed<'_>, expr: &'a IdedExpr) -> Result<Operand<'a>, Wrong> {
    if let Some(path) = path(expr) {
        return named(parsed, expr, &path);
    }
    match &expr.expr {
        Expr::Literal(literal) => constant(parsed, expr, literal),
        Expr::Call(call) => called(parsed, expr, call),
        Expr::List(list) => Ok(Operand::Written(&list.elements)),
        Expr::Select(select) if select.test => Ok(Operand::Condition(expr)),
        Expr::Comprehension(_) => Err(Wrong::new(
            parsed.at(expr),
            "lists have no functions here: write \"MSG_DONTWAIT\" in flags",
        )),
        _ => Err(Wrong::new(parsed.at(expr), "this is no part of Weir's expressions")),
    }
}

/// An expression that must be a number.
pub fn number(parsed: &Parsed<'_>, expr: &IdedExpr) -> Result<Number, Wrong> {
    match operand(parsed, expr)? {
        Operand::Number(number) => Ok(number),
        other => Err(unfit(parsed, expr, &other, "a number")),
    }
}

/// An expression that must be a text.
pub fn text(parsed: &Parsed<'_>, expr: &IdedExpr) -> Result<Text, Wrong> {
    match operand(parsed, expr)? {
        Operand::Text(text) => Ok(text),
        other => Err(unfit(parsed, expr, &other, "a string")),
    }
}

/// That something of another type is needed.
pub fn unfit(parsed: &Parsed<'_>, expr: &IdedExpr, found: &Operand<'_>, needed: &str) -> Wrong {
    let text = parsed.text(expr);
    let hint = match found {
        Operand::Object(field) => inside(*field),
        _ => String::new(),
    };
    Wrong::new(
        parsed.at(expr),
        format!("`{text}` is {}, but {needed} is needed here{hint}", phrase(found.kind())),
    )
}

/// `; it has `a.b`, …`: what is in an object.
pub fn inside(object: Field) -> String {
    let prefix = format!("{}.", object.name());
    let names = Field::ALL.iter().map(|field| field.name());
    let inside: Vec<_> =
        names.filter(|name| name.starts_with(&prefix)).map(|name| format!("`{name}`")).collect();
    format!("; in it are {}", inside.join(", "))
}

/// A type in a sentence: `an int`.
pub fn phrase(kind: &str) -> String {
    match kind {
        "bytes" | "null" => kind.to_owned(),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// `["a", "b"]` of `a.b`.
fn path(expr: &IdedExpr) -> Option<Vec<&str>> {
    match &expr.expr {
        Expr::Ident(name) => Some(vec![name]),
        Expr::Select(select) if !select.test => {
            let mut path = path(&select.operand)?;
            path.push(if select.field == IN { "in" } else { &select.field });
            Some(path)
        }
        _ => None,
    }
}

fn named<'a>(parsed: &Parsed<'_>, expr: &'a IdedExpr, path: &[&str]) -> Result<Operand<'a>, Wrong> {
    if let ["attrs", name] = path {
        return Ok(Operand::Text(Text::Attr(name.as_bytes().to_vec())));
    }
    let name = path.join(".");
    let Some(field) = Field::of(&name) else {
        return Err(Wrong::new(parsed.at(expr), unknown(&name)));
    };
    Ok(match field.kind() {
        Kind::Int => Operand::Number(Number::Field(field)),
        Kind::Time => Operand::Time(Number::Field(field)),
        Kind::Text | Kind::Bytes => Operand::Text(Text::Field(field)),
        Kind::List => Operand::List(field),
        Kind::Object => Operand::Object(field),
        Kind::Bool => Operand::Condition(expr),
    })
}

/// That there is no such name, and what there is.
pub fn unknown(name: &str) -> String {
    let names = || Field::ALL.iter().map(|field| field.name());
    if name == "attrs" {
        return "attributes have names: write `attrs.service`, or `attrs[\"service\"]`".to_owned();
    }
    if let Some(object) =
        ["process", "msg", "sendfile.in", "sendfile.out"].iter().find(|known| **known == name)
    {
        let prefix = format!("{object}.");
        let inside: Vec<_> = names()
            .filter(|name| name.starts_with(&prefix))
            .map(|name| format!("`{name}`"))
            .collect();
        return format!("`{name}` is an object: name what is in it, {}", inside.join(", "));
    }
    let meant = did_you_mean(name, names());
    if !meant.is_empty() {
        return format!("there is no `{name}`{meant}");
    }
    let mut first: Vec<_> = names().filter_map(|name| name.split('.').next()).collect();
    first.dedup();
    first.push("attrs");
    format!("there is no `{name}`; names begin with {}: see docs/expressions.md", first.join(", "))
}

fn constant<'a>(
    parsed: &Parsed<'_>,
    expr: &'a IdedExpr,
    literal: &LiteralValue,
) -> Result<Operand<'a>, Wrong> {
    Ok(match literal {
        LiteralValue::Null => Operand::Null,
        LiteralValue::Int(number) => Operand::Number(Number::Constant((**number).into())),
        LiteralValue::UInt(number) => Operand::Number(Number::Constant((**number).into())),
        LiteralValue::String(text) => Operand::Text(Text::Constant(text.inner().into())),
        LiteralValue::Bytes(bytes) => Operand::Text(Text::Constant(bytes.inner().into())),
        LiteralValue::Boolean(_) => Operand::Condition(expr),
        LiteralValue::Double(_) => {
            return Err(Wrong::new(
                parsed.at(expr),
                "numbers are whole here: write nanoseconds, bytes and the like",
            ));
        }
    })
}

/// Functions that make true or false.
pub const TESTS: [&str; 3] = ["contains", "startsWith", "endsWith"];

fn called<'a>(
    parsed: &Parsed<'_>,
    expr: &'a IdedExpr,
    call: &CallExpr,
) -> Result<Operand<'a>, Wrong> {
    let arithmetic = match call.func_name.as_str() {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        operators::NEGATE => {
            let of = number(parsed, &call.args[0])?;
            let zero = Box::new(Number::Constant(0));
            return Ok(Operand::Number(Number::Calculated(
                zero,
                Arithmetic::Subtract,
                Box::new(of),
            )));
        }
        operators::INDEX => return attribute(parsed, expr, call),
        "duration" => return duration(parsed, expr, call),
        "timestamp" => return timestamp(parsed, expr, call),
        operators::LOGICAL_AND
        | operators::LOGICAL_OR
        | operators::LOGICAL_NOT
        | operators::EQUALS
        | operators::NOT_EQUALS
        | operators::LESS
        | operators::LESS_EQUALS
        | operators::GREATER
        | operators::GREATER_EQUALS
        | operators::IN
        | operators::CONDITIONAL => return Ok(Operand::Condition(expr)),
        name if TESTS.contains(&name) => return Ok(Operand::Condition(expr)),
        name => {
            let known = TESTS.into_iter().chain(["duration", "timestamp", "has"]);
            let meant = did_you_mean(name, known.clone());
            let there = if meant.is_empty() {
                format!("; there are {}", known.collect::<Vec<_>>().join(", "))
            } else {
                meant
            };
            return Err(Wrong::new(
                parsed.at_function(expr, name),
                format!("there is no function `{name}`{there}"),
            ));
        }
    };
    let (a, b) = (operand(parsed, &call.args[0])?, operand(parsed, &call.args[1])?);
    let calculated = |a, b| Number::Calculated(Box::new(a), arithmetic, Box::new(b));
    match (a, b) {
        (Operand::Number(a), Operand::Number(b)) => Ok(Operand::Number(calculated(a, b))),
        (Operand::Time(a), Operand::Time(b)) if arithmetic == Arithmetic::Subtract => {
            Ok(Operand::Number(calculated(a, b)))
        }
        (Operand::Time(a), Operand::Number(b))
            if matches!(arithmetic, Arithmetic::Subtract | Arithmetic::Add) =>
        {
            Ok(Operand::Time(calculated(a, b)))
        }
        (Operand::Number(_), other) => Err(unfit(parsed, &call.args[1], &other, "a number")),
        (other, _) => Err(unfit(parsed, &call.args[0], &other, "a number")),
    }
}

/// `attrs["name"]`.
fn attribute<'a>(
    parsed: &Parsed<'_>,
    expr: &IdedExpr,
    call: &CallExpr,
) -> Result<Operand<'a>, Wrong> {
    match (&call.args[0].expr, &call.args[1].expr) {
        (Expr::Ident(attrs), Expr::Literal(LiteralValue::String(name))) if attrs == "attrs" => {
            Ok(Operand::Text(Text::Attr(name.inner().into())))
        }
        _ => Err(Wrong::new(
            parsed.at(expr),
            "only `attrs` is looked into by name: write `attrs[\"service\"]`",
        )),
    }
}

/// The one argument of a function, which is a text as written.
fn argument<'a>(
    parsed: &Parsed<'_>,
    expr: &IdedExpr,
    call: &'a CallExpr,
    example: &str,
) -> Result<&'a str, Wrong> {
    match &call.args[..] {
        [IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }] => Ok(text.inner()),
        _ => Err(Wrong::new(parsed.at(expr), format!("write {example}"))),
    }
}

fn duration<'a>(
    parsed: &Parsed<'_>,
    expr: &IdedExpr,
    call: &CallExpr,
) -> Result<Operand<'a>, Wrong> {
    const EXAMPLE: &str = "duration(\"10ms\"): a number and ns, us, ms, s, m or h";
    let text = argument(parsed, expr, call, EXAMPLE)?;
    let time = humantime::parse_duration(text).map_err(|_| {
        Wrong::new(parsed.at(&call.args[0]), format!("`{text}` is not a time: write {EXAMPLE}"))
    })?;
    Ok(Operand::Number(Number::Constant(time.as_nanos() as i128)))
}

fn timestamp<'a>(
    parsed: &Parsed<'_>,
    expr: &IdedExpr,
    call: &CallExpr,
) -> Result<Operand<'a>, Wrong> {
    const EXAMPLE: &str = "timestamp(\"2026-11-23T17:20:31Z\")";
    let text = argument(parsed, expr, call, EXAMPLE)?;
    let time = humantime::parse_rfc3339(text).map_err(|_| {
        Wrong::new(
            parsed.at(&call.args[0]),
            format!("`{text}` is not a time in UTC: write {EXAMPLE}"),
        )
    })?;
    let nanoseconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
    Ok(Operand::Time(Number::Constant(nanoseconds)))
}
