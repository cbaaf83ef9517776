//! Parameters: values against their types, and what a script is given of them.

use std::collections::BTreeMap;

use super::{Describe, LoadError, Param, Wants};
use crate::expression;

/// The type of a parameter whose value is an expression: the host compiles it, the script is given the
/// result, and what it can fit are the script's `wants`.
const EXPRESSION: &str = "expression";

impl Describe {
    /// The parameters' values as people see them: what was given, else the defaults.
    pub fn in_force(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut values = given.clone();
        for param in &self.params {
            values.entry(param.name.clone()).or_insert_with(|| param.default.clone());
        }
        values
    }

    /// The same as the script is given them. Refuses what is not of its type; wants from now on what the
    /// expressions among them want.
    pub(super) fn values(
        &mut self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, LoadError> {
        let known = |name: &str| self.params.iter().find(|param| param.name == name);
        for (name, value) in given {
            let Some(param) = known(name) else {
                let names: Vec<_> = self.params.iter().map(|param| param.name.as_str()).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(LoadError::UnknownParam { name: name.clone(), known });
            };
            check(param, value)?;
        }
        let mut values = self.in_force(given);
        let expressions = self.params.iter().filter(|param| param.r#type == EXPRESSION);
        let mut wanted = None;
        for param in expressions {
            let Some(value) = values.get_mut(&param.name).filter(|value| !value.is_empty()) else {
                continue;
            };
            let compiled = expression::compile(value).map_err(|source| LoadError::Expression {
                name: param.name.clone(),
                source: Box::new(source),
            })?;
            let wants = Wants::of(compiled.want, compiled.payload);
            // Conditions of two cannot be made one.
            wanted = Some(wanted.map_or(wants, |before: Wants| {
                Wants::all(before.calls | wants.calls, before.payload.max(wants.payload))
            }));
            *value = compiled.program.encode();
        }
        if let Some(wants) = wanted {
            self.wants = wants;
        }
        Ok(values)
    }
}

/// Refuses a value that is not of its parameter's type.
fn check(param: &Param, value: &str) -> Result<(), LoadError> {
    let bad = |needed: String| LoadError::BadParam {
        name: param.name.clone(),
        value: value.to_owned(),
        needed,
    };
    if !param.values.is_empty() && !param.values.iter().any(|known| known == value) {
        return Err(bad(format!("one of {}", param.values.join(", "))));
    }
    // What may be left out is left out by an empty text.
    if value.is_empty() && param.default.is_empty() {
        return Ok(());
    }
    let text = value.trim();
    let (fits, needed) = match param.r#type.as_str() {
        "int" => (is_whole(text), "an int: a whole number, as in 10"),
        "uint" => (text.parse::<u64>().is_ok(), "a uint: a whole number from 0, as in 10"),
        "float" => (text.parse().is_ok_and(f64::is_finite), "a float: a number, as in 0.5"),
        "bool" => (matches!(text, "true" | "false"), "a bool: true or false"),
        "duration" => {
            (is_duration(text), "a duration: a whole number and ns, us, ms, s, m or h, as in 10ms")
        }
        // The names of other types are for people.
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(bad(needed.to_owned())) }
}

fn is_whole(text: &str) -> bool {
    text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
}

/// As the SDK reads it.
fn is_duration(text: &str) -> bool {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "min", "h"];
    number.parse::<u64>().is_ok() && units.contains(&unit.trim_start())
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::CALL_RECVMSG;

    use super::*;
    use crate::script::call_number;

    fn describe(r#type: &str, default: &str, values: &[&str]) -> Describe {
        let param = Param {
            name: "x".to_owned(),
            r#type: r#type.to_owned(),
            default: default.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
            ..Param::default()
        };
        Describe { params: vec![param], ..Describe::default() }
    }

    fn given(value: &str) -> BTreeMap<String, String> {
        [("x".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn values_are_of_their_types() {
        let check = |r#type, value, fits: bool| {
            let values = describe(r#type, "0", &[]).values(&given(value));
            assert_eq!(values.is_ok(), fits, "{type} {value:?}");
            if let Err(error) = values {
                let text = error.to_string();
                assert!(text.contains("parameter `x`") && text.contains(r#type), "{text}");
                assert!(text.contains(&format!("`{value}`")), "{text}");
            }
        };
        for value in ["-1", "0", " 7 ", "18446744073709551615"] {
            check("int", value, true);
        }
        for value in ["", "x", "1.5", "18446744073709551616"] {
            check("int", value, false);
        }
        check("uint", "7", true);
        check("uint", "-1", false);
        for value in ["0.5", "-1e3", "7"] {
            check("float", value, true);
        }
        for value in ["nan", "inf", "1,5", ""] {
            check("float", value, false);
        }
        check("bool", "true", true);
        check("bool", "yes", false);
        for value in ["10ms", "1 h", "0ns"] {
            check("duration", value, true);
        }
        for value in ["10", "soon", "-1ms", "1.5s", ""] {
            check("duration", value, false);
        }
        check("string", "anything", true);
        check("path", "anything", true);
    }

    #[test]
    fn what_may_be_left_out_may_be_empty() {
        assert_eq!(describe("duration", "", &[]).values(&given("")).unwrap()["x"], "");
        assert!(describe("duration", "1s", &[]).values(&given("")).is_err());
        assert_eq!(describe("duration", "1s", &[]).values(&BTreeMap::new()).unwrap()["x"], "1s");
    }

    #[test]
    fn one_of_a_list() {
        let mut mode = describe("enum", "fast", &["fast", "exact"]);
        assert_eq!(mode.values(&given("exact")).unwrap()["x"], "exact");
        let error = mode.values(&given("slow")).unwrap_err().to_string();
        assert_eq!(error, "parameter `x`: `slow` is not one of fast, exact");
    }

    #[test]
    fn an_expression_is_given_compiled_and_says_what_is_wanted() {
        let mut script = describe("expression", "true", &[]);
        let given = given("call == \"recvmsg\" && msg.payload.startsWith(\"GET \")");
        let values = script.values(&given).unwrap();
        assert!(weir_expression::Program::decode(&values["x"]).is_ok());
        assert_eq!(script.in_force(&given), given);
        assert_eq!((script.wants.calls, script.wants.payload), (1 << CALL_RECVMSG, 4));
        assert_eq!(call_number("recvmsg"), Some(CALL_RECVMSG));
        let error = script.values(&self::given("fd = 3")).unwrap_err().to_string();
        assert_eq!(error, "parameter `x`: column 4: write == to compare\n    fd = 3\n       ^");
    }
}
