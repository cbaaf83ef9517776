//! What strace writes for an argument: numbers, names, strings, structs and the rest, as a tree.

/// An argument, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Decimal or hexadecimal.
    Number(i128),
    /// `AF_INET`, `NULL`, `&sin6_addr`.
    Name(String),
    /// `MSG_PEEK|0x80000`, in the order written.
    Flags(Vec<Value>),
    /// `"\x61"`.
    Text(Vec<u8>),
    /// `"\x61"...`: there is more than was shown.
    Cut(Vec<u8>),
    /// `3</path>`, with the text of the link in /proc/PID/fd.
    Fd(i64, Vec<u8>),
    /// `{a=1, inet_pton(…)}`: members without a name have an empty one.
    Struct(Vec<(String, Value)>),
    /// `[a, b]`.
    List(Vec<Value>),
    /// `htons(53)`.
    Call(String, Vec<Value>),
    /// `before => after`.
    Change(Box<Value>, Box<Value>),
    /// `...` in the place of what is not shown.
    More,
}

impl Value {
    /// A member of a struct.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Self::Struct(members) = self else { return None };
        members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The number that is written, or wrapped in a call as in `htons(53)`.
    pub fn number(&self) -> Option<i128> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Fd(fd, _) => Some(i128::from(*fd)),
            Self::Call(_, arguments) => arguments.first()?.number(),
            _ => None,
        }
    }

    /// The bytes of a string that is shown whole.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) => Some(bytes),
            Self::Call(_, arguments) => arguments.iter().find_map(Self::text),
            _ => None,
        }
    }

    /// The parts of a list.
    pub fn list(&self) -> Option<&[Value]> {
        if let Self::List(parts) = self { Some(parts) } else { None }
    }

    /// Whether it is a pointer to nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Name(name) if name == "NULL")
    }

    /// An address, where strace could not read what is there.
    pub fn address(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Name(name) if name == "NULL" => Some(0),
            _ => None,
        }
    }

    /// Before and after the call: the same where strace shows no change.
    pub fn change(&self) -> (&Value, &Value) {
        if let Self::Change(before, after) = self { (before, after) } else { (self, self) }
    }
}

/// Takes the arguments of a call apart, from behind the opening parenthesis. Returns what stands
/// behind the closing one.
pub fn arguments(text: &str) -> Result<(Vec<Value>, &str), String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let arguments = reader.until(b')', Reader::value)?;
    Ok((arguments, &text[reader.at..]))
}

/// A position in a line.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn error(&self, what: &str) -> String {
        let rest = String::from_utf8_lossy(self.rest());
        format!("{what} at {:?}", rest.chars().take(40).collect::<String>())
    }

    /// Skips blanks and comments.
    fn skip(&mut self) {
        loop {
            if self.rest().starts_with(b" ") {
                self.at += 1;
            } else if self.rest().starts_with(b"/*") {
                let end = self.rest().windows(2).position(|two| two == b"*/");
                self.at += end.map_or(self.rest().len(), |end| end + 2);
            } else {
                return;
            }
        }
    }

    fn take(&mut self, token: &[u8]) -> bool {
        self.skip();
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    fn word(&mut self) -> String {
        let end =
            self.rest().iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        let word = &self.rest()[..end.unwrap_or(self.rest().len())];
        let word = String::from_utf8_lossy(word).into_owned();
        self.at += word.len();
        word
    }

    /// Parts separated by commas up to a closing token.
    fn until<T>(
        &mut self,
        close: u8,
        mut part: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut parts = Vec::new();
        while !self.take(&[close]) {
            if !parts.is_empty() && !self.take(b",") {
                return Err(self.error("no comma"));
            }
            parts.push(part(self)?);
        }
        Ok(parts)
    }

    /// A value with all that may follow it: `|more`, `=> after`.
    fn value(&mut self) -> Result<Value, String> {
        let mut value = self.single()?;
        if self.take(b"|") {
            let mut flags = vec![value, self.single()?];
            while self.take(b"|") {
                flags.push(self.single()?);
            }
            value = Value::Flags(flags);
        }
        if self.take(b"=>") {
            let after = self.value()?;
            return Ok(Value::Change(value.into(), after.into()));
        }
        // `[0]=0` within netlink's attributes.
        if matches!(value, Value::List(_)) && self.take(b"=") {
            return self.value();
        }
        Ok(value)
    }

    fn single(&mut self) -> Result<Value, String> {
        self.skip();
        match self.rest().first().copied() {
            Some(b'"') => self.string(),
            Some(b'{') => {
                self.at += 1;
                Ok(Value::Struct(self.until(b'}', Self::member)?))
            }
            Some(b'[') => {
                self.at += 1;
                Ok(Value::List(self.until(b']', Self::value)?))
            }
            // The name of an abstract socket.
            Some(b'@') => {
                self.at += 1;
                Ok(Value::Call("@".into(), vec![self.string()?]))
            }
            Some(b'&') => {
                self.at += 1;
                Ok(Value::Name(format!("&{}", self.word())))
            }
            Some(b'.') if self.take(b"...") => Ok(Value::More),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let word = self.word();
                if self.take(b"(") {
                    return Ok(Value::Call(word, self.until(b')', Self::value)?));
                }
                Ok(Value::Name(word))
            }
            _ => Err(self.error("no value")),
        }
    }

    fn member(&mut self) -> Result<(String, Value), String> {
        self.skip();
        let start = self.at;
        let word = self.word();
        if !word.is_empty() && self.rest().starts_with(b"=") {
            self.at += 1;
            return Ok((word, self.value()?));
        }
        self.at = start;
        Ok((String::new(), self.value()?))
    }

    fn number(&mut self) -> Result<Value, String> {
        let negative = self.take(b"-");
        let word = self.word();
        let (digits, radix) = match word.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            // `nl_groups=00000000` is hexadecimal.
            None if word.len() == 8 && word.starts_with('0') => (&word[..], 16),
            None => (&word[..], 10),
        };
        let number = i128::from_str_radix(digits, radix).map_err(|error| {
            self.error(&format!("{word:?} is not a number ({error}), which ends"))
        })?;
        let number = if negative { -number } else { number };
        if self.rest().starts_with(b"<") && radix == 10 {
            return Ok(Value::Fd(number as i64, self.link()?));
        }
        Ok(Value::Number(number))
    }

    /// `<\x2f>` with `(deleted)` behind it, or behind what -yy adds within.
    fn link(&mut self) -> Result<Vec<u8>, String> {
        self.at += 1;
        let mut text = self.escaped(b'>')?;
        if self.rest().starts_with(b"(deleted)") {
            self.at += b"(deleted)".len();
            text.extend(b" (deleted)");
        }
        Ok(text)
    }

    fn string(&mut self) -> Result<Value, String> {
        self.at += 1;
        let bytes = self.escaped(b'"')?;
        if self.rest().starts_with(b"...") {
            self.at += 3;
            return Ok(Value::Cut(bytes));
        }
        Ok(Value::Text(bytes))
    }

    /// Bytes up to a closing one. With -xx each is `\x61`; others stand for themselves.
    fn escaped(&mut self, close: u8) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        loop {
            match *self.rest() {
                [byte, ..] if byte == close => {
                    self.at += 1;
                    return Ok(bytes);
                }
                [b'\\', b'x', high, low, ..] => {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                        return Err(self.error("no byte"));
                    };
                    bytes.push((high * 16 + low) as u8);
                    self.at += 4;
                }
                [byte, ..] => {
                    bytes.push(byte);
                    self.at += 1;
                }
                [] => return Err(self.error("no end of a string")),
            }
        }
    }
}
