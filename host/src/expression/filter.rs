//! A filter → tests that go on to each other.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use weir_expression::{Field, Kind, Number, Order, Part, Program, Step, Target, Test, Text};

use super::{
    error::Wrong,
    operand::{self, Operand, TESTS, inside, operand, phrase, unfit, unknown},
    parse::Parsed,
    values,
};

/// Most tests of a filter.
const MOST_STEPS: usize = 1000;

/// Compiles a filter.
pub fn compile(parsed: &Parsed<'_>) -> Result<Program, Wrong> {
    let mut filter = Filter { parsed, steps: Vec::new() };
    let entry = filter.condition(&parsed.tree, Target::Keep, Target::Drop)?;
    Ok(Program { steps: filter.steps, entry, ..Program::default() })
}

struct Filter<'a> {
    parsed: &'a Parsed<'a>,
    /// Those that come last are the first.
    steps: Vec<Step>,
}

impl Filter<'_> {
    /// Adds the tests of something that is true or false, and returns where they begin.
    fn condition(&mut self, expr: &IdedExpr, yes: Target, no: Target) -> Result<Target, Wrong> {
        match &expr.expr {
            Expr::Literal(LiteralValue::Boolean(constant)) => Ok(if **constant { yes } else { no }),
            Expr::Select(select) if select.test => {
                self.has(expr, &select.operand, &select.field, yes, no)
            }
            Expr::Call(call) => self.call(expr, call, yes, no),
            _ => match operand(self.parsed, expr)? {
                Operand::Condition(_) => {
                    let name = self.parsed.text(expr).split_whitespace().collect::<String>();
                    match Field::of(&name) {
                        Some(field) if field.kind() == Kind::Bool => {
                            self.step(expr, Test::True(field), yes, no)
                        }
                        _ => Err(Wrong::new(self.parsed.at(expr), "this is not true or false")),
                    }
                }
                other => Err(self.not_a_condition(expr, &other)),
            },
        }
    }

    fn not_a_condition(&self, expr: &IdedExpr, found: &Operand<'_>) -> Wrong {
        let text = self.parsed.text(expr);
        let example = match found {
            Operand::Number(_) => format!("{text} > 0"),
            Operand::List(_) => format!("\"MSG_DONTWAIT\" in {text}"),
            _ => format!("{text} != null"),
        };
        let kind = phrase(found.kind());
        Wrong::new(
            self.parsed.at(expr),
            format!("`{text}` is {kind}, but a filter is true or false: write `{example}`"),
        )
    }

    fn step(
        &mut self,
        expr: &IdedExpr,
        test: Test,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        if self.steps.len() == MOST_STEPS {
            return Err(Wrong::new(
                self.parsed.at(expr),
                format!("the filter has more than {MOST_STEPS} tests: write a script instead"),
            ));
        }
        self.steps.push(Step { test, yes, no });
        Ok(Target::Step(self.steps.len() as u16 - 1))
    }

    fn call(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        match (call.func_name.as_str(), &call.args[..]) {
            (operators::LOGICAL_AND, [a, b]) => {
                let then = self.condition(b, yes, no)?;
                self.condition(a, then, no)
            }
            (operators::LOGICAL_OR, [a, b]) => {
                let then = self.condition(b, yes, no)?;
                self.condition(a, yes, then)
            }
            (operators::LOGICAL_NOT, [a]) => self.condition(a, no, yes),
            (operators::CONDITIONAL, [condition, a, b]) => {
                let (a, b) = (self.condition(a, yes, no)?, self.condition(b, yes, no)?);
                self.condition(condition, a, b)
            }
            (operators::EQUALS, [a, b]) => self.same(expr, a, b, yes, no),
            (operators::NOT_EQUALS, [a, b]) => self.same(expr, a, b, no, yes),
            (operators::LESS, [a, b]) => self.order(expr, a, Order::Less, b, yes, no),
            (operators::LESS_EQUALS, [a, b]) => self.order(expr, a, Order::LessOrEqual, b, yes, no),
            (operators::GREATER, [a, b]) => self.order(expr, a, Order::Greater, b, yes, no),
            (operators::GREATER_EQUALS, [a, b]) => {
                self.order(expr, a, Order::GreaterOrEqual, b, yes, no)
            }
            (operators::IN, [item, list]) => self.is_in(expr, item, list, yes, no),
            (name, args) if TESTS.contains(&name) => self.method(expr, call, args, yes, no),
            _ => {
                let found = operand(self.parsed, expr)?;
                Err(self.not_a_condition(expr, &found))
            }
        }
    }

    /// `has(a.b)`: whether it is there.
    fn has(
        &mut self,
        expr: &IdedExpr,
        object: &IdedExpr,
        name: &str,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let object = self.parsed.text(object).split_whitespace().collect::<String>();
        let part = match object.as_str() {
            "attrs" => Part::Attr(name.as_bytes().to_vec()),
            _ => Part::Field(Field::of(&format!("{object}.{name}")).ok_or_else(|| {
                Wrong::new(self.parsed.at(expr), unknown(&format!("{object}.{name}")))
            })?),
        };
        self.step(expr, Test::There(part), yes, no)
    }

    /// `a == b`.
    fn same(
        &mut self,
        expr: &IdedExpr,
        a: &IdedExpr,
        b: &IdedExpr,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let (left, right) = (operand(self.parsed, a)?, operand(self.parsed, b)?);
        let test = match (left, right) {
            (Operand::Null, Operand::Null) => return Ok(yes),
            (Operand::Null, other) => return self.absent(b, other, yes, no),
            (other, Operand::Null) => return self.absent(a, other, yes, no),
            (Operand::Number(a), Operand::Number(b)) | (Operand::Time(a), Operand::Time(b)) => {
                Test::Compare(a, Order::Equal, b)
            }
            (Operand::Text(left), Operand::Text(right)) => {
                let right = values::checked(self.parsed, &left, right, b)?;
                let left = values::checked(self.parsed, &right, left, a)?;
                Test::Same(left, right)
            }
            (Operand::Condition(a), Operand::Condition(b)) => {
                let (same, other) = (self.condition(b, yes, no)?, self.condition(b, no, yes)?);
                return self.condition(a, same, other);
            }
            (left, right) => return Err(self.different(expr, (a, &left), (b, &right))),
        };
        self.step(expr, test, yes, no)
    }

    fn absent(
        &mut self,
        expr: &IdedExpr,
        found: Operand<'_>,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let part = match found {
            Operand::Number(Number::Field(field))
            | Operand::Time(Number::Field(field))
            | Operand::Text(Text::Field(field))
            | Operand::List(field)
            | Operand::Object(field) => Part::Field(field),
            Operand::Text(Text::Attr(name)) => Part::Attr(name),
            Operand::Number(number) | Operand::Time(number) => Part::Number(number),
            // True, false and what is written out are never absent.
            Operand::Text(Text::Constant(_))
            | Operand::Condition(_)
            | Operand::Written(_)
            | Operand::Null => {
                return Ok(no);
            }
        };
        self.step(expr, Test::There(part), no, yes)
    }

    /// `a < b` and the like.
    fn order(
        &mut self,
        expr: &IdedExpr,
        a: &IdedExpr,
        order: Order,
        b: &IdedExpr,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let (left, right) = (operand(self.parsed, a)?, operand(self.parsed, b)?);
        match (left, right) {
            (Operand::Number(a), Operand::Number(b)) | (Operand::Time(a), Operand::Time(b)) => {
                self.step(expr, Test::Compare(a, order, b), yes, no)
            }
            (left @ Operand::Text(_), Operand::Text(_)) => {
                Err(unfit(self.parsed, a, &left, "a number or a time"))
            }
            (left, right) => Err(self.different(expr, (a, &left), (b, &right))),
        }
    }

    /// That two sides cannot be compared.
    fn different(
        &self,
        expr: &IdedExpr,
        (a, left): (&IdedExpr, &Operand<'_>),
        (b, right): (&IdedExpr, &Operand<'_>),
    ) -> Wrong {
        let (a_text, b_text) = (self.parsed.text(a), self.parsed.text(b));
        let hint = match (left, right) {
            (Operand::List(_), Operand::Text(_)) => format!(": write `{b_text} in {a_text}`"),
            (Operand::Text(_), Operand::List(_)) => format!(": write `{a_text} in {b_text}`"),
            (Operand::Object(field), _) | (_, Operand::Object(field)) => inside(*field),
            (Operand::Time(_), _) | (_, Operand::Time(_)) => {
                ": write timestamp(\"2026-11-23T17:20:31Z\")".to_owned()
            }
            (Operand::Text(Text::Field(field)), Operand::Number(_))
            | (Operand::Number(_), Operand::Text(Text::Field(field))) => values::example(*field)
                .map(|example| format!(": write `{} == \"{example}\"`", field.name()))
                .unwrap_or_default(),
            (Operand::Number(Number::Field(_)), Operand::Text(_)) if b_text.len() > 2 => {
                ": write the number without quotes".to_owned()
            }
            _ => String::new(),
        };
        Wrong::new(
            self.parsed.at(expr),
            format!(
                "`{a_text}` is {}, `{b_text}` is {}{hint}",
                phrase(left.kind()),
                phrase(right.kind())
            ),
        )
    }

    /// `item in list`.
    fn is_in(
        &mut self,
        expr: &IdedExpr,
        item: &IdedExpr,
        list: &IdedExpr,
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        match operand(self.parsed, list)? {
            Operand::List(field) => {
                let text = operand::text(self.parsed, item)?;
                let text = values::checked(self.parsed, &Text::Field(field), text, item)?;
                self.step(expr, Test::Has(field, text), yes, no)
            }
            Operand::Written(elements) => self.one_of(expr, item, elements, yes, no),
            other @ Operand::Text(_) => {
                let (list, item) = (self.parsed.text(list), self.parsed.text(item));
                let message =
                    format!("`{list}` is a {}: write `{list}.contains({item})`", other.kind());
                Err(Wrong::new(self.parsed.at(expr), message))
            }
            other => Err(unfit(self.parsed, list, &other, "a list")),
        }
    }

    /// `item in [a, b]`.
    fn one_of(
        &mut self,
        expr: &IdedExpr,
        item: &IdedExpr,
        elements: &[IdedExpr],
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let (mut numbers, mut texts, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let found = operand(self.parsed, item)?;
        for element in elements {
            match (&found, operand(self.parsed, element)?) {
                (Operand::Number(_), Operand::Number(Number::Constant(number))) => {
                    numbers.push(number)
                }
                (Operand::Text(text), Operand::Text(constant @ Text::Constant(_))) => {
                    if let Text::Constant(text) =
                        values::checked(self.parsed, text, constant, element)?
                    {
                        texts.push(text);
                    }
                }
                _ => others.push(element),
            }
        }
        let mut next = no;
        for other in others.into_iter().rev() {
            next = self.same(expr, item, other, yes, next)?;
        }
        match found {
            Operand::Number(number) if !numbers.is_empty() => {
                numbers.sort_unstable();
                self.step(expr, Test::OneOfNumbers(number, numbers), yes, next)
            }
            Operand::Text(text) if !texts.is_empty() => {
                self.step(expr, Test::OneOf(text, texts), yes, next)
            }
            _ => Ok(next),
        }
    }

    /// `text.contains(part)` and the like.
    fn method(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        args: &[IdedExpr],
        yes: Target,
        no: Target,
    ) -> Result<Target, Wrong> {
        let name = call.func_name.as_str();
        let (Some(target), [part]) = (&call.target, args) else {
            let message = format!("write process.comm.{name}(\"x\")");
            return Err(Wrong::new(self.parsed.at_function(expr, name), message));
        };
        if let list @ Operand::List(_) = operand(self.parsed, target)? {
            let (list_text, item) = (self.parsed.text(target), self.parsed.text(part));
            let message =
                format!("`{list_text}` is a {}: write `{item} in {list_text}`", list.kind());
            return Err(Wrong::new(self.parsed.at(expr), message));
        }
        let (text, part) = (operand::text(self.parsed, target)?, operand::text(self.parsed, part)?);
        let test = match name {
            "startsWith" => Test::StartsWith(text, part),
            "endsWith" => Test::EndsWith(text, part),
            _ => Test::Contains(text, part),
        };
        self.step(expr, test, yes, no)
    }
}
