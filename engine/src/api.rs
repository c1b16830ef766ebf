//! The operator API: campaigns in, states out. JSON by serde structs, errors as problem+json.
//!
//! It shares its listener with the webhook, which the world reaches; so on any but a loopback address it answers only with
//! the `api_token`.

mod operating;
mod wire;

use crate::config::{Secret, parse_quiet};
use crate::import::{self, Ask, Given};
use crate::server::{self, Answer};
use crate::service::{Handle, Progress};
use crate::store::Which;
use bytes::Bytes;
use engine_core::id::MessageId;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, StatusCode};
use operating::Act;
use serde::Serialize;
pub use wire::{CampaignView, MessageView, PerState};
use wire::{Created, NewCampaign, Page, Problem, SenderView};

/// The longest body: some hundred thousand contacts. More come as a file.
const BODY_MOST: usize = 16 * 1024 * 1024;

/// The longest page.
const PAGE_MOST: u32 = 1_000;

/// Answers everything but `/webhook`.
pub struct Api {
    handle: Handle,
    token: Option<Secret>,
    /// Whether others than this machine reach the listener.
    is_open: bool,
}

impl Api {
    /// An API over a running service.
    pub fn new(handle: Handle, token: Option<Secret>, is_open: bool) -> Self {
        Self { handle, token, is_open }
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().trim_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["healthz"] => return server::text(StatusCode::OK, "ok"),
            ["readyz"] => return self.ready(),
            ["v1", ..] => {}
            _ => return Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address").answer(),
        }
        if let Err(problem) = self.admit(&request) {
            return problem.answer();
        }
        let answered = match (request.method(), &parts[1..]) {
            (&Method::POST, ["campaigns"]) => self.create(request).await,
            (&Method::GET, ["campaigns"]) => self.campaigns().await,
            (&Method::GET, ["campaigns", name]) => self.campaign(name).await,
            (&Method::GET, ["campaigns", name, "messages"]) => {
                self.messages(name, request.uri().query(), Which::default()).await
            }
            (&Method::GET, ["campaigns", name, "outcome-unknown"]) => {
                self.messages(name, request.uri().query(), Which { given_up: true, ..Which::default() }).await
            }
            (&Method::POST, ["campaigns", name, "pause"]) => self.act(Act::Pause, name).await,
            (&Method::POST, ["campaigns", name, "resume"]) => self.act(Act::Resume, name).await,
            (&Method::POST, ["campaigns", name, "cancel"]) => self.act(Act::Cancel, name).await,
            (&Method::GET, ["senders"]) => self.senders().await,
            (&Method::POST, ["senders", id, "resume"]) => self.resume_sender(id).await,
            (&Method::GET, ["suppressions"]) => self.suppressions(request.uri().query()).await,
            (&Method::POST, ["suppressions"]) => self.suppress(request).await,
            (&Method::DELETE, ["suppressions", phone]) => self.lift(phone).await,
            (
                _,
                ["campaigns" | "senders" | "suppressions"]
                | ["campaigns" | "suppressions", _]
                | ["campaigns", _, "messages" | "outcome-unknown" | "pause" | "resume" | "cancel"]
                | ["senders", _, "resume"],
            ) => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not know that method")),
            _ => Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")),
        };
        answered.unwrap_or_else(|problem| problem.answer())
    }

    fn ready(&self) -> Answer {
        match self.handle.progress() {
            Progress::Running => server::text(StatusCode::OK, "ready"),
            Progress::Registering(wrong) => {
                let why = wrong.unwrap_or_else(|| "under way".into());
                server::text(StatusCode::SERVICE_UNAVAILABLE, format!("registering the webhook: {why}"))
            }
        }
    }

    fn admit(&self, request: &Request<Incoming>) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            let why =
                "the operator API is closed: this listener is reachable from other machines and no api_token is set";
            return if self.is_open { Err(Problem::new(StatusCode::FORBIDDEN, why)) } else { Ok(()) };
        };
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let why = "the header `Authorization: Bearer <api_token>` is missing or wrong";
        if token.matches(given) { Ok(()) } else { Err(Problem::new(StatusCode::UNAUTHORIZED, why)) }
    }

    async fn create(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        let body = match server::body(request, BODY_MOST).await {
            Ok(body) => body,
            Err(wrong) => return Ok(wrong.answer()),
        };
        let new: NewCampaign = serde_json::from_slice(&body)
            .map_err(|wrong| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not a campaign: {wrong}")))?;
        let ask = self.ask(new)?;
        match self.handle.create(ask).await {
            Ok(campaign) => Ok(json(StatusCode::CREATED, &Created::of(&campaign))),
            Err(wrong) => Err(Problem::new(status_of(&wrong), wrong.to_string())),
        }
    }

    fn ask(&self, new: NewCampaign) -> Result<Ask, Problem> {
        let bad = |pointer: &'static str, why: String| Problem::new(StatusCode::BAD_REQUEST, why).at(pointer);
        for (pointer, text) in [("/name", &new.name), ("/template", &new.template)] {
            if text.trim().is_empty() {
                return Err(bad(pointer, format!("`{}` is empty", &pointer[1..])));
            }
        }
        let contacts = match (new.contacts_file, new.contacts) {
            (Some(path), None) => Given::File(path),
            (None, Some(contacts)) => {
                Given::Inline(contacts.into_iter().map(|contact| (contact.phone, contact.variables)).collect())
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(bad("/contacts", "give either `contacts_file` or `contacts`".into()));
            }
        };
        let now = self.handle.clock().now();
        let start = match new.start {
            Some(text) => crate::clock::parse_time(&text, now).map_err(|why| bad("/start", why))?,
            None => now,
        };
        import::in_time(start, now).map_err(|why| bad("/start", why))?;
        let phone_number_id = new.from.or_else(|| self.handle.settings().rules.phone_number_id.clone());
        let phone_number_id =
            phone_number_id.ok_or_else(|| bad("/from", "no sender: give `from`, or set phone_number_id".into()))?;
        let language = new.language.unwrap_or_else(|| "en_US".into());
        let quiet = match new.quiet_hours {
            Some(text) => parse_quiet(&text).map_err(|why| bad("/quiet_hours", why))?,
            None => self.handle.settings().rules.quiet_hours,
        };
        let (name, template, priority) = (new.name, new.template, new.priority);
        Ok(Ask { name, template, language, phone_number_id, start, priority, quiet, contacts })
    }

    async fn campaigns(&self) -> Result<Answer, Problem> {
        let look = self.look().await?;
        let views: Vec<_> = CampaignView::all(&look);
        Ok(json(StatusCode::OK, &views))
    }

    async fn campaign(&self, name: &str) -> Result<Answer, Problem> {
        let look = self.look().await?;
        let name = decoded(name)?;
        let view = CampaignView::all(&look).into_iter().find(|view| view.name == name);
        view.map(|view| json(StatusCode::OK, &view)).ok_or_else(|| no_campaign(&name))
    }

    async fn messages(&self, name: &str, query: Option<&str>, which: Which) -> Result<Answer, Problem> {
        let name = decoded(name)?;
        let look = self.look().await?;
        let campaign = look.campaigns.iter().find(|campaign| campaign.name == name).cloned();
        let campaign = campaign.ok_or_else(|| no_campaign(&name))?;
        let (after, limit) = paged(query)?;
        let after = after.map(MessageId);
        let read = self.handle.keeper().run(move |store| store.messages(&campaign, after, limit, which)).await;
        let messages = read.map_err(|wrong| Problem::new(StatusCode::SERVICE_UNAVAILABLE, wrong.to_string()))?;
        let items = messages.iter().map(MessageView::of).collect();
        let last = messages.last().map(|message| message.id.0);
        Ok(json(StatusCode::OK, &Page::of(items, last, limit)))
    }

    async fn senders(&self) -> Result<Answer, Problem> {
        let look = self.look().await?;
        Ok(json(StatusCode::OK, &SenderView::all(&look)))
    }

    async fn look(&self) -> Result<crate::driver::Look, Problem> {
        if self.handle.progress() != Progress::Running {
            let why = "the engine is starting: see /readyz";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        let look = self.handle.look().await;
        look.map_err(|gone| Problem::new(StatusCode::SERVICE_UNAVAILABLE, gone.to_string()))
    }
}

/// `after` and `limit` of a query.
fn paged(query: Option<&str>) -> Result<(Option<u32>, u32), Problem> {
    let mut after = None;
    let mut limit = PAGE_MOST;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = value.parse::<u32>();
        match (key, number) {
            ("after", Ok(number)) => after = Some(number),
            ("limit", Ok(number)) if (1..=PAGE_MOST).contains(&number) => limit = number,
            ("after" | "limit", _) => {
                let why = format!("`{pair}`: `after` takes an id, `limit` 1 to {PAGE_MOST}");
                return Err(Problem::new(StatusCode::BAD_REQUEST, why));
            }
            _ => return Err(Problem::new(StatusCode::BAD_REQUEST, format!("unknown parameter `{key}`"))),
        }
    }
    Ok((after, limit))
}

fn status_of(wrong: &import::Error) -> StatusCode {
    match wrong {
        import::Error::List(_) => StatusCode::BAD_REQUEST,
        import::Error::NoContact { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        import::Error::Exists(_) => StatusCode::CONFLICT,
        import::Error::Store(_) | import::Error::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn decoded(name: &str) -> Result<String, Problem> {
    // A plus sign in a path is a plus sign.
    let decoded = crate::webhook::unescape(&name.replace('+', "%2B"));
    decoded.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "the name in the address is not readable"))
}

fn no_campaign(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no campaign `{name}`"))
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => server::typed(status, "application/json", Bytes::from(body)),
        Err(wrong) => server::text(StatusCode::INTERNAL_SERVER_ERROR, wrong.to_string()),
    }
}
