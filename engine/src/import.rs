//! A list on its way into the store: judged lines in batches, and a campaign at the end or nothing.

use crate::contacts::{self, List};
use crate::store::{self, Campaign, Keeper, Line, NewCampaign};
use std::fmt;

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

/// Where the lines come from.
pub enum Lines {
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

/// Brings a list in. One at a time: the caller sees to that. If it fails, or the process dies, nothing of it stays.
pub async fn import(keeper: &Keeper, new: NewCampaign, mut lines: Lines) -> Result<Campaign, Error> {
    let known = keeper.run(|store| store.campaigns()).await?;
    if let Some(campaign) = known.into_iter().find(|known| known.name == new.name && !known.importing) {
        return Err(Error::Exists(Box::new(campaign)));
    }
    let campaign = keeper.run(move |store| store.begin(&new)).await?;
    let filled = fill(keeper, &campaign, &mut lines).await;
    match filled {
        Ok(true) => Ok(keeper.run(move |store| store.finish(campaign.id)).await?),
        Ok(false) => {
            let id = campaign.id;
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

/// Whether there was a contact among the lines.
async fn fill(keeper: &Keeper, campaign: &Campaign, lines: &mut Lines) -> Result<bool, Error> {
    let id = campaign.id;
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
