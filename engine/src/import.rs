//! A list on its way into the store: judged lines in batches, and a campaign at the end or nothing.

use crate::contacts::{self, Digest, List};
use crate::store::{self, Campaign, Keeper, Line, NewCampaign};
use engine_core::id::CampaignId;
use engine_core::limits::DEADLINE;
use engine_core::quiet::Quiet;
use engine_core::time::{Span, Timestamp};
use phonenumber::country;
use std::fmt;
use std::path::PathBuf;

/// Lines in one transaction of the store: 2,000 take some 20 ms, so that sending goes on between them.
const LINES: usize = 2_000;

/// Lines judged before others get a turn on this thread: about a millisecond.
const TURN: usize = 256;

/// Why there is no campaign.
#[derive(Debug)]
pub enum Error {
    /// The list cannot be read.
    List(contacts::Error),
    /// The store failed.
    Store(store::Error),
    /// No line of the list is a valid contact.
    NoContact {
        /// How many lines there were.
        bad: u32,
        /// What is wrong with the first.
        first: Option<store::Reject>,
    },
    /// There is a campaign of this name.
    Exists(Box<Campaign>),
    /// The engine is stopping.
    Stopping,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(wrong) => wrong.fmt(f),
            Self::Store(wrong) => wrong.fmt(f),
            Self::NoContact { bad: 0, .. } => f.write_str("the list has no contacts, only a header row"),
            Self::NoContact { bad, first } => {
                write!(f, "none of the {bad} lines of the list is a valid contact")?;
                if let Some(first) = first {
                    write!(f, "; line {}: {}", first.line, first.reason)?;
                }
                Ok(())
            }
            Self::Exists(campaign) => write!(f, "there is a campaign `{}` already", campaign.name),
            Self::Stopping => f.write_str("the engine is stopping"),
        }
    }
}

impl std::error::Error for Error {}

impl From<contacts::Error> for Error {
    fn from(wrong: contacts::Error) -> Self {
        Self::List(wrong)
    }
}

impl From<store::Error> for Error {
    fn from(wrong: store::Error) -> Self {
        Self::Store(wrong)
    }
}

/// A campaign that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its name.
    pub name: String,
    /// The template's name.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// Who sends it.
    pub phone_number_id: String,
    /// When it starts.
    pub start: Timestamp,
    /// Of a sender's campaigns, those of the highest go first.
    pub priority: u8,
    /// When its contacts are left in peace.
    pub quiet: Option<Quiet>,
    /// Whom it goes to.
    pub contacts: Given,
}

/// A list of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A CSV file.
    File(PathBuf),
    /// Phone numbers and variables as they were given.
    Inline(Vec<(String, Vec<String>)>),
}

enum Lines {
    /// A file, streamed.
    List(Box<List>),
    /// Lines that were judged before.
    Judged(std::vec::IntoIter<Line>),
}

impl Lines {
    fn next_line(&mut self) -> Result<Option<Line>, contacts::Error> {
        match self {
            Self::List(list) => list.next_line(),
            Self::Judged(lines) => Ok(lines.next()),
        }
    }
}

/// Whether anything of a campaign with this start could still be sent.
///
/// # Errors
/// If its deadline is over: why nothing could.
pub fn in_time(start: Timestamp, now: Timestamp) -> Result<(), String> {
    if start + DEADLINE > now {
        return Ok(());
    }
    let (ago, most) = (Span::hours(now.since(start).as_secs() / 3_600), DEADLINE);
    Err(format!("that is {ago} ago, and a campaign ends {most} after its start: nothing of it would be sent"))
}

/// Brings a list in and makes a campaign of it. One at a time: the caller sees to that. If it fails, or the process dies,
/// nothing of it stays.
pub async fn import(keeper: &Keeper, ask: Ask, region: Option<country::Id>) -> Result<Campaign, Error> {
    let known = keeper.run(|store| store.campaigns()).await?;
    if let Some(campaign) = known.into_iter().find(|known| known.name == ask.name && !known.importing) {
        return Err(Error::Exists(Box::new(campaign)));
    }
    let (new, mut lines) = open(ask, region)?;
    let campaign = keeper.run(move |store| store.begin(&new)).await?;
    let id = campaign.id;
    match fill(keeper, id, &mut lines).await {
        Ok(true) => Ok(keeper.run(move |store| store.finish(id)).await?),
        Ok(false) => {
            let first = keeper.run(move |store| store.rejects(id, 0, 1)).await?.into_iter().next();
            let campaigns = keeper.run(|store| store.campaigns()).await?;
            let bad = campaigns.iter().find(|known| known.id == id).map_or(0, |known| known.bad);
            keeper.run(|store| store.abandon()).await?;
            Err(Error::NoContact { bad, first })
        }
        Err(wrong) => {
            keeper.run(|store| store.abandon()).await?;
            Err(wrong)
        }
    }
}

fn open(ask: Ask, region: Option<country::Id>) -> Result<(NewCampaign, Lines), Error> {
    let Ask { name, template, language, phone_number_id, start, priority, quiet, contacts } = ask;
    let (lines, source, digest, columns) = match contacts {
        Given::File(path) => {
            let digest = Digest::of_file(&path)?;
            let list = List::open(&path, region, digest)?;
            let columns = list.columns().to_vec();
            (Lines::List(Box::new(list)), path.display().to_string(), digest, columns)
        }
        Given::Inline(given) => {
            let (lines, digest, variables) = judged(given, region);
            let columns = (1..=variables).map(|nth| nth.to_string()).collect();
            (Lines::Judged(lines.into_iter()), "the request".to_owned(), digest, columns)
        }
    };
    let digest = digest.to_string();
    let new =
        NewCampaign { name, template, language, phone_number_id, start, columns, source, digest, priority, quiet };
    Ok((new, lines))
}

/// Judges contacts that came in a request. The line is the place in the list, from 1.
fn judged(given: Vec<(String, Vec<String>)>, region: Option<country::Id>) -> (Vec<Line>, Digest, usize) {
    let mut digest = Digest::default();
    let want = given.first().map_or(0, |(_, variables)| variables.len());
    let lines = given.into_iter().zip(1u32..).map(|((phone, variables), line)| {
        for part in std::iter::once(&phone).chain(&variables) {
            digest.add(part.as_bytes());
            digest.add(&[0]);
        }
        match judge(&phone, &variables, want, region) {
            Ok(phone) => Line::Contact { line, phone, variables },
            Err(reason) => Line::Bad { line, text: phone.chars().take(40).collect(), reason },
        }
    });
    let lines = lines.collect();
    (lines, digest, want)
}

fn judge(phone: &str, variables: &[String], want: usize, region: Option<country::Id>) -> Result<u64, String> {
    if variables.len() != want {
        return Err(format!("{} variables instead of {want}, as the first contact has", variables.len()));
    }
    for (value, nth) in variables.iter().zip(1..) {
        contacts::check_variable(&nth.to_string(), value)?;
    }
    contacts::parse_phone(phone, region)
}

/// Whether there was a contact among the lines.
async fn fill(keeper: &Keeper, id: CampaignId, lines: &mut Lines) -> Result<bool, Error> {
    let mut any = false;
    let mut batch = Vec::with_capacity(LINES);
    loop {
        let line = lines.next_line()?;
        let end = line.is_none();
        any |= matches!(line, Some(Line::Contact { .. }));
        batch.extend(line);
        if batch.len() == LINES || (end && !batch.is_empty()) {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(LINES));
            keeper.run(move |store| store.append(id, &full)).await?;
        } else if batch.len().is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        if end {
            return Ok(any);
        }
    }
}
