//! `/openapi.json`: the control API described, for people, for generators of clients and for testers that go by schemas.
//!
//! What can be called is the table in `operations`; shapes are in `shapes`. A test holds both against the routes.

mod faults;
mod operations;
mod shapes;

use super::{Ask, Done};
use operations::{LINKS, OPERATIONS, Operation};
use serde_json::{Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    ResponseBuilder, ResponsesBuilder, Schema,
};

pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    ask.known().await?;
    Ok((200, written()))
}

/// The description as JSON, with its links, of which the builder misspells the keys.
fn written() -> Value {
    let mut written = serde_json::to_value(document()).unwrap_or(Value::Null);
    for ([method, path], [to_method, to_path], name, value) in LINKS {
        let responses = &mut written["paths"][format!("/_mock{path}")][method.to_ascii_lowercase()]["responses"];
        let done = responses.as_object_mut().into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
        let id = id(to_method, to_path);
        for (_, response) in done {
            response["links"][&id] = json!({ "operationId": id, "parameters": { *name: value } });
        }
    }
    written
}

/// The whole description.
fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("mock-whatsapp control API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("What tests and people do to the mock's world, and what they may know of it."))
        .build();
    let mut paths = PathsBuilder::new();
    for operation in OPERATIONS {
        let path = format!("/_mock{}", operation.path);
        paths = paths.path(path, PathItem::new(method(operation.method), describe(operation)));
    }
    let components = ComponentsBuilder::new().schema("Problem", shapes::problem()).build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components)).build()
}

fn method(name: &str) -> HttpMethod {
    match name {
        "PUT" => HttpMethod::Put,
        "POST" => HttpMethod::Post,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// What an operation is called by generators of clients.
fn id(method: &str, path: &str) -> String {
    let words = format!("{}{path}", method.to_ascii_lowercase());
    words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn describe(operation: &Operation) -> utoipa::openapi::path::Operation {
    let id = id(operation.method, operation.path);
    let mut described = OperationBuilder::new().operation_id(Some(id)).summary(Some(operation.summary));
    for segment in operation.path.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            let example = shapes::example_of_path(operation.path, name);
            let shape = shapes::of_path(operation.path, name);
            described = described.parameter(parameter(ParameterIn::Path, name, shape).example(Some(example.into())));
        }
    }
    let common = [("tenant", shapes::name as fn() -> Schema)];
    for (name, shape) in common.iter().chain(operation.query) {
        described = described.parameter(parameter(ParameterIn::Query, name, shape()));
    }
    if let Some((body, needed)) = operation.body {
        let examples = operation.examples.iter().enumerate().filter_map(|(place, text)| {
            let value: Value = serde_json::from_str(text).ok()?;
            Some((format!("example {}", place + 1), ExampleBuilder::new().value(Some(value)).build()))
        });
        let content = ContentBuilder::new().schema(Some(body())).examples_from_iter(examples).build();
        let required = if needed { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(required)).build();
        described = described.request_body(Some(body));
    }
    let mut responses = ResponsesBuilder::new();
    for (status, what, shape) in operation.answers {
        let kind = match operation.path {
            "/metrics" => "text/plain",
            "/export" => "application/toml",
            "/events" => "text/event-stream",
            _ => "application/json",
        };
        let content = ContentBuilder::new().schema(Some(shape())).build();
        let response = ResponseBuilder::new().description(*what).content(kind, content).build();
        responses = responses.response(status.to_string(), response);
    }
    let usual = [
        (400, "It is malformed"),
        (401, "The control token is missing or wrong"),
        (404, "There is no such thing, or no such tenant"),
        (405, "Not with this method"),
        (408, "The body took too long"),
        (409, "Not as things stand"),
        (413, "The body is too long"),
        (415, "The body is of another type"),
        (422, "Well formed, and yet impossible"),
        (503, "The server stops"),
    ];
    for (status, what) in usual.into_iter().chain(operation.problems.iter().copied()) {
        if operation.answers.iter().any(|(known, ..)| *known == status) {
            continue;
        }
        let problem: RefOr<Schema> = Ref::from_schema_name("Problem").into();
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let response = ResponseBuilder::new().description(what).content("application/problem+json", content).build();
        responses = responses.response(status.to_string(), response);
    }
    described.responses(responses.build()).build()
}

fn parameter(place: ParameterIn, name: &str, shape: Schema) -> ParameterBuilder {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::methods;
    use std::collections::BTreeSet;

    /// A path with something in the places of its parameters.
    fn filled(path: &str) -> Vec<&str> {
        path.trim_start_matches('/').split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect()
    }

    #[test]
    fn what_is_described_can_be_called() {
        for operation in OPERATIONS {
            let known = methods(&filled(operation.path)).unwrap_or_default();
            assert!(known.contains(&operation.method), "{} {}", operation.method, operation.path);
        }
        let document = serde_json::to_value(document()).unwrap();
        let events = &document["paths"]["/_mock/events"]["get"]["responses"]["200"]["content"];
        // One event, as readers of such streams take it apart.
        let event = &events["text/event-stream"]["schema"]["properties"];
        assert_eq!(
            (&event["event"]["enum"][0], &event["data"]["type"]),
            (&json!("request"), &json!("string")),
            "{events}"
        );
    }

    #[test]
    fn what_only_time_narrows_down_is_described_so() {
        let document = written();
        let faults =
            &document["paths"]["/_mock/faults"]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let can_be_first = faults["oneOf"].as_array().unwrap().iter().filter(|it| it["properties"]["first"].is_null());
        let kinds: Vec<&Value> = can_be_first.map(|it| &it["properties"]["kind"]["enum"][0]).collect();
        assert_eq!(kinds, [&json!("tier")]);
    }

    #[test]
    fn links_lead_from_one_operation_to_another() {
        let is_there = |[method, path]: [&str; 2]| OPERATIONS.iter().any(|it| it.method == method && it.path == path);
        for (from, to, name, _) in LINKS {
            assert!(is_there(*from) && is_there(*to) && to[1].contains(&format!("{{{name}}}")), "{from:?} {to:?}");
        }
        let document = written();
        let links = &document["paths"]["/_mock/faults"]["post"]["responses"]["201"]["links"];
        assert_eq!(
            links["delete_faults__id_"]["operationId"],
            document["paths"]["/_mock/faults/{id}"]["delete"]["operationId"]
        );
    }

    #[test]
    fn what_can_be_called_is_described() {
        let described: BTreeSet<(&str, &str)> = OPERATIONS.iter().map(|it| (it.path, it.method)).collect();
        assert_eq!(described.len(), OPERATIONS.len(), "each once");
        let paths: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
        for path in paths {
            for method in methods(&filled(path)).unwrap_or_default() {
                assert!(described.contains(&(path, method)), "{method} {path} is not described");
            }
        }
    }

    #[test]
    fn the_description_is_one_of_openapi_3_1() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let run = &document["paths"]["/_mock/clock/run"]["post"];
        assert_eq!(
            run["responses"]["400"]["content"]["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
    }
}
