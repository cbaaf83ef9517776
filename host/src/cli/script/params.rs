//! A script's parameters.

use serde_json::{Value, json};

use super::pair;
use crate::cli::{
    client::Client,
    columns::{Align, columns},
};

/// Sets parameters: NAME=VALUE, or NAME for its default.
pub fn set(client: &Client, address: &str, set: &[String]) -> anyhow::Result<Value> {
    let mut params = serde_json::Map::new();
    for text in set {
        let (name, value) = match pair(text) {
            Ok((name, value)) => (name, json!(value)),
            Err(_) => (text.as_str(), Value::Null),
        };
        params.insert(name.to_owned(), value);
    }
    let body = json!({ "params": params }).to_string();
    Ok(client.change("PATCH", address, body.as_bytes())?.body)
}

/// The parameters of a script, with their types.
pub fn table(script: &Value) -> String {
    let known = script["describe"]["params"].as_array().map_or(&[][..], Vec::as_slice);
    if known.is_empty() {
        return "it has no parameters\n".to_owned();
    }
    let head = ["NAME", "TYPE", "VALUE", "DEFAULT", "HELP"].map(|name| (name, Align::Left));
    let text = |value: &Value| match value.as_str() {
        Some("") | None => "-".to_owned(),
        Some(text) => text.to_owned(),
    };
    let rows = known.iter().map(|param| {
        let value = &script["params"][param["name"].as_str().unwrap_or_default()];
        let values = param["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join("|");
        let kind = if values.is_empty() { text(&param["type"]) } else { values };
        vec![text(&param["name"]), kind, text(value), text(&param["default"]), text(&param["help"])]
    });
    columns(&head, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beside_types_and_defaults() {
        let script = json!({"params": {"min": "5ms", "mode": ""}, "describe": {"params": [
            {"name": "min", "type": "duration", "default": "10ms", "help": "at least"},
            {"name": "mode", "type": "enum", "default": "", "values": ["a", "b"], "help": ""}]}});
        let expected = "\
NAME  TYPE      VALUE  DEFAULT  HELP
min   duration  5ms    10ms     at least
mode  a|b       -      -        -
";
        assert_eq!(table(&script), expected);
        assert_eq!(table(&json!({})), "it has no parameters\n");
    }
}
