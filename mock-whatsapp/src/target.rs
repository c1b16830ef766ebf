//! One HTTP exchange with a receiver of webhooks, over a connection that is kept or a new one.

use crate::limits;
use crate::net::{BoxedLink, Connector};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// Where webhooks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Shared, since every webhook on its way has one.
    place: Arc<Place>,
    insecure: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    url: String,
    authority: String,
    host: HeaderValue,
    uri: Uri,
    secure: bool,
}

/// Whether this program can speak TLS.
const TLS: bool = cfg!(feature = "tls");

impl Target {
    /// Reads an `http://` URL, or an `https://` one if the program was built with TLS.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("`{url}` is no URL: {error}"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") if TLS => true,
            Some("https") => {
                return Err(format!(
                    "`{url}`: this program was built without TLS; build it with the feature `tls`, or use http"
                ));
            }
            _ => return Err(format!("`{url}` is no URL of a server: it must start with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| format!("`{url}` names no host"))?;
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        let host = HeaderValue::from_str(place).map_err(|_| format!("`{url}` names no usable host"))?;
        let usual = if secure { 443 } else { 80 };
        let authority = if authority.port().is_some() { place.to_owned() } else { format!("{place}:{usual}") };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = path.parse().map_err(|error| format!("`{url}` has no usable path: {error}"))?;
        let place = Place { url: url.to_owned(), authority, host, uri, secure };
        Ok(Self { place: Arc::new(place), insecure: false })
    }

    /// The same, whoever vouches for it or not.
    pub fn insecurely(self, insecure: bool) -> Self {
        Self { insecure, ..self }
    }

    /// Whether its certificate is not looked at.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// Whether TLS is spoken with it.
    pub fn is_secure(&self) -> bool {
        self.place.secure
    }

    /// As it was given.
    pub fn url(&self) -> &str {
        &self.place.url
    }

    /// A connection to it, over which HTTP can be spoken.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn reach(&self, connector: &Connector) -> Result<BoxedLink, Failure> {
        let link =
            connector.connect(&self.place.authority).await.map_err(|error| Failure::Connect(error.to_string()))?;
        if self.place.secure { self.greet(connector, link).await } else { Ok(link) }
    }

    #[cfg(feature = "tls")]
    async fn greet(&self, connector: &Connector, link: BoxedLink) -> Result<BoxedLink, Failure> {
        let host = self.place.authority.rsplit_once(':').map_or(self.place.authority.as_str(), |(host, _)| host);
        let greeted = connector.trust().greet(link, host, self.insecure).await;
        greeted.map_err(|error| match crate::trust::is_untrusted(&error) {
            true => Failure::Untrusted(error.to_string()),
            false => Failure::Greeting(error.to_string()),
        })
    }

    #[cfg(not(feature = "tls"))]
    async fn greet(&self, _: &Connector, _: BoxedLink) -> Result<BoxedLink, Failure> {
        Err(Failure::Greeting("this program was built without TLS".to_owned()))
    }

    /// A request to it, `query` added to what its URL has.
    pub fn request(&self, method: Method, query: &str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = if query.is_empty() {
            self.place.uri.clone()
        } else {
            let joint = if self.place.uri.query().is_some() { '&' } else { '?' };
            format!("{}{joint}{query}", self.place.uri).parse().unwrap_or_else(|_| self.place.uri.clone())
        };
        request.headers_mut().insert(HOST, self.place.host.clone());
        request
    }
}

/// A kept connection. Dropping it cuts it off, whatever is under way on it.
#[derive(Debug)]
pub struct Kept {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as far as it was read.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection.
    Connect(String),
    /// A connection over which no TLS is spoken.
    Greeting(String),
    /// A connection to a server for which nobody trusted vouches.
    Untrusted(String),
    /// A connection, and then none.
    Broken(String),
    /// Too slow.
    Timeout(Duration),
    /// This program broke down over it; what was said then.
    Panic(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Greeting(error) => write!(f, "no TLS: {error}"),
            Self::Untrusted(error) => write!(f, "its certificate is not trusted: {error}"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::Timeout(after) => write!(f, "no answer within {}", humantime::format_duration(*after)),
            Self::Panic(why) => write!(f, "this program broke down over it, please report that: {why}"),
        }
    }
}

/// Sends a request and reads the answer; gives the connection back if it can be used again.
pub async fn exchange(
    connector: &Connector,
    target: &Target,
    kept: Option<Kept>,
    request: Request<Full<Bytes>>,
    wait: Duration,
) -> (Result<Answer, Failure>, Option<Kept>) {
    match tokio::time::timeout(wait, attempt(connector, target, kept, request)).await {
        Ok(Ok((answer, kept))) => (Ok(answer), kept),
        Ok(Err(failure)) => (Err(failure), None),
        Err(_) => (Err(Failure::Timeout(wait)), None),
    }
}

async fn attempt(
    connector: &Connector,
    target: &Target,
    kept: Option<Kept>,
    mut request: Request<Full<Bytes>>,
) -> Result<(Answer, Option<Kept>), Failure> {
    if let Some(mut connection) = kept
        && connection.sender.ready().await.is_ok()
    {
        match connection.sender.try_send_request(request).await {
            Ok(response) => return read(response, connection).await,
            // Nothing of it was written: it was closed while it was kept.
            Err(mut error) => match error.take_message() {
                Some(unsent) => request = unsent,
                None => return Err(Failure::Broken(error.error().to_string())),
            },
        }
    }
    // Seldom, and large: TLS is in it. Every exchange would have room for it, and be moved with it.
    let mut connection = Box::pin(connect(connector, target)).await?;
    let response = connection.sender.send_request(request).await.map_err(broken)?;
    read(response, connection).await
}

async fn connect(connector: &Connector, target: &Target) -> Result<Kept, Failure> {
    let link = target.reach(connector).await?;
    // As WhatsApp writes them: a receiver that tells `X-Hub-Signature-256` from `x-hub-signature-256` finds it.
    let manner = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(link));
    let (sender, driver) = manner.await.map_err(broken)?;
    let driving = tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a webhook connection ended");
        }
    });
    Ok(Kept { sender, driver: driving.abort_handle() })
}

fn broken(error: hyper::Error) -> Failure {
    Failure::Broken(error.to_string())
}

async fn read(
    response: hyper::Response<hyper::body::Incoming>,
    connection: Kept,
) -> Result<(Answer, Option<Kept>), Failure> {
    let status = response.status().as_u16();
    // The status is the answer; a body that is too long or breaks off costs only the connection.
    match Limited::new(response.into_body(), limits::ANSWER_BYTES).collect().await {
        Ok(body) => Ok((Answer { status, body: body.to_bytes() }, Some(connection))),
        Err(_) => Ok((Answer { status, body: Bytes::new() }, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_http_are_targets() {
        let target = Target::parse("http://localhost/hook?a=1").unwrap();
        assert_eq!(
            (target.place.authority.as_str(), target.place.uri.to_string().as_str()),
            ("localhost:80", "/hook?a=1")
        );
        assert_eq!(target.request(Method::GET, "b=2", Bytes::new()).uri(), "/hook?a=1&b=2");
        for url in ["", "localhost:80", "ftp://x/", "http://"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        match Target::parse("https://localhost/hook") {
            Ok(target) => assert!(TLS && target.place.authority == "localhost:443"),
            Err(why) => assert!(!TLS && why.contains("the feature `tls`"), "{why}"),
        }
    }
}
