//! `/requests`: every call of the Graph API, what was decided and why; and one of them in full.

use super::problem::Problem;
use super::{Ask, Done, messages, page, phone};
use crate::instant;
use crate::limits::CURSOR_MOST;
use crate::tenant::Tenant;
use crate::tenant::journal::{Outcome, Request};
use cloud_api::catalogue;
use serde_json::{Value, json};

/// What stands in a request, read when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) body: Value,
}

impl Read {
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self { body: serde_json::from_slice(request.body()).unwrap_or(Value::Null) }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// To whom, digits, where it says so.
    pub(super) fn to(&self) -> Option<String> {
        let digits: String = self.text("/to")?.chars().filter(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    }

    pub(super) fn template(&self) -> Option<&str> {
        self.text("/template/name")
    }

    pub(super) fn callback_data(&self) -> Option<&str> {
        self.text("/biz_opaque_callback_data")
    }

    fn kind(&self) -> Option<&str> {
        // What names no type is a text.
        self.text("/type").or_else(|| self.text("/text/body").map(|_| "text"))
    }
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let to = ask.parameter("to").map(|to| phone(&to)).transpose()?.map(|to| to.to_string());
    let (template, callback_data) = (ask.parameter("template"), ask.parameter("callback_data"));
    let outcome = ask.parameter("outcome");
    if let Some(outcome) = &outcome
        && !Outcome::ALL.iter().any(|known| known.name() == outcome)
    {
        let known = Outcome::ALL.map(Outcome::name).join(", ");
        return Err(Problem::malformed("?outcome", format!("one of {known}"), format!("`{outcome}` is none")));
    }
    let after = ask.cursor()?.map_or(Ok(0), |(_, after)| id_of(&after))?;
    if after > CURSOR_MOST {
        return Err(Problem::malformed("?cursor", "a cursor that a page gave", format!("`{after}` is none")));
    }
    let limit = ask.limit()?;
    ask.end()?;
    let found = ask.tenant(move |tenant, _| {
        let journal = tenant.journal();
        let is_plain = to.is_none() && template.is_none() && callback_data.is_none();
        let fits = |request: &Request<'_>| {
            if outcome.as_deref().is_some_and(|outcome| outcome != request.outcome().name()) {
                return false;
            }
            if is_plain {
                return true;
            }
            let read = Read::of(request);
            to.as_ref().is_none_or(|to| read.to().as_ref() == Some(to))
                && template.as_deref().is_none_or(|template| read.template() == Some(template))
                && callback_data.as_deref().is_none_or(|data| read.callback_data() == Some(data))
        };
        let mut requests = journal.from(after).filter(fits);
        let items: Vec<Value> = requests.by_ref().take(limit).map(|request| show(tenant, &request)).collect();
        Ok(page(items, requests.next().map(|request| request.id), journal.evicted()))
    });
    Ok((200, found.await?))
}

/// A request's number, as in `r12`, or as a cursor has it.
pub(super) fn id_of(text: &str) -> Result<u64, Problem> {
    let number = text.strip_prefix('r').unwrap_or(text).parse();
    number.map_err(|_| Problem::malformed("id", "a request's id, as in r12", format!("`{text}` is none")))
}

pub(super) async fn get(ask: Ask<'_>, id: &str) -> Done {
    ask.end()?;
    let number = id_of(id)?;
    let found = ask.tenant(move |tenant, _| {
        let journal = tenant.journal();
        match journal.get(number) {
            Some(request) => Ok(explain(tenant, &request)),
            None if number > 0 && number < journal.first() => {
                let detail = format!(
                    "r{number} is forgotten: the journal keeps the newest calls only, from r{} on; `journal_bytes` in the \
                     configuration makes it longer, and POST /_mock/reset empties it",
                    journal.first()
                );
                Err(Problem::new(410, "It is no more", detail))
            }
            None => Err(Problem::unknown(format!("there is no request r{number}"))),
        }
    });
    Ok((200, found.await?))
}

/// A request as lists show it.
pub(crate) fn show(tenant: &Tenant, request: &Request<'_>) -> Value {
    let read = Read::of(request);
    let is_json = !read.body.is_null();
    let raw = (!is_json && !request.body().is_empty()).then(|| String::from_utf8_lossy(request.body()).into_owned());
    let error = request.code().map(|code| json!({ "code": code, "title": catalogue::find(code, None).entry().title }));
    json!({
        "id": format!("r{}", request.id),
        "at": instant::write(request.at()),
        "method": request.method(),
        "path": request.path(),
        "to": request.to().map(|to| to.to_string()).or_else(|| read.to()),
        "type": read.kind(),
        "template": read.template(),
        "callback_data": read.callback_data(),
        "status": request.status(),
        "outcome": request.outcome().name(),
        "taken": request.message().is_some(),
        "wamid": request.message().and_then(|message| tenant.wamid(message)),
        "code": request.code(),
        "error": error,
        "decided_by": request.decider().name(),
        "why": (!request.why().is_empty()).then(|| request.why()),
        "body": read.body,
        "body_raw": raw,
        "body_bytes": request.whole(),
    })
}

/// A request in full: what decided, what it saw, and what became of it.
fn explain(tenant: &Tenant, request: &Request<'_>) -> Value {
    let mut shown = show(tenant, request);
    let saw: Value = serde_json::from_str(request.saw()).unwrap_or(Value::Null);
    let message = request.message().and_then(|message| messages::one(tenant, message));
    let heard = match (request.heard(), request.outcome()) {
        (_, Outcome::Lost | Outcome::Reset | Outcome::Garbled | Outcome::Broken) => {
            "the caller got no answer that it could read"
        }
        (Some(true), _) => "the answer was handed over",
        (Some(false), _) => "the answer was not handed over: the caller had hung up, or time was put back",
        (None, _) => "the answer is still to be given",
    };
    shown["saw"] = saw;
    shown["answer"] = heard.into();
    shown["message"] = json!(message);
    shown["explanation"] = words(request).into();
    shown
}

/// Why a request got its answer, as a sentence.
fn words(request: &Request<'_>) -> String {
    use crate::tenant::journal::Decider;
    let why = request.why();
    match request.decider() {
        Decider::Nothing => "nothing stood in its way".to_owned(),
        Decider::Token => format!("its token was not good for it: {why}"),
        Decider::Validation => format!("the request itself was wrong, before anything else was looked at: {why}"),
        Decider::Template => format!("it did not fit its template: {why}"),
        Decider::Rule => format!("a limit of WhatsApp's: {why}"),
        Decider::Fault => format!("a fault that was armed: {why}"),
        Decider::Number => format!("the contact's number has a meaning: {why}"),
        Decider::State => format!("the state of things: {why}"),
    }
}
