//! What is run over each event.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{Field, Kind};

/// A compiled expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The tests. Each goes on to one with a smaller index, so every run comes to an end.
    pub steps: Vec<Step>,
    /// Where a run begins.
    pub entry: Target,
    /// What is done with the events that fit.
    pub aggregate: Option<Aggregate>,
    /// Names of numbers, as far as the program asks for them.
    pub names: Names,
}

/// A test, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is asked.
    pub test: Test,
    /// Where to go on if it is so.
    pub yes: Target,
    /// Where to go on if not.
    pub no: Target,
}

/// Where a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The event fits.
    #[default]
    Keep,
    /// It does not.
    Drop,
    /// At the step with this index.
    Step(u16),
}

/// What is asked of an event. With a part that is absent the answer is no, unless two absent parts are
/// compared for being the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// Whether a bool is true.
    True(Field),
    /// Whether something is there.
    There(Part),
    /// How two numbers compare.
    Compare(Number, Order, Number),
    /// Whether a number is one of these, which ascend.
    OneOfNumbers(Number, Vec<i128>),
    /// Whether two texts are the same.
    Same(Text, Text),
    /// Whether a text is one of these.
    OneOf(Text, Vec<Vec<u8>>),
    /// Whether the first text begins with the second.
    StartsWith(Text, Text),
    /// Whether the first text ends with the second.
    EndsWith(Text, Text),
    /// Whether the first text has the second in it.
    Contains(Text, Text),
    /// Whether a list has a text in it.
    Has(Field, Text),
}

/// What can be asked for being there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// A field.
    Field(Field),
    /// The attribute of that name.
    Attr(Vec<u8>),
    /// The result of a calculation.
    Number(Number),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A number. Whole, and wide enough for all that an event has; what does not fit is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Number {
    /// A constant.
    Constant(i128),
    /// A number or time of the event; times are nanoseconds since the Unix epoch.
    Field(Field),
    /// Calculated.
    Calculated(Box<Number>, Arithmetic, Box<Number>),
}

/// What is calculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A text, or bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Text {
    /// A constant.
    Constant(Vec<u8>),
    /// A text of the event.
    Field(Field),
    /// The attribute of that name; the last one, if there are several.
    Attr(Vec<u8>),
}

/// What is done with the events that fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// What is added to a row.
    pub sum: Sum,
    /// Name of the table.
    pub table: String,
    /// Unit of the values.
    pub unit: String,
    /// One line on what the table says.
    pub help: String,
    /// What a key is made of: one to four, or none for a table of one row.
    pub by: Vec<Label>,
}

/// A label of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// What it is.
    pub item: Item,
}

/// A text or a number: a label, or what is counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Item {
    Text(Text),
    Number(Number),
    Bool(Field),
}

/// What is added to a row. Numbers that are absent or negative are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sum {
    /// 1 for each event.
    Count,
    /// A number.
    Sum(Number),
    /// A number, of which quantiles are told.
    Histogram(Number),
    /// A number, the last of which is told. The only one that may be negative.
    Last(Number),
    /// So many keys are told, those with the largest sums of a number.
    Top(u32, Number),
    /// What is counted once.
    Distinct(Item),
    /// A number, of which the sum within a window is told.
    Rate(Number),
}

/// Names of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// By number, ascending: address families.
    pub families: Vec<(u32, String)>,
    /// Types of sockets.
    pub types: Vec<(u32, String)>,
    /// Protocols of sockets: `family << 16 | protocol`.
    pub protocols: Vec<(u32, String)>,
    /// States of sockets.
    pub states: Vec<(u32, String)>,
    /// Flags, by bit.
    pub flags: Vec<(u32, String)>,
}

/// Why a text is no program.
#[derive(Debug)]
pub struct DecodeError(&'static str);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the compiled expression {}", self.0)
    }
}

impl std::error::Error for DecodeError {}

impl Program {
    /// The program as a text, which is how a script is given it.
    pub fn encode(&self) -> String {
        let bytes = postcard::to_allocvec(self).expect("a program is plain data");
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }

    /// A program of its text.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let bytes = BASE64_STANDARD_NO_PAD
            .decode(text)
            .map_err(|_| DecodeError("is not in base64: load it as the host does"))?;
        let program: Self = postcard::from_bytes(&bytes)
            .map_err(|_| DecodeError("is of another version than this script"))?;
        let ends = |target, limit: usize| match target {
            Target::Step(index) => usize::from(index) < limit,
            Target::Keep | Target::Drop => true,
        };
        let mut steps = program.steps.iter().enumerate();
        let forward = ends(program.entry, program.steps.len())
            && steps.all(|(index, step)| ends(step.yes, index) && ends(step.no, index));
        if forward { Ok(program) } else { Err(DecodeError("goes in circles")) }
    }
}

impl Test {
    /// The fields that it asks for.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        match self {
            Self::True(field) => fields.push(*field),
            Self::There(Part::Field(field)) => fields.push(*field),
            Self::There(Part::Attr(_)) => {}
            Self::There(Part::Number(number)) | Self::OneOfNumbers(number, _) => {
                number.fields(&mut fields);
            }
            Self::Compare(a, _, b) => {
                a.fields(&mut fields);
                b.fields(&mut fields);
            }
            Self::OneOf(text, _) => text.fields(&mut fields),
            Self::Same(a, b)
            | Self::StartsWith(a, b)
            | Self::EndsWith(a, b)
            | Self::Contains(a, b) => {
                a.fields(&mut fields);
                b.fields(&mut fields);
            }
            Self::Has(field, text) => {
                fields.push(*field);
                text.fields(&mut fields);
            }
        }
        fields
    }
}

impl Number {
    /// Adds the fields that it is made of.
    pub fn fields(&self, to: &mut Vec<Field>) {
        match self {
            Self::Constant(_) => {}
            Self::Field(field) => to.push(*field),
            Self::Calculated(a, _, b) => {
                a.fields(to);
                b.fields(to);
            }
        }
    }
}

impl Text {
    /// Adds the field that it is.
    pub fn fields(&self, to: &mut Vec<Field>) {
        if let Self::Field(field) = self {
            to.push(*field);
        }
    }

    /// Whether it is bytes that need not be text.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Self::Field(field) if field.kind() == Kind::Bytes)
    }
}

impl Item {
    /// Adds the fields that it is made of.
    pub fn fields(&self, to: &mut Vec<Field>) {
        match self {
            Self::Text(text) => text.fields(to),
            Self::Number(number) => number.fields(to),
            Self::Bool(field) => to.push(*field),
        }
    }
}

impl Aggregate {
    /// The fields that it asks for.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        match &self.sum {
            Sum::Count => {}
            Sum::Sum(number)
            | Sum::Histogram(number)
            | Sum::Last(number)
            | Sum::Top(_, number)
            | Sum::Rate(number) => number.fields(&mut fields),
            Sum::Distinct(item) => item.fields(&mut fields),
        }
        self.by.iter().for_each(|label| label.item.fields(&mut fields));
        fields
    }
}

impl Arithmetic {
    /// The result; none if it does not fit, or there is none.
    pub fn of(self, a: i128, b: i128) -> Option<i128> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Subtract => a.checked_sub(b),
            Self::Multiply => a.checked_mul(b),
            Self::Divide => a.checked_div(b),
            Self::Remainder => a.checked_rem(b),
        }
    }
}

impl Order {
    /// Whether it is so.
    pub fn holds(self, a: i128, b: i128) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(entry: Target, yes: Target) -> Program {
        let test = Test::Same(Text::Field(Field::Comm), Text::Constant(b"curl".to_vec()));
        let steps = vec![
            Step { test, yes: Target::Keep, no: Target::Drop },
            Step {
                test: Test::Compare(
                    Number::Field(Field::Bytes),
                    Order::Greater,
                    Number::Constant(-(1 << 70)),
                ),
                yes,
                no: Target::Drop,
            },
        ];
        Program { steps, entry, ..Program::default() }
    }

    #[test]
    fn a_program_survives_as_text() {
        let program = program(Target::Step(1), Target::Step(0));
        assert_eq!(Program::decode(&program.encode()).unwrap(), program);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = Program::decode(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("call == 'sendmsg'", "base64");
        check("AQ", "another version");
        check(&program(Target::Step(1), Target::Step(1)).encode(), "circles");
        check(&program(Target::Step(2), Target::Keep).encode(), "circles");
    }
}
