//! A refusal of the Graph API: the documented error, and beside it what the real one never tells: which rule refused and
//! what would change it.

use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::error::ErrorReply;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: CodeIndex,
    text: Text,
    details: Option<String>,
    /// A number that the catalogue does not have, since no sender meets it.
    number: Option<u32>,
    /// Where it is not the catalogue's: a request that was not read to its end has a status of HTTP's own.
    status: Option<u16>,
    /// Where the catalogue's row has none.
    subcode: Option<u32>,
    /// A title and a text for people.
    for_people: Option<Box<(String, String)>>,
    /// The rule that refused, and what would change it.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    /// The catalogue's.
    Usual,
    /// Another, to stand behind the number.
    Own(String),
    /// The one about an object that is not there.
    NoObject { verb: &'static str, id: String },
}

impl Refusal {
    /// A documented error.
    pub fn new(code: u32, why: impl Into<String>) -> Self {
        Self::of_model(catalogue::find(code, None), why.into())
    }

    /// An error that the model decided on.
    pub fn of_model(code: CodeIndex, why: String) -> Self {
        Self {
            code,
            text: Text::Usual,
            details: None,
            number: None,
            status: None,
            subcode: None,
            for_people: None,
            why,
        }
    }

    /// An error that the catalogue does not have.
    pub fn unlisted(code: u32, title: &str, why: impl Into<String>) -> Self {
        Self { number: Some(code), ..Self::parameter(title, why) }
    }

    /// (#100) with a text that names what is wrong.
    pub fn parameter(message: impl Into<String>, why: impl Into<String>) -> Self {
        Self { text: Text::Own(message.into()), ..Self::new(100, why) }
    }

    /// An object that does not exist, or not for this token, or has no such edge.
    pub fn no_object(verb: &'static str, id: &str, why: impl Into<String>) -> Self {
        let code = catalogue::find(100, Some(33));
        Self { text: Text::NoObject { verb, id: id.to_owned() }, ..Self::of_model(code, why.into()) }
    }

    /// 190, which also says so in a header.
    pub fn token(message: Option<&str>, why: impl Into<String>) -> Self {
        let text = message.map_or(Text::Usual, |message| Text::Own(message.to_owned()));
        Self { text, ..Self::new(190, why) }
    }

    /// The same with an explanation.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same with another text behind the number.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.text = Text::Own(message.into());
        self
    }

    /// The same with a subcode.
    #[must_use]
    pub fn subcode(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// The same with what management calls tell people.
    #[must_use]
    pub fn for_people(mut self, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.for_people = Some(Box::new((title.into(), text.into())));
        self
    }

    /// Where the error stands in the catalogue.
    pub fn index(&self) -> CodeIndex {
        self.code
    }

    /// The error's number.
    pub fn code(&self) -> u32 {
        self.number.unwrap_or(self.code.code())
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.unwrap_or(self.code.entry().http)
    }

    /// What the caller reads.
    pub fn reply(&self, trace: String) -> ErrorReply {
        let mut reply = match &self.text {
            Text::Usual => ErrorReply::of(self.code, self.details.as_deref(), trace),
            Text::Own(message) => ErrorReply::of(self.code, self.details.as_deref(), trace).with_message(message),
            Text::NoObject { verb, id } => ErrorReply::no_such_object(verb, id, trace),
        };
        if let (Some(number), Text::Own(title)) = (self.number, &self.text) {
            (reply.error.code, reply.error.message) = (number.into(), format!("(#{number}) {title}"));
        }
        if let Some(subcode) = self.subcode {
            reply.error.error_subcode = Some(subcode.into());
        }
        if let Some((title, text)) = self.for_people.as_deref() {
            reply.error.is_transient = Some(false);
            reply.error.error_user_title = Some(title.clone());
            reply.error.error_user_msg = Some(text.clone());
        }
        reply
    }

    /// The header that comes with errors about the token.
    pub fn challenge(&self) -> Option<String> {
        let message = match &self.text {
            Text::Own(message) => message,
            Text::Usual | Text::NoObject { .. } => self.code.entry().title,
        };
        let kind = match self.code() {
            0 | 190 => "invalid_token",
            104 => "invalid_request",
            _ => return None,
        };
        Some(format!("OAuth \"Facebook Platform\" \"{kind}\" \"{message}\""))
    }
}
