//! Limits of one script, as they stand on the command line and in a file.

use crate::{
    expression::did_you_mean,
    pipeline::check_name,
    script::{LimitValues, Limits},
};

/// The limits, with what their values are.
const LIMITS: [(&str, &str); 5] = [
    ("batch-time", "50ms"),
    ("memory", "64MiB"),
    ("output", "1MiB"),
    ("log-lines", "10"),
    ("table-keys", "1000"),
];

/// `NAME.LIMIT=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The script.
    pub script: String,
    /// The one limit.
    pub values: LimitValues,
}

/// Reads `NAME.LIMIT=VALUE`.
pub fn parse(text: &str) -> Result<Limit, String> {
    let wrong = || "write SCRIPT.LIMIT=VALUE, as in errors.batch-time=50ms".to_owned();
    let (left, value) = text.split_once('=').ok_or_else(wrong)?;
    // Names may have dots, limits have none.
    let (script, limit) = left.rsplit_once('.').ok_or_else(wrong)?;
    check_name(script).map_err(|error| error.to_string())?;
    Ok(Limit { script: script.to_owned(), values: read(limit, value)? })
}

/// Reads the value of one limit.
pub fn read(limit: &str, value: &str) -> Result<LimitValues, String> {
    let none = LimitValues::default();
    let count = || value.parse::<u64>().map_err(|_| needs(limit, value));
    let bytes = || parse_size::parse_size(value).map_err(|_| needs(limit, value));
    let values = match limit {
        "batch-time" => {
            let time = humantime::parse_duration(value).map_err(|_| needs(limit, value))?;
            if time.subsec_nanos() % 1_000_000 != 0 {
                return Err(format!("limit `{limit}`: `{value}` is not in whole milliseconds"));
            }
            LimitValues { batch_time_ms: Some(time.as_millis() as u64), ..none }
        }
        "memory" => LimitValues { memory_bytes: Some(bytes()?), ..none },
        "output" => LimitValues { output_bytes_per_second: Some(bytes()?), ..none },
        "log-lines" => {
            let lines = u32::try_from(count()?).unwrap_or(u32::MAX);
            LimitValues { log_lines_per_second: Some(lines), ..none }
        }
        "table-keys" => LimitValues { table_keys: Some(count()?), ..none },
        _ => {
            let names = LIMITS.map(|(name, _)| name);
            let like = did_you_mean(limit, names.into_iter());
            return Err(format!(
                "there is no limit `{limit}`{like} (there are {})",
                names.join(", ")
            ));
        }
    };
    values.change(Limits::default()).map_err(|error| format!("limit `{limit}`: {error}"))?;
    Ok(values)
}

fn needs(limit: &str, value: &str) -> String {
    let example = LIMITS.iter().find(|(name, _)| *name == limit).map_or("", |(_, example)| example);
    format!("limit `{limit}`: `{value}` is no value: write it like {example}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_by_name() {
        let all = [
            "a.batch-time=50ms",
            "a.memory=8MiB",
            "a.output=65536",
            "a.log-lines=10",
            "a.table-keys=1000",
        ];
        let values = all.map(|text| parse(text).unwrap().values);
        let merged = values.into_iter().fold(LimitValues::default(), |all, one| one.or(all));
        let expected = LimitValues {
            batch_time_ms: Some(50),
            memory_bytes: Some(8 << 20),
            output_bytes_per_second: Some(65536),
            log_lines_per_second: Some(10),
            table_keys: Some(1000),
        };
        assert_eq!(merged, expected);
        assert_eq!(parse("x.1.memory=1MiB").unwrap().script, "x.1");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("errors", "write SCRIPT.LIMIT=VALUE"),
            ("errors=5", "write SCRIPT.LIMIT=VALUE"),
            ("a b.memory=5", "`a b` is not a name"),
            ("a.memroy=5", "did you mean `memory`?"),
            ("a.memory=lots", "write it like 64MiB"),
            ("a.memory=1", "is not within"),
            ("a.batch-time=5", "write it like 50ms"),
            ("a.batch-time=1500us", "whole milliseconds"),
            ("a.log-lines=-1", "write it like 10"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
