//! Errors on the wire: the error object of an HTTP reply, and the element of `errors[]` in a webhook.
//!
//! What a code means is in the catalogue; this file reads and writes the shapes, defensively, since several fields come in
//! more than one form (cloud-api section 1.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::{self, CodeIndex};
use crate::lenient;

/// The page that `href` of a webhook's error points to (section 3.5).
pub const HREF: &str = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes";

/// What may go missing without losing the code.
const DISPENSABLE: &[&str] = &[
    "error_user_title",
    "error_user_msg",
    "is_transient",
    "error_data",
    "fbtrace_id",
    "error_subcode",
    "type",
    "message",
];

/// The body of an HTTP reply that refuses: `{"error": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// The error object.
    pub error: ApiError,
}

/// The error object of the Graph API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiError {
    /// `"(#131009) Parameter value is not valid"`, or free text for Graph's own errors.
    #[serde(default)]
    pub message: String,
    /// `OAuthException` nearly always.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The code: what to act on.
    #[serde(deserialize_with = "lenient::integer")]
    pub code: i64,
    /// The subcode, officially gone since v16 and still seen.
    #[serde(default, deserialize_with = "lenient::optional_integer", skip_serializing_if = "Option::is_none")]
    pub error_subcode: Option<i64>,
    /// The explanation, an object for WhatsApp's codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_data: Option<ErrorData>,
    /// A title for people, mostly from template and number management.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_user_title: Option<String>,
    /// A text for people, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_user_msg: Option<String>,
    /// Whether the server believes that it will pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_transient: Option<bool>,
    /// Meta's own id of the request, opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fbtrace_id: Option<String>,
}

/// The explanation of an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ErrorData {
    /// The documented object.
    Object {
        /// `"whatsapp"`; replies have it, webhooks do not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messaging_product: Option<String>,
        /// The explanation in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
    },
    /// A string, as template management answers, or anything else.
    Other(Value),
}

impl ErrorData {
    /// The explanation in words, from either form.
    pub fn details(&self) -> Option<&str> {
        match self {
            Self::Object { details, .. } => details.as_deref(),
            Self::Other(value) => value.as_str(),
        }
    }
}

impl ErrorReply {
    /// Reads the body of a reply; none if it is not the API's JSON or has no code.
    ///
    /// Whatever stands beside the code may have any shape: it is dropped where it cannot be read.
    pub fn parse(body: &[u8]) -> Option<Self> {
        if let Ok(reply) = serde_json::from_slice(body) {
            return Some(reply);
        }
        let mut whole: Value = serde_json::from_slice(body).ok()?;
        let error = whole.get_mut("error")?.take();
        lenient::salvage(error, DISPENSABLE).ok().map(|error| Self { error })
    }

    /// The documented reply of a catalogue entry.
    ///
    /// `details` replaces the catalogue's own text. WhatsApp's codes always explain themselves, with their title if there
    /// is nothing better; Graph's do so only where `details` are given or known.
    pub fn of(index: CodeIndex, details: Option<&str>, fbtrace_id: String) -> Self {
        let entry = index.entry();
        let details = details.or(entry.details).or(entry.is_whatsapp().then_some(entry.title));
        let message =
            if entry.numbered { format!("(#{}) {}", entry.code, entry.title) } else { entry.title.to_owned() };
        // Sections 1.3 and 1.4: an object that is missing or hidden is the one documented exception to the type.
        let kind = if entry.subcode == Some(33) { "GraphMethodException" } else { "OAuthException" };
        let error = ApiError {
            message,
            kind: kind.to_owned(),
            code: entry.code.into(),
            error_subcode: entry.subcode.map(i64::from),
            error_data: details.map(|details| ErrorData::Object {
                messaging_product: Some("whatsapp".to_owned()),
                details: Some(details.to_owned()),
            }),
            // Section 1.3: seen with codes 1 and 2, of which only the second is said to pass by itself.
            is_transient: (entry.code == 2).then_some(true),
            fbtrace_id: Some(fbtrace_id),
            ..ApiError::default()
        };
        Self { error }
    }

    /// The same with another `message`, given without the `(#code)` that WhatsApp's codes and most of Graph's begin with.
    ///
    /// For texts that name what was wrong: `(#100) The parameter to is required.`
    #[must_use]
    pub fn with_message(mut self, message: &str) -> Self {
        let numbered = self.error.index().entry().numbered;
        self.error.message = if numbered { format!("(#{}) {message}", self.error.code) } else { message.to_owned() };
        self
    }

    /// The reply for an id that does not exist, is not visible to the token or has no such edge: 100 with subcode 33.
    ///
    /// `verb` is the method in lower case, as the text has it: `get`, `post` or `delete` (section 1.4).
    pub fn no_such_object(verb: &str, id: &str, fbtrace_id: String) -> Self {
        Self::of(catalogue::find(100, Some(33)), None, fbtrace_id).with_message(&format!(
            "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api"
        ))
    }
}

impl ApiError {
    /// The catalogue's row for this error.
    pub fn index(&self) -> CodeIndex {
        index_of(self.code, self.error_subcode)
    }

    /// The explanation in words, if there is one.
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref().and_then(ErrorData::details)
    }
}

/// An element of `errors[]`, of a failed status, of an inbound message or of a webhook's value (section 3.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WebhookError {
    /// The code: what to act on.
    #[serde(deserialize_with = "lenient::integer")]
    pub code: i64,
    /// The short text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The same again; absent from old webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The explanation; absent from old webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_data: Option<ErrorData>,
    /// Where the codes are documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl WebhookError {
    /// The documented element of a catalogue entry; the details are the title where nothing better is known.
    pub fn of(index: CodeIndex) -> Self {
        let entry = index.entry();
        Self {
            code: entry.code.into(),
            title: Some(entry.title.to_owned()),
            message: Some(entry.title.to_owned()),
            error_data: Some(ErrorData::Object {
                messaging_product: None,
                details: Some(entry.details.unwrap_or(entry.title).to_owned()),
            }),
            href: Some(HREF.to_owned()),
        }
    }

    /// The catalogue's row for this error.
    pub fn index(&self) -> CodeIndex {
        index_of(self.code, None)
    }

    /// The explanation in words, if there is one.
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref().and_then(ErrorData::details)
    }
}

fn index_of(code: i64, subcode: Option<i64>) -> CodeIndex {
    let subcode = subcode.and_then(|subcode| u32::try_from(subcode).ok());
    u32::try_from(code).map_or(CodeIndex::UNLISTED, |code| catalogue::find(code, subcode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(code: u32, subcode: Option<u32>) -> ErrorReply {
        ErrorReply::of(catalogue::find(code, subcode), None, "AbC".into())
    }

    #[test]
    fn a_whatsapp_code_is_numbered_and_explained() {
        let reply = ErrorReply::of(catalogue::find(131_009, None), Some("Invalid buttons count."), "AbC".into());
        assert_eq!(
            serde_json::to_value(reply).unwrap(),
            json!({"error": {
                "message": "(#131009) Parameter value is not valid", "type": "OAuthException", "code": 131_009,
                "error_data": {"messaging_product": "whatsapp", "details": "Invalid buttons count."},
                "fbtrace_id": "AbC"
            }})
        );
        assert_eq!(reply_details(131_005).as_deref(), Some("Access denied"));
    }

    fn reply_details(code: u32) -> Option<String> {
        reply(code, None).error.details().map(str::to_owned)
    }

    #[test]
    fn a_graph_code_is_free_text_without_explanation() {
        assert_eq!(
            serde_json::to_value(reply(190, None)).unwrap(),
            json!({"error": {
                "message": "Invalid OAuth access token - Cannot parse access token",
                "type": "OAuthException", "code": 190, "fbtrace_id": "AbC"
            }})
        );
        assert_eq!(reply_details(100), None);
    }

    #[test]
    fn an_object_that_does_not_exist_has_subcode_33_and_its_id() {
        let error = ErrorReply::no_such_object("post", "42", "AbC".into()).error;
        assert_eq!((error.code, error.error_subcode, error.kind.as_str()), (100, Some(33), "GraphMethodException"));
        assert!(error.message.starts_with("Unsupported post request. Object with ID '42' does not exist"));
    }

    #[test]
    fn another_message_keeps_the_number() {
        let refused = reply(100, None).with_message("The parameter to is required.");
        assert_eq!(refused.error.message, "(#100) The parameter to is required.");
    }

    #[test]
    fn every_entry_makes_a_reply_and_a_webhook_error_that_lead_back_to_it() {
        for (index, _) in catalogue::entries() {
            let reply = ErrorReply::of(index, None, "AbC".into());
            let body = serde_json::to_vec(&reply).unwrap();
            assert_eq!(ErrorReply::parse(&body), Some(reply.clone()));
            assert_eq!(reply.error.index(), index);
            let webhook = WebhookError::of(index);
            assert_eq!(webhook.index().code(), index.code());
            assert!(webhook.details().is_some());
        }
    }

    #[test]
    fn the_code_survives_whatever_stands_beside_it() {
        for beside in [
            json!({"error_data": "Template name is taken"}),
            json!({"error_data": ["x"], "error_subcode": "33"}),
            json!({"message": 7, "type": null, "is_transient": "no", "fbtrace_id": {}}),
            json!({"code": "100"}),
        ] {
            let mut error = json!({"code": 100});
            for (key, value) in beside.as_object().unwrap() {
                error[key] = value.clone();
            }
            let body = serde_json::to_vec(&json!({ "error": error })).unwrap();
            assert_eq!(ErrorReply::parse(&body).map(|reply| reply.error.code), Some(100), "{beside}");
        }
    }

    #[test]
    fn a_string_explains_as_an_object_does() {
        let error: ApiError = serde_json::from_value(json!({"code": 100, "error_data": "taken"})).unwrap();
        assert_eq!(error.details(), Some("taken"));
    }

    #[test]
    fn what_has_no_code_is_no_error_of_the_api() {
        for body in
            ["", "<html>502</html>", "{}", r#"{"error":{}}"#, r#"{"error":"x"}"#, r#"{"error":{"code":[]}}"#, "[]"]
        {
            assert_eq!(ErrorReply::parse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_code_out_of_range_is_unlisted() {
        for code in [-1, i64::MAX] {
            assert_eq!(WebhookError { code, ..WebhookError::default() }.index(), CodeIndex::UNLISTED);
        }
    }
}
