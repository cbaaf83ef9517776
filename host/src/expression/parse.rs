//! CEL → syntax tree, with the place of each part.

use std::ops::Range;

use cel::{
    ParseErrors,
    common::ast::{Expr, IdedExpr, SourceInfo, operators},
    parser::Parser,
};

use super::{error::Wrong, split::unquoted};

/// What `in` of `sendfile.in` is in the syntax tree.
pub const IN: &str = "In";

/// A part of an expression, parsed.
pub struct Parsed<'a> {
    /// The whole expression.
    pub text: &'a str,
    /// The syntax tree of the part.
    pub tree: IdedExpr,
    /// Where the part lies.
    range: Range<usize>,
    info: SourceInfo,
}

impl<'a> Parsed<'a> {
    /// Parses a part.
    pub fn new(text: &'a str, range: Range<usize>) -> Result<Self, Wrong> {
        match Parser::new().parse_with_source_info(&spelled(text, range.clone())) {
            Ok((tree, info)) => Ok(Self { text, tree, range, info }),
            Err(errors) => Err(syntax(text, &range, errors)),
        }
    }

    /// Where an expression of the tree lies in the whole text.
    pub fn at(&self, expr: &IdedExpr) -> Range<usize> {
        let Range { start, end } = self.within(expr);
        let (start, end) = (start.min(self.range.len()), end.min(self.range.len()));
        self.range.start + start..self.range.start + end.max(start)
    }

    /// The text of an expression.
    pub fn text(&self, expr: &IdedExpr) -> &'a str {
        let Range { start, end } = self.at(expr);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where the name of a function stands that is called.
    pub fn at_function(&self, expr: &IdedExpr, name: &str) -> Range<usize> {
        let Range { start, end } = self.at(expr);
        let found = self.text.get(start..end).and_then(|text| text.rfind(&format!("{name}(")));
        let start = start + found.unwrap_or(0);
        start..start + name.len()
    }

    /// Where an expression lies in the part. The parser knows one token of each: for a call its
    /// parenthesis, for `a.b` the dot.
    fn within(&self, expr: &IdedExpr) -> Range<usize> {
        let part = &self.text[self.range.clone()];
        let token = self.info.offset_for(expr.id).unwrap_or_default();
        let mut range = token.0 as usize..token.1 as usize + 1;
        let mut include = |inner: Range<usize>| {
            range = range.start.min(inner.start)..range.end.max(inner.end);
        };
        let closing = |from: usize, bracket: char| {
            let rest = part.get(from..).unwrap_or_default();
            let inner = rest.trim_start();
            let at = from + rest.len() - inner.len();
            inner.starts_with(bracket).then_some(at..at + 1)
        };
        match &expr.expr {
            Expr::Select(select) => {
                include(self.within(&select.operand));
                let dot = range.end;
                let rest = part.get(dot..).unwrap_or_default();
                let space = rest.len() - rest.trim_start().len();
                if !select.test {
                    range.end = dot + space + select.field.len();
                }
            }
            Expr::Call(call) => {
                call.target.iter().for_each(|target| include(self.within(target)));
                call.args.iter().for_each(|arg| include(self.within(arg)));
                let is_operator = call.func_name.contains('_') || call.func_name == operators::IN;
                let bracket = match call.func_name.as_str() {
                    operators::INDEX => Some(']'),
                    _ if is_operator => None,
                    _ => Some(')'),
                };
                if call.target.is_none() && !is_operator {
                    let before = part.get(..range.start).unwrap_or_default();
                    if before.ends_with(&call.func_name) {
                        range.start -= call.func_name.len();
                    }
                }
                if let Some(end) = bracket.and_then(|bracket| closing(range.end, bracket)) {
                    range.end = end.end;
                }
            }
            Expr::Comprehension(list) => include(self.within(&list.iter_range)),
            Expr::List(list) => {
                list.elements.iter().for_each(|element| include(self.within(element)));
                if let Some(end) = closing(range.end, ']') {
                    range.end = end.end;
                }
            }
            _ => {}
        }
        range
    }
}

/// A part as the parser takes it: `in` is a word of CEL, and cannot be a name.
fn spelled(text: &str, range: Range<usize>) -> String {
    let mut spelled = text[range.clone()].to_owned();
    let names =
        unquoted(text, range.clone()).filter(|&(at, _)| text[at..].starts_with("sendfile.in."));
    for (at, _) in names {
        let at = at - range.start + "sendfile.".len();
        spelled.replace_range(at..at + IN.len(), IN);
    }
    spelled
}

/// What the parser stumbled over first, in words for people.
fn syntax(text: &str, range: &Range<usize>, errors: ParseErrors) -> Wrong {
    let part = &text[range.clone()];
    let end = range.end..range.end;
    let Some(error) = errors.errors.into_iter().next() else {
        return Wrong::new(end, "the expression is not valid");
    };
    let (line, column) = (error.pos.0.max(1) as usize, error.pos.1.max(1) as usize);
    let line_start: usize = part.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &part[line_start.min(part.len())..];
    let offset = rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    let at = range.start + line_start + offset;
    let found = text.get(at..range.end).unwrap_or_default();
    if found.is_empty() {
        return Wrong::new(end, "something is missing at the end");
    }
    let token = token(found);
    let place = at..at + token.len();
    let message = match token {
        "=" => "write == to compare".to_owned(),
        "&" => "write && for `and`".to_owned(),
        "\"" | "'" => "the text has no closing quote".to_owned(),
        _ if error.msg.contains("literal") => format!("`{token}`: {}", error.msg),
        _ if error.msg.contains("recursion") => "it is nested too deeply".to_owned(),
        _ if found.starts_with("and ") => "write && for `and`".to_owned(),
        _ if found.starts_with("or ") => "write || for `or`".to_owned(),
        _ => format!("`{token}` is not expected here"),
    };
    Wrong::new(place, message)
}

/// The word, or else the one character, that a text begins with.
fn token(text: &str) -> &str {
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let first = text.chars().next().map_or(0, char::len_utf8);
    &text[..word.max(first)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each expression of a tree that is none of CEL's own making, by its text.
    fn texts(parsed: &Parsed<'_>, expr: &IdedExpr, to: &mut Vec<String>) {
        to.push(parsed.text(expr).to_owned());
        match &expr.expr {
            Expr::Select(select) => texts(parsed, &select.operand, to),
            Expr::Call(call) => {
                call.target.iter().for_each(|target| texts(parsed, target, to));
                call.args.iter().for_each(|arg| texts(parsed, arg, to));
            }
            Expr::List(list) => list.elements.iter().for_each(|part| texts(parsed, part, to)),
            _ => {}
        }
    }

    #[test]
    fn each_part_has_its_place() {
        let check = |text: &str, expected: &[&str]| {
            let parsed = Parsed::new(text, 0..text.len()).unwrap();
            let mut found = Vec::new();
            texts(&parsed, &parsed.tree, &mut found);
            assert_eq!(found, expected, "{text}");
        };
        check("a.b == 'é'", &["a.b == 'é'", "a.b", "a", "'é'"]);
        check("a . b.startsWith( 'x' )", &["a . b.startsWith( 'x' )", "a . b", "a", "'x'"]);
        check(
            "sendfile.in.fd == 3",
            &["sendfile.in.fd == 3", "sendfile.in.fd", "sendfile.in", "sendfile", "3"],
        );
        check("x in [1, 'b' ]", &["x in [1, 'b' ]", "x", "[1, 'b' ]", "1", "'b'"]);
        check(
            "attrs[\"s\"] != null",
            &["attrs[\"s\"] != null", "attrs[\"s\"]", "attrs", "\"s\"", "null"],
        );
        check("duration('1s') < a", &["duration('1s') < a", "duration('1s')", "'1s'", "a"]);
    }

    #[test]
    fn what_is_not_cel() {
        let check = |text: &str, at: Range<usize>, message: &str| {
            let wrong = Parsed::new(text, 0..text.len()).err().unwrap();
            assert_eq!((wrong.at, wrong.message.as_str()), (at, message), "{text}");
        };
        check("msg.bytes > 100 &&", 18..18, "something is missing at the end");
        check("a = 3", 2..3, "write == to compare");
        check("é == 'x'", 0..2, "`é` is not expected here");
        check("a & b", 2..3, "write && for `and`");
        check("a and b", 2..5, "write && for `and`");
        check("a == 'x", 5..6, "the text has no closing quote");
        check("a && b) || c", 6..7, "`)` is not expected here");
        check("a > 99999999999999999999", 4..24, "`99999999999999999999`: invalid int literal");
    }
}
