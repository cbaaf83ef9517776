//! What every message to a collector has.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource,
};

/// This host, and Weir on it.
pub fn resource() -> Resource {
    let system = rustix::system::uname();
    let attributes = vec![
        text("service.name", "weir"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("host.name", system.nodename().to_string_lossy()),
        text("os.type", "linux"),
        text("os.version", system.release().to_string_lossy()),
    ];
    Resource { attributes, ..Resource::default() }
}

/// What made the message.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "weir".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// An attribute that is a text.
pub fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.into()))
}

/// An attribute that is a whole number.
pub fn number(key: impl Into<String>, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

/// An attribute that is true or false.
pub fn flag(key: impl Into<String>, value: bool) -> KeyValue {
    attribute(key, any_value::Value::BoolValue(value))
}

/// An attribute that is a list of texts.
pub fn texts(key: impl Into<String>, values: impl IntoIterator<Item = String>) -> KeyValue {
    let text = |value| AnyValue { value: Some(any_value::Value::StringValue(value)) };
    let values = values.into_iter().map(text).collect();
    attribute(key, any_value::Value::ArrayValue(ArrayValue { values }))
}

fn attribute(key: impl Into<String>, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
