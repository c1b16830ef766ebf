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
    /// Where it is not the catalogue's: a request that was not read to its end has a status of HTTP's own.
    status: Option<u16>,
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
        Self { code, text: Text::Usual, details: None, status: None, why }
    }

    /// (#100) with a text that names what is wrong.
    pub fn parameter(message: impl Into<String>, why: impl Into<String>) -> Self {
        Self { text: Text::Own(message.into()), ..Self::new(100, why) }
    }

    /// An object that does not exist, or not for this token, or has no such edge.
    pub fn no_object(verb: &'static str, id: &str, why: impl Into<String>) -> Self {
        let code = catalogue::find(100, Some(33));
        Self { code, text: Text::NoObject { verb, id: id.to_owned() }, details: None, status: None, why: why.into() }
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

    /// The error's number.
    pub fn code(&self) -> u32 {
        self.code.code()
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.unwrap_or(self.code.entry().http)
    }

    /// What the caller reads.
    pub fn reply(&self, trace: String) -> ErrorReply {
        match &self.text {
            Text::Usual => ErrorReply::of(self.code, self.details.as_deref(), trace),
            Text::Own(message) => ErrorReply::of(self.code, self.details.as_deref(), trace).with_message(message),
            Text::NoObject { verb, id } => ErrorReply::no_such_object(verb, id, trace),
        }
    }

    /// The header that comes with errors about the token.
    pub fn challenge(&self) -> Option<String> {
        let message = match &self.text {
            Text::Own(message) => message,
            Text::Usual | Text::NoObject { .. } => self.code.entry().title,
        };
        (self.code() == 190).then(|| format!("OAuth \"Facebook Platform\" \"invalid_token\" \"{message}\""))
    }
}
