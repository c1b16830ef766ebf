//! One POST over HTTP/1.1, and exactly what became of it: never written, written and not answered, or answered.
//!
//! No retries and no meaning here. Idle connections are used again; one that turns out to be closed before a byte of the
//! request went out is replaced by a new one, since nobody can have seen anything.

mod meter;

use crate::clock;
use crate::config::{Secret, Timeouts};
use crate::net::{Connector, Endpoint};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use meter::{Meter, Metered};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// The longest answer that is read. The API's are below 2 KB.
const ANSWER_MOST: usize = 256 * 1024;

/// A connection that idled longer than this is not used again: servers close theirs after 20 s and more.
const IDLE_MOST: Duration = Duration::from_secs(15);

/// Idle connections kept: as many as one sender has POSTs under way.
const IDLE_COUNT: usize = engine_core::limits::IN_FLIGHT as usize;

const AGENT: &str = concat!("campaign-engine/", env!("CARGO_PKG_VERSION"));

/// What became of a POST.
#[derive(Debug)]
pub enum Exchange {
    /// Not one byte of it was written.
    NeverWritten(String),
    /// Something was written, and no complete answer came.
    Unanswered(String),
    /// A complete answer.
    Answered(Reply),
}

/// A complete answer.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<u64>,
    /// The body as it came.
    pub body: Bytes,
}

/// Why a base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl(pub String);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an http or https URL with a host", self.0)
    }
}

impl std::error::Error for BadUrl {}

/// Where the API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    endpoint: Endpoint,
    /// Without the slash at its end.
    path: String,
    host: String,
}

impl Base {
    /// From a URL such as `https://graph.facebook.com/v25.0`.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.to_owned());
        let uri: Uri = url.trim().parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(bad()),
        };
        let authority = uri.authority().ok_or_else(bad)?;
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let host =
            authority.port_u16().map_or(authority.host().to_owned(), |port| format!("{}:{port}", authority.host()));
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { endpoint: Endpoint { host: bare, port, tls }, path, host })
    }

    /// Whether it is this machine: a mock, and not the real API.
    pub fn is_loopback(&self) -> bool {
        let host = self.endpoint.host.as_str();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// POSTs to one API with one token.
pub struct Client {
    connector: Connector,
    base: Base,
    token: Secret,
    timeouts: Timeouts,
    idle: Mutex<Vec<(Instant, Connection)>>,
}

struct Connection {
    requests: SendRequest<Full<Bytes>>,
    meter: Meter,
    /// Drives the connection; ends with it.
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// A client without connections.
    pub fn new(connector: Connector, base: Base, token: Secret, timeouts: Timeouts) -> Self {
        Self { connector, base, token, timeouts, idle: Mutex::new(Vec::new()) }
    }

    /// POSTs a JSON body to a path below the base URL.
    pub async fn post(&self, path: &str, body: Bytes) -> Exchange {
        while let Some(connection) = self.take_idle() {
            match self.exchange(connection, path, body.clone()).await {
                // It was closed while it idled. There are only so many of these.
                Exchange::NeverWritten(_) => {}
                other => return other,
            }
        }
        match timeout(self.timeouts.connect, self.connect()).await {
            Ok(Ok(connection)) => self.exchange(connection, path, body).await,
            Ok(Err(wrong)) => Exchange::NeverWritten(format!("cannot connect: {wrong}")),
            Err(_) => Exchange::NeverWritten(format!(
                "cannot connect: no answer in {} s",
                self.timeouts.connect.as_secs_f32()
            )),
        }
    }

    async fn connect(&self) -> std::io::Result<Connection> {
        let stream = self.connector.connect(&self.base.endpoint).await?;
        let meter = Meter::default();
        let metered = Metered { stream, meter: meter.clone() };
        let (requests, connection) = http1::handshake(TokioIo::new(metered)).await.map_err(std::io::Error::other)?;
        let task = tokio::spawn(async move {
            if let Err(wrong) = connection.await {
                // Whoever has a request on it gets the error too; this is for a connection that idles.
                tracing::debug!(%wrong, "a connection ended");
            }
        });
        Ok(Connection { requests, meter, task })
    }

    async fn exchange(&self, mut connection: Connection, path: &str, body: Bytes) -> Exchange {
        let before = connection.meter.written();
        let request = match self.request(path, body) {
            Ok(request) => request,
            Err(wrong) => return Exchange::NeverWritten(format!("cannot be a request: {wrong}")),
        };
        let result = timeout(self.timeouts.request, async {
            connection.requests.ready().await.map_err(|wrong| wrong.to_string())?;
            let response = connection.requests.send_request(request).await.map_err(|wrong| wrong.to_string())?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_MOST).collect().await.map_err(|wrong| wrong.to_string())?;
            Ok(Reply { status: head.status.as_u16(), retry_after: retry_after(&head.headers), body: body.to_bytes() })
        })
        .await;
        let why = match result {
            Ok(Ok(reply)) => {
                self.keep(connection);
                return Exchange::Answered(reply);
            }
            Ok(Err(wrong)) => wrong,
            Err(_) => format!("no answer in {} s", self.timeouts.request.as_secs_f32()),
        };
        if connection.meter.seal() == before { Exchange::NeverWritten(why) } else { Exchange::Unanswered(why) }
    }

    fn request(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        Request::builder()
            .method(Method::POST)
            .uri(format!("{}/{path}", self.base.path))
            .header(HOST, self.base.host.as_str())
            .header(AUTHORIZATION, format!("Bearer {}", self.token.reveal()))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .body(Full::new(body))
    }

    /// The connection that was used last, which is the least likely to be closed.
    fn take_idle(&self) -> Option<Connection> {
        let now = clock::monotonic();
        let mut idle = self.idle();
        while let Some((since, connection)) = idle.pop() {
            if now.saturating_duration_since(since) < IDLE_MOST && !connection.requests.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Waits until every idle connection is closed, by whichever side: for tests of what comes after.
    #[doc(hidden)]
    pub async fn idle_closed(&self) {
        while self.idle().iter().any(|(_, connection)| !connection.requests.is_closed()) {
            tokio::task::yield_now().await;
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_COUNT && !connection.requests.is_closed() {
            idle.push((clock::monotonic(), connection));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }
}
