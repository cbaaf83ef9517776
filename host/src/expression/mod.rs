//! Expressions: a filter and what is done with the events that fit, as a user writes them. Pure.
//!
//! `call == "sendmsg" && error != null | count by process.comm` is parsed as CEL, checked against the names
//! and types of the event's JSON, and compiled into what the bundled script `expression` runs. The language
//! is described in docs/expressions.md.

mod aggregate;
mod conditions;
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

use weir_ebpf::want::Want;
use weir_expression::Program;

pub use error::ExpressionError;
pub(crate) use error::did_you_mean;

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
    /// What all events that fit have in common: the calls, and the conditions that the kernel can hold calls
    /// against.
    pub want: Want,
    /// The bytes of payload that it looks at.
    pub payload: u32,
}

/// Compiles an expression.
pub fn compile(text: &str) -> Result<Compiled, ExpressionError> {
    parts(text).map_err(|wrong| ExpressionError::new(text, wrong))
}

/// Compiles an expression that is a filter alone.
pub fn compile_filter(text: &str) -> Result<Program, ExpressionError> {
    let wrong = |wrong| ExpressionError::new(text, wrong);
    if let Ok(split::Parts { aggregate: Some(at), .. }) = split::split(text) {
        let message =
            "a filter alone is wanted here, without what is done with the events that fit";
        return Err(wrong(error::Wrong::new(at, message)));
    }
    compile(text).map(|compiled| compiled.program)
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
    let want = conditions::of(&program, wants::calls(&program));
    let payload = wants::payload(&program);
    Ok(Compiled { program, want, payload })
}
