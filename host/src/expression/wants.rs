//! What an expression wants to see: calls that can fit, and bytes of payload.

use weir_expression::{Field, Number, Order, Part, Program, Target, Test, Text, calls_of};
use weir_sdk::event::{CALL_NAMES, CALL_SENDMSG, PAYLOAD_BYTES};

/// The calls whose events can fit. Where nothing in the expression tells calls apart, it is sendmsg.
pub fn calls(program: &Program) -> u16 {
    let mut fields: Vec<_> = program.steps.iter().flat_map(|step| step.test.fields()).collect();
    fields.extend(program.aggregate.iter().flat_map(|aggregate| aggregate.fields()));
    if !fields.iter().any(|&field| field == Field::Call || calls_of(field).is_some()) {
        return 1 << CALL_SENDMSG;
    }
    let calls = (1..).zip(CALL_NAMES);
    calls
        .filter(|&(call, name)| can_fit(program, call, name))
        .fold(0, |calls, (call, _)| calls | 1 << call)
}

/// Whether an event of a call can fit.
fn can_fit(program: &Program, call: u16, name: &str) -> bool {
    // Steps go on to those before them alone.
    let mut fits = Vec::with_capacity(program.steps.len());
    let of = |fits: &[bool], target| match target {
        Target::Keep => true,
        Target::Drop => false,
        Target::Step(index) => fits[usize::from(index)],
    };
    for step in &program.steps {
        let (yes, no) = (of(&fits, step.yes), of(&fits, step.no));
        fits.push(match answer(&step.test, call, name) {
            Some(true) => yes,
            Some(false) => no,
            None => yes || no,
        });
    }
    of(&fits, program.entry)
}

/// The answer to a test for all events of a call; `None` if it depends.
fn answer(test: &Test, call: u16, name: &str) -> Option<bool> {
    let never = |field: Field| calls_of(field).is_some_and(|calls| calls & 1 << call == 0);
    let text = |text: &Text| match text {
        Text::Constant(bytes) => Some(bytes.clone()),
        Text::Field(Field::Call) => Some(name.as_bytes().to_vec()),
        _ => None,
    };
    let both = |a, b| Some((text(a)?, text(b)?));
    let found = match test {
        Test::There(Part::Field(Field::Call)) => Some(true),
        Test::There(Part::Field(field)) if never(*field) => Some(false),
        Test::Same(a, b) => both(a, b).map(|(a, b)| a == b),
        Test::OneOf(of, list) => text(of).map(|of| list.contains(&of)),
        Test::StartsWith(a, b) => both(a, b).map(|(a, b)| a.starts_with(&b)),
        Test::EndsWith(a, b) => both(a, b).map(|(a, b)| a.ends_with(&b)),
        Test::Contains(a, b) => {
            both(a, b).map(|(a, b)| b.is_empty() || a.windows(b.len()).any(|part| part == b))
        }
        _ => None,
    };
    // With a part that no such event has the answer is no; two such parts may both be absent.
    let is_equality = matches!(test, Test::Same(..) | Test::Compare(_, Order::Equal, _));
    let absent = test.fields().into_iter().any(never);
    let one_is_constant = match test {
        Test::Same(a, b) => matches!(a, Text::Constant(_)) || matches!(b, Text::Constant(_)),
        Test::Compare(a, _, b) => {
            matches!(a, Number::Constant(_)) || matches!(b, Number::Constant(_))
        }
        _ => false,
    };
    found.or((absent && (!is_equality || one_is_constant)).then_some(false))
}

/// The bytes of payload that the tests look at.
pub fn payload(program: &Program) -> u32 {
    let is = |text: &Text| matches!(text, Text::Field(Field::Payload));
    let of_test = |test: &Test| match test {
        Test::StartsWith(text, Text::Constant(part)) if is(text) => part.len(),
        // One more, to see that it ends there.
        Test::Same(text, Text::Constant(other)) | Test::Same(Text::Constant(other), text)
            if is(text) =>
        {
            other.len() + 1
        }
        test if test.fields().contains(&Field::Payload) => match test {
            Test::There(_) => 1,
            _ => PAYLOAD_BYTES,
        },
        _ => 0,
    };
    let most = program.steps.iter().map(|step| of_test(&step.test)).max().unwrap_or(0);
    most.min(PAYLOAD_BYTES) as u32
}
