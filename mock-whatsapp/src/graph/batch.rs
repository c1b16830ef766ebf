//! Several calls in one: `POST /` with `batch`. They are carried out one after the other, each as if it had come by itself,
//! with a token, a line in the journal and an answer of its own. A later one may name what an earlier one answered.

use super::call::{Call, Done, Outcome};
use super::forms;
use super::parameters::Parameters;
use super::path::Path;
use super::refusal::Refusal;
use super::{Sent, answer};
use crate::limits::BODY_BYTES;
use crate::query;
use crate::respond::{Answer, Cut};
use crate::server::Server;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Uri};
use serde_json::{Map, Value, json};
use std::pin::Pin;

/// How many calls there may be in one (documented).
const MOST: usize = 50;

/// What opens the place of something that an earlier call answered: `{result=NAME:$.messages[0].id}`.
const REFERENCE: &str = "{result=";

/// What the earlier calls with a name answered; `None` where they failed.
type Named = Map<String, Value>;

pub(super) async fn post(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let Some(Value::Array(items)) = parameters.json("batch") else {
        let why =
            "at its root the Graph API takes POST with `batch`, a list of {\"method\", \"relative_url\", \"body\"}";
        return Err(Refusal::parameter("batch parameter must be a JSON array", why).into());
    };
    if items.len() > MOST {
        let message = format!("Too many requests in batch message. Maximum batch size is {MOST}");
        return Err(Refusal::parameter(message, format!("there are {} calls in it", items.len())).into());
    }
    let with_headers = parameters.flag("include_headers") != Some(false);
    let token = parameters.text("access_token");
    let token = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let token = call.headers.get(AUTHORIZATION).cloned().or(token);
    let (mut named, mut answers) = (Named::new(), Vec::new());
    for item in &items {
        let answered = match request(item, call.path.version, token.as_ref(), &named).await {
            // Where a call has no answer, there is null (documented).
            Ok((parts, body)) => boxed(call.server, parts, body).await.ok(),
            Err(refusal) => {
                let trace = super::trace_id(call.server.next_request());
                Some(super::refuse(&refusal, &trace, now(&call).await?))
            }
        };
        let shown = match answered {
            Some(answer) => Some(show(answer, with_headers).await),
            None => None,
        };
        if let (Some(name), Some(shown)) = (item["name"].as_str(), &shown)
            && shown["code"] == 200
        {
            let body = shown["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
            named.insert(name.to_owned(), body.unwrap_or_default());
        }
        let is_kept = item["omit_response_on_success"] == false || !is_depended_on(&items, item);
        answers.push(shown.filter(|shown| is_kept || shown["code"] != 200));
    }
    let at = now(&call).await?;
    Ok(Outcome::reply(at, answers))
}

async fn now(call: &Call<'_>) -> Result<cloud_api::time::Timestamp, super::call::Stop> {
    Ok(call.tenant(|_, _| Ok(())).await?.1)
}

/// Whether another call names what this one answers: then this is left out where it succeeded.
fn is_depended_on(items: &[Value], item: &Value) -> bool {
    let Some(name) = item["name"].as_str() else { return false };
    let reference = format!("{REFERENCE}{name}:");
    items.iter().any(|other| {
        let texts =
            [&other["relative_url"], &other["body"]].map(|text| query::decode(text.as_str().unwrap_or_default()));
        other["depends_on"] == name || texts.iter().any(|text| text.contains(&reference))
    })
}

/// A call that is one of several can have several in it itself, as far as types know.
fn boxed<'a>(
    server: &'a Server,
    parts: Parts,
    body: Bytes,
) -> Pin<Box<dyn Future<Output = Result<Answer, Cut>> + Send + 'a>> {
    Box::pin(answer(server, parts, Sent::There(body)))
}

/// The call that an item stands for.
async fn request(
    item: &Value,
    version: &str,
    token: Option<&HeaderValue>,
    named: &Named,
) -> Result<(Parts, Bytes), Refusal> {
    let url = fill(item["relative_url"].as_str().unwrap_or_default(), named)?;
    let url = url.trim_start_matches('/');
    let path = Path::of(url.split('?').next().unwrap_or_default());
    let method = item["method"].as_str().unwrap_or("GET").to_ascii_uppercase();
    let is_batch = method == "POST" && ["", "me"].contains(&path.node) && path.edge.is_empty();
    if is_batch || !item.is_object() || !item["attached_files"].is_null() {
        let why =
            "a call of a batch has a relative_url, is not another batch, and has no files: upload them by themselves";
        return Err(Refusal::parameter("Unsupported request in batch message", why));
    }
    let versioned = url.split('/').next() == Some(path.version);
    let url = if versioned { format!("/{url}") } else { format!("/{version}/{url}") };
    let unusable = |what: &str| {
        let why = format!("`{what}` of an item of the batch is not usable in a request");
        Refusal::parameter(format!("Invalid parameter {what} in batch message"), why)
    };
    let uri: Uri = url.parse().map_err(|_| unusable("relative_url"))?;
    let mut request = Request::builder().method(method.as_str()).uri(uri).body(()).map_err(|_| unusable("method"))?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    let body = match &item["body"] {
        Value::Null => String::new(),
        Value::String(body) => body.clone(),
        other => other.to_string(),
    };
    let body = forms::as_json(request.headers(), body.into()).await;
    let body = fill(&String::from_utf8_lossy(&body), named)?;
    let (mut parts, ()) = request.into_parts();
    if let Some(token) = token.filter(|_| super::token::of(&parts, body.as_bytes()).is_none()) {
        parts.headers.insert(AUTHORIZATION, token.clone());
    }
    Ok((parts, body.into()))
}

/// A text with what was answered in the places that name it.
fn fill(text: &str, named: &Named) -> Result<String, Refusal> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once(REFERENCE) {
        let (reference, behind) = behind.split_once('}').unwrap_or((behind, ""));
        let found = reference.split_once(":$").and_then(|(name, path)| Some(find(named.get(name)?, path)));
        let found = found.filter(|found| !found.is_empty()).ok_or_else(|| {
            let why = format!("no earlier call of the batch succeeded and answered what `{reference}` names");
            Refusal::parameter(format!("Could not resolve {REFERENCE}{reference}}} in batch message"), why)
        })?;
        filled.push_str(before);
        // It stands in a text of JSON.
        let escaped = Value::from(found.join(",")).to_string();
        filled.push_str(&escaped[1..escaped.len() - 1]);
        if filled.len() > BODY_BYTES {
            let why = format!("with what it names of earlier calls it is longer than {BODY_BYTES} bytes");
            return Err(Refusal::parameter("Request in batch message is too large", why));
        }
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What a path such as `.data[*].id` leads to, as texts.
fn find(value: &Value, path: &str) -> Vec<String> {
    let mut found = vec![value];
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        found = found
            .into_iter()
            .flat_map(|value| match (value, step) {
                (Value::Array(items), "*") => items.iter().collect(),
                (Value::Array(items), _) => step.parse().ok().and_then(|at: usize| items.get(at)).into_iter().collect(),
                (Value::Object(fields), "*") => fields.values().collect(),
                (other, _) => other.get(step).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    found.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
}

/// An answer as it is told: its body is a text.
async fn show(answer: Answer, with_headers: bool) -> Value {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut shown = json!({ "code": parts.status.as_u16(), "body": String::from_utf8_lossy(&body) });
    if with_headers {
        let header = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
            // As the real one spells the only one of its own that clients look for.
            let name = if name == CONTENT_TYPE { "Content-Type" } else { name.as_str() };
            json!({ "name": name, "value": String::from_utf8_lossy(value.as_bytes()) })
        };
        shown["headers"] = parts.headers.iter().map(header).collect();
    }
    shown
}
