//! Who gets the messages: every contact's number, kind of telephone and variables, by its place and without a table.
//!
//! The contacts of all campaigns are one row of places, so that a person in two campaigns is one handset: first those that
//! are made from the seed, then those of files. Nothing here knows what a handset does.

mod file;
mod numbers;

pub use file::{ContactList, Rejected, Row};
pub use numbers::{Numbers, phone};

use crate::scenario::{Group, People, Scenario};
use cloud_api::time::Span;
use mock_whatsapp_model::fate::{What, fate, permute};
use mock_whatsapp_model::handset::{Persona, other_id};
use mock_whatsapp_model::magic;
use mock_whatsapp_model::spec::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// All contacts of a scenario.
#[derive(Clone, Debug)]
pub struct Contacts {
    numbers: Numbers,
    quota: u64,
    size: u32,
    /// Places below this one are made from the seed.
    generated: u32,
    /// Made contacts whose number a file has too, and the number that they have instead; by place.
    moved: BTreeMap<u32, u64>,
    /// Number and canonical id of the places from `generated` on.
    listed: Vec<(u64, u64)>,
    kinds: Vec<Quota>,
    /// Whether listed numbers may have a meaning.
    magic: bool,
    /// Whether any contact's canonical id differs from its number.
    some_other_ids: bool,
    audiences: Vec<Audience>,
}

/// A group of contacts with one kind of telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Which kind.
    pub kind: Kind,
    /// How long it is away, or capped.
    pub away: Option<Span>,
    /// How many contacts: exactly the share, rounded.
    pub count: u32,
    /// The first place of the permutation behind this group.
    end: u32,
}

/// The contacts of one campaign, in the order of its messages.
#[derive(Clone, Debug)]
pub struct Audience {
    places: Places,
    list: Option<Arc<ContactList>>,
}

#[derive(Clone, Debug)]
enum Places {
    /// Those that an earlier campaign has too, then its own.
    Made { shared: Range<u32>, own: Range<u32> },
    /// The place of each row of a file.
    Listed(Vec<u32>),
}

impl Contacts {
    /// The contacts of a scenario under a seed. `contacts` is the size of every campaign that is not of a file, where the
    /// command line gives one.
    pub fn new(scenario: &Scenario, seed: u64, contacts: Option<u32>) -> Self {
        let mut generated = 0;
        let mut made: Vec<Option<Places>> = Vec::new();
        for campaign in &scenario.campaigns {
            let People::Generated(size) = campaign.people else {
                made.push(None);
                continue;
            };
            let size = contacts.unwrap_or(size);
            let shared = campaign.overlap.map_or(0..0, |overlap| match made.get(overlap.with) {
                Some(Some(Places::Made { shared, own })) => {
                    let wanted = part(overlap.share, size);
                    // Those that the other has from one before it, where its own are too few: they are common to all three.
                    let of = if wanted > own.end - own.start { longer(shared, own) } else { own };
                    of.start..of.start + wanted.min(of.end - of.start)
                }
                _ => 0..0,
            });
            let own = generated..generated + (size - (shared.end - shared.start));
            generated = own.end;
            made.push(Some(Places::Made { shared, own }));
        }
        let mut places: BTreeMap<u64, u32> = BTreeMap::new();
        let mut phones: Vec<u64> = Vec::new();
        let mut audiences = Vec::new();
        for (campaign, made) in scenario.campaigns.iter().zip(made) {
            audiences.push(match (&campaign.people, made) {
                (People::Listed(list), _) => {
                    let mut place = |phone: u64| {
                        *places.entry(phone).or_insert_with(|| {
                            phones.push(phone);
                            generated + phones.len() as u32 - 1
                        })
                    };
                    Audience {
                        places: Places::Listed(list.rows.iter().map(|row| place(row.phone)).collect()),
                        list: Some(Arc::clone(list)),
                    }
                }
                (People::Generated(_), made) => {
                    Audience { places: made.unwrap_or(Places::Listed(Vec::new())), list: None }
                }
            });
        }
        let size = generated + phones.len() as u32;
        let kinds = quotas(&scenario.groups, size);
        let mut all = Self {
            numbers: Numbers::new(seed),
            quota: fate(seed, 0, What::Quota),
            size,
            generated,
            moved: BTreeMap::new(),
            listed: Vec::new(),
            magic: scenario.magic_numbers,
            some_other_ids: kinds.iter().any(|quota| quota.kind == Kind::OtherWaId && quota.count > 0),
            kinds,
            audiences,
        };
        all.make_room(&places);
        all.list(&phones);
        all
    }

    /// Gives another number to each made contact whose number a file has.
    fn make_room(&mut self, taken: &BTreeMap<u64, u32>) {
        if taken.is_empty() {
            return;
        }
        let mut next = u64::from(self.generated);
        for place in 0..self.generated {
            if taken.contains_key(&self.numbers.phone(u64::from(place))) {
                while taken.contains_key(&self.numbers.phone(next)) {
                    next += 1;
                }
                self.moved.insert(place, self.numbers.phone(next));
                next += 1;
            }
        }
    }

    /// Chooses a canonical id for each listed number, other than every listed number.
    fn list(&mut self, phones: &[u64]) {
        let mut taken: BTreeSet<u64> = phones.iter().copied().collect();
        for (place, phone) in (self.generated..).zip(phones) {
            let mut id = *phone;
            let meant = self.magic && magic::persona(*phone).is_some();
            if !meant && self.kind(place) == Kind::OtherWaId {
                id = other_id(id);
                while !taken.insert(id) {
                    id = other_id(id);
                }
            }
            self.listed.push((*phone, id));
        }
    }

    /// How many different contacts all campaigns have.
    pub fn len(&self) -> u32 {
        self.size
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The number that the sender was given: digits of E.164.
    #[inline]
    pub fn phone(&self, place: u32) -> u64 {
        if place >= self.generated {
            self.listed[(place - self.generated) as usize].0
        } else if self.moved.is_empty() {
            self.numbers.phone(u64::from(place))
        } else {
            self.moved.get(&place).copied().unwrap_or_else(|| self.numbers.phone(u64::from(place)))
        }
    }

    /// WhatsApp's id of the contact: the number, but for the kind whose canonical id differs.
    #[inline]
    pub fn wa_id(&self, place: u32) -> u64 {
        if place >= self.generated {
            self.listed[(place - self.generated) as usize].1
        } else if self.some_other_ids && self.kind(place) == Kind::OtherWaId {
            other_id(self.phone(place))
        } else {
            self.phone(place)
        }
    }

    /// The place in [`Contacts::quotas`] of a contact's group; `None` for a plain telephone.
    #[inline]
    pub fn group(&self, place: u32) -> Option<usize> {
        let named = self.kinds.last().map_or(0, |last| last.end);
        if named == 0 {
            return None;
        }
        let at = permute(self.quota, u64::from(place), u64::from(self.size)) as u32;
        if at >= named { None } else { self.kinds.iter().position(|quota| at < quota.end) }
    }

    /// How a contact's telephone behaves because its number has a meaning, and the scenario wants that.
    #[inline]
    pub fn meaning(&self, place: u32) -> Option<Persona> {
        let listed = self.listed.get(place.checked_sub(self.generated)? as usize)?;
        magic::persona(listed.0).filter(|_| self.magic)
    }

    /// Whether some contact's number has a meaning.
    pub fn has_meanings(&self) -> bool {
        self.magic && (self.generated..self.size).any(|place| self.meaning(place).is_some())
    }

    /// Whether some contact has this kind of telephone.
    pub fn has_kind(&self, kind: Kind) -> bool {
        let meant = || (self.generated..self.size).any(|place| self.meaning(place).is_some_and(|one| one.kind == kind));
        self.kinds.iter().any(|quota| quota.kind == kind && quota.count > 0) || (self.magic && meant())
    }

    /// A contact's kind of telephone.
    #[inline]
    pub fn kind(&self, place: u32) -> Kind {
        if let Some(persona) = self.meaning(place) {
            return persona.kind;
        }
        self.group(place).map_or(Kind::Plain, |group| self.kinds[group].kind)
    }

    /// The groups, in the order of the file's `[[contacts]]`.
    pub fn quotas(&self) -> &[Quota] {
        &self.kinds
    }

    /// The contacts of a campaign.
    pub fn audience(&self, campaign: usize) -> &Audience {
        &self.audiences[campaign]
    }

    /// The names of a campaign's template variables, in their order.
    pub fn columns(&self, campaign: usize) -> Vec<&str> {
        match &self.audiences[campaign].list {
            None => vec!["name"],
            Some(list) => list.columns.iter().map(String::as_str).collect(),
        }
    }

    /// Every wording of a campaign's template: the values of its variables. Made contacts share the stock of names.
    pub fn wordings(&self, campaign: usize) -> Vec<Vec<&str>> {
        match &self.audiences[campaign].list {
            None => numbers::NAMES.iter().map(|name| vec![*name]).collect(),
            Some(_) => (0..self.audiences[campaign].len()).map(|message| self.variables(campaign, message)).collect(),
        }
    }

    /// Which of [`Contacts::wordings`] a message has.
    #[inline]
    pub fn wording(&self, campaign: usize, message: u32) -> usize {
        let audience = &self.audiences[campaign];
        match &audience.list {
            None => self.numbers.name_at(u64::from(audience.contact(message))),
            Some(_) => message as usize,
        }
    }

    /// The values of a message's template variables: `message` counts within the campaign.
    pub fn variables(&self, campaign: usize, message: u32) -> Vec<&str> {
        let audience = &self.audiences[campaign];
        match &audience.list {
            None => vec![self.numbers.name(u64::from(audience.contact(message)))],
            Some(list) => list.rows[message as usize].variables.iter().map(String::as_str).collect(),
        }
    }
}

impl Audience {
    /// How many messages the campaign has.
    pub fn len(&self) -> u32 {
        match &self.places {
            Places::Made { shared, own } => (shared.end - shared.start) + (own.end - own.start),
            Places::Listed(places) => places.len() as u32,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages from this one on have contacts whose places follow each other.
    pub fn run(&self, message: u32) -> u32 {
        match &self.places {
            Places::Made { shared, own } => {
                let common = shared.end - shared.start;
                let end = if message < common { common } else { common + (own.end - own.start) };
                end - message
            }
            Places::Listed(places) => {
                let from = &places[message as usize..];
                1 + from.windows(2).take(4_096).take_while(|pair| pair[0] + 1 == pair[1]).count() as u32
            }
        }
    }

    /// The message to a contact, which counts within the campaign. A list is searched from its beginning.
    pub fn message_to(&self, contact: u32) -> Option<u32> {
        match &self.places {
            Places::Made { shared, own } => {
                let common = shared.end - shared.start;
                if shared.contains(&contact) {
                    Some(contact - shared.start)
                } else {
                    own.contains(&contact).then(|| common + (contact - own.start))
                }
            }
            Places::Listed(places) => places.iter().position(|place| *place == contact).map(|at| at as u32),
        }
    }

    /// The place of the contact of a message, which counts within the campaign.
    #[inline]
    pub fn contact(&self, message: u32) -> u32 {
        match &self.places {
            Places::Made { shared, own } => {
                let common = shared.end - shared.start;
                if message < common { shared.start + message } else { own.start + (message - common) }
            }
            Places::Listed(places) => places[message as usize],
        }
    }
}

fn longer<'a>(one: &'a Range<u32>, other: &'a Range<u32>) -> &'a Range<u32> {
    if one.len() > other.len() { one } else { other }
}

/// A share of a number, rounded to the nearest.
fn part(share: u32, size: u32) -> u32 {
    ((u64::from(share) * u64::from(size) + 500_000) / 1_000_000) as u32
}

/// How many contacts each group has. Rounding may want one too many at the end: the last groups give way.
fn quotas(groups: &[Group], size: u32) -> Vec<Quota> {
    let mut end = 0;
    groups
        .iter()
        .map(|group| {
            let count = part(group.share, size).min(size - end);
            end += count;
            Quota { kind: group.kind, away: group.away, count, end }
        })
        .collect()
}

#[cfg(test)]
mod tests;
