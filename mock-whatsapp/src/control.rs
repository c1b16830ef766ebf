//! The control API under `/_mock`: what tests and people do to the world, and what they may know of it.
//!
//! This file finds the handler and reads what all calls have in common; the calls themselves are below, one file a noun.

pub mod body;
mod clock;
mod events;
mod export;
mod faults;
mod handsets;
mod inbound;
pub mod messages;
mod metrics;
mod numbers;
mod openapi;
pub mod problem;
pub mod referee;
pub(crate) mod requests;
mod snapshots;
mod templates;
mod tenants;
mod tokens;
mod verify;
mod webhook;
mod webhooks;

use crate::identity::{DEFAULT, Identity};
use crate::respond::{Answer, Cut, Unread, json, plain, put, read};
use crate::server::Server;
use crate::tenant::Tenant;
use crate::tenant::gestures::Gesture;
use crate::worlds::Closed;
use crate::{limits, query};
use body::Fields;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request};
use problem::Problem;
use serde_json::{Value, json as object};
use std::collections::BTreeMap;

impl From<Closed> for Problem {
    fn from(_: Closed) -> Self {
        Self::closing()
    }
}

/// What a scenario file and metrics say that they are.
const TOML: &str = "application/toml";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A call, with what all calls have in common.
struct Ask<'a> {
    server: &'a Server,
    tenant: String,
    /// Whether the call names its tenant.
    is_named: bool,
    query: BTreeMap<String, String>,
    /// How the client calls this server.
    host: String,
    body: Bytes,
}

/// What a call comes to, if it is done; a string is plain text.
type Done = Result<(u16, Value), Problem>;

/// Answers a call of the control API.
///
/// # Errors
/// If it is to have no answer.
pub async fn answer(server: &Server, request: Request<Incoming>) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let mut query: BTreeMap<_, _> = query::pairs(parts.uri.query().unwrap_or_default()).collect();
    let named = query.remove("tenant");
    let (is_named, tenant) = (named.is_some(), named.unwrap_or_else(|| DEFAULT.to_owned()));
    let done = match read(body, limits::CONTROL_BODY_BYTES).await {
        Err(Unread::Broken) => return Err(Cut::Close),
        Err(Unread::TooSlow) => {
            let detail = format!("the body did not come within {}", humantime::format_duration(limits::BODY_WAIT));
            Err(Problem::new(408, "The body took too long", detail))
        }
        Err(Unread::TooLong(most)) => {
            Err(Problem::new(413, "The body is too long", format!("at most {most} bytes are read")))
        }
        Ok(_) if Identity::of(&tenant).is_none() => {
            let expected = "a tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`";
            Err(Problem::malformed("?tenant", expected, format!("`{tenant}` can be no tenant's name")))
        }
        Ok(body) if !body.is_empty() && !may_be_json(parts.headers.get(CONTENT_TYPE)) => {
            let detail = "send JSON, with the header `Content-Type: application/json`";
            Err(Problem::new(415, "The body is of another type", detail))
        }
        Ok(body) => {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
            let ask = Ask { server, tenant: tenant.clone(), is_named, query, host, body };
            let path = parts.uri.path().strip_prefix("/_mock").unwrap_or_default().trim_matches('/');
            let segments: Vec<String> = path.split('/').map(query::decode).collect();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            // Probes ask for the head alone. Whoever writes the answer leaves the rest out.
            let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
            if segments == ["events"] && method == Method::GET {
                match events::get(server, &ask.tenant, &ask.query).await {
                    Ok(answer) => return Ok(answer),
                    Err(problem) => Err(problem),
                }
            } else {
                route(ask, method, &segments).await
            }
        }
    };
    let at = server.worlds.with(move |worlds| {
        let real = worlds.real();
        worlds.find(&tenant).map_or(real, |tenant| tenant.now(real))
    });
    let at = at.await?;
    Ok(match done {
        Ok((status, Value::String(text))) => {
            let kind = if parts.uri.path().trim_end_matches('/') == "/_mock/export" { TOML } else { PROMETHEUS };
            plain(status, kind, text, at)
        }
        Ok((status, value)) => json(status, "application/json", &value, at),
        Err(problem) => {
            let mut answer = json(problem.status, "application/problem+json", &problem, at);
            if !problem.allow.is_empty() {
                put(&mut answer, ALLOW, problem.allow.join(", "));
            }
            answer
        }
    })
}

/// Makes a call for a tenant without HTTP: `path` is what stands behind `/_mock`, with its query.
///
/// # Errors
/// As over HTTP.
pub(crate) async fn call(server: &Server, tenant: &str, method: &Method, path: &str, body: Bytes) -> Done {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query::pairs(query).collect();
    let segments: Vec<String> = path.trim_matches('/').split('/').map(query::decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (tenant, host) = (tenant.to_owned(), "localhost".to_owned());
    route(Ask { server, tenant, is_named: false, query, host, body }, method, &segments).await
}

/// There is no room for another tenant.
pub(crate) fn full() -> Problem {
    Problem::conflict(format!(
        "there are {} tenants, which is all there can be; DELETE /_mock/tenants/{{name}} removes one",
        limits::TENANTS
    ))
}

/// The answer to whoever does not know the control token.
///
/// # Errors
/// If the server stops.
pub async fn shut(server: &Server) -> Result<Answer, Cut> {
    let detail = "this server was started with a control token; send it as `Authorization: Bearer TOKEN`";
    let problem = Problem::new(401, "The control token is missing or wrong", detail);
    let at = server.worlds.with(|worlds| worlds.real()).await?;
    let mut answer = json(problem.status, "application/problem+json", &problem, at);
    put(&mut answer, WWW_AUTHENTICATE, "Bearer realm=\"control API\"");
    Ok(answer)
}

/// What a path is for: its methods.
fn methods(path: &[&str]) -> Option<&'static [&'static str]> {
    Some(match path {
        ["health" | "messages" | "clock" | "metrics" | "openapi.json" | "requests" | "export" | "events"]
        | ["requests", _] => &["GET"],
        ["tenants" | "webhooks"] => &["GET", "POST"],
        ["tenants", _] => &["GET", "DELETE"],
        ["webhook"] => &["GET", "PUT"],
        ["handsets"] => &["PUT"],
        ["templates", _, "status" | "quality" | "category" | "pacing"] => &["PUT"],
        ["templates"] | ["recipients"] => &["GET", "PUT"],
        ["handsets", _] => &["GET", "PUT"],
        ["numbers", _] => &["GET", "PUT"],
        ["handsets", _, "messages"] => &["POST"],
        ["handsets", _, gesture] if Gesture::read(gesture).is_some() => &["POST"],
        ["messages", _, "statuses"] | ["webhooks", _, "redeliver"] => &["POST"],
        ["faults"] => &["GET", "POST", "DELETE"],
        ["snapshots"] => &["GET", "DELETE"],
        ["referee"] => &["GET", "PUT"],
        ["verify"] => &["POST"],
        ["faults" | "snapshots", _] => &["DELETE"],
        ["clock", "freeze" | "run" | "advance" | "settle"] => &["POST"],
        ["reset" | "snapshot" | "restore" | "tokens"] => &["POST"],
        _ => return None,
    })
}

async fn route(ask: Ask<'_>, method: &Method, path: &[&str]) -> Done {
    let unknown = || {
        Problem::unknown(format!(
            "there is no /_mock/{}; GET /_mock/openapi.json describes what there is",
            path.join("/")
        ))
    };
    let known = methods(path).ok_or_else(unknown)?;
    if !known.contains(&method.as_str()) {
        let detail = format!("/_mock/{} takes {}", path.join("/"), known.join(", "));
        return Err(Problem { allow: known, ..Problem::new(405, "Not with this method", detail) });
    }
    match (method.as_str(), path) {
        (_, ["health"]) => tenants::health(ask).await,
        (_, ["reset"]) => tenants::reset(ask).await,
        (_, ["snapshot"]) => snapshots::take(ask).await,
        ("GET", ["snapshots"]) => snapshots::list(ask).await,
        (_, ["snapshots"]) => snapshots::drop(ask, None).await,
        (_, ["snapshots", id]) => snapshots::drop(ask, Some(id)).await,
        (_, ["restore"]) => snapshots::restore(ask).await,
        ("GET", ["tenants"]) => tenants::list(ask).await,
        (_, ["tenants"]) => tenants::make(ask).await,
        ("GET", ["tenants", name]) => tenants::get(ask, name).await,
        (_, ["tenants", name]) => tenants::delete(ask, name).await,
        (_, ["tokens"]) => tokens::make(ask).await,
        ("GET", ["webhook"]) => webhook::get(ask).await,
        (_, ["webhook"]) => webhook::put(ask).await,
        (_, ["webhooks", id, "redeliver"]) => webhooks::redeliver(ask, id).await,
        (_, ["messages", wamid, "statuses"]) => messages::force(ask, wamid).await,
        ("POST", ["webhooks"]) => webhooks::tell(ask).await,
        (_, ["webhooks"]) => webhooks::list(ask).await,
        (_, ["messages"]) => messages::list(ask).await,
        (_, ["export"]) => export::get(ask).await,
        (_, ["verify"]) => verify::post(ask).await,
        ("GET", ["referee"]) => referee::get(ask).await,
        (_, ["referee"]) => referee::put(ask).await,
        (_, ["requests"]) => requests::list(ask).await,
        (_, ["requests", id]) => requests::get(ask, id).await,
        ("GET", ["handsets", wa_id]) => handsets::get(ask, wa_id).await,
        ("PUT", ["handsets", wa_id]) => handsets::put(ask, wa_id).await,
        (_, ["handsets", wa_id, "messages"]) => inbound::say(ask, wa_id).await,
        (_, ["handsets", wa_id, gesture]) => match Gesture::read(gesture) {
            Some(gesture) => handsets::act(ask, wa_id, gesture).await,
            None => Err(unknown()),
        },
        (_, ["handsets"]) => handsets::put_all(ask).await,
        ("GET", ["numbers", id]) => numbers::get(ask, id).await,
        (_, ["numbers", id]) => numbers::put(ask, id).await,
        ("GET", ["templates"]) => templates::list(ask).await,
        (_, ["templates"]) => templates::put(ask).await,
        (_, ["templates", name, "status"]) => templates::status(ask, name).await,
        (_, ["templates", name, "quality"]) => templates::quality(ask, name).await,
        (_, ["templates", name, "category"]) => templates::category(ask, name).await,
        (_, ["templates", name, _]) => templates::pacing(ask, name).await,
        ("GET", ["recipients"]) => templates::recipients(ask).await,
        (_, ["recipients"]) => templates::put_recipients(ask).await,
        ("GET", ["faults"]) => faults::list(ask).await,
        ("POST", ["faults"]) => faults::arm(ask).await,
        (_, ["faults", id]) => faults::disarm(ask, Some(id)).await,
        (_, ["faults"]) => faults::disarm(ask, None).await,
        (_, ["clock", "freeze"]) => clock::freeze(ask).await,
        (_, ["clock", "run"]) => clock::run(ask).await,
        (_, ["clock", "advance"]) => clock::advance(ask).await,
        (_, ["clock", "settle"]) => clock::settle(ask).await,
        (_, ["clock"]) => clock::get(ask).await,
        (_, ["metrics"]) => metrics::get(ask).await,
        (_, ["openapi.json"]) => openapi::get(ask).await,
        _ => Err(unknown()),
    }
}

/// Whether a body that calls itself this can be JSON. What says nothing, and what curl says when it is told nothing, can.
fn may_be_json(content_type: Option<&HeaderValue>) -> bool {
    let Some(content_type) = content_type else { return true };
    let name = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let name = name.to_ascii_lowercase();
    name.is_empty()
        || name.ends_with("/json")
        || name.ends_with("+json")
        || ["application/x-www-form-urlencoded", "text/plain"].contains(&name.as_str())
}

impl Ask<'_> {
    /// How a URL of this server begins, as the client calls it.
    fn origin(&self) -> String {
        format!("{}://{}", self.server.scheme, self.host)
    }

    /// The fields of the body.
    fn fields(&self) -> Result<Fields, Problem> {
        Fields::read(&self.body)
    }

    /// Takes a parameter of the query.
    fn parameter(&mut self, name: &str) -> Option<String> {
        self.query.remove(name)
    }

    /// Takes the cursor that a page gave as its `next`, under any of the names that clients know it by.
    fn cursor(&mut self) -> Result<Option<(&'static str, String)>, Problem> {
        let mut given =
            ["after", "cursor", "next"].into_iter().filter_map(|name| Some((name, self.query.remove(name)?)));
        let (first, second) = (given.next(), given.next());
        match (first, second) {
            (Some((first, _)), Some((second, _))) => {
                let detail = format!("`{first}` and `{second}` are the same parameter");
                Err(Problem::malformed(format!("?{second}"), "one of `after`, `cursor` and `next`", detail))
            }
            (first, _) => Ok(first),
        }
    }

    /// Where a page begins, of a list whose cursors are numbers.
    fn after(&mut self) -> Result<u64, Problem> {
        self.cursor()?.map_or(Ok(0), |(name, text)| number(name, &text))
    }

    /// Takes a parameter that is a number.
    fn number(&mut self, name: &str, usual: u64) -> Result<u64, Problem> {
        self.parameter(name).map_or(Ok(usual), |text| number(name, &text))
    }

    /// That there is the tenant that the call names; calls that ask it nothing would not find out.
    async fn known(&self) -> Result<(), Problem> {
        let name = self.tenant.clone();
        let found =
            self.server.worlds.with(move |worlds| worlds.find(&name).map(|_| ()).ok_or_else(|| no_tenant(&name)));
        found.await?
    }

    /// How many items of a list are wanted.
    fn limit(&mut self) -> Result<usize, Problem> {
        let limit = self.number("limit", limits::PAGE as u64)?;
        let wanted = usize::try_from(limit).ok().filter(|limit| (1..=limits::PAGE_MOST).contains(limit));
        wanted.ok_or_else(|| {
            let expected = format!("a number from 1 to {}", limits::PAGE_MOST);
            Problem::malformed("?limit", expected, format!("a page cannot have {limit} items"))
        })
    }

    /// Refuses parameters that nobody took.
    fn end(&self) -> Result<(), Problem> {
        let Some(name) = self.query.keys().next() else { return Ok(()) };
        let detail = format!("the parameter `{name}` is not known here");
        Err(Problem::malformed(format!("?{name}"), "a known parameter", detail))
    }

    /// Does something to the tenant, at the real time that is handed in.
    async fn tenant<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Tenant, Timestamp) -> Result<R, Problem> + Send + 'static,
    ) -> Result<R, Problem> {
        let name = self.tenant.clone();
        let done = self.server.worlds.with(move |worlds| {
            let real = worlds.real();
            match worlds.find(&name) {
                Some(tenant) => {
                    tenant.go_on(real);
                    run(tenant, real)
                }
                None => Err(no_tenant(&name)),
            }
        });
        done.await?
    }
}

/// A parameter that is a number.
fn number(name: &str, text: &str) -> Result<u64, Problem> {
    let number = text.parse().ok().filter(|number| *number <= limits::CURSOR_MOST);
    number.ok_or_else(|| Problem::malformed(format!("?{name}"), "a whole number", format!("`{text}` is none")))
}

fn no_tenant(name: &str) -> Problem {
    if Identity::of(name).is_none() {
        return Problem::unknown(format!("`{name}` can be no tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    Problem::unknown(format!("there is no tenant {name}; its first call with the token mock-token-{name} makes it"))
}

/// A page of a list: `next` is the cursor of what comes behind it.
fn page(items: Vec<Value>, next: Option<u64>, evicted: u64) -> Value {
    object!({ "items": items, "next": next.map(|next| next.to_string()), "evicted": evicted })
}

/// The digits of a phone number.
fn phone(text: &str) -> Result<u64, Problem> {
    let digits = text.trim_start_matches('+');
    let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number && !digits.starts_with('0')).ok_or_else(|| {
        Problem::malformed("wa_id", "5 to 15 digits, with or without +", format!("`{text}` is no phone number"))
    })
}
