//! The configuration file as it is written: every key optional, unknown ones refused.

use super::{Error, SenderSettings};
use engine_core::time::Span;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The file. Secrets are named by the file that holds them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) base_url: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) phone_number_id: Option<String>,
    pub(super) business_account_id: Option<String>,
    pub(super) app_secret_file: Option<PathBuf>,
    pub(super) verify_token_file: Option<PathBuf>,
    pub(super) api_token_file: Option<PathBuf>,
    pub(super) store: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) webhook_url: Option<String>,
    pub(super) throughput: Option<u32>,
    pub(super) default_region: Option<String>,
    pub(super) clock_factor: Option<f64>,
    pub(super) clock_anchor: Option<u64>,
    connect_timeout: Option<String>,
    request_timeout: Option<String>,
    pub(super) on_unknown: Option<String>,
    pub(super) messaging_limit: Option<Amount>,
    pub(super) quiet_hours: Option<String>,
    pub(super) opt_out_words: Option<Vec<String>>,
    /// The beginning of a number, and the smallest and the largest UTC offset of its clocks.
    #[serde(default)]
    pub(super) zones: BTreeMap<String, [String; 2]>,
    #[serde(default)]
    pub(super) portfolio: Vec<Portfolio>,
    #[serde(default)]
    pub(super) sender: Vec<SenderSettings>,
}

/// A portfolio beside the one that needs no name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Portfolio {
    pub(super) name: String,
    pub(super) messaging_limit: Amount,
}

/// A number, or a word for one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Amount {
    Number(i64),
    Word(String),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::Bad { place: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|wrong| bad(format!("cannot read the file: {wrong}")))?;
        toml::from_str(&text).map_err(|wrong| bad(wrong.to_string()))
    }

    pub(super) fn connect_timeout(&self) -> Result<Option<Span>, Error> {
        span("connect_timeout", self.connect_timeout.as_deref())
    }

    pub(super) fn request_timeout(&self) -> Result<Option<Span>, Error> {
        span("request_timeout", self.request_timeout.as_deref())
    }
}

fn span(key: &str, text: Option<&str>) -> Result<Option<Span>, Error> {
    let bad = |wrong: engine_core::time::NotASpan| Error::Bad {
        place: format!("`{key}` in the configuration file"),
        why: wrong.to_string(),
    };
    text.map(str::parse).transpose().map_err(bad)
}
