//! A call of the Graph API on its way to its operation, and what may become of it.

use super::noted::Noted;
use super::path::Path;
use super::refusal::Refusal;
use super::route::{Route, Verb};
use crate::identity::Identity;
use crate::respond::{Answer, Cut, json};
use crate::server::Server;
use crate::tenant::Tenant;
use crate::worlds::Closed;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use hyper::HeaderMap;
use hyper::body::Incoming;
use mock_whatsapp_model::output::{Garble, Manner};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What JSON answers say that they are.
pub const JSON: &str = "application/json; charset=UTF-8";

/// A call whose token is good and whose row is found.
pub struct Call<'a> {
    /// What all connections share.
    pub server: &'a Server,
    /// Whose token it carries.
    pub identity: Arc<Identity>,
    /// Its path, taken apart.
    pub path: Path<'a>,
    /// Its row in the table.
    pub route: &'static Route,
    /// The node's name, decoded.
    pub id: String,
    /// The segment behind the edge, decoded; empty where there is none.
    pub item: String,
    /// The query, as it came.
    pub query: &'a str,
    /// The head.
    pub headers: &'a HeaderMap,
    /// The body; empty where it is read bit by bit.
    pub body: Bytes,
    /// The body, where it is read bit by bit.
    pub stream: Option<Incoming>,
    /// What the journal is to know of it.
    pub noted: &'a Noted,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {} bytes)", self.route.name(), self.body.len())
    }
}

/// What an operation comes to.
pub type Done = Result<Outcome, Stop>;

/// Why an operation is not carried out.
#[derive(Debug)]
pub enum Stop {
    /// It is refused.
    Refused(Box<Refusal>),
    /// There is no answer.
    Cut(Cut),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Cut> for Stop {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl From<Closed> for Stop {
    fn from(closed: Closed) -> Self {
        Self::Cut(closed.into())
    }
}

/// What a call of the Graph API comes to.
#[derive(Debug)]
pub enum Outcome {
    /// 200 with a body, at the tenant's time.
    Reply(Timestamp, Box<dyn Body>),
    /// The error object, at the tenant's time.
    Refusal(Timestamp, Box<Refusal>),
    /// Something that is no JSON.
    Other(Box<Answer>),
    /// What comes from a broken gateway.
    Garbled(Garble),
    /// One of these, in an unusual manner.
    Mannered(Box<Outcome>, Manner),
}

impl Outcome {
    /// 200 with a body.
    pub fn reply(at: Timestamp, body: impl Serialize + fmt::Debug + Send + 'static) -> Self {
        Self::Reply(at, Box::new(body))
    }

    /// 200 and `{"success":true}`.
    pub fn success(at: Timestamp) -> Self {
        Self::reply(at, serde_json::json!({ "success": true }))
    }
}

/// A body that can be written as JSON; the kinds differ from call to call.
pub trait Body: fmt::Debug + Send {
    /// The whole answer.
    fn answer(&self, at: Timestamp) -> Answer;
}

impl<T: Serialize + fmt::Debug + Send> Body for T {
    fn answer(&self, at: Timestamp) -> Answer {
        json(200, JSON, self, at)
    }
}

impl Call<'_> {
    /// Does something to the caller's tenant, at the real time that is handed in; what is due by then has happened. Beside
    /// the result stands the tenant's time.
    ///
    /// # Errors
    /// The refusal of `run`, or that there are too many tenants.
    pub async fn tenant<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Tenant, Timestamp) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<(R, Timestamp), Stop> {
        let identity = self.identity.clone();
        let done = self.server.worlds.with(move |worlds| {
            let real = worlds.real();
            let tenant = worlds.enter(&identity).ok_or_else(crate::worlds::too_many)?;
            tenant.go_on(real);
            let result = run(tenant, real)?;
            Ok::<_, Refusal>((result, tenant.now(real)))
        });
        Ok(done.await??)
    }

    /// The same, to a number of the caller's, whose id is handed in.
    ///
    /// # Errors
    /// Also if the caller has no such number.
    pub async fn with_number<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Tenant, String) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<(R, Timestamp), Stop> {
        let (id, verb) = (self.id.clone(), spell(self.route.verb));
        let done = self.tenant(move |tenant, _| {
            if tenant.numbers().get(&id).is_none() {
                let has: Vec<&str> = tenant.numbers().all().iter().map(|number| number.id.as_str()).collect();
                let name = &tenant.identity().name;
                let why =
                    format!("the token decides the tenant, which is {name}, and its numbers are {}", has.join(", "));
                return Err(Refusal::no_object(verb, &id, why));
            }
            run(tenant, id)
        });
        done.await
    }

    /// That the call is for the caller's own app.
    ///
    /// # Errors
    /// If it is for another.
    pub fn app(&self) -> Result<(), Refusal> {
        self.own("app", &self.identity.app_id)
    }

    /// That the call is for the caller's own account.
    ///
    /// # Errors
    /// If it is for another.
    pub fn account(&self) -> Result<(), Refusal> {
        self.own("account", &self.identity.waba_id)
    }

    fn own(&self, what: &str, id: &str) -> Result<(), Refusal> {
        if self.id == id {
            return Ok(());
        }
        let name = &self.identity.name;
        Err(self.no_object(format!("the token decides the tenant, which is {name}, and its {what} is {id}")))
    }

    /// The refusal of an id that does not exist, or not for this token.
    pub fn no_object(&self, why: impl Into<String>) -> Refusal {
        Refusal::no_object(spell(self.route.verb), &self.id, why)
    }
}

/// A method as error texts write it.
pub(super) fn spell(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Delete => "delete",
    }
}
