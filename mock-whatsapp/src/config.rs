//! What a server starts with, and the file that says it.

use crate::access::ControlToken;
use crate::clock::Pace;
use crate::identity::Identity;
use crate::limits::{JOURNAL_BYTES, MEDIA_BYTES, WEBHOOKS_WAITING_MOST};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::spec::{FaultSpec, LimitTold, MessagingLimit, Timing};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// What becomes of a template that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTemplates {
    /// 132001.
    #[default]
    Refuse,
    /// It is taken with whatever parameters it has, as marketing.
    Accept,
}

/// How much marketing reaches a contact in 24 h outside its service window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarketingCap {
    /// Any: WhatsApp's own cap is not disclosed.
    #[default]
    Off,
    /// This many messages; one more fails with 131049.
    Messages(u32),
}

impl<'de> Deserialize<'de> for MarketingCap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = MarketingCap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of messages, or \"off\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<MarketingCap, E> {
                let messages = u32::try_from(number).map(MarketingCap::Messages);
                messages.map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<MarketingCap, E> {
                let messages = u32::try_from(number).map(MarketingCap::Messages);
                messages.map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<MarketingCap, E> {
                match word {
                    "off" => Ok(MarketingCap::Off),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Which of WhatsApp's limits are kept; all of them, unless said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Above a number's throughput, 130429. Frozen time refuses nothing by it all the same.
    pub throughput: bool,
    /// After 45 messages to a contact one in 6 s, or 131056.
    pub pair: bool,
    /// Above 5,000 management calls an hour (200 before a number is registered), 80007.
    pub management: bool,
    /// A portfolio that uses half of its messaging limit, with numbers of good quality, has the next one 6 h later. Off, unless
    /// said: a test that counts wants a limit that stays.
    pub tier_upgrade: bool,
    /// What is no template reaches a contact only within 24 h after it wrote, or fails with 131047.
    pub window: bool,
    /// A key that the object of a message's type has not is 100.
    pub unexpected_keys: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            throughput: true,
            pair: true,
            management: true,
            window: true,
            unexpected_keys: true,
            tier_upgrade: false,
        }
    }
}

/// A number that every tenant has beside its first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherNumber {
    /// As people write it.
    pub phone_number: String,
    /// The name that contacts see.
    pub verified_name: Option<String>,
    /// Messages a second.
    pub throughput: Option<u32>,
    /// The portfolio whose messaging limit it shares; the account's own, unless said.
    pub portfolio: Option<String>,
    /// Whether it is shared with the Business app: 20 messages a second.
    #[serde(default)]
    pub coexistence: bool,
}

impl FurtherNumber {
    /// Its digits.
    pub fn digits(&self) -> String {
        self.phone_number.chars().filter(char::is_ascii_digit).collect()
    }
}

/// How templates are reviewed, and what they must do before all of their messages go out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemplateRules {
    /// How long a review takes; at once, unless said.
    #[serde(deserialize_with = "span")]
    pub review: Span,
    /// The names of templates that are rejected; `*` at an end stands for anything.
    pub reject: Vec<String>,
}

/// What every tenant starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all chance hangs on.
    pub seed: u64,
    /// Messages a second that each number allows.
    pub throughput: u32,
    /// Different contacts in 24 h that each tenant's portfolio may write to first.
    pub messaging_limit: MessagingLimit,
    /// How it is told that a message goes beyond that.
    pub messaging_limit_told: LimitTold,
    /// How much marketing reaches each contact.
    pub marketing_cap: MarketingCap,
    /// Which limits are kept.
    pub rules: Rules,
    /// How long handsets take.
    pub timing: Timing,
    /// Faults from the start on.
    pub faults: Vec<FaultSpec>,
    /// How time begins.
    pub pace: Pace,
    /// Where virtual and real time meet; each tenant's making and each reset, if not said.
    pub anchor: Option<Timestamp>,
    /// What becomes of a template that is not known.
    pub unknown_templates: UnknownTemplates,
    /// How templates are reviewed.
    pub templates: TemplateRules,
    /// Whom alone tenants may write to, digits, as with a test number; all, unless said.
    pub allowed_recipients: Option<Vec<u64>>,
    /// Whether answers to messages that are no template have a `message_status` too.
    pub message_status_always: bool,
    /// Whether `+1 AAA 555 NNNN` have a meaning.
    pub magic_numbers: bool,
    /// Further numbers of every tenant.
    pub numbers: Vec<FurtherNumber>,
    /// Hosts, each with a port or for all ports, from which media that messages name by link are fetched. Others are not asked.
    pub link_hosts: Vec<String>,
    /// How clients reach this server, as in `http://mock:4080`; the address in their own requests, if not said.
    pub public_url: Option<String>,
    /// What the control API asks for; nothing, unless said.
    pub control_token: Option<ControlToken>,
    /// What the journal of each tenant may hold.
    pub journal_bytes: usize,
    /// What the media of each tenant may hold.
    pub media_bytes: usize,
    /// How many webhooks of each tenant may wait for a receiver that is slow, or hangs.
    pub webhooks_waiting: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 42,
            throughput: 80,
            messaging_limit: MessagingLimit::Unlimited,
            messaging_limit_told: LimitTold::Webhook,
            marketing_cap: MarketingCap::Off,
            rules: Rules::default(),
            timing: Timing::quick(),
            faults: Vec::new(),
            pace: Pace::default(),
            anchor: None,
            unknown_templates: UnknownTemplates::default(),
            templates: TemplateRules::default(),
            allowed_recipients: None,
            message_status_always: false,
            magic_numbers: true,
            numbers: Vec::new(),
            link_hosts: Vec::new(),
            public_url: None,
            control_token: None,
            journal_bytes: JOURNAL_BYTES,
            media_bytes: MEDIA_BYTES,
            webhooks_waiting: WEBHOOKS_WAITING_MOST,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: Option<u64>,
    throughput: Option<Spanned<u32>>,
    messaging_limit: Option<MessagingLimit>,
    messaging_limit_told: Option<LimitTold>,
    marketing_cap: Option<MarketingCap>,
    rules: Option<Rules>,
    unknown_templates: Option<UnknownTemplates>,
    templates: Option<TemplateRules>,
    allowed_recipients: Option<Spanned<Vec<String>>>,
    message_status_always: Option<bool>,
    magic_numbers: Option<bool>,
    public_url: Option<String>,
    link_hosts: Option<Vec<String>>,
    journal_bytes: Option<usize>,
    media_bytes: Option<usize>,
    webhooks_waiting: Option<usize>,
    #[serde(default)]
    number: Vec<Spanned<FurtherNumber>>,
    handset: Option<Timing>,
    #[serde(default)]
    fault: Vec<Spanned<FaultSpec>>,
}

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What, and what would be right.
    pub message: String,
}

impl Error {
    fn at(text: &str, place: Option<Range<usize>>, message: &str) -> Self {
        let before = text.get(..place.map_or(0, |place| place.start)).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.trim_end().replace('\n', ", "),
        }
    }
}

impl fmt::Display for Error {
    /// `line:column: message`, to stand behind the file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Error {}

impl Config {
    /// Takes over what a configuration file says.
    ///
    /// # Errors
    /// The first thing that is wrong in it.
    pub fn read(&mut self, text: &str) -> Result<(), Error> {
        let file: File = toml::from_str(text).map_err(|error| {
            // A word without quotes is taken for a number or a boolean by its first letter.
            let unquoted = ["invalid float", "invalid boolean"].iter().any(|start| error.message().starts_with(start));
            let message = if unquoted { "text must be in quotes".to_owned() } else { in_words(error.message()) };
            Error::at(text, error.span(), &message)
        })?;
        if let Some(throughput) = &file.throughput
            && *throughput.get_ref() == 0
        {
            return Err(Error::at(text, Some(throughput.span()), "`throughput` is messages a second, at least 1"));
        }
        for number in &file.number {
            let digits = number.get_ref().digits();
            if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
                let place = key_of(text, number.span(), "phone_number");
                return Err(Error::at(
                    text,
                    Some(place),
                    "`phone_number` has 7 to 15 digits and begins with its country's code",
                ));
            }
            if number.get_ref().portfolio.as_deref().is_some_and(|name| Identity::of(name).is_none()) {
                let place = key_of(text, number.span(), "portfolio");
                let message = "`portfolio` is a name: 1 to 64 letters, digits, `-`, `_` or `.`";
                return Err(Error::at(text, Some(place), message));
            }
            if number.get_ref().throughput == Some(0) {
                let place = key_of(text, number.span(), "throughput");
                return Err(Error::at(text, Some(place), "`throughput` is messages a second, at least 1"));
            }
        }
        for fault in &file.fault {
            if let Err((key, message)) = check_fault(fault.get_ref()) {
                return Err(Error::at(text, Some(key_of(text, fault.span(), key)), &message));
            }
        }
        self.seed = file.seed.unwrap_or(self.seed);
        self.throughput = file.throughput.map_or(self.throughput, Spanned::into_inner);
        self.messaging_limit = file.messaging_limit.unwrap_or(self.messaging_limit);
        self.messaging_limit_told = file.messaging_limit_told.unwrap_or(self.messaging_limit_told);
        self.marketing_cap = file.marketing_cap.unwrap_or(self.marketing_cap);
        self.rules = file.rules.unwrap_or(self.rules);
        self.unknown_templates = file.unknown_templates.unwrap_or(self.unknown_templates);
        if let Some(allowed) = file.allowed_recipients {
            let (place, texts) = (allowed.span(), allowed.into_inner());
            let numbers: Option<Vec<u64>> = texts.iter().map(|text| digits(text)).collect();
            let numbers =
                numbers.ok_or_else(|| Error::at(text, Some(place), "phone numbers, as in [\"+4915112345678\"]"))?;
            self.allowed_recipients = Some(numbers);
        }
        self.templates = file.templates.unwrap_or_else(|| self.templates.clone());
        self.message_status_always = file.message_status_always.unwrap_or(self.message_status_always);
        self.magic_numbers = file.magic_numbers.unwrap_or(self.magic_numbers);
        self.link_hosts = file.link_hosts.unwrap_or_else(|| std::mem::take(&mut self.link_hosts));
        self.public_url = file.public_url.map(|url| url.trim_end_matches('/').to_owned()).or(self.public_url.take());
        self.journal_bytes = file.journal_bytes.unwrap_or(self.journal_bytes);
        self.media_bytes = file.media_bytes.unwrap_or(self.media_bytes);
        self.webhooks_waiting = file.webhooks_waiting.unwrap_or(self.webhooks_waiting);
        self.numbers.extend(file.number.into_iter().map(Spanned::into_inner));
        self.timing = file.handset.unwrap_or_else(|| self.timing.clone());
        self.faults.extend(file.fault.into_iter().map(Spanned::into_inner));
        Ok(())
    }
}

/// What a reader says of a value that does not fit, for whoever knows nothing of what a Rust program calls its numbers.
pub fn in_words(message: &str) -> String {
    let numbers = [
        ("u64", "a whole number that is not negative"),
        ("usize", "a whole number that is not negative"),
        ("u32", "a whole number from 0 to 4294967295"),
        ("u16", "a whole number from 0 to 65535"),
        ("u8", "a whole number from 0 to 255"),
        ("a boolean", "true or false"),
    ];
    let expected = |name: &str| format!("expected {name}");
    numbers.iter().fold(message.to_owned(), |said, (name, words)| said.replace(&expected(name), &expected(words)))
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::custom(format!("`{text}` is no length of time, as in \"2h\" or \"0s\"")))
}

/// The digits of a phone number, with or without +.
fn digits(text: &str) -> Option<u64> {
    let digits = text.trim_start_matches('+');
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Whether a fault can be armed.
///
/// # Errors
/// The key that is wrong, and what would be right.
pub fn check_fault(spec: &FaultSpec) -> Result<(), (&'static str, String)> {
    if let Some(misfit) = spec.misfit() {
        return Err(misfit);
    }
    if let Some(code) = spec.code
        && catalogue::find(code, None) == CodeIndex::UNLISTED
    {
        return Err(("code", format!("{code} is no code of the Cloud API's catalogue")));
    }
    if Fault::is_whatsapps(spec.kind) {
        return Ok(());
    }
    Err(("kind", format!("this server does not carry out faults of this kind ({})", spec.kind.name())))
}

/// The place of a key in a table that begins at `table`, or the table's own.
fn key_of(text: &str, table: Range<usize>, key: &str) -> Range<usize> {
    let mut at = table.start;
    for (number, line) in text[table.start..].split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start();
        if number > 0 && trimmed.starts_with('[') {
            break;
        }
        if trimmed.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            let start = at + line.len() - trimmed.len();
            return start..start + key.len();
        }
        at += line.len();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::default().read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_has_every_key_and_changes_nothing() {
        let example = include_str!("../examples/mock.toml");
        let mut config = Config::default();
        config.read(example).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
        for table in ["", "[rules]\n", "[templates]\n", "[[number]]\n", "[handset]\n"] {
            let refusal = Config::default().read(&format!("{table}no_such_key = 1")).unwrap_err();
            // "unknown field `no_such_key`, expected one of `…`, `…`"
            for key in refusal.message.split('`').skip(3).step_by(2) {
                let is_there = example.lines().any(|line| {
                    let line = line.trim_start_matches("# ").trim_start_matches('[');
                    line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', ']']))
                });
                assert!(is_there, "{table}{key} is not in the example");
            }
        }
    }

    #[test]
    fn a_file_says_what_differs_from_the_defaults() {
        let mut config = Config::default();
        let text = "seed = 7\nmessaging_limit = 250\nunknown_templates = \"accept\"\n[rules]\npair = false\n\
                    [handset]\nread_share = 0.5\n[[fault]]\nkind = \"outage\"\nuntil = \"5m\"\n";
        config.read(text).unwrap();
        assert_eq!((config.seed, config.throughput, config.faults.len()), (7, 80, 1));
        assert_eq!(config.unknown_templates, UnknownTemplates::Accept);
        assert_eq!(config.timing.read_share, 500_000);
        assert_eq!(
            (config.messaging_limit, config.rules.throughput, config.rules.pair),
            (MessagingLimit::Contacts(250), true, false)
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place() {
        assert!(
            error("seed = 1\nsed = 2\n").starts_with("2:1: unknown field `sed`"),
            "{}",
            error("seed = 1\nsed = 2\n")
        );
        assert!(error("[handset]\nread_share = 2\n").starts_with("2:14: "), "{}", error("[handset]\nread_share = 2\n"));
        assert!(error("throughput = 0").starts_with("1:14: "));
        let misfit = "[[fault]]\nkind = \"outage\"\n\n[[fault]]\nkind = \"latency\"\n  rate = 5\n";
        assert!(error(misfit).starts_with("6:3: "), "{}", error(misfit));
        assert!(error("[[fault]]\nkind = \"engine_crash\"\n").starts_with("2:1: this server does not carry out"));
        assert!(error("messaging_limit = \"none\"\n").contains("a number or \"unlimited\""));
        assert!(error("seed = \n").starts_with("1:"));
    }
}
