//! What is wrong with an expression, and where.

use std::{fmt, ops::Range};

/// What is wrong with an expression: what, and a mark below the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    text: String,
    wrong: Wrong,
}

/// The same without the expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The place, in bytes of the whole expression.
    pub at: Range<usize>,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl Wrong {
    pub fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl ExpressionError {
    pub(super) fn new(text: &str, wrong: Wrong) -> Self {
        Self { text: text.to_owned(), wrong }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.wrong.message
    }

    /// Line and column of the place, each from 1, in characters.
    pub fn place(&self) -> (usize, usize) {
        let before = &self.text[..floor(&self.text, self.wrong.at.start)];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place();
        let shown = self.text.lines().nth(line - 1).unwrap_or_default();
        let from = floor(&self.text, self.wrong.at.start);
        let to = floor(&self.text, self.wrong.at.end).max(from);
        let marked = self.text[from..to].chars().take_while(|&c| c != '\n').count().max(1);
        match line {
            1 => write!(f, "column {column}: ")?,
            _ => write!(f, "line {line}, column {column}: ")?,
        }
        // A tab would be as wide as the terminal likes.
        let shown = shown.replace('\t', " ");
        let (before, mark) = (" ".repeat(column - 1), "^".repeat(marked));
        write!(f, "{}\n    {shown}\n    {before}{mark}", self.wrong.message)
    }
}

impl std::error::Error for ExpressionError {}

/// The end of the last whole character before a place.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// The names that one may have meant, best first.
pub fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let mut found: Vec<_> = known
        .filter_map(|known| {
            let whole = strsim::jaro_winkler(name, known);
            // `comm` is `process.comm`, most likely.
            let end = if last(known) == last(name) { 0.95 } else { 0.0 };
            let score = whole.max(end);
            (score > 0.87).then_some((score, known))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = found.first().map_or(0.0, |&(score, _)| score);
    found
        .into_iter()
        .filter(|(score, _)| *score > best - 0.03)
        .map(|(_, known)| known)
        .take(3)
        .collect()
}

/// `; did you mean `a` or `b`?`, or nothing.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let found: Vec<_> =
        similar(name, known).into_iter().map(|known| format!("`{known}`")).collect();
    if found.is_empty() { String::new() } else { format!("; did you mean {}?", found.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let error = ExpressionError::new("é == comm", Wrong::new(6..10, "no `comm`"));
        assert_eq!(error.place(), (1, 6));
        assert_eq!(error.to_string(), "column 6: no `comm`\n    é == comm\n         ^^^^");
        let error = ExpressionError::new("a &&\n\tb", Wrong::new(6..7, "no `b`"));
        assert_eq!(error.to_string(), "line 2, column 2: no `b`\n     b\n     ^");
        let error = ExpressionError::new("a", Wrong::new(9..9, "more"));
        assert_eq!(error.to_string(), "column 2: more\n    a\n     ^");
    }

    #[test]
    fn what_may_be_meant() {
        let known = ["process.comm", "process.pid", "socket.peer_process.pid", "msg.bytes"];
        let check = |name: &str| similar(name, known.into_iter());
        assert_eq!(check("comm"), ["process.comm"]);
        assert_eq!(check("proces.pid"), ["process.pid"]);
        assert_eq!(check("byte"), Vec::<&str>::new());
        assert_eq!(did_you_mean("xyz", known.into_iter()), "");
    }
}
