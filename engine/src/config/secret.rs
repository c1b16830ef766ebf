//! A text that is never printed.

use super::Error;
use std::fmt;
use std::path::Path;

/// A token, an app secret, a verify token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// From a file that holds nothing else; the line's end does not count.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::Bad { place: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|wrong| bad(format!("cannot read this secret: {wrong}")))?;
        let text = text.trim();
        if text.is_empty() { Err(bad("the file of this secret is empty".into())) } else { Ok(Self::new(text)) }
    }

    /// The text, for where it must be written.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is this text, in a time that does not tell how much of it is right.
    pub fn matches(&self, text: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), text.as_bytes());
        ours.len() == theirs.len() && ours.iter().zip(theirs).fold(0, |wrong, (one, other)| wrong | (one ^ other)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
