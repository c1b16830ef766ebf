//! The Graph API: which node and edge a call is for, whose token it carries, and the answer in the form of the real one.
//!
//! What can be called is the table of `route`; each operation is carried out in a file of its own.

mod accounts;
mod analytics;
mod batch;
mod blocks;
pub mod call;
mod codes;
pub mod download;
pub mod enumeration;
pub mod fields;
mod forms;
mod health;
mod links;
mod media;
mod messages;
pub mod noted;
mod numbers;
pub mod paging;
pub mod parameters;
pub mod path;
mod profile;
mod quota;
pub mod refusal;
mod registration;
pub mod route;
pub mod send;
pub(crate) mod shape;
mod subscribe;
mod templates;
mod token;
mod uploads;

use crate::identity::{Bearer, Identity};
use crate::respond::{Answer, Cut, MOCK_WHY, Unread, json, put, read};
use crate::server::Server;
use crate::tenant::account::Usage;
use crate::{limits, query, respond};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use call::{Call, Done, JSON, Outcome, Stop, spell};
use cloud_api::time::Timestamp;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use mock_whatsapp_model::fate::mix;
use noted::{Ended, Noted};
use path::{DEFAULT_VERSION, Path};
use refusal::Refusal;
use route::{Node, Operation, Permission, Route, Verb};
use std::sync::Arc;

/// The version that answered.
const API_VERSION: HeaderName = HeaderName::from_static("facebook-api-version");

/// Meta's own ids of a request.
const TRACE_ID: HeaderName = HeaderName::from_static("x-fb-trace-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-fb-request-id");

/// The body of a call.
pub enum Sent {
    /// It is on its way.
    Coming(Incoming),
    /// It is there: the call is one of several in one.
    There(Bytes),
}

/// Answers a call of the Graph API.
///
/// # Errors
/// If it is to have no answer.
pub async fn answer(server: &Server, parts: Parts, body: Sent) -> Result<Answer, Cut> {
    let path = Path::of(parts.uri.path());
    let trace = trace_id(server.next_request());
    let noted = Noted::of(&parts);
    let mut usage = None;
    let outcome = outcome(server, &parts, path, body, &noted, &mut usage).await;
    noted.close(server, &parts, Ended::of(&outcome)).await?;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Stop::Refused(refusal)) => Outcome::Refusal(time_of_caller(server, &parts, noted.body()).await?, refusal),
        Err(Stop::Cut(cut)) => return Err(cut),
    };
    let (outcome, manner) = match outcome {
        Outcome::Mannered(outcome, manner) => (*outcome, Some(manner)),
        outcome => (outcome, None),
    };
    let mut answer = match outcome {
        Outcome::Reply(at, body) => body.answer(at),
        Outcome::Refusal(at, refusal) => refuse(&refusal, &trace, at),
        Outcome::Other(answer) => *answer,
        Outcome::Garbled(form) => return Ok(respond::garbled(form)),
        Outcome::Mannered(..) => return Err(Cut::Close),
    };
    if let Some(manner) = manner {
        answer.extensions_mut().insert(manner);
    }
    match path.version {
        // Nearly all ask for it, and it need not be copied.
        DEFAULT_VERSION => {
            answer.headers_mut().insert(API_VERSION, HeaderValue::from_static(DEFAULT_VERSION));
        }
        version => put(&mut answer, API_VERSION, version),
    }
    put(&mut answer, TRACE_ID, trace.as_str());
    put(&mut answer, REQUEST_ID, trace);
    if let Some((account, usage)) = usage {
        quota::tell(&mut answer, &account, usage);
    }
    Ok(answer)
}

/// Finds out what a call is, and whether it may be made; then makes it.
async fn outcome(
    server: &Server,
    parts: &Parts,
    path: Path<'_>,
    body: Sent,
    noted: &Noted,
    usage: &mut Option<(String, Usage)>,
) -> Done {
    let id = query::decode(path.node);
    let verb = Verb::of(&parts.method);
    let route = verb.and_then(|verb| Route::find(Node::of(&id), &path, verb));
    let reads_itself = route.is_some_and(|route| route.operation.reads_itself());
    let (read, stream) = match body {
        Sent::Coming(body) if reads_itself => (Ok(Bytes::new()), Some(body)),
        Sent::Coming(body) => (read(body, limits::BODY_BYTES).await, None),
        Sent::There(body) => (Ok(body), None),
    };
    let read = match read {
        Ok(body) if stream.is_none() => Ok(forms::as_json(&parts.headers, body).await),
        read => read,
    };
    if let Ok(body) = &read {
        noted.read(body);
    }
    let (identity, route) = match check(server, parts, noted.body(), path, &id, route).await {
        Ok(checked) => checked,
        Err(stop) => {
            if let Some(body) = stream {
                respond::drain(body, limits::UPLOAD_WAIT).await?;
            }
            return Err(stop);
        }
    };
    let body = match read {
        Ok(body) => body,
        Err(Unread::TooLong(most)) => {
            let why = format!("the body is longer than {most} bytes, which is all that this server reads");
            return Err(Refusal::parameter("Request body is too large.", why).with_status(413).into());
        }
        Err(Unread::TooSlow) => {
            let wait = humantime::format_duration(limits::BODY_WAIT);
            return Err(Refusal::new(1, format!("the body did not come within {wait}")).with_status(408).into());
        }
        Err(Unread::Broken) => return Err(Cut::Close.into()),
    };
    let query = parts.uri.query().unwrap_or_default();
    let item = query::decode(path.rest);
    let call = Call { server, identity, path, route, id, item, query, headers: &parts.headers, body, stream, noted };
    if route.node == Node::Account {
        let used = quota::count(&call).await?;
        *usage = Some((call.identity.waba_id.clone(), used));
        quota::check(used)?;
    }
    run(call).await
}

/// Whether a call may be made: by whom, and which it is.
async fn check(
    server: &Server,
    parts: &Parts,
    body: &[u8],
    path: Path<'_>,
    id: &str,
    route: Option<&'static Route>,
) -> Result<(Arc<Identity>, &'static Route), Stop> {
    let token = match route {
        Some(route) if route.operation == Operation::GetAccessToken => {
            return Ok((token::of_client(parts, body)?, route));
        }
        Some(_) | None => token::of(parts, body),
    };
    let bearer = token.as_deref().and_then(Bearer::read).ok_or_else(|| token::unknown(token.as_deref()))?;
    let permission = route.map_or(Permission::Any, |route| route.permission);
    if let Some(refusal) = token::refuse(bearer.standing, permission, || now(server, &bearer.identity)).await? {
        return Err(refusal.into());
    }
    let identity = bearer.identity;
    let route = route.ok_or_else(|| nothing_there(&identity, &path, Verb::of(&parts.method), id))?;
    Ok((identity, route))
}

/// Carries out an operation. Only that of sends, which there are many of, is part of what every call has room for, and is moved
/// with.
async fn run(call: Call<'_>) -> Done {
    match call.route.operation {
        Operation::SendMessage | Operation::SendMarketing => messages::post(call).await,
        _ => Box::pin(run_seldom(call)).await,
    }
}

async fn run_seldom(call: Call<'_>) -> Done {
    match call.route.operation {
        Operation::SendMessage | Operation::SendMarketing => messages::post(call).await,
        Operation::ListTemplates => templates::list(call).await,
        Operation::CreateTemplate => templates::create(call).await,
        Operation::UpsertTemplates => templates::upsert(call).await,
        Operation::DeleteTemplates => templates::delete(call).await,
        Operation::GetTemplate => templates::get(call).await,
        Operation::EditTemplate => templates::edit(call).await,
        Operation::UnpauseTemplate => templates::unpause(call).await,
        Operation::ArchiveTemplates => templates::archive(call).await,
        Operation::CompareTemplates => templates::compare(call).await,
        Operation::ListLibrary => templates::library::list(call).await,
        Operation::CountTemplates => analytics::of_templates(call).await,
        Operation::Subscribe => subscribe::post(call).await,
        Operation::UploadMedia => media::upload(call).await,
        Operation::GetMedia => media::get(call).await,
        Operation::DeleteMedia => media::delete(call).await,
        Operation::DownloadMedia => download::get(call).await,
        Operation::OpenUpload => uploads::open(call).await,
        Operation::GetUpload => uploads::get(call).await,
        Operation::SendUpload => uploads::send(call).await,
        Operation::GetNumber => numbers::get(call).await,
        Operation::ChangeNumber => numbers::change(call).await,
        Operation::RequestCode => registration::request_code(call).await,
        Operation::VerifyCode => registration::verify_code(call).await,
        Operation::Register => registration::register(call).await,
        Operation::Deregister => registration::deregister(call).await,
        Operation::GetProfile => profile::get(call).await,
        Operation::SetProfile => profile::set(call).await,
        Operation::GetSettings => profile::settings(call).await,
        Operation::SetSettings => profile::set_settings(call).await,
        Operation::GetCommerce => profile::commerce(call).await,
        Operation::SetCommerce => profile::set_commerce(call).await,
        Operation::GetAutomation => profile::automation(call).await,
        Operation::SetAutomation => profile::set_automation(call).await,
        Operation::GetUsername => profile::username(call).await,
        Operation::SetUsername => profile::set_username(call).await,
        Operation::DeleteUsername => profile::delete_username(call).await,
        Operation::SuggestUsernames => profile::username_suggestions(call).await,
        Operation::GetKey => profile::key(call).await,
        Operation::SetKey => profile::set_key(call).await,
        Operation::ListBlocked => blocks::list(call).await,
        Operation::Block => blocks::block(call).await,
        Operation::Unblock => blocks::unblock(call).await,
        Operation::ListCodes => codes::list(call).await,
        Operation::SetCode => codes::post(call).await,
        Operation::GetCode => codes::get(call).await,
        Operation::DeleteCode => codes::delete(call).await,
        Operation::GetAccount => accounts::get(call).await,
        Operation::ChangeAccount => accounts::change(call).await,
        Operation::ListNumbers => numbers::list(call).await,
        Operation::AddNumber => numbers::add(call).await,
        Operation::ListSubscriptions => subscribe::get(call).await,
        Operation::Unsubscribe => subscribe::delete(call).await,
        Operation::GetApp => accounts::app(call).await,
        Operation::ListAppSubscriptions => subscribe::app_subscriptions(call).await,
        Operation::SubscribeApp => subscribe::subscribe_app(call).await,
        Operation::UnsubscribeApp => subscribe::unsubscribe_app(call).await,
        Operation::GetBusiness => accounts::business(call).await,
        Operation::ListOwnedAccounts => accounts::of_business(call, true).await,
        Operation::ListSharedAccounts => accounts::of_business(call, false).await,
        Operation::GetMe => accounts::me(call).await,
        Operation::GetOwnApp => accounts::app(call).await,
        Operation::DebugToken => accounts::debug_token(call).await,
        Operation::GetAccessToken => accounts::access_token(call).await,
        Operation::Batch => batch::post(call).await,
    }
}

fn nothing_there(identity: &Identity, path: &Path<'_>, verb: Option<Verb>, id: &str) -> Refusal {
    if !path.rest.is_empty() {
        let message = format!("Unknown path components: /{}", path.rest);
        return Refusal::new(2_500, "a path has a node, an edge and seldom an item").message(message);
    }
    let kind = Node::of(id);
    let mut has: Vec<String> = route::ROUTES.iter().filter(|row| row.node == kind).map(Route::name).collect();
    if has.is_empty() {
        has.push("nothing".to_owned());
    }
    let why = format!(
        "tenant {} (the token decides the tenant) has the phone number {}, the account {} and the app {}; of {} /{}{}{}, this \
         server knows {}",
        identity.name,
        identity.phone_number_id,
        identity.waba_id,
        identity.app_id,
        verb.map_or("a method that there is not,", Verb::name),
        kind.name(),
        if path.edge.is_empty() { "" } else { "/" },
        path.edge,
        has.join(", "),
    );
    Refusal::no_object(verb.map_or("post", spell), id, why)
}

/// The time of the caller's tenant, or the real one where there is none.
async fn time_of_caller(server: &Server, parts: &Parts, body: &[u8]) -> Result<Timestamp, Cut> {
    match token::of(parts, body).as_deref().and_then(Bearer::read) {
        Some(bearer) => now(server, &bearer.identity).await,
        None => Ok(server.worlds.with(|worlds| worlds.real()).await?),
    }
}

/// A tenant's time.
async fn now(server: &Server, identity: &Identity) -> Result<Timestamp, Cut> {
    let identity = identity.clone();
    let at = server.worlds.with(move |worlds| {
        let real = worlds.real();
        worlds.enter(&identity).map_or(real, |tenant| tenant.now(real))
    });
    Ok(at.await?)
}

fn refuse(refusal: &Refusal, trace: &str, at: Timestamp) -> Answer {
    let mut answer = json(refusal.status(), JSON, &refusal.reply(trace.to_owned()), at);
    put(&mut answer, MOCK_WHY, &refusal.why);
    if let Some(challenge) = refusal.challenge() {
        put(&mut answer, WWW_AUTHENTICATE, &challenge);
    }
    answer
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
    fn trace_ids_begin_with_an_a_and_differ() {
        let (one, two) = (trace_id(1), trace_id(2));
        assert!(one.starts_with('A') && one.len() == 23 && one != two, "{one} {two}");
    }
}
