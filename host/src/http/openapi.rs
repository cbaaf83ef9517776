//! The API's description, made from the handlers: what docs/openapi.json has.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, RefOr,
        content::ContentBuilder,
        path::Operation,
        response::ResponseBuilder,
        schema::Ref,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{check, error, events, history, load, metrics, scripts, status, stream, tables};

/// Name of what changes need.
const TOKEN: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir",
        description = "What a Linux host sends and receives, seen through WebAssembly scripts. What everything \
                       means stands in docs/api.md.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    paths(
        document,
        status::status,
        status::ledger,
        status::pipelines,
        status::health,
        scripts::list,
        scripts::get,
        scripts::patch,
        scripts::delete,
        scripts::logs,
        scripts::reorder,
        load::put,
        load::load,
        load::loads,
        load::limits,
        load::emitted,
        check::check,
        metrics::metrics,
        tables::list,
        tables::get,
        history::series,
        events::list,
        events::get,
        stream::stream,
    ),
    components(schemas(error::Error)),
    modifiers(&ForAll)
)]
pub struct Document;

/// What holds for every request: how errors look, and what needs the token.
struct ForAll;

impl Modify for ForAll {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme(TOKEN, scheme);
        for item in document.paths.paths.values_mut() {
            let reads = item.get.iter_mut();
            let changes = item.put.iter_mut().chain(&mut item.patch).chain(&mut item.delete);
            for operation in changes {
                operation.security = Some(vec![token()]);
                add_error(operation);
            }
            for operation in reads {
                // Reads need it with --auth all.
                operation.security = Some(vec![SecurityRequirement::default(), token()]);
                add_error(operation);
            }
        }
    }
}

fn token() -> SecurityRequirement {
    SecurityRequirement::new(TOKEN, [""; 0])
}

fn add_error(operation: &mut Operation) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let error = ResponseBuilder::new().description("an error").content("application/json", content);
    operation.responses.responses.insert("default".to_owned(), RefOr::T(error.build()));
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200, body = Object)))]
pub async fn document() -> Json<openapi::OpenApi> {
    Json(Document::openapi())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        env, fs,
        path::PathBuf,
        slice,
    };

    use serde_json::{Value, json};

    use super::*;

    /// `UPDATE_DOCS=1 cargo test --release -p weir openapi` writes the file anew.
    #[test]
    fn the_file_is_fresh() {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "..", "docs", "openapi.json"].iter().collect();
        let anew = format!("{}\n", Document::openapi().to_pretty_json().unwrap());
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &anew).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == anew, "docs/openapi.json is stale (UPDATE_DOCS=1 writes it)");
    }

    /// Whether it is as a schema says; of an object with parts that other schemas describe, each says some.
    fn fits(value: &Value, schema: &Value, all: &Value, part: bool) -> bool {
        if let Some(name) = schema["$ref"].as_str() {
            return fits(value, &all[name.rsplit('/').next().unwrap()], all, part);
        }
        if let Some(one_of) = schema["oneOf"].as_array() {
            return one_of.iter().any(|schema| fits(value, schema, all, part));
        }
        if let Some(all_of) = schema["allOf"].as_array() {
            return all_of.iter().all(|schema| fits(value, schema, all, true));
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let kinds =
            schema["type"].as_array().map_or(slice::from_ref(&schema["type"]), Vec::as_slice);
        let known = &schema["properties"];
        kinds.contains(&Value::from(kind))
            && value
                .as_array()
                .into_iter()
                .flatten()
                .all(|item| fits(item, &schema["items"], all, false))
            && schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .all(|name| value.get(name.as_str().unwrap()).is_some())
            && value.as_object().into_iter().flatten().all(|(name, value)| {
                match known.get(name).or(schema.get("additionalProperties")) {
                    Some(schema) => fits(value, schema, all, false),
                    None => part,
                }
            })
    }

    /// Those of docs/events.md are real ones, of all calls.
    #[test]
    fn events_are_as_described() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let all = &document["components"]["schemas"];
        let text = include_str!("../../../docs/events.md");
        let blocks =
            text.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
        let events: Vec<Value> = blocks.map(|block| serde_json::from_str(block).unwrap()).collect();
        assert!(events.len() >= 8);
        for event in events {
            assert!(fits(&event, &all["Event"], all, false), "{event}");
            // What is of another type than is said, or not told of, does not fit.
            for (of, name) in [("", "seq"), ("", "more"), ("/process", "comm"), ("/msg", "iov")] {
                let mut other = event.clone();
                let place = other.pointer_mut(of).and_then(Value::as_object_mut).unwrap();
                place.insert(name.to_owned(), json!({"no": "such"}));
                assert!(!fits(&other, &all["Event"], all, false), "{of}/{name}: {other}");
            }
        }
    }

    /// Addresses and their methods, as the router has them.
    fn routes() -> BTreeMap<String, BTreeSet<String>> {
        let source = include_str!("mod.rs");
        let router = source.split("fn router(").nth(1).unwrap();
        let (api, rest) = router.split_once("Router::new()\n        .nest(").unwrap();
        let mut routes = BTreeMap::new();
        for (part, base) in [(api, "/api/v1"), (rest, "")] {
            for route in part.split(".route(").skip(1) {
                let route = route.split(".fallback(").next().unwrap();
                let (path, handlers) = route.split_once(',').unwrap();
                let methods =
                    ["get", "put", "post", "patch", "delete"].into_iter().filter(|method| {
                        handlers
                            .split(|c: char| !c.is_alphanumeric() && c != ':' && c != '_')
                            .any(|word| word == *method)
                    });
                let path = path.trim().trim_matches('"');
                routes.insert(format!("{base}{path}"), methods.map(str::to_owned).collect());
            }
        }
        routes
    }

    #[test]
    fn every_route_is_in_it() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeMap<String, BTreeSet<String>> = paths
            .iter()
            .map(|(path, item)| (path.clone(), item.as_object().unwrap().keys().cloned().collect()))
            .collect();
        assert!(described.len() > 15);
        assert_eq!(routes(), described);
    }
}
