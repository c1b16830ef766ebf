//! The HTTP server: webhook and operator API on one listener, with bounds on connections, bodies and slow clients.

use crate::api::Api;
use crate::net::{Listener, Stream};
use crate::webhook::Receiver;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at once. WhatsApp delivers webhooks over many; past this a new one waits for an old one to end.
const CONNECTIONS: usize = 1_024;

/// A client that takes longer than this for the head of a request is cut off. Also the patience with an idle connection.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// A client that takes longer than this for a body is cut off.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// After the listener failed (out of file descriptors), before it is asked again.
const AFTER_ACCEPT_FAILED: Duration = Duration::from_millis(100);

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// What answers requests.
pub struct Server {
    /// Under `/webhook`.
    pub receiver: Receiver,
    /// Everything else; none where only webhooks are served.
    pub api: Option<Api>,
}

impl Server {
    /// Serves until it is dropped, and all connections with it.
    pub async fn run(self, mut listener: Listener) {
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            if connections.len() >= CONNECTIONS {
                connections.join_next().await;
                continue;
            }
            tokio::select! {
                biased;
                Some(ended) = connections.join_next() => {
                    if let Err(wrong) = ended {
                        tracing::error!(%wrong, "a connection's task died");
                    }
                }
                accepted = listener.accept() => match accepted {
                    Ok(stream) => { connections.spawn(Arc::clone(&server).serve(stream)); }
                    Err(wrong) => {
                        tracing::warn!(%wrong, "cannot take a connection");
                        tokio::time::sleep(AFTER_ACCEPT_FAILED).await;
                    }
                },
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: Stream) {
        let service = service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(wrong) = connection.await {
            tracing::debug!(%wrong, "a connection ended early");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match (request.uri().path(), &self.api) {
            ("/webhook", _) => self.receiver.answer(request).await,
            (_, Some(api)) => api.answer(request).await,
            (_, None) => text(StatusCode::NOT_FOUND, "only /webhook is here"),
        }
    }
}

/// Why a body was not read.
pub enum BodyError {
    /// It is longer than the bound.
    TooLong,
    /// It did not come in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

impl BodyError {
    /// The answer to it.
    pub fn answer(&self) -> Answer {
        match self {
            Self::TooLong => text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
            Self::TooSlow => text(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
            Self::Broken => text(StatusCode::BAD_REQUEST, "the body ended early"),
        }
    }
}

/// Reads a body of at most `most` bytes.
pub async fn body(request: Request<Incoming>, most: usize) -> Result<Bytes, BodyError> {
    let body = Limited::new(request.into_body(), most).collect();
    match timeout(BODY_WITHIN, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(wrong)) if wrong.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// A plain answer.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    typed(status, "text/plain; charset=utf-8", text.into())
}

/// An answer of a type.
pub fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
