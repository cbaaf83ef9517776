//! Just enough JSON to write a script's description and a table's options.

/// Writes a text with its quotes (RFC 8259, section 7).
pub fn text(to: &mut String, text: &str) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\0'..='\x1f' => {
                to.push_str("\\u00");
                for digit in [c as u32 >> 4, c as u32 & 15] {
                    to.extend(char::from_digit(digit, 16));
                }
            }
            _ => to.push(c),
        }
    }
    to.push('"');
}

/// Writes an object of texts, without its closing brace.
pub fn open_object(to: &mut String, members: &[(&str, &str)]) {
    let mut before = '{';
    for (name, value) in members {
        to.push(before);
        text(to, name);
        to.push(':');
        text(to, value);
        before = ',';
    }
}

/// Writes a list.
pub fn list<T>(to: &mut String, items: &[T], mut item: impl FnMut(&mut String, &T)) {
    to.push('[');
    for (index, each) in items.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        item(to, each);
    }
    to.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_must_be() {
        let mut to = String::new();
        text(&mut to, "a \"b\" \\ \n\x1f\0 é");
        assert_eq!(to, r#""a \"b\" \\ \u000a\u001f\u0000 é""#);
    }

    #[test]
    fn objects_and_lists() {
        let mut to = String::new();
        open_object(&mut to, &[("a", "1"), ("b", "2")]);
        list(&mut to, &["x", "y"], |to, each| text(to, each));
        assert_eq!(to, r#"{"a":"1","b":"2"["x","y"]"#);
    }
}
