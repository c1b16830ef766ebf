//! What `send` and `plan` are given: a list, a template, and when and how it goes.

use super::Problem;
use crate::clock::parse_time;
use crate::config::{Rules, parse_quiet, quiet_name};
use crate::contacts::Digest;
use crate::import::{Ask, Given};
use crate::store::Campaign;
use clap::Args;
use engine_core::time::Timestamp;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// The list: CSV with a header row, `phone` and one column per template variable.
    #[arg(long, value_name = "FILE.csv")]
    pub(super) contacts: PathBuf,
    /// The template's name.
    #[arg(long, value_name = "NAME")]
    pub(super) template: String,
    /// The template's language.
    #[arg(long, default_value = "en_US")]
    language: String,
    /// The id of the phone number that sends; default: phone_number_id of the settings.
    #[arg(long, value_name = "PHONE_NUMBER_ID")]
    from: Option<String>,
    /// The campaign's name; default: from the list and the template.
    #[arg(long)]
    name: Option<String>,
    /// When it starts: 2026-11-27T09:00:00Z, or 2h for two hours from now.
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Of the campaigns of one sender, those of the highest priority go first; equals take turns.
    #[arg(long, value_name = "0-255", default_value_t = 0)]
    priority: u8,
    /// When nothing is sent, by the contact's own clock: 21:00-08:00, or none; default: quiet_hours of the settings.
    #[arg(long, value_name = "FROM-UNTIL")]
    quiet_hours: Option<String>,
}

impl Arguments {
    /// The campaign that is asked for.
    pub(super) fn ask(&self, rules: &Rules, now: Timestamp) -> Result<Ask, Problem> {
        let phone_number_id = self.from.as_deref().or(rules.phone_number_id.as_deref()).ok_or_else(|| {
            Problem::Usage("no sender: give --from PHONE_NUMBER_ID, or set WHATSAPP_PHONE_NUMBER_ID".into())
        })?;
        let start = match &self.start {
            Some(text) => parse_time(text, now).map_err(|why| Problem::Usage(format!("--start: {why}")))?,
            None => now,
        };
        let quiet = match &self.quiet_hours {
            Some(text) => parse_quiet(text).map_err(|why| Problem::Usage(format!("--quiet-hours: {why}")))?,
            None => rules.quiet_hours,
        };
        let digest = Digest::of_file(&self.contacts).map_err(Problem::usage)?;
        let name = self.name.clone().unwrap_or_else(|| derived_name(&self.contacts, &self.template, digest));
        if name.trim().is_empty() || self.template.trim().is_empty() {
            return Err(Problem::Usage("a campaign's name and its template cannot be empty".into()));
        }
        Ok(Ask {
            name,
            template: self.template.clone(),
            language: self.language.clone(),
            phone_number_id: phone_number_id.to_owned(),
            start,
            priority: self.priority,
            quiet,
            contacts: Given::File(self.contacts.clone()),
        })
    }
}

fn derived_name(contacts: &Path, template: &str, digest: Digest) -> String {
    let list = contacts.file_stem().map_or_else(|| "list".into(), |stem| stem.to_string_lossy());
    let digest = digest.to_string();
    format!("{list}-{template}-{}", &digest[..8])
}

/// The campaign of this name, which must be the one that is asked for.
pub(super) fn same(known: Vec<Campaign>, ask: &Ask) -> Result<Option<Campaign>, Problem> {
    let Some(known) = known.into_iter().find(|known| known.name == ask.name && !known.importing) else {
        return Ok(None);
    };
    let Given::File(path) = &ask.contacts else { return Ok(Some(known)) };
    let digest = Digest::of_file(path).map_err(Problem::usage)?.to_string();
    let (priorities, quiets) = ([known.priority, ask.priority], [known.quiet, ask.quiet]);
    let (priorities, quiets) = (priorities.map(|priority| priority.to_string()), quiets.map(quiet_name));
    let differs = [
        ("list", &known.digest, &digest),
        ("template", &known.template, &ask.template),
        ("language", &known.language, &ask.language),
        ("sender", &known.phone_number_id, &ask.phone_number_id),
        ("priority", &priorities[0], &priorities[1]),
        ("quiet hours", &quiets[0], &quiets[1]),
    ];
    if let Some((what, old, new)) = differs.into_iter().find(|(_, known, asked)| known != asked) {
        return Err(Problem::Usage(format!(
            "there is a campaign `{}` already, with another {what} ({old}, not {new}): give this one another --name",
            known.name
        )));
    }
    Ok(Some(known))
}
