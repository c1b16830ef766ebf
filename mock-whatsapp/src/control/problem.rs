//! What the control API says when it cannot do what it was asked: RFC 9457, with the place and what would be right.

use serde::Serialize;

/// A refusal of the control API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong in general.
    pub title: &'static str,
    /// What is wrong here.
    pub detail: String,
    /// Where in the body, as a JSON pointer, or which parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came back from elsewhere, where that is what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Box<serde_json::Value>>,
    /// The methods that there are, where it is another.
    #[serde(skip)]
    pub allow: &'static [&'static str],
}

impl Problem {
    /// 400: the request is not well formed at `pointer`.
    pub fn malformed(pointer: impl Into<String>, expected: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            expected: Some(expected.into()),
            ..Self::new(400, "The request is malformed", detail)
        }
    }

    /// 404: there is no such thing.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(404, "There is no such thing", detail)
    }

    /// 409: not in this state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "Not as things stand", detail)
    }

    /// 422: well formed, and yet impossible.
    pub fn impossible(detail: impl Into<String>) -> Self {
        Self::new(422, "That cannot be done", detail)
    }

    /// 503: the server is about to stop.
    pub fn closing() -> Self {
        Self::new(503, "The server stops", "the server is shutting down")
    }

    /// Any other.
    pub fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), pointer: None, expected: None, received: None, allow: &[] }
    }
}
