//! Settings: a TOML file, then the environment, then the command line; each later one wins. Read once, at the start.
//!
//! Every key of the file is also `CAMPAIGN_ENGINE_` and the key in capitals; what `mock-whatsapp env` prints as
//! `WHATSAPP_…` is taken too. Secrets are given by the environment or by a file that holds nothing else, and never printed.

mod file;
mod rules;
mod secret;

pub use rules::{PortfolioSettings, Rules, SenderSettings, parse_quiet, quiet_name};
pub use secret::Secret;

use crate::client::{BadUrl, Base};
use crate::clock::Clock;
use engine_core::time::{Span, Timestamp};
use file::File;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The real API, at a version that lives until 2028.
const BASE_URL: &str = "https://graph.facebook.com/v25.0";
const STORE: &str = "campaign-engine.db";
const LISTEN: &str = "127.0.0.1:0";
const CONNECT_TIMEOUT: Span = Span::secs(5);
const REQUEST_TIMEOUT: Span = Span::secs(30);

/// What is wrong with the settings, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Something that has no default is not set.
    Missing {
        /// What it is.
        what: &'static str,
        /// Its key in the file.
        key: &'static str,
        /// Its names in the environment.
        names: Vec<String>,
    },
    /// A value that cannot be used.
    Bad {
        /// Where it stands.
        place: String,
        /// Why it cannot be used.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, key, names } => {
                write!(f, "{what} is not set: set {} in the environment", names.join(" or "))?;
                write!(f, ", or `{key}` in the configuration file")?;
                if names.iter().any(|name| name.starts_with("WHATSAPP_")) {
                    write!(f, " (for a mock: eval \"$(mock-whatsapp env)\")")?;
                }
                Ok(())
            }
            Self::Bad { place, why } => write!(f, "{place}: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// How long the HTTP client waits, in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the first byte of a request to the last of its answer.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT.to_std(), request: REQUEST_TIMEOUT.to_std() }
    }
}

/// All settings of a running engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API.
    pub base: Base,
    /// The API's access token.
    pub token: Secret,
    /// What may be sent, how fast, when, and to whom not.
    pub rules: Rules,
    /// The account, needed to register the webhook.
    pub business_account_id: Option<String>,
    /// Signs webhooks.
    pub app_secret: Secret,
    /// Proves the webhook's handshake.
    pub verify_token: Secret,
    /// The URL under which WhatsApp reaches our webhook, where it is not the loopback address.
    pub webhook_url: Option<String>,
    /// Guards the operator API.
    pub api_token: Option<Secret>,
    /// The HTTP client's patience.
    pub timeouts: Timeouts,
}

/// Reads variables of the environment; a test reads its own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment.
#[expect(clippy::disallowed_methods, reason = "configuration is read here, once")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The names of all variables of the process's environment.
pub fn environment_names() -> impl Iterator<Item = String> {
    std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())
}

/// What the names of our own variables begin with.
const PREFIX: &str = "CAMPAIGN_ENGINE_";

/// Every key that can be set by the environment: those of the file but its tables, and those that the file only names the
/// files of.
const KEYS: [&str; 26] = [
    "api_token",
    "api_token_file",
    "app_secret",
    "app_secret_file",
    "base_url",
    "business_account_id",
    "clock_anchor",
    "clock_factor",
    "config",
    "connect_timeout",
    "default_region",
    "listen",
    "messaging_limit",
    "on_unknown",
    "opt_out_words",
    "phone_number_id",
    "quiet_hours",
    "request_timeout",
    "store",
    "throughput",
    "token",
    "token_file",
    "verify_token",
    "verify_token_file",
    "webhook_url",
    "zones",
];

/// Refuses a variable that looks like a setting and is none: a slip of the hand, like an unknown key of the file.
pub fn refuse_unknown(names: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let mut unknown = names.into_iter().filter(|name| {
        let key = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase);
        key.is_some_and(|key| !KEYS.contains(&key.as_str()))
    });
    let Some(place) = unknown.next() else { return Ok(()) };
    let known = KEYS.map(str::to_ascii_uppercase).join(", ");
    Err(Error::Bad { place, why: format!("there is no such setting; behind {PREFIX} comes one of {known}") })
}

/// The file and the environment, not yet judged.
pub struct Layers<'a> {
    file: File,
    environment: Environment<'a>,
}

impl<'a> Layers<'a> {
    /// Reads the file, if one is given (or named by `CAMPAIGN_ENGINE_CONFIG`).
    pub fn read(path: Option<&Path>, environment: Environment<'a>) -> Result<Self, Error> {
        let path = path.map(Path::to_owned).or_else(|| environment("CAMPAIGN_ENGINE_CONFIG").map(PathBuf::from));
        let file = path.map_or(Ok(File::default()), |path| File::read(&path))?;
        Ok(Self { file, environment })
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.text("store", self.file.store.clone()).unwrap_or_else(|| STORE.into()).into()
    }

    /// Where to listen.
    pub fn listen(&self) -> String {
        self.text("listen", self.file.listen.clone()).unwrap_or_else(|| LISTEN.into())
    }

    /// The clock.
    pub fn clock(&self) -> Result<Clock, Error> {
        let factor: f64 = self.parsed("clock_factor", self.file.clock_factor)?.unwrap_or(1.0);
        let anchor: Option<u64> = self.parsed("clock_anchor", self.file.clock_anchor)?;
        let bad = |why: &str| Error::Bad { place: self.place("clock_factor"), why: why.into() };
        if !factor.is_finite() || factor <= 0.0 {
            return Err(bad("a clock cannot run at this factor: give a number above 0"));
        }
        match anchor {
            Some(anchor) => Ok(Clock::scaled(Timestamp(anchor), factor)),
            None if factor == 1.0 => Ok(Clock::real()),
            // Without a fixed anchor the clock would go back at every restart.
            None => Err(bad("needs CAMPAIGN_ENGINE_CLOCK_ANCHOR too: the time, in microseconds since 1970, at which \
                             the scaled clock and the real one show the same")),
        }
    }

    /// Everything that a running engine needs.
    pub fn settings(&self) -> Result<Settings, Error> {
        let file = &self.file;
        let base = self.text("base_url", file.base_url.clone()).unwrap_or_else(|| BASE_URL.into());
        let base = Base::parse(&base)
            .map_err(|wrong: BadUrl| Error::Bad { place: self.place("base_url"), why: wrong.to_string() })?;
        Ok(Settings {
            base,
            token: self.secret("token", &file.token_file, "the access token")?,
            rules: self.rules()?,
            business_account_id: self.text("business_account_id", file.business_account_id.clone()),
            app_secret: self.secret("app_secret", &file.app_secret_file, "the app secret, which signs webhooks,")?,
            verify_token: self.secret("verify_token", &file.verify_token_file, "the webhook's verify token")?,
            webhook_url: self.text("webhook_url", file.webhook_url.clone()),
            api_token: self.api_token()?,
            timeouts: Timeouts {
                connect: self.parsed("connect_timeout", file.connect_timeout()?)?.unwrap_or(CONNECT_TIMEOUT).to_std(),
                request: self.parsed("request_timeout", file.request_timeout()?)?.unwrap_or(REQUEST_TIMEOUT).to_std(),
            },
        })
    }

    /// What guards the operator API.
    pub fn api_token(&self) -> Result<Option<Secret>, Error> {
        self.optional_secret("api_token", &self.file.api_token_file)
    }

    fn names(key: &str) -> Vec<String> {
        let capitals = key.to_ascii_uppercase();
        let mut names = vec![format!("{PREFIX}{capitals}")];
        let shared = ["base_url", "token", "phone_number_id", "business_account_id", "app_secret", "verify_token"];
        if shared.contains(&key) {
            names.push(format!("WHATSAPP_{capitals}"));
        }
        names
    }

    /// Which of its names a key is set by, for messages.
    fn place(&self, key: &str) -> String {
        let set = Self::names(key).into_iter().find(|name| (self.environment)(name).is_some());
        set.unwrap_or_else(|| format!("`{key}` in the configuration file"))
    }

    fn text(&self, key: &str, file: Option<String>) -> Option<String> {
        Self::names(key).iter().find_map(|name| (self.environment)(name)).or(file)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&self, key: &str, file: Option<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.text(key, None) else { return Ok(file) };
        let bad = |wrong: T::Err| Error::Bad { place: self.place(key), why: format!("`{text}`: {wrong}") };
        text.parse().map(Some).map_err(bad)
    }

    fn optional_secret(&self, key: &str, file: &Option<PathBuf>) -> Result<Option<Secret>, Error> {
        if let Some(text) = self.text(key, None) {
            return Ok(Some(Secret::new(text)));
        }
        let path = self.text(&format!("{key}_file"), None).map(PathBuf::from).or_else(|| file.clone());
        path.map(|path| Secret::read(&path)).transpose()
    }

    fn secret(&self, key: &'static str, file: &Option<PathBuf>, what: &'static str) -> Result<Secret, Error> {
        let found = self.optional_secret(key, file)?;
        let key = match key {
            "token" => "token_file",
            "app_secret" => "app_secret_file",
            _ => "verify_token_file",
        };
        let names = Self::names(key.trim_end_matches("_file"));
        found.ok_or(Error::Missing { what, key, names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHATSAPP: [(&str, &str); 4] = [
        ("WHATSAPP_BASE_URL", "http://127.0.0.1:4080"),
        ("WHATSAPP_TOKEN", "hush-token"),
        ("WHATSAPP_APP_SECRET", "hush-app"),
        ("WHATSAPP_VERIFY_TOKEN", "hush-verify"),
    ];

    fn settings(vars: &[(&str, &str)]) -> Result<Settings, Error> {
        let read = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Layers::read(None, &read)?.settings()
    }

    #[test]
    fn the_mocks_own_names_are_enough_and_secrets_are_never_printed() {
        let settings = settings(&WHATSAPP).unwrap();
        assert!(settings.base.is_loopback());
        assert_eq!((settings.token.reveal(), settings.rules.throughput), ("hush-token", 80));
        let printed = format!("{settings:?}");
        assert!(!printed.contains("hush"), "{printed}");
    }

    #[test]
    fn what_is_missing_is_said_with_where_to_set_it() {
        for missing in ["WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"] {
            let vars: Vec<_> = WHATSAPP.into_iter().filter(|(name, _)| *name != missing).collect();
            let said = settings(&vars).unwrap_err().to_string();
            assert!(said.contains(missing) && said.contains("is not set"), "{said}");
        }
    }

    #[test]
    fn our_own_names_win_over_the_shared_ones_and_bad_values_are_named() {
        let with = |name, value| settings(&[WHATSAPP.as_slice(), &[(name, value)]].concat());
        assert_eq!(with("CAMPAIGN_ENGINE_TOKEN", "other").unwrap().token.reveal(), "other");
        let said = with("CAMPAIGN_ENGINE_THROUGHPUT", "fast").unwrap_err().to_string();
        assert!(said.contains("CAMPAIGN_ENGINE_THROUGHPUT") && said.contains("fast"), "{said}");
        assert!(with("CAMPAIGN_ENGINE_THROUGHPUT", "0").is_err());
        assert!(with("CAMPAIGN_ENGINE_DEFAULT_REGION", "Atlantis").is_err());
        assert_eq!(with("CAMPAIGN_ENGINE_REQUEST_TIMEOUT", "1500ms").unwrap().timeouts.request.as_millis(), 1_500);
        assert!(with("CAMPAIGN_ENGINE_BASE_URL", "ftp://example.org").is_err());
    }

    #[test]
    fn a_slip_in_a_variables_name_is_refused_like_one_in_the_file() {
        let refuse = |names: &[&str]| refuse_unknown(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(refuse(&["HOME", "WHATSAPP_TOKEN", "CAMPAIGN_ENGINE_THROUGHPUT", "CAMPAIGN_ENGINE_CONFIG"]), Ok(()));
        let said = refuse(&["CAMPAIGN_ENGINE_TROUGHPUT"]).unwrap_err().to_string();
        assert!(said.starts_with("CAMPAIGN_ENGINE_TROUGHPUT:") && said.contains("THROUGHPUT,"), "{said}");

        // The parser names every key of the file.
        let said = toml::from_str::<File>("nonsense = 1").unwrap_err().to_string();
        let named = said.split('`').skip(1).step_by(2).filter(|key| *key != "nonsense");
        let mut keys: Vec<&str> = named.filter(|key| !["portfolio", "sender"].contains(key)).collect();
        keys.extend(["api_token", "app_secret", "config", "token", "verify_token"]);
        keys.sort_unstable();
        assert_eq!(keys, KEYS);
    }

    #[test]
    fn a_scaled_clock_needs_an_anchor_so_that_a_restart_does_not_turn_it_back() {
        let clock = |vars: &[(&str, &str)]| {
            let read = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            Layers::read(None, &read).unwrap().clock().map(|_| ())
        };
        assert_eq!(clock(&[]), Ok(()));
        let said = clock(&[("CAMPAIGN_ENGINE_CLOCK_FACTOR", "60")]).unwrap_err().to_string();
        assert!(said.contains("CLOCK_ANCHOR"), "{said}");
        let anchor = ("CAMPAIGN_ENGINE_CLOCK_ANCHOR", "1767261600000000");
        assert_eq!(clock(&[("CAMPAIGN_ENGINE_CLOCK_FACTOR", "60"), anchor]), Ok(()));
        assert!(clock(&[("CAMPAIGN_ENGINE_CLOCK_FACTOR", "-1"), anchor]).is_err());
    }
}
