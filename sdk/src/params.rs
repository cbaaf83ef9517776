//! The parameters' values.

use std::time::Duration;

use crate::calls::param::param;

/// The values that whoever runs the script gave its parameters, else their defaults.
///
/// The errors are for that person: they name the parameter and say what is expected.
#[derive(Debug)]
pub struct Params(());

impl Params {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// A value as it was given; an error only if the script does not declare the parameter.
    pub fn string(&self, name: &str) -> Result<String, String> {
        let mut value = vec![0; 64];
        let undeclared = || format!("parameter `{name}` is not in the script's `ABOUT`");
        let len = param(name, &mut value).ok_or_else(undeclared)?;
        if len > value.len() {
            value.resize(len, 0);
            param(name, &mut value);
        }
        value.truncate(len);
        String::from_utf8(value).map_err(|_| format!("parameter `{name}` is not UTF-8"))
    }

    /// A whole number from 0.
    pub fn int(&self, name: &str) -> Result<u64, String> {
        let value = self.string(name)?;
        value.trim().parse().map_err(|_| {
            format!("parameter `{name}`: `{value}` is not a whole number from 0 to {}", u64::MAX)
        })
    }

    /// A time: a whole number and `ns`, `us`, `ms`, `s`, `m` or `h`.
    pub fn duration(&self, name: &str) -> Result<Duration, String> {
        let value = self.string(name)?;
        duration(&value).ok_or_else(|| {
            format!(
                "parameter `{name}`: `{value}` is not a time: \
                 write a whole number and ns, us, ms, s, m or h, as in 10ms"
            )
        })
    }

    /// As [`Params::duration`], or `None` when the value is empty.
    pub fn optional_duration(&self, name: &str) -> Result<Option<Duration>, String> {
        match self.string(name)?.trim() {
            "" => Ok(None),
            _ => self.duration(name).map(Some),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let nanoseconds: u64 = match unit.trim_start() {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(nanoseconds).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::recorder;

    fn params(values: &[(&str, &str)]) -> Params {
        let values = values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        recorder::with(|recorder| recorder.params = values.collect());
        Params::new()
    }

    #[test]
    fn durations() {
        for (text, nanoseconds) in [
            ("7ns", Some(7)),
            ("250us", Some(250_000)),
            ("250µs", Some(250_000)),
            ("10ms", Some(10_000_000)),
            (" 10 ms ", Some(10_000_000)),
            ("1s", Some(1_000_000_000)),
            ("2m", Some(120_000_000_000)),
            ("1h", Some(3_600_000_000_000)),
            ("0ms", Some(0)),
            ("", None),
            ("10", None),
            ("ms", None),
            ("-1ms", None),
            ("1.5s", None),
            ("1 day", None),
            ("99999999999999999999s", None),
            ("18446744073709551615s", None),
        ] {
            assert_eq!(duration(text), nanoseconds.map(Duration::from_nanos), "{text:?}");
        }
    }

    #[test]
    fn long_values_are_whole() {
        let long = "x".repeat(1000);
        assert_eq!(params(&[("long", &long)]).string("long").unwrap(), long);
        assert_eq!(params(&[("empty", "")]).string("empty").unwrap(), "");
    }

    #[test]
    fn errors_name_the_parameter_and_what_is_expected() {
        let params = params(&[("min", "soon"), ("top", "-1"), ("off", "")]);
        assert_eq!(
            params.duration("min").unwrap_err(),
            "parameter `min`: `soon` is not a time: write a whole number and ns, us, ms, s, m or h, as in 10ms"
        );
        assert_eq!(
            params.int("top").unwrap_err(),
            "parameter `top`: `-1` is not a whole number from 0 to 18446744073709551615"
        );
        assert_eq!(params.optional_duration("off"), Ok(None));
        assert_eq!(
            params.string("other").unwrap_err(),
            "parameter `other` is not in the script's `ABOUT`"
        );
    }
}
