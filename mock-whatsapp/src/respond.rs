//! One request, from its head to its answer: which API it is for, its body within bounds, and the headers that every
//! answer carries.

use crate::server::Server;
use crate::server::outcomes::{Api, Outcome};
use crate::worlds::Closed;
use crate::{control, graph, instant, limits};
use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use mock_whatsapp_model::output::Garble;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::task::Poll;
use std::time::Duration;

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// The tenant's time.
pub const MOCK_TIME: HeaderName = HeaderName::from_static("x-mock-time");

/// Why a call was refused.
pub const MOCK_WHY: HeaderName = HeaderName::from_static("x-mock-why");

/// There is no answer: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In order.
    Close,
    /// By force.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends without an answer, as it was meant to")
    }
}

impl std::error::Error for Cut {}

impl From<Closed> for Cut {
    fn from(_: Closed) -> Self {
        Self::Close
    }
}

/// Answers a request.
///
/// # Errors
/// If it is to have no answer.
pub async fn answer(server: &Server, request: Request<Incoming>) -> Result<Answer, Cut> {
    let path = request.uri().path();
    let is_control = path == "/_mock" || path.starts_with("/_mock/");
    let answered = answer_to(server, request, is_control).await;
    let api = if is_control { Api::Control } else { Api::Graph };
    server.outcomes.add(api, Outcome::of(answered.as_ref().ok().map(Response::status)));
    answered
}

async fn answer_to(server: &Server, request: Request<Incoming>, is_control: bool) -> Result<Answer, Cut> {
    if is_control {
        // Whoever only wants to know whether the server is there, as a readiness probe does, has no token.
        let is_open = request.uri().path() == "/_mock/health";
        if !is_open && server.control_token.as_ref().is_some_and(|token| !token.is_in(request.headers())) {
            return control::shut(server).await;
        }
        Box::pin(control::answer(server, request)).await
    } else if request.uri().path() == "/" && wants_a_page(&request) {
        Ok(plain(
            200,
            "text/html; charset=utf-8",
            FRONT_PAGE.to_owned(),
            server.worlds.with(|worlds| worlds.real()).await?,
        ))
    } else {
        let (parts, body) = request.into_parts();
        graph::answer(server, parts, graph::Sent::Coming(body)).await
    }
}

/// What a person sees who opens the address in a browser.
const FRONT_PAGE: &str = include_str!("front_page.html");

/// Whether a person asks, with a browser. What the Graph API says at its root, a client of it gets all the same.
fn wants_a_page(request: &Request<Incoming>) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|accepts| accepts.to_str().ok());
    [Method::GET, Method::HEAD].contains(request.method())
        && accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// How a caller reaches this server: the address in its own request.
pub fn base(headers: &HeaderMap, server: &Server) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or("127.0.0.1");
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or(server.scheme);
    format!("{scheme}://{host}")
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than this.
    TooLong(usize),
    /// It took too long.
    TooSlow,
    /// It broke off.
    Broken,
}

/// Reads a body.
///
/// # Errors
/// If it is too long, breaks off or takes too long.
pub async fn read(mut body: Incoming, most: usize) -> Result<Bytes, Unread> {
    match within(limits::BODY_WAIT, Limited::new(&mut body, most).collect()).await {
        Some(Ok(body)) => Ok(body.to_bytes()),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            // Whoever is cut off while it sends hears of a broken connection, and not of what is wrong.
            if Box::pin(drain(body, limits::BODY_WAIT)).await.is_err() {
                tracing::debug!("a body was far too long, or did not end");
            }
            Err(Unread::TooLong(most))
        }
        Some(Err(_)) => Err(Unread::Broken),
        None => Err(Unread::TooSlow),
    }
}

/// Reads a body to its end and forgets it, so that whoever sent it reads the answer.
///
/// # Errors
/// If it breaks off, takes too long or is longer than any that is read.
pub async fn drain(mut body: Incoming, wait: Duration) -> Result<(), Cut> {
    let mut left = limits::MEDIA_BODY_BYTES;
    let reading = async {
        while let Some(frame) = body.frame().await {
            let length = frame.map_err(|_| Cut::Close)?.data_ref().map_or(0, Bytes::len);
            left = left.checked_sub(length).ok_or(Cut::Close)?;
        }
        Ok(())
    };
    tokio::time::timeout(wait, reading).await.unwrap_or(Err(Cut::Close))
}

/// What comes of a future, if it does in time. Mostly it is there when it is asked for the second time, as a body is that came
/// with its head: there is no timer before.
async fn within<F: Future>(wait: Duration, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut is_first = true;
    let at_once = std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if std::mem::take(&mut is_first) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Pending => Poll::Ready(None),
    });
    match at_once.await {
        Some(output) => Some(output),
        None => tokio::time::timeout(wait, future).await.ok(),
    }
}

/// How many headers most answers have at most: two of their own, three of the Graph API's, and some room.
const HEADERS: usize = 6;

/// An answer in JSON, at a tenant's time.
pub fn json(status: u16, content_type: &'static str, body: &impl Serialize, at: Timestamp) -> Answer {
    let mut bytes = Vec::with_capacity(512);
    if let Err(error) = serde_json::to_writer(&mut bytes, body) {
        tracing::error!(%error, "an answer could not be written");
        bytes = b"{}".to_vec();
    }
    written(status, content_type, bytes, at)
}

/// An answer that was written elsewhere, at a tenant's time.
pub fn written(status: u16, content_type: &'static str, body: Vec<u8>, at: Timestamp) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    answer.headers_mut().reserve(HEADERS);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    put(&mut answer, MOCK_TIME, instant::write(at));
    answer
}

/// An answer that is text, at a tenant's time.
pub fn plain(status: u16, content_type: &'static str, text: String, at: Timestamp) -> Answer {
    written(status, content_type, text.into_bytes(), at)
}

/// What comes from a broken gateway in place of an answer.
pub fn garbled(form: Garble) -> Answer {
    let (status, content_type, body) = match form {
        Garble::Html => {
            (502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>")
        }
        Garble::Truncated => {
            (200, "application/json", "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"+4")
        }
        Garble::Unreadable => (200, "application/json", "\u{0}\u{1}\u{2}<<<not json>>>"),
    };
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Adds a header; what cannot stand in one is replaced.
pub fn put<'a>(answer: &mut Answer, name: HeaderName, value: impl Into<Cow<'a, str>>) {
    let made = match value.into() {
        Cow::Borrowed(value) => HeaderValue::from_str(value).or_else(|_| HeaderValue::try_from(visible(value))),
        // What can stand in it as it is, is not copied.
        Cow::Owned(value) if value.chars().all(is_visible) => HeaderValue::try_from(value),
        Cow::Owned(value) => HeaderValue::try_from(visible(&value)),
    };
    if let Ok(value) = made {
        answer.headers_mut().insert(name, value);
    }
}

fn is_visible(c: char) -> bool {
    (' '..='~').contains(&c)
}

fn visible(value: &str) -> String {
    value.chars().map(|c| if is_visible(c) { c } else { '?' }).collect()
}
