//! What the journal is told of a call. Sends are written down where they are decided on; everything else here, when its
//! outcome is known.

use super::call::{Outcome as End, Stop};
use super::path::Path;
use super::refusal::Refusal;
use super::token;
use crate::identity::Bearer;
use crate::query;
use crate::respond::Cut;
use crate::server::Server;
use crate::tenant::journal::{Decider, New, Outcome};
use bytes::Bytes;
use hyper::Method;
use hyper::http::request::Parts;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended {
    outcome: Outcome,
    status: u16,
    refusal: Option<Refusal>,
}

impl Ended {
    pub(super) fn of(end: &Result<End, Stop>) -> Self {
        let end = match end {
            Ok(End::Mannered(outcome, _)) => Ok(&**outcome),
            Ok(outcome) => Ok(outcome),
            Err(stop) => Err(stop),
        };
        let (outcome, status, refusal) = match end {
            Ok(End::Mannered(..)) => (Outcome::Lost, 0, None),
            Ok(End::Reply(..)) => (Outcome::Accepted, 200, None),
            Ok(End::Other(answer)) => (Outcome::Accepted, answer.status().as_u16(), None),
            Ok(End::Garbled(_)) => (Outcome::Garbled, 0, None),
            Ok(End::Refusal(_, refusal)) | Err(Stop::Refused(refusal)) => {
                (Outcome::Refused, refusal.status(), Some((**refusal).clone()))
            }
            Err(Stop::Cut(Cut::Close)) => (Outcome::Broken, 0, None),
            Err(Stop::Cut(Cut::Reset)) => (Outcome::Reset, 0, None),
        };
        Self { outcome, status, refusal }
    }
}

/// A call as the journal sees it.
#[derive(Debug)]
pub struct Noted {
    method: Method,
    path: Arc<str>,
    body: OnceLock<Bytes>,
    /// Whether the tenant writes it down itself.
    is_send: AtomicBool,
}

impl Noted {
    /// A call of which only the head is known.
    pub(super) fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            path: without_secrets(parts).into(),
            body: OnceLock::new(),
            is_send: AtomicBool::new(false),
        }
    }

    /// Its body is known.
    pub(super) fn read(&self, body: &Bytes) {
        self.body.get_or_init(|| body.clone());
    }

    /// It is a send, which the tenant writes down; under which path.
    pub(super) fn send(&self) -> Arc<str> {
        self.is_send.store(true, Ordering::Relaxed);
        self.path.clone()
    }

    /// As much of its body as is known.
    pub(super) fn body(&self) -> &[u8] {
        self.body.get().map_or(&[], |body| body)
    }

    /// Writes it down, unless its tenant did.
    pub(super) async fn close(&self, server: &Server, parts: &Parts, ended: Ended) -> Result<(), Cut> {
        if self.is_send.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Ended { outcome, status, refusal } = ended;
        let identity = token::of(parts, self.body()).as_deref().and_then(Bearer::read).map(|bearer| bearer.identity);
        let node = query::decode(Path::of(parts.uri.path()).node);
        let (method, path) = (self.method.clone(), self.path.clone());
        let body = self.body.get().cloned().unwrap_or_default();
        server
            .worlds
            .with(move |worlds| {
                let real = worlds.real();
                let tenant = match identity {
                    Some(identity) => worlds.enter(&identity),
                    // A token that is nobody's is held against the tenant whose number was called.
                    None => worlds.all().find(|tenant| tenant.identity().phone_number_id == node),
                };
                let Some(tenant) = tenant else { return };
                let decider = match &refusal {
                    None => Decider::Nothing,
                    Some(refusal) if is_of_token(refusal) => Decider::Token,
                    Some(_) => Decider::Validation,
                };
                let new = New {
                    at: tenant.now(real),
                    method: &method,
                    path: &path,
                    body: &body,
                    to: None,
                    outcome,
                    decider,
                    status,
                    code: refusal.as_ref().map_or(0, Refusal::code),
                    message: None,
                    why: refusal.as_ref().map_or("", |refusal| &refusal.why),
                    saw: "",
                    heard: Some(!matches!(outcome, Outcome::Broken)),
                };
                tenant.note_call(real, &new, refusal.as_ref());
            })
            .await?;
        Ok(())
    }
}

/// Whether a refusal is about the token and not about what was asked.
fn is_of_token(refusal: &Refusal) -> bool {
    matches!(refusal.code(), 0 | 10 | 104 | 190 | 200..=299)
}

/// The path and query, without a token that may be in it.
fn without_secrets(parts: &Parts) -> Cow<'_, str> {
    let path = parts.uri.path();
    let Some(query) = parts.uri.query() else { return path.into() };
    let secret = |pair: &&str| !matches!(pair.split('=').next(), Some("access_token" | "input_token"));
    let kept: Vec<&str> = query.split('&').filter(secret).collect();
    if kept.is_empty() { path.into() } else { format!("{path}?{}", kept.join("&")).into() }
}
