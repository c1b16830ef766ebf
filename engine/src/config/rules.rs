//! The settings that are no secrets and no addresses: what may be sent, how fast, when, and to whom not.

use super::file::Amount;
use super::{Error, Layers};
use engine_core::engine::OnUnknown;
use engine_core::ledger::Limit;
use engine_core::quiet::{Quiet, Zones};
use phonenumber::country;
use std::str::FromStr;

/// What ends everything for a contact that writes it, and nothing else.
const OPT_OUT_WORDS: [&str; 2] = ["STOP", "UNSUBSCRIBE"];

/// A number that sends, where it has settings of its own.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// Its id.
    pub phone_number_id: String,
    /// Messages a second.
    pub throughput: Option<u32>,
    /// The name of its portfolio; without one, it is in the one that all others share.
    pub portfolio: Option<String>,
}

/// A portfolio beside the one that needs no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioSettings {
    /// Its name, by which the store knows it.
    pub name: String,
    /// Distinct contacts in 24 hours.
    pub limit: Limit,
}

/// What may be sent, how fast, when, and to whom not.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who sends, where a campaign does not say.
    pub phone_number_id: Option<String>,
    /// Messages a second, for senders without a setting of their own.
    pub throughput: u32,
    /// Senders with a setting of their own.
    pub senders: Vec<SenderSettings>,
    /// Distinct contacts in 24 hours, of the portfolio that needs no name.
    pub messaging_limit: Limit,
    /// The other portfolios.
    pub portfolios: Vec<PortfolioSettings>,
    /// What becomes of messages whose outcome stays unknown.
    pub on_unknown: OnUnknown,
    /// When contacts are left in peace, where a campaign does not say.
    pub quiet_hours: Option<Quiet>,
    /// Where contacts live.
    pub zones: Zones,
    /// What a contact writes, or the label of the button it taps, to get nothing more.
    pub opt_out_words: Vec<String>,
    /// The region of phone numbers that do not start with a plus sign: `DE`.
    pub default_region: Option<country::Id>,
}

impl Rules {
    /// The rules that a table of settings comes to, as a file would have it. The environment is not asked.
    ///
    /// # Errors
    /// If there is an unknown key, or a value that means nothing.
    pub fn of_table(settings: toml::Table) -> Result<Self, Error> {
        let bad = |why: toml::de::Error| Error::Bad { place: "the settings".to_owned(), why: why.to_string() };
        let file = settings.try_into().map_err(bad)?;
        Layers { file, environment: &|_| None }.rules()
    }

    /// Messages a second of a sender.
    pub fn throughput_of(&self, phone_number_id: &str) -> u32 {
        self.sender(phone_number_id).and_then(|own| own.throughput).unwrap_or(self.throughput)
    }

    /// The name of a sender's portfolio.
    pub fn portfolio_of(&self, phone_number_id: &str) -> &str {
        self.sender(phone_number_id).and_then(|own| own.portfolio.as_deref()).unwrap_or_default()
    }

    /// The portfolios with their limits, first the one that needs no name.
    pub fn limits(&self) -> impl Iterator<Item = (&str, Limit)> {
        let named = self.portfolios.iter().map(|portfolio| (portfolio.name.as_str(), portfolio.limit));
        std::iter::once(("", self.messaging_limit)).chain(named)
    }

    fn sender(&self, phone_number_id: &str) -> Option<&SenderSettings> {
        self.senders.iter().find(|own| own.phone_number_id == phone_number_id)
    }

    /// Whether a text is one of the words that end everything.
    pub fn is_opt_out(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.opt_out_words.iter().any(|word| word.trim().to_lowercase() == text)
    }
}

impl Layers<'_> {
    /// The settings that are no secrets.
    pub fn rules(&self) -> Result<Rules, Error> {
        let file = &self.file;
        let bad = |key: &str, why: String| Error::Bad { place: self.place(key), why };
        let region = self.text("default_region", file.default_region.clone());
        let default_region = region.map(|region| {
            let known = country::Id::from_str(&region.to_ascii_uppercase());
            known.map_err(|_| bad("default_region", format!("`{region}` is no region: give two letters, as in DE")))
        });
        let throughput = self.parsed("throughput", file.throughput)?.unwrap_or(cloud_api::limits::DEFAULT_THROUGHPUT);
        if throughput == 0 || file.sender.iter().any(|sender| sender.throughput == Some(0)) {
            let why = "at 0 messages a second nothing would ever be sent: give 1 or more".into();
            return Err(bad("throughput", why));
        }
        let messaging_limit = self.text("messaging_limit", file.messaging_limit.as_ref().map(Amount::to_string));
        let messaging_limit = messaging_limit.map_or(Ok(Limit::Unlimited), |text| limit(&text));
        let portfolios = file.portfolio.iter().map(|portfolio| {
            let limit = limit(&portfolio.messaging_limit.to_string())?;
            Ok(PortfolioSettings { name: portfolio.name.clone(), limit })
        });
        let portfolios: Vec<_> = portfolios.collect::<Result<_, _>>().map_err(|why| bad("portfolio", why))?;
        for name in file.sender.iter().filter_map(|sender| sender.portfolio.as_ref()) {
            if !portfolios.iter().any(|portfolio| portfolio.name == *name) {
                let why = format!("there is no portfolio `{name}`: add a [[portfolio]] of that name");
                return Err(bad("sender", why));
            }
        }
        let quiet = self.text("quiet_hours", file.quiet_hours.clone());
        let quiet_hours = quiet.map_or(Ok(None), |text| parse_quiet(&text));
        let on_unknown = match self.text("on_unknown", file.on_unknown.clone()).as_deref() {
            None | Some("resend") => OnUnknown::Resend,
            Some("never") => OnUnknown::Never,
            Some(other) => {
                return Err(bad("on_unknown", format!("`{other}` is neither \"resend\" nor \"never\"")));
            }
        };
        let own_words = self.text("opt_out_words", None).map(|text| text.split(',').map(str::to_owned).collect());
        let opt_out_words = own_words.or_else(|| file.opt_out_words.clone());
        let opt_out_words: Vec<String> = opt_out_words.unwrap_or_else(|| OPT_OUT_WORDS.map(str::to_owned).to_vec());
        if opt_out_words.iter().any(|word| word.trim().is_empty()) {
            return Err(bad("opt_out_words", "an empty word would end everything for whoever sends a picture".into()));
        }
        Ok(Rules {
            phone_number_id: self.text("phone_number_id", file.phone_number_id.clone()),
            throughput,
            senders: file.sender.clone(),
            messaging_limit: messaging_limit.map_err(|why| bad("messaging_limit", why))?,
            portfolios,
            on_unknown,
            quiet_hours: quiet_hours.map_err(|why| bad("quiet_hours", why))?,
            zones: self.zones().map_err(|why| bad("zones", why))?,
            opt_out_words,
            default_region: default_region.transpose()?,
        })
    }

    /// In the environment as `1=-06:00/-05:00,49=+01:00/+02:00`.
    fn zones(&self) -> Result<Zones, String> {
        let mut zones = Zones::default();
        let mut set = |prefix: &str, least: &str, most: &str| {
            let offsets = (offset(least)?, offset(most)?);
            zones.set(prefix.trim(), offsets).map_err(|wrong| wrong.to_string())
        };
        match self.text("zones", None) {
            Some(text) => {
                for zone in text.split(',') {
                    let (prefix, range) = zone.split_once('=').ok_or_else(|| {
                        format!("`{zone}` is not the beginning of a number and its UTC offsets, as in 1=-06:00/-05:00")
                    })?;
                    let (least, most) = range.split_once('/').unwrap_or((range, range));
                    set(prefix, least, most)?;
                }
            }
            None => {
                for (prefix, [least, most]) in &self.file.zones {
                    set(prefix, least, most)?;
                }
            }
        }
        Ok(zones)
    }
}

fn limit(text: &str) -> Result<Limit, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(Limit::Unlimited);
    }
    let contacts = text.parse().ok().filter(|contacts| *contacts > 0).map(Limit::Contacts);
    contacts.ok_or_else(|| format!("`{text}` is neither a number of contacts above 0 nor \"unlimited\""))
}

/// Hours in which nothing is sent, by the contact's clock: `21:00-08:00`, or `none`.
pub fn parse_quiet(text: &str) -> Result<Option<Quiet>, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let bad = || format!("`{text}` are no quiet hours: write 21:00-08:00, or none");
    let (from, until) = text.split_once("..").or_else(|| text.split_once('-')).ok_or_else(bad)?;
    let quiet = Quiet { from: minutes(from).ok_or_else(bad)?, until: minutes(until).ok_or_else(bad)? };
    if quiet.from == quiet.until {
        return Err(format!("`{text}` is either always or never: write none, or pause the campaign"));
    }
    Ok(Some(quiet))
}

/// The same as people write it.
pub fn quiet_name(quiet: Option<Quiet>) -> String {
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    quiet.map_or_else(|| "none".into(), |quiet| format!("{}-{}", clock(quiet.from), clock(quiet.until)))
}

/// Minutes after midnight.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, below: u16| -> Option<u16> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// Minutes east of UTC, from `-06:00`.
fn offset(text: &str) -> Result<i16, String> {
    let text = text.trim();
    let bad = || format!("`{text}` is no UTC offset: write -06:00 or +05:30");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(bad()),
    };
    let minutes = minutes(rest).and_then(|minutes| i16::try_from(minutes).ok()).ok_or_else(bad)?;
    Ok(sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn rules(vars: &[(&str, &str)], file: Option<&Path>) -> Result<Rules, Error> {
        let read = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Layers::read(file, &read)?.rules()
    }

    #[test]
    fn quiet_hours_are_two_times_of_day_or_none() {
        assert_eq!(parse_quiet("21:00-08:00"), Ok(Some(Quiet { from: 1_260, until: 480 })));
        assert_eq!(quiet_name(parse_quiet(" 07:05 - 23:59 ").unwrap()), "07:05-23:59");
        assert_eq!(parse_quiet("none"), Ok(None));
        for bad in ["", "21-08", "24:00-08:00", "21:60-08:00", "9:00-10:00", "21:00", "+9:00-10:00", "10:00-10:00"] {
            assert!(parse_quiet(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_file_and_the_environment_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.toml");
        let text = r#"
            on_unknown = "never"
            messaging_limit = 100_000
            quiet_hours = "21:00-08:00"
            opt_out_words = ["Basta"]
            [zones]
            "1" = ["-06:00", "-05:00"]
            [[portfolio]]
            name = "second"
            messaging_limit = "unlimited"
            [[sender]]
            phone_number_id = "7"
            portfolio = "second"
        "#;
        std::fs::write(&path, text).unwrap();
        let vars = [
            ("CAMPAIGN_ENGINE_ON_UNKNOWN", "never"),
            ("CAMPAIGN_ENGINE_MESSAGING_LIMIT", "100000"),
            ("CAMPAIGN_ENGINE_QUIET_HOURS", "21:00-08:00"),
            ("CAMPAIGN_ENGINE_OPT_OUT_WORDS", "Basta"),
            ("CAMPAIGN_ENGINE_ZONES", "1=-06:00/-05:00"),
        ];
        for rules in [rules(&[], Some(&path)).unwrap(), rules(&vars, None).unwrap()] {
            assert_eq!((rules.on_unknown, rules.messaging_limit), (OnUnknown::Never, Limit::Contacts(100_000)));
            assert_eq!(rules.quiet_hours, Some(Quiet { from: 1_260, until: 480 }));
            assert_eq!(rules.zones.offsets(rules.zones.of(14_155_550_100)), (-360, -300));
            assert!(rules.is_opt_out(" BASTA\n") && !rules.is_opt_out("basta cosi") && !rules.is_opt_out("stop"));
        }
        let rules = rules(&[], Some(&path)).unwrap();
        assert_eq!((rules.portfolio_of("7"), rules.portfolio_of("8")), ("second", ""));
        assert_eq!((rules.throughput_of("7"), rules.limits().count()), (80, 2));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (name, value) in [
            ("ON_UNKNOWN", "maybe"),
            ("MESSAGING_LIMIT", "0"),
            ("MESSAGING_LIMIT", "lots"),
            ("QUIET_HOURS", "at night"),
            ("OPT_OUT_WORDS", "STOP,"),
            ("ZONES", "49=1:00"),
            ("ZONES", "+49=+01:00"),
            ("ZONES", "49"),
        ] {
            let name = format!("CAMPAIGN_ENGINE_{name}");
            let said = rules(&[(&name, value)], None).unwrap_err().to_string();
            assert!(said.contains(&name), "{name}={value}: {said}");
        }
        let usual = rules(&[], None).unwrap();
        assert!(usual.is_opt_out("stop") && usual.is_opt_out("Unsubscribe") && !usual.is_opt_out(""));
        assert_eq!((usual.messaging_limit, usual.on_unknown), (Limit::Unlimited, OnUnknown::Resend));
    }
}
