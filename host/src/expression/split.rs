//! The parts of an expression: a filter, a bar, an aggregate.

use std::ops::Range;

use super::error::Wrong;

/// Where the parts lie, without the space around them.
pub struct Parts {
    pub filter: Option<Range<usize>>,
    pub aggregate: Option<Range<usize>>,
}

/// Takes an expression apart.
pub fn split(text: &str) -> Result<Parts, Wrong> {
    let bars: Vec<_> = outside(text, 0..text.len())
        .filter(|&at| {
            // `||` is CEL's.
            let around = |from: Option<usize>| from.and_then(|at| text.as_bytes().get(at));
            text.as_bytes()[at] == b'|'
                && around(at.checked_sub(1)) != Some(&b'|')
                && around(Some(at + 1)) != Some(&b'|')
        })
        .collect();
    let parts = match bars[..] {
        [] if super::aggregate::begins(text.trim_start()) => {
            Parts { filter: None, aggregate: part(text, 0..text.len()) }
        }
        [] => Parts { filter: part(text, 0..text.len()), aggregate: None },
        [bar] => {
            let aggregate = part(text, bar + 1..text.len()).ok_or_else(|| {
                Wrong::new(bar..bar + 1, "nothing follows the |: write `| count by process.comm`")
            })?;
            Parts { filter: part(text, 0..bar), aggregate: Some(aggregate) }
        }
        [_, second, ..] => {
            return Err(Wrong::new(
                second..second + 1,
                "there is one aggregate at most: write a second expression for the other",
            ));
        }
    };
    if parts.filter.is_none() && parts.aggregate.is_none() {
        return Err(Wrong::new(
            0..text.len(),
            "the expression is empty: write a filter, as in `error != null`, or `true` for all events",
        ));
    }
    Ok(parts)
}

/// A part without the space around it; none, if there is nothing else.
pub fn part(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let trimmed = part.trim();
    (!trimmed.is_empty()).then_some(start..start + trimmed.len())
}

/// Places of the characters of a range that are in no text and in no brackets.
pub fn outside(text: &str, range: Range<usize>) -> impl Iterator<Item = usize> {
    unquoted(text, range).filter_map(|(at, depth)| (depth == 0).then_some(at))
}

/// Places of the characters of a range that are in no text, and how many brackets each is in.
pub fn unquoted(text: &str, range: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let start = range.start;
    let mut quote = None;
    let (mut escaped, mut depth) = (false, 0_usize);
    text[range].char_indices().filter_map(move |(at, c)| {
        if let Some(open) = quote {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == open => quote = None,
                _ => {}
            }
            return None;
        }
        match c {
            '"' | '\'' => {
                quote = Some(c);
                return None;
            }
            '(' | '[' | '{' => {
                depth += 1;
                return None;
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                return None;
            }
            _ => {}
        }
        Some((start + at, depth))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, filter: Option<&str>, aggregate: Option<&str>) {
        let parts = split(text).unwrap();
        assert_eq!(parts.filter.map(|part| &text[part]), filter);
        assert_eq!(parts.aggregate.map(|part| &text[part]), aggregate);
    }

    #[test]
    fn parts() {
        check(" a || b ", Some("a || b"), None);
        check("a || b | count by c", Some("a || b"), Some("count by c"));
        check("a == \"|\" && (b) | count", Some("a == \"|\" && (b)"), Some("count"));
        check("a == 'it\\'s |'", Some("a == 'it\\'s |'"), None);
        check("| count", None, Some("count"));
        check("count by b", None, Some("count by b"));
        check("sum(msg.bytes)", None, Some("sum(msg.bytes)"));
        check("counted == 3", Some("counted == 3"), None);
    }

    #[test]
    fn what_is_no_expression() {
        let check = |text: &str, at: Range<usize>| assert_eq!(split(text).err().unwrap().at, at);
        check("  ", 0..2);
        check("a | ", 2..3);
        check("a | count | count", 10..11);
        check("|", 0..1);
    }
}
