//! The templates that a tenant has: found by name and language or by id, made, changed and deleted, and what falls due of
//! them by time. Who is told of it is the tenant's.

pub mod creation;
pub mod definition;
pub mod filling;
pub mod status;

use crate::identity::{Identity, Kind};
use crate::limits::TEMPLATES;
use cloud_api::time::{Span, Timestamp};
use definition::Definition;
use mock_whatsapp_model::input::MessageIndex;
use serde_json::{Value, json};
pub use status::{Category, ParameterFormat, Quality, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A template's place among all that its tenant ever had.
pub type Place = u32;

/// How long the name of an approved template that was deleted cannot be used again (section 6.3).
pub const NAME_LOCK: Span = Span::hours(30 * 24);

/// Approved templates can be edited so often in [`EDITS_IN`], and once in a day (section 5.6).
pub const EDITS_MOST: usize = 10;

/// See [`EDITS_MOST`].
pub const EDITS_IN: Span = Span::hours(30 * 24);

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its id, digits.
    pub id: Box<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its language, as in `en_US`.
    pub language: Box<str>,
    /// What it is for.
    pub category: Category,
    /// What it was for, before that was changed.
    pub previous_category: Option<Category>,
    /// How its variables are named.
    pub format: ParameterFormat,
    /// Its components, as they were written.
    pub components: Value,
    /// The same, read.
    pub definition: Definition,
    /// How long an undelivered message of it waits, in seconds, where that was said.
    pub ttl_seconds: Option<i64>,
    /// Whether it can be sent.
    pub status: Status,
    /// Why it was rejected, in a word.
    pub rejected_reason: Box<str>,
    /// What people think of it.
    pub quality: Quality,
    /// Since when.
    pub quality_at: Timestamp,
    /// How often it was paused for its quality.
    pub pauses: u8,
    /// When something happens to it by itself, and what.
    pub due: Option<(Timestamp, Due)>,
    /// When it was edited while it was approved.
    pub edits: Vec<Timestamp>,
    /// Whether it must prove itself before all of its messages go out.
    pub pacing: Option<Pacing>,
}

/// What happens to a template by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its review ends.
    Review,
    /// Its pause ends.
    Unpause,
    /// It is decided what becomes of the messages that are held.
    Decide,
}

/// How a template proves itself: some messages go out, and the others are held until it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// How many messages go out first.
    pub after: u32,
    /// How many went.
    pub sent: u32,
    /// How long after the first that is held it is decided.
    pub decide: Span,
    /// Whether they go out then, or are dropped.
    pub release: bool,
    /// Those that are held. As many as the message log has at most.
    pub held: Vec<MessageIndex>,
}

/// How templates are reviewed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// How long it takes; at once, if no time.
    pub takes: Span,
    /// The names of those that are rejected; `*` stands for anything at an end.
    pub rejects: Vec<String>,
}

impl Review {
    /// Whether a template of this name passes.
    pub fn passes(&self, name: &str) -> bool {
        let fits = |pattern: &String| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(start), _) => name.starts_with(start),
            (None, Some(end)) => name.ends_with(end),
            (None, None) => name == pattern,
        };
        !self.rejects.iter().any(fits)
    }
}

/// What a template is created or edited with, checked.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// How its variables are named.
    pub format: ParameterFormat,
    /// A list.
    pub components: Value,
    /// How long an undelivered message waits.
    pub ttl_seconds: Option<i64>,
}

/// The templates of one tenant.
#[derive(Clone, Debug)]
pub struct Templates {
    all: BTreeMap<Place, Template>,
    by_name: BTreeMap<Arc<str>, Vec<Place>>,
    by_id: BTreeMap<Box<str>, Place>,
    /// What happens by itself, in order.
    due: BTreeSet<(Timestamp, Place)>,
    /// Until when names cannot be used again.
    locked: BTreeMap<Arc<str>, Timestamp>,
    made: Place,
    /// How templates are reviewed.
    pub review: Review,
}

impl Templates {
    /// Those that are there from the start, approved at `now`.
    pub fn new(identity: &Identity, now: Timestamp, review: Review) -> Self {
        let mut templates = Self {
            all: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_id: BTreeMap::new(),
            due: BTreeSet::new(),
            locked: BTreeMap::new(),
            made: 0,
            review,
        };
        let stop = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "STOP" }] });
        let example = json!({ "body_text": [["Ana"]] });
        let sale = json!({ "type": "BODY", "text": "Spring is here! {{1}}", "example": example });
        for (name, category, components) in [
            ("hello_world", Category::Utility, json!([{ "type": "BODY", "text": "Hello World" }])),
            ("spring_sale", Category::Marketing, json!([sale, stop])),
        ] {
            let (name, language) = (name.to_owned(), "en_US".to_owned());
            let format = ParameterFormat::Positional;
            let draft = Draft { name, language, category, format, components, ttl_seconds: None };
            let place = templates.add(identity, now, draft);
            if let Some(template) = templates.all.get_mut(&place) {
                template.status = Status::Approved;
            }
        }
        templates
    }

    /// Adds a template under review.
    pub fn add(&mut self, identity: &Identity, now: Timestamp, draft: Draft) -> Place {
        let place = self.made;
        self.made += 1;
        let id: Box<str> = identity.id(Kind::Template, place.into()).into();
        let name: Arc<str> = draft.name.into();
        let components = draft.components.as_array().map_or(&[][..], Vec::as_slice);
        let template = Template {
            id: id.clone(),
            name: name.clone(),
            language: draft.language.into(),
            category: draft.category,
            previous_category: None,
            format: draft.format,
            definition: Definition::of(components),
            components: draft.components,
            ttl_seconds: draft.ttl_seconds,
            status: Status::Pending,
            rejected_reason: "NONE".into(),
            quality: Quality::Unknown,
            quality_at: now,
            pauses: 0,
            due: None,
            edits: Vec::new(),
            pacing: None,
        };
        self.by_name.entry(name).or_default().push(place);
        self.by_id.insert(id, place);
        self.all.insert(place, template);
        place
    }

    /// Takes a template away; the name of one that was approved stays locked for a while.
    pub fn remove(&mut self, now: Timestamp, place: Place) -> Option<Template> {
        let template = self.all.remove(&place)?;
        self.by_id.remove(&template.id);
        if let Some((at, _)) = template.due {
            self.due.remove(&(at, place));
        }
        if let Some(places) = self.by_name.get_mut(&template.name) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_name.remove(&template.name);
            }
        }
        if template.status.sends() || template.status == Status::Paused {
            self.locked.retain(|_, until| *until > now);
            self.locked.insert(template.name.clone(), now + NAME_LOCK);
        }
        Some(template)
    }

    /// Until when a name cannot be used again, if it cannot be now.
    pub fn locked_until(&self, name: &str, now: Timestamp) -> Option<Timestamp> {
        self.locked.get(name).copied().filter(|until| *until > now)
    }

    /// The template of a name and a language.
    pub fn find(&self, name: &str, language: &str) -> Option<(Place, &Template)> {
        let mut places = self.by_name.get(name)?.iter();
        places.find_map(|place| {
            self.all.get(place).filter(|found| *found.language == *language).map(|found| (*place, found))
        })
    }

    /// Every language of a name.
    pub fn of_name(&self, name: &str) -> &[Place] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The template with an id.
    pub fn of_id(&self, id: &str) -> Option<Place> {
        self.by_id.get(id).copied()
    }

    /// A template.
    pub fn get(&self, place: Place) -> Option<&Template> {
        self.all.get(&place)
    }

    /// A template, to be changed. What is due of it is changed by [`Self::set_due`].
    pub fn get_mut(&mut self, place: Place) -> Option<&mut Template> {
        self.all.get_mut(&place)
    }

    /// All of them, in the order of their making.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (Place, &Template)> {
        self.all.iter().map(|(place, template)| (*place, template))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there can be no more (documented for verified portfolios).
    pub fn is_full(&self) -> bool {
        self.all.len() >= TEMPLATES
    }

    /// Sets what happens to a template by itself, in place of what would have.
    pub fn set_due(&mut self, place: Place, due: Option<(Timestamp, Due)>) {
        let Some(template) = self.all.get_mut(&place) else { return };
        if let Some((at, _)) = std::mem::replace(&mut template.due, due) {
            self.due.remove(&(at, place));
        }
        if let Some((at, _)) = due {
            self.due.insert((at, place));
        }
    }

    /// When something happens next.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What somebody waits for: the ends of reviews, and of decisions about what is held. That a pause will be over is no
    /// such thing, any more than that a window will be shut.
    fn awaited(&self) -> impl Iterator<Item = Timestamp> {
        let is_awaited = |place: &Place| {
            let due = self.all.get(place).and_then(|template| template.due);
            due.is_some_and(|(_, due)| due != Due::Unpause)
        };
        self.due.iter().filter(move |(_, place)| is_awaited(place)).map(|(at, _)| *at)
    }

    /// How much is to happen that somebody waits for.
    pub fn due(&self) -> usize {
        self.awaited().count()
    }

    /// When something happens next that somebody waits for.
    pub fn next_awaited(&self) -> Option<Timestamp> {
        self.awaited().next()
    }

    /// Takes what is due first, if it is by `now`.
    pub fn take_due(&mut self, now: Timestamp) -> Option<(Place, Due)> {
        let (at, place) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, place));
        let (_, due) = self.all.get_mut(&place)?.due.take()?;
        Some((place, due))
    }

    /// Leaves out ids that were given elsewhere.
    pub fn skip(&mut self, others: &Self) {
        self.made = self.made.max(others.made);
    }

    /// Lets go of messages that were held: there was a reset.
    pub fn forget_messages(&mut self) {
        for template in self.all.values_mut() {
            if let Some(pacing) = &mut template.pacing {
                pacing.held.clear();
                pacing.sent = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates() -> (Templates, Identity, Timestamp) {
        let identity = Identity::of("default").unwrap();
        let now = Timestamp::from_unix_seconds(1_000_000_000);
        (Templates::new(&identity, now, Review::default()), identity, now)
    }

    #[test]
    fn templates_are_found_by_name_and_language_and_by_id() {
        let (mut templates, _, now) = templates();
        let (place, sale) = templates.find("spring_sale", "en_US").unwrap();
        assert_eq!(sale.definition.replies().collect::<Vec<_>>(), [(0, "STOP")]);
        assert_eq!(templates.of_id(&sale.id), Some(place));
        assert!(templates.find("spring_sale", "de").is_none());
        templates.remove(now, place);
        assert!(templates.find("spring_sale", "en_US").is_none());
        assert_eq!(templates.locked_until("spring_sale", now), Some(now + NAME_LOCK));
        assert_eq!(templates.locked_until("spring_sale", now + NAME_LOCK), None);
    }

    #[test]
    fn what_is_due_comes_in_order_and_once() {
        let (mut templates, _, now) = templates();
        templates.set_due(0, Some((now + Span::hours(3), Due::Unpause)));
        templates.set_due(1, Some((now + Span::hours(1), Due::Review)));
        templates.set_due(0, Some((now + Span::hours(2), Due::Unpause)));
        assert_eq!((templates.due(), templates.next_due()), (1, Some(now + Span::hours(1))));
        assert_eq!(templates.next_awaited(), Some(now + Span::hours(1)));
        assert_eq!(templates.take_due(now), None);
        let later = now + Span::hours(9);
        let taken = [templates.take_due(later), templates.take_due(later), templates.take_due(later)];
        assert_eq!(taken, [Some((1, Due::Review)), Some((0, Due::Unpause)), None]);
    }

    #[test]
    fn reviews_reject_by_name() {
        let review = Review { takes: Span::ZERO, rejects: vec!["bad".into(), "x_*".into(), "*_y".into()] };
        let passes = ["bad", "bad_", "x_1", "1_y", "good"].map(|name| review.passes(name));
        assert_eq!(passes, [false, true, false, false, true]);
    }
}
