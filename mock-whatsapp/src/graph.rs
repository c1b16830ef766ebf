//! The Graph API: which node and edge a call is for, whose token it carries, and the answer in the form of the real one.

pub mod refusal;
pub mod send;
pub mod subscribe;

use crate::identity::Identity;
use crate::respond::{Answer, Cut, Unread, json, put, read};
use crate::server::Server;
use crate::tenant::Verdict;
use crate::wamids::Meaning;
use crate::{limits, query, respond};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request};
use mock_whatsapp_model::fate::mix;
use mock_whatsapp_model::output::Garble;
use refusal::Refusal;
use send::Wish;
use serde::Serialize;

const JSON: &str = "application/json; charset=UTF-8";

/// The version that a call without one gets.
const DEFAULT_VERSION: &str = "v25.0";

/// A call, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Path<'a> {
    version: &'a str,
    node: &'a str,
    edge: &'a str,
}

fn take_apart(path: &str) -> Path<'_> {
    let path = path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let (version, path) = if is_version(first) { (first, rest) } else { (DEFAULT_VERSION, path) };
    let (node, edge) = path.split_once('/').unwrap_or((path, ""));
    Path { version, node, edge: edge.trim_end_matches('/') }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|text| text.split_once('.'));
    parts.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// What a call of the Graph API comes to.
#[derive(Debug)]
enum Outcome {
    /// 200 with a body.
    Reply(Timestamp, Box<dyn Body>),
    Refusal(Timestamp, Refusal),
    /// What comes from a broken gateway.
    Garbled(Garble),
}

/// A body that can be written as JSON; the kinds differ from call to call.
trait Body: std::fmt::Debug + Send {
    fn answer(&self, at: Timestamp) -> Answer;
}

impl<T: Serialize + std::fmt::Debug + Send> Body for T {
    fn answer(&self, at: Timestamp) -> Answer {
        json(200, JSON, self, at)
    }
}

/// Answers a call of the Graph API.
///
/// # Errors
/// If it is to have no answer.
pub async fn answer(server: &Server, request: Request<Incoming>) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let body = read(body, limits::BODY_BYTES).await;
    let path = take_apart(parts.uri.path());
    let token = token_of(&parts);
    let trace = trace_id(server.next_request());
    let outcome = match (token.as_deref().and_then(Identity::by_token), body) {
        (None, _) => {
            let at = server.worlds.with(|worlds| worlds.real()).await?;
            Outcome::Refusal(at, bad_token(token.as_deref()))
        }
        (Some(identity), Err(Unread::TooLong(most))) => {
            let why = format!("the body is longer than {most} bytes, which is all that this server reads");
            refused(server, &identity, Refusal::parameter("Request body is too large.", why)).await?
        }
        (Some(_), Err(Unread::Broken)) => return Err(Cut::Close),
        (Some(identity), Ok(body)) => route(server, &parts.method, &path, identity, &body).await?,
    };
    let mut answer = match outcome {
        Outcome::Reply(at, body) => body.answer(at),
        Outcome::Refusal(at, refusal) => refuse(&refusal, &trace, at),
        Outcome::Garbled(form) => return Ok(respond::garbled(form)),
    };
    put(&mut answer, "facebook-api-version", path.version);
    put(&mut answer, "x-fb-trace-id", &trace);
    Ok(answer)
}

async fn route(
    server: &Server,
    method: &Method,
    path: &Path<'_>,
    identity: Identity,
    body: &Bytes,
) -> Result<Outcome, Cut> {
    if path.node == identity.phone_number_id && path.edge == "messages" && method == Method::POST {
        return messages(server, identity, body).await;
    }
    if path.node == identity.waba_id && path.edge == "subscribed_apps" && method == Method::POST {
        return match subscribe::subscribe(server, &identity, body).await? {
            Ok(at) => Ok(Outcome::Reply(at, Box::new(serde_json::json!({ "success": true })))),
            Err(refusal) => refused(server, &identity, refusal).await,
        };
    }
    let verb = match *method {
        Method::GET => "get",
        Method::DELETE => "delete",
        _ => "post",
    };
    let why = format!(
        "tenant {} has the phone number {} with POST /messages and the account {} with POST /subscribed_apps; the token decides \
         the tenant",
        identity.name, identity.phone_number_id, identity.waba_id
    );
    let refusal = Refusal::no_object(verb, &query::decode(path.node), why);
    refused(server, &identity, refusal).await
}

async fn messages(server: &Server, identity: Identity, body: &[u8]) -> Result<Outcome, Cut> {
    let sending = match Wish::read(body) {
        Ok(Wish::Send(sending)) => sending,
        Ok(Wish::Read(receipt)) => return mark_as_read(server, identity, receipt.message_id).await,
        Err(refusal) => return refused(server, &identity, refusal).await,
    };
    let (input, is_template) = (sending.input.clone(), sending.is_template());
    match server.worlds.post(identity, sending).await? {
        (Verdict::Accepted { wamid, wa_id }, at) => {
            Ok(Outcome::Reply(at, Box::new(send::reply(input, wa_id, wamid, is_template))))
        }
        (Verdict::Refused(refusal), at) => Ok(Outcome::Refusal(at, *refusal)),
        (Verdict::Reset, _) => Err(Cut::Reset),
        (Verdict::Garbled(form), _) => Ok(Outcome::Garbled(form)),
        (Verdict::Silence, _) => {
            tokio::select! {
                biased;
                () = server.stopped() => {}
                () = tokio::time::sleep(limits::SILENCE) => {}
            }
            Err(Cut::Close)
        }
    }
}

/// Marks a contact's message as read. Nobody sees that here, but the id must be one.
async fn mark_as_read(server: &Server, identity: Identity, wamid: String) -> Result<Outcome, Cut> {
    let known = server.worlds.with(move |worlds| {
        let real = worlds.real();
        let Some(tenant) = worlds.enter(&identity) else { return (real, false) };
        let inbound = matches!(tenant.wamids().read(&wamid), Some(Meaning::Answer(_) | Meaning::Said(_)));
        (tenant.now(real), inbound)
    });
    let (at, inbound) = known.await?;
    if inbound {
        return Ok(Outcome::Reply(at, Box::new(serde_json::json!({ "success": true }))));
    }
    let refusal = Refusal::new(131_009, "message_id is not the id of a message that a contact wrote to this tenant");
    Ok(Outcome::Refusal(at, refusal.details("message_id: Message ID is invalid")))
}

/// A refusal at the tenant's time.
async fn refused(server: &Server, identity: &Identity, refusal: Refusal) -> Result<Outcome, Cut> {
    let identity = identity.clone();
    let at = server.worlds.with(move |worlds| {
        let real = worlds.real();
        worlds.enter(&identity).map_or(real, |tenant| tenant.now(real))
    });
    Ok(Outcome::Refusal(at.await?, refusal))
}

fn refuse(refusal: &Refusal, trace: &str, at: Timestamp) -> Answer {
    let mut answer = json(refusal.status(), JSON, &refusal.reply(trace.to_owned()), at);
    put(&mut answer, "x-mock-why", &refusal.why);
    if let Some(challenge) = refusal.challenge() {
        put(&mut answer, "www-authenticate", &challenge);
    }
    answer
}

fn token_of(parts: &hyper::http::request::Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, token)) = header.and_then(|header| header.split_once(' '))
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some(token.trim().to_owned());
    }
    let query = parts.uri.query().unwrap_or_default();
    query::pairs(query).find(|(key, _)| key == "access_token").map(|(_, token)| token)
}

fn bad_token(token: Option<&str>) -> Refusal {
    match token {
        Some(_) => Refusal::token(
            None,
            "the token is not one of this server's: mock-token is the default tenant's, and mock-token-NAME makes and uses \
             the tenant NAME (letters, digits, - _ .)",
        ),
        None => Refusal::token(
            Some("An access token is required to request this resource."),
            "there is no token: send the header `Authorization: Bearer mock-token`",
        ),
    }
}

/// What looks like Meta's own id of a request.
fn trace_id(request: u64) -> String {
    let mut bytes = [0; 17];
    bytes[1..9].copy_from_slice(&mix(request).to_be_bytes());
    bytes[9..].copy_from_slice(&mix(!request).to_be_bytes());
    // The first six bits are an A.
    bytes[0] = (mix(request ^ 1) & 3) as u8;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_be_left_out() {
        assert_eq!(take_apart("/v23.0/1/messages"), Path { version: "v23.0", node: "1", edge: "messages" });
        assert_eq!(take_apart("/1/messages/"), Path { version: DEFAULT_VERSION, node: "1", edge: "messages" });
        assert_eq!(take_apart("/v23.0"), Path { version: "v23.0", node: "", edge: "" });
        assert_eq!(take_apart("/v23/1"), Path { version: DEFAULT_VERSION, node: "v23", edge: "1" });
    }

    #[test]
    fn trace_ids_begin_with_an_a_and_differ() {
        let (one, two) = (trace_id(1), trace_id(2));
        assert!(one.starts_with('A') && one.len() == 23 && one != two, "{one} {two}");
    }
}
