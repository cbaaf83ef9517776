//! Expressions: a filter and what is done with the events that fit, as a user writes them. Pure.
//!
//! `call == "sendmsg" && error != null | count by process.comm` is parsed as CEL, checked against the names
//! and types of the event's JSON, and compiled into what the bundled script `expression` runs. The language
//! is described in docs/expressions.md.

mod aggregate;
mod error;
mod filter;
mod names;
mod operand;
mod parse;
mod split;
#[cfg(test)]
mod tests;
mod values;
mod wants;

use weir_expression::Program;

pub use error::ExpressionError;

/// The bundled script that runs expressions.
pub const SCRIPT: &str = "expression";
/// Its parameter.
pub const PARAM: &str = "expression";
/// Most bytes of an expression.
const MOST_BYTES: usize = 4096;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What a script runs.
    pub program: Program,
    /// The calls whose events can fit: a bit for each, at its number (`CALL_*`).
    pub calls: u16,
    /// The bytes of payload that it looks at.
    pub payload: u32,
}

/// Compiles an expression.
pub fn compile(text: &str) -> Result<Compiled, ExpressionError> {
    parts(text).map_err(|wrong| ExpressionError::new(text, wrong))
}

fn parts(text: &str) -> Result<Compiled, error::Wrong> {
    if text.len() > MOST_BYTES {
        return Err(error::Wrong::new(
            0..0,
            format!(
                "the expression has {} bytes, more than {MOST_BYTES}: write a script instead",
                text.len()
            ),
        ));
    }
    let split::Parts { filter, aggregate } = split::split(text)?;
    let mut program = match filter {
        Some(part) => filter::compile(&parse::Parsed::new(text, part)?)?,
        None => Program::default(),
    };
    program.aggregate = aggregate.map(|part| aggregate::compile(text, part)).transpose()?;
    program.names = names::of(&program);
    let (calls, payload) = (wants::calls(&program), wants::payload(&program));
    Ok(Compiled { program, calls, payload })
}
