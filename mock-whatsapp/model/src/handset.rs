//! What a contact's telephone is like, and what follows from it for a message that was accepted.
//!
//! A persona says how; when is drawn by the message's key. The world carries out what is planned here.

use crate::distribution::Distribution;
use crate::fate::{Share, What, fate};
use crate::spec::{Kind, Timing};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// How the API treats POSTs to this contact, beside all faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// As every other.
    #[default]
    Accept,
    /// The first POST of a message is refused.
    Once(CodeIndex),
    /// Of three POSTs of a message the first two are refused.
    TwoOfThree(CodeIndex),
    /// Every POST fails, in the code's documented way.
    Always(CodeIndex),
    /// Taken, but the answer never comes.
    Silence,
}

/// One way to be a handset. Contacts share personas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persona {
    /// The kind.
    pub kind: Kind,
    /// How the API treats POSTs to it.
    pub rule: Rule,
    /// Offline until this long after the world's start (or after the persona was given); of a contact whose marketing is
    /// capped, how long the cap holds, for ever where nothing is said.
    pub away: Option<Span>,
    /// Whether it reads; by share where nothing is said.
    pub reads: Option<bool>,
    /// Other than the world's timing.
    pub delivered_after: Option<Distribution>,
    /// Other than the world's timing.
    pub read_after: Option<Distribution>,
    /// Other than the world's timing.
    pub reply_after: Option<Distribution>,
    /// What it answers; "ok" where nothing is said.
    pub reply_text: Option<String>,
    /// Whether it can be written to as if it had just written itself.
    pub always_open: bool,
}

/// A persona as the world knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) persona: Persona,
    /// When who is away comes back, or the cap ends.
    pub(crate) back_at: Timestamp,
}

/// One telephone: 16 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Handset {
    /// The last message key that was POSTed to it, and how often.
    pub(crate) key: u64,
    pub(crate) persona: u32,
    pub(crate) posts: u8,
    pub(crate) opted_out: bool,
    /// By hand: nothing arrives, ever.
    pub(crate) blocked: bool,
    /// By hand: what arrives waits.
    pub(crate) off: bool,
}

const _: () = assert!(size_of::<Handset>() <= 16);

/// How one message goes on after it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AfterArrival {
    /// After this long it is read (and says so unless receipts are off).
    pub(crate) read: Option<Span>,
    /// After this long the contact answers, or presses STOP.
    pub(crate) answer: Option<Span>,
}

impl Persona {
    /// How long the telephone is off.
    pub fn off_for(&self) -> Option<Span> {
        self.away.filter(|_| self.kind != Kind::MarketingCapped)
    }

    /// The error that a message to this handset ends with although it was accepted at `now`. A cap that ends does so at
    /// `back_at`.
    pub(crate) fn refuses(
        &self,
        now: Timestamp,
        back_at: Timestamp,
        marketing: bool,
        opted_out: bool,
    ) -> Option<CodeIndex> {
        let is_capped = self.away.is_none() || now < back_at;
        if marketing && opted_out && self.kind != Kind::NotOnWhatsapp {
            return Some(catalogue::find(131_050, None));
        }
        match self.kind {
            Kind::NotOnWhatsapp => Some(catalogue::find(131_026, None)),
            Kind::MarketingCapped if marketing && is_capped => Some(catalogue::find(131_049, None)),
            Kind::Plain
            | Kind::Blocked
            | Kind::ReceiptsOff
            | Kind::Offline
            | Kind::Replies
            | Kind::OptsOut
            | Kind::MarketingCapped
            | Kind::ReportsSpam
            | Kind::OtherWaId => None,
        }
    }

    /// When a message that was `sent` at `now` arrives; never, if the contact has blocked the business. Who is away is
    /// `back_at` then.
    pub(crate) fn arrives(
        &self,
        now: Timestamp,
        back_at: Timestamp,
        seed: u64,
        key: u64,
        timing: &Timing,
    ) -> Option<Timestamp> {
        if self.kind == Kind::Blocked {
            return None;
        }
        let back_at = if self.off_for().is_some() { back_at } else { Timestamp(0) };
        let after = self.delivered_after.as_ref().unwrap_or(&timing.delivered_after);
        let delay = after.draw(fate(seed, key, What::Delivered));
        // What waited for a handset that was off arrives as it comes back, not all in the same microsecond.
        Some((now + delay).max(back_at + delay.min(Span::secs(5))))
    }

    /// What the contact does with a message that arrived.
    pub(crate) fn after_arrival(&self, seed: u64, key: u64, timing: &Timing) -> AfterArrival {
        let reads = match self.kind {
            Kind::Replies | Kind::OptsOut | Kind::ReportsSpam => true,
            Kind::ReceiptsOff | Kind::Blocked => false,
            Kind::Plain | Kind::NotOnWhatsapp | Kind::Offline | Kind::MarketingCapped | Kind::OtherWaId => {
                self.reads.unwrap_or_else(|| Share::millionths(timing.read_share).holds(fate(seed, key, What::Reads)))
            }
        };
        let answers = matches!(self.kind, Kind::Replies | Kind::OptsOut);
        let read_after = self.read_after.as_ref().unwrap_or(&timing.read_after);
        let reply_after = self.reply_after.as_ref().unwrap_or(&timing.reply_after);
        let answer = answers.then(|| reply_after.draw(fate(seed, key, What::Reply)));
        let read = reads.then(|| read_after.draw(fate(seed, key, What::Read)));
        // Nobody answers what was not read.
        let read = match (read, answer) {
            (Some(read), Some(answer)) => Some(read.min(answer)),
            (read, _) => read,
        };
        AfterArrival { read, answer }
    }
}

/// Another id for the same telephone: Brazil's mobile numbers lose the 9 that they were given later, others gain a digit
/// behind the first two, as Mexico's (+52 1) and Argentina's (+54 9) did.
pub fn other_id(phone: u64) -> u64 {
    let digits = phone.checked_ilog10().map_or(1, |below| below + 1);
    if digits == 13 && phone / 10u64.pow(11) == 55 && phone / 10u64.pow(8) % 10 == 9 {
        return phone / 10u64.pow(9) * 10u64.pow(8) + phone % 10u64.pow(8);
    }
    let behind = 10u64.pow(digits.saturating_sub(2));
    let head = phone / behind;
    let digit = if head == 54 { 9 } else { 1 };
    (head * 10 + digit) * behind + phone % behind
}
