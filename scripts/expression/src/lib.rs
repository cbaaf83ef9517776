//! Runs an expression over each event: `weir run -e 'error != null | count by process.comm'`.
//!
//! The host parses and checks it; what the parameter `expression` holds here is a [`Program`].

mod label;
mod sum;

use weir::{About, Event, Out, Param, Params, Script, Verdict};
use weir_expression::{Program, run::Room};

use crate::sum::Summing;

struct Expression {
    program: Program,
    summing: Option<Summing>,
    room: Room,
}

#[weir::script]
impl Script for Expression {
    const ABOUT: About = About::filter("Keeps the events that fit an expression, and sums them up")
        .params(&[Param::expression(
            "expression",
            "true",
            "a filter, and what is done with what fits: `error != null | count by process.comm`",
        )]);

    fn start(params: &Params) -> Result<Self, String> {
        let program =
            Program::decode(&params.string("expression")?).map_err(|error| error.to_string())?;
        let summing = program.aggregate.as_ref().map(Summing::open).transpose()?;
        Ok(Self { program, summing, room: Room::default() })
    }

    fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
        let Self { program, summing, room } = self;
        let fits = program.fits(event, room);
        if fits && let Some(summing) = summing {
            summing.add(event, &program.names, room);
        }
        fits.into()
    }
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};
    use weir_expression::{
        Aggregate, Field, Item, Label, Names, Number, Order, Step, Sum, Target, Test, Text,
    };

    use super::*;

    fn program() -> Program {
        let comm = Text::Field(Field::Comm);
        let tests = [
            Test::Compare(Number::Field(Field::Ret), Order::Greater, Number::Constant(10)),
            Test::StartsWith(comm.clone(), Text::Constant(b"cu".to_vec())),
        ];
        let [ret, comm_fits] = tests;
        Program {
            steps: vec![
                Step { test: ret, yes: Target::Keep, no: Target::Drop },
                Step { test: comm_fits, yes: Target::Step(0), no: Target::Drop },
            ],
            entry: Target::Step(1),
            aggregate: Some(Aggregate {
                sum: Sum::Sum(Number::Field(Field::Bytes)),
                table: "sum".into(),
                unit: "By".into(),
                help: "sum".into(),
                by: vec![
                    Label { name: "comm".into(), item: Item::Text(comm) },
                    Label { name: "error".into(), item: Item::Text(Text::Field(Field::Error)) },
                ],
            }),
            names: Names::default(),
        }
    }

    #[test]
    fn runs_a_program() {
        let text = program().encode();
        let mut run = Run::<Expression>::start(&[("expression", &text)]).unwrap();
        let verdicts = run.batch(&[
            Call::new().comm("curl").bytes(64),
            Call::new().comm("curl").bytes(10),
            Call::new().comm("named").bytes(64),
            Call::new().comm("cue").bytes(30),
            Call::new().comm("curl").bytes(11),
        ]);
        let kept: Vec<_> = verdicts.iter().map(|&verdict| verdict == Verdict::Keep).collect();
        assert_eq!(kept, [true, false, false, true, true]);
        let row = |key: &str, value| (key.to_owned(), vec![value]);
        assert_eq!(run.rows("sum"), [row("cue, -", 30), row("curl, -", 75)]);
    }

    #[test]
    fn what_the_host_did_not_compile_is_refused() {
        let refused = Run::<Expression>::start(&[("expression", "fd == 3")]).err().unwrap();
        assert!(refused.contains("base64"), "{refused}");
    }
}
