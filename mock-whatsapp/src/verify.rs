//! Asserting what a sender sent: how often, in which order, and if need be within some time. What does not hold comes with the
//! requests that came closest, and with what is different about them.
//!
//! What was looked at is not looked at again, and much is looked at in pieces: whoever waits holds nobody up.

use crate::limits::{VERIFY_LOOKS, VERIFY_NEAR, VERIFY_SHOWN};
use crate::tenant::Tenant;
use crate::tenant::journal::{Outcome, Request};
use crate::worlds::{Closed, Handle};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;

/// How a request must have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// WhatsApp took the message, whether the sender heard of it or not.
    #[default]
    Accepted,
    /// It was refused with an error.
    Refused,
    /// However.
    Any,
    /// Exactly so.
    As(Outcome),
}

impl Ended {
    /// Reads `accepted`, `refused`, `any`, or another outcome by its name.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "accepted" => Some(Self::Accepted),
            "refused" => Some(Self::Refused),
            "any" => Some(Self::Any),
            _ => Outcome::ALL.into_iter().find(|outcome| outcome.name() == name).map(Self::As),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Any => "any",
            Self::As(outcome) => outcome.name(),
        }
    }

    fn holds(self, request: &Request<'_>) -> bool {
        match self {
            Self::Accepted => request.message().is_some(),
            Self::Refused => request.outcome() == Outcome::Refused,
            Self::Any => true,
            Self::As(outcome) => request.outcome() == outcome,
        }
    }
}

/// What a request must be like; what is not said may be anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    /// To whom, digits.
    pub to: Option<String>,
    /// Its template.
    pub template: Option<String>,
    /// What the sender calls it.
    pub callback_data: Option<String>,
    /// What stands in its body, by JSON pointer; null stands for nothing.
    pub body: Vec<(String, Value)>,
    /// How it ended.
    pub outcome: Ended,
}

impl Match {
    /// What is different about a request, as far as it is a send at all.
    fn differs(&self, request: &Request<'_>, body: &Value) -> Vec<Difference> {
        let mut differs = Vec::new();
        let mut want = |at: &str, want: &Value, got: Value| {
            if *want != got {
                differs.push(Difference { at: at.to_owned(), want: want.clone(), got });
            }
        };
        let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or(Value::Null);
        if let Some(to) = &self.to {
            let got = at("/to");
            let digits = got.as_str().map(|got| got.chars().filter(char::is_ascii_digit).collect::<String>());
            want("/to", &Value::from(to.as_str()), digits.map_or(got, Value::from));
        }
        for (text, pointer) in [(&self.template, "/template/name"), (&self.callback_data, "/biz_opaque_callback_data")]
        {
            if let Some(text) = text {
                want(pointer, &Value::from(text.as_str()), at(pointer));
            }
        }
        for (pointer, value) in &self.body {
            want(pointer, value, at(pointer));
        }
        if !self.outcome.holds(request) {
            want("/outcome", &Value::from(self.outcome.name()), Value::from(request.outcome().name()));
        }
        differs
    }

    fn holds(&self, request: &Request<'_>, body: &Value) -> bool {
        self.outcome.holds(request) && self.differs(request, body).is_empty()
    }

    /// Whether a request cannot be one, as can be told without reading it.
    fn is_ruled_out(&self, request: &Request<'_>) -> bool {
        let other = |to: &String| request.to().is_some_and(|known| known.to_string() != *to);
        !request.is_send() || !self.outcome.holds(request) || self.to.as_ref().is_some_and(other)
    }
}

/// What is to be asserted. Without a number it is: at least once.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    what: What,
    within: Duration,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Count { of: Match, least: u64, most: Option<u64> },
    Sequence(Vec<Match>),
}

impl Verify {
    /// Sends that are like this.
    pub fn sends(of: Match) -> Self {
        Self { what: What::Count { of, least: 1, most: None }, within: Duration::ZERO }
    }

    /// Sends to a contact, `+` or not.
    pub fn to(contact: &str) -> Self {
        let to = contact.chars().filter(char::is_ascii_digit).collect();
        Self::sends(Match { to: Some(to), ..Match::default() })
    }

    /// Sends like these, in this order, with anything between them.
    pub fn sequence(steps: Vec<Match>) -> Self {
        Self { what: What::Sequence(steps), within: Duration::ZERO }
    }

    fn narrow(mut self, change: impl Fn(&mut Match)) -> Self {
        match &mut self.what {
            What::Count { of, .. } => change(of),
            What::Sequence(steps) => steps.iter_mut().for_each(change),
        }
        self
    }

    /// Only of this template.
    #[must_use]
    pub fn template(self, name: &str) -> Self {
        self.narrow(|of| of.template = Some(name.to_owned()))
    }

    /// Only with this callback data.
    #[must_use]
    pub fn callback_data(self, data: &str) -> Self {
        self.narrow(|of| of.callback_data = Some(data.to_owned()))
    }

    /// Only with this value at a JSON pointer of the body.
    #[must_use]
    pub fn body(self, pointer: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.narrow(|of| of.body.push((pointer.to_owned(), value.clone())))
    }

    /// Only if they ended so; that they were accepted, unless said.
    #[must_use]
    pub fn ended(self, outcome: Ended) -> Self {
        self.narrow(|of| of.outcome = outcome)
    }

    /// Exactly so often.
    #[must_use]
    pub fn count(self, count: u64) -> Self {
        self.between(count, Some(count))
    }

    /// At least so often.
    #[must_use]
    pub fn at_least(self, least: u64) -> Self {
        let most = match self.what {
            What::Count { most, .. } => most,
            What::Sequence(_) => None,
        };
        self.between(least, most)
    }

    /// At most so often; the whole of [`Self::within`] is waited for more.
    #[must_use]
    pub fn at_most(self, most: u64) -> Self {
        let least = match self.what {
            // One that is not asked for need not be there.
            What::Count { least, most: Some(_), .. } => least,
            What::Count { least, most: None, .. } if least > 1 => least,
            What::Count { .. } | What::Sequence(_) => 0,
        };
        self.between(least, Some(most))
    }

    /// Sets both ends. Of a sequence there is only one.
    #[must_use]
    pub fn between(mut self, from: u64, to: Option<u64>) -> Self {
        if let What::Count { least, most, .. } = &mut self.what {
            (*least, *most) = (from, to);
        }
        self
    }

    /// How long, in real time, it may take until it holds.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }
}

/// Whether it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Whether it does, for certain.
    pub pass: bool,
    /// How many requests there were; of a sequence, how many steps of it.
    pub counted: u64,
    /// Which, oldest first; of very many the first.
    pub requests: Vec<String>,
    /// Whether all that decides is still known: the journal may have forgotten some of it.
    pub complete: bool,
    /// Where too few were found, those that came closest.
    pub near_misses: Vec<NearMiss>,
}

/// A request that is almost right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearMiss {
    /// Which.
    pub request: String,
    /// What is different.
    pub differs: Vec<Difference>,
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where in the body, as a JSON pointer; `/outcome` is how the request ended.
    pub at: String,
    /// What should be there.
    pub want: Value,
    /// What is.
    pub got: Value,
}

/// How far it was looked.
#[derive(Clone, Debug, Default)]
struct Progress {
    next: u64,
    counted: u64,
    requests: Vec<u64>,
    /// Something was forgotten before it could be looked at.
    lost: bool,
}

/// What can be said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum So {
    /// It holds, and will.
    Holds,
    /// It does not, and will not.
    Fails,
    /// It does as things stand.
    HoldsYet,
    /// It does not, as things stand.
    Lacks,
}

impl Verify {
    fn so(&self, counted: u64) -> So {
        match &self.what {
            What::Sequence(steps) if counted >= steps.len() as u64 => So::Holds,
            What::Sequence(_) => So::Lacks,
            What::Count { most: Some(most), .. } if counted > *most => So::Fails,
            What::Count { least, .. } if counted < *least => So::Lacks,
            What::Count { most: None, .. } => So::Holds,
            // An exact number is not waited for any longer once it is reached; that there is none, all of the time.
            What::Count { least, most: Some(most), .. } if least == most && *least > 0 => So::Holds,
            What::Count { most: Some(_), .. } => So::HoldsYet,
        }
    }

    /// Looks at what is new, so much at a time; whether that was all there is.
    fn look(&self, tenant: &Tenant, progress: &mut Progress) -> bool {
        let journal = tenant.journal();
        progress.lost |= journal.evicted() > 0 && progress.next < journal.first();
        for (looked, request) in journal.from(progress.next).enumerate() {
            if looked == VERIFY_LOOKS {
                return false;
            }
            progress.next = request.id + 1;
            let of = match &self.what {
                What::Count { of, .. } => of,
                What::Sequence(steps) => match steps.get(progress.counted as usize) {
                    Some(step) => step,
                    None => return true,
                },
            };
            if of.is_ruled_out(&request) {
                continue;
            }
            let body = body_of(&request);
            if of.holds(&request, &body) && !is_receipt(&body) {
                progress.counted += 1;
                if progress.requests.len() < VERIFY_SHOWN {
                    progress.requests.push(request.id);
                }
            }
        }
        true
    }

    /// The requests that came closest, of the newest.
    fn near(&self, tenant: &Tenant, counted: u64) -> Vec<NearMiss> {
        let of = match &self.what {
            What::Count { of, .. } => of,
            What::Sequence(steps) => match steps.get(counted as usize) {
                Some(step) => step,
                None => return Vec::new(),
            },
        };
        let journal = tenant.journal();
        let from = journal.next().saturating_sub(VERIFY_LOOKS as u64);
        let mut near: Vec<(u64, Vec<Difference>)> = Vec::new();
        for request in journal.from(from).filter(Request::is_send) {
            let body = body_of(&request);
            let differs = of.differs(&request, &body);
            if !differs.is_empty() && !is_receipt(&body) {
                near.push((request.id, differs));
            }
        }
        near.sort_by_key(|(id, differs)| (differs.len(), u64::MAX - id));
        near.truncate(VERIFY_NEAR);
        near.into_iter().map(|(id, differs)| NearMiss { request: format!("r{id}"), differs }).collect()
    }
}

fn body_of(request: &Request<'_>) -> Value {
    serde_json::from_slice(request.body()).unwrap_or(Value::Null)
}

/// Marking as read goes the way of sends, and is none.
fn is_receipt(body: &Value) -> bool {
    body.get("status").is_some_and(Value::is_string)
}

/// Finds out whether something holds; `None` if there is no such tenant.
///
/// # Errors
/// If the server stops.
pub async fn verify(worlds: &Handle, tenant: &str, verify: Verify) -> Result<Option<Verified>, Closed> {
    let deadline = tokio::time::sleep(verify.within);
    tokio::pin!(deadline);
    let mut is_over = verify.within.is_zero();
    let mut progress = Progress::default();
    let mut written: Option<watch::Receiver<u64>> = None;
    loop {
        let (name, asked, mut seen) = (tenant.to_owned(), verify.clone(), progress.clone());
        let looked = worlds.with(move |worlds| {
            let tenant = worlds.find(&name)?;
            let all = asked.look(tenant, &mut seen);
            Some((seen, all, tenant.written()))
        });
        let Some((seen, all, receiver)) = looked.await? else { return Ok(None) };
        progress = seen;
        let so = verify.so(progress.counted);
        if matches!(so, So::Fails) || (all && (is_over || matches!(so, So::Holds))) {
            return conclude(worlds, tenant, verify, progress, so).await;
        }
        if !all {
            continue;
        }
        let waiting = written.get_or_insert(receiver);
        let is_gone = tokio::select! {
            biased;
            () = &mut deadline => {
                is_over = true;
                false
            }
            changed = waiting.changed() => changed.is_err(),
        };
        if is_gone {
            // Whether there is another tenant of that name by now, the next look finds.
            written = None;
        }
    }
}

async fn conclude(
    worlds: &Handle,
    tenant: &str,
    verify: Verify,
    progress: Progress,
    so: So,
) -> Result<Option<Verified>, Closed> {
    let name = tenant.to_owned();
    worlds
        .with(move |worlds| {
            let tenant = worlds.find(&name)?;
            // What was forgotten could have added to the count: that decides only where more would change something.
            let more_is_harmless = match &verify.what {
                What::Count { most: None, .. } | What::Sequence(_) => so == So::Holds,
                What::Count { .. } => so == So::Fails,
            };
            let complete = !progress.lost || more_is_harmless;
            let holds = matches!(so, So::Holds | So::HoldsYet);
            let near_misses = if so == So::Lacks { verify.near(tenant, progress.counted) } else { Vec::new() };
            Some(Verified {
                pass: holds && complete,
                counted: progress.counted,
                requests: progress.requests.iter().map(|id| format!("r{id}")).collect(),
                complete,
                near_misses,
            })
        })
        .await
}
