//! What a script says of a table when it opens it.

use serde::{Deserialize, Serialize};

use super::Kind;

/// Most labels of a key.
const MAX_LABELS: usize = 4;
/// Items that a table of kind `topk` shows, unless set.
const K: usize = 100;
/// Most items that such a table can show.
const MAX_K: usize = 1_000;
/// Seconds that a rate is taken over, unless set.
const WINDOW_S: u32 = 60;
/// Most seconds that a rate can be taken over: a day.
const MAX_WINDOW_S: u32 = 86_400;

/// What a script says of a table when it opens it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Names of the labels that a key is made of, one to four.
    pub labels: Vec<String>,
    /// Unit of the values as in UCUM: `ns`, `By`, `1`.
    pub unit: String,
    /// One line on what the table says.
    pub help: String,
    /// Most rows; the host's limit unless set, and never more.
    pub max_keys: Option<usize>,
    /// Of `topk`: how many items it shows.
    pub k: Option<usize>,
    /// Of `rate`: seconds that it is taken over.
    pub window_s: Option<u32>,
}

/// Why options make no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Too few or too many labels.
    #[error("it has {0} labels: a key has 1 to {MAX_LABELS}")]
    Labels(usize),
    /// An option of another kind.
    #[error("the option `{option}` is for tables of kind {of}, not {kind}: leave it out")]
    OfAnother {
        /// The option.
        option: &'static str,
        /// The kind that has it.
        of: Kind,
        /// The table's.
        kind: Kind,
    },
    /// The option `max_keys` of a table of kind topk.
    #[error("a table of kind topk has as many rows as `k` says: set that instead of `max_keys`")]
    MaxKeys,
    /// A number out of range.
    #[error("`{option}` is {value}: set it from 1 to {most}")]
    Range {
        /// The option.
        option: &'static str,
        /// What it was set to.
        value: usize,
        /// Its largest value.
        most: usize,
    },
}

impl Options {
    /// Checks them for a table of this kind.
    pub(super) fn check(&self, kind: Kind) -> Result<(), OptionsError> {
        let Self { labels, unit: _, help: _, max_keys, k, window_s } = self;
        if labels.is_empty() || labels.len() > MAX_LABELS {
            return Err(OptionsError::Labels(labels.len()));
        }
        if k.is_some() && kind != Kind::TopK {
            return Err(OptionsError::OfAnother { option: "k", of: Kind::TopK, kind });
        }
        if window_s.is_some() && kind != Kind::Rate {
            return Err(OptionsError::OfAnother { option: "window_s", of: Kind::Rate, kind });
        }
        if max_keys.is_some() && kind == Kind::TopK {
            return Err(OptionsError::MaxKeys);
        }
        within("max_keys", *max_keys, usize::MAX)?;
        within("k", *k, MAX_K)?;
        within("window_s", window_s.map(|window| window as usize), MAX_WINDOW_S as usize)
    }

    /// How many items are shown.
    pub(super) fn k(&self) -> usize {
        self.k.unwrap_or(K)
    }

    /// Seconds that a rate is taken over.
    pub(super) fn window_s(&self) -> u32 {
        self.window_s.unwrap_or(WINDOW_S)
    }
}

fn within(option: &'static str, value: Option<usize>, most: usize) -> Result<(), OptionsError> {
    match value {
        Some(value) if value == 0 || value > most => {
            Err(OptionsError::Range { option, value, most })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, json: &str) -> Result<(), String> {
        let options: Options = serde_json::from_str(json).unwrap();
        options.check(kind).map_err(|error| error.to_string())
    }

    #[test]
    fn what_makes_no_sense_is_told_with_the_remedy() {
        for (kind, json, expected) in [
            (Kind::Counter, r#"{}"#, "it has 0 labels: a key has 1 to 4"),
            (
                Kind::Counter,
                r#"{"labels":["a","b","c","d","e"]}"#,
                "it has 5 labels: a key has 1 to 4",
            ),
            (
                Kind::Gauge,
                r#"{"labels":["a"],"k":5}"#,
                "the option `k` is for tables of kind topk, not gauge: leave it out",
            ),
            (
                Kind::TopK,
                r#"{"labels":["a"],"window_s":5}"#,
                "the option `window_s` is for tables of kind rate, not topk: leave it out",
            ),
            (
                Kind::TopK,
                r#"{"labels":["a"],"max_keys":5}"#,
                "a table of kind topk has as many rows as `k` says: set that instead of `max_keys`",
            ),
            (Kind::TopK, r#"{"labels":["a"],"k":0}"#, "`k` is 0: set it from 1 to 1000"),
            (
                Kind::Rate,
                r#"{"labels":["a"],"window_s":86401}"#,
                "`window_s` is 86401: set it from 1 to 86400",
            ),
        ] {
            assert_eq!(check(kind, json), Err(expected.to_owned()));
        }
    }

    #[test]
    fn what_makes_sense() {
        for (kind, json) in [
            (Kind::Counter, r#"{"labels":["a"],"max_keys":5}"#),
            (Kind::TopK, r#"{"labels":["a","b","c","d"],"k":5}"#),
            (Kind::Rate, r#"{"labels":["a"],"window_s":1}"#),
        ] {
            assert_eq!(check(kind, json), Ok(()));
        }
    }
}
