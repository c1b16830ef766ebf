//! A send that is well formed: compared with what the tenant has, handed to the model, and its verdict given.

use super::caps::capped;
use super::judging::Asked;
use super::{Reply, Tenant, Verdict};
use crate::config::UnknownTemplates;
use crate::graph::refusal::Refusal;
use crate::graph::send::{Fitting, Sending, Shelf};
use crate::templates::Category;
use crate::wamids::Meaning;
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::limits::REACTION_AGE_MAX;
use cloud_api::reply::MessageStatus;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::Input;
use mock_whatsapp_model::fate::message_key;
use mock_whatsapp_model::input::{Form, HandsetId, MessageIndex, NumberId, Post, template_key};
use mock_whatsapp_model::output::{Answer, Manner};
use mock_whatsapp_model::referee::Callback;

impl Tenant {
    /// Takes in a send that is well formed.
    pub fn post(&mut self, real: Timestamp, sending: &Sending, reply: Reply) {
        let now = self.now(real);
        self.tick(now);
        if let Some(refusal) = self.unfit_sender(sending).or_else(|| self.has_no_room_for_webhooks()) {
            return self.turn_down(real, sending, refusal, reply);
        }
        let Fitting { record, form, template } = match self.fit(sending) {
            Ok(fitting) => fitting,
            Err(refusal) => return self.turn_down(real, sending, refusal, reply),
        };
        let handset = self.telephone(sending.wa_id);
        let previous = self.handsets.messages(handset).last().copied();
        let held = template.is_some_and(|place| self.holds(place));
        let number = self.number_of(sending);
        let marketing = record.category == Some(Category::Marketing);
        let fails = self.fails_later(sending);
        let is_capped = marketing && fails.is_none() && self.is_capped(handset, number);
        let post = Post {
            request: 0,
            number,
            handset,
            key: self.key(handset, sending),
            callback: sending.callback_data().map_or(0, |data| Callback::of(data).whole),
            template: record.template.as_deref().map_or(0, template_key),
            marketing,
            form,
            held,
            fails: fails.or_else(|| is_capped.then(capped)),
        };
        if !self.faults.is_empty() {
            self.aim_at(sending, &record);
        }
        let manner = self.world.manner(now, &post);
        let told = (form == Form::Template || self.config.message_status_always).then_some(if held {
            MessageStatus::Held
        } else {
            MessageStatus::Accepted
        });
        let key = post.key;
        let asked =
            Asked { reply, real, handset, key, marketing, previous, sending, taken: None, is_capped, manner, told };
        let lasts = match manner {
            Some(Manner::CloseBefore { accepted: false } | Manner::Lost(None)) => Some(Span::ZERO),
            Some(Manner::Lost(lasts)) => lasts,
            Some(
                Manner::CloseBefore { accepted: true } | Manner::Drip(_) | Manner::CloseMiddle | Manner::CloseAfter,
            )
            | None => None,
        };
        if let Some(lasts) = lasts {
            // The world never sees it.
            return self.rule(asked, Answer::Reset, now + lasts);
        }
        let before = self.world.snapshot().messages;
        self.world.handle(now, Input::Post(post), &mut self.out);
        let taken = (self.world.snapshot().messages > before).then(|| self.messages.end());
        if let Some(index) = taken {
            self.handsets.sent(handset, index);
            self.messages.push(&record, now);
            if let Some(place) = template {
                self.paced(place, index, held);
            }
            if !self.faults.is_empty() {
                self.aim_later(index, sending);
            }
        }
        self.carry_out(Some(Asked { taken, ..asked }));
        self.settle_nowhere();
    }

    /// The number that a send is from.
    pub(super) fn number_of(&self, sending: &Sending) -> NumberId {
        let further = sending.number_id.as_ref().and_then(|id| self.numbers.get(id));
        further.map_or(self.number, |number| number.number)
    }

    /// Why the number that a send is from cannot send it, if it cannot.
    fn unfit_sender(&self, sending: &Sending) -> Option<Refusal> {
        let number = self.numbers.of_model(self.number_of(sending))?;
        if !number.registered {
            let why = "the number is not registered: POST /{phone-number-id}/register";
            return Some(Refusal::new(133_010, why));
        }
        let is_itself = sending.number_id.is_some() && number.digits.parse() == Ok(sending.wa_id);
        is_itself.then(|| Refusal::new(131_021, "`to` is the business number itself"))
    }

    /// The key of all attempts of a message.
    pub(super) fn key(&self, handset: HandsetId, sending: &Sending) -> u64 {
        let number = match &sending.number_id {
            Some(id) => id.parse().unwrap_or_default(),
            None => self.identity.number_key(),
        };
        message_key(self.canonical(handset), number, sending.content)
    }

    fn fit(&self, sending: &Sending) -> Result<Fitting, Refusal> {
        sending.fit(&Shelf {
            identity: &self.identity,
            templates: &self.templates,
            accept_unknown: self.config.unknown_templates == UnknownTemplates::Accept,
            refuse_unexpected: self.config.rules.unexpected_keys,
            allowed: self.allowed.as_deref(),
            has_media: &|id| self.has_media(id),
        })
    }

    /// Whether there is a medium with this id.
    fn has_media(&self, id: &str) -> bool {
        self.media.get(id).is_some()
    }

    /// The error that a message ends with although it is accepted: its medium is of a type that its own type has not, or it is
    /// a reaction to what cannot be reacted to.
    fn fails_later(&self, sending: &Sending) -> Option<CodeIndex> {
        let unfit = |id: &String| self.media.get(id).is_some_and(|medium| !sending.takes(&medium.mime_type));
        if sending.link_is_broken || sending.media().iter().any(unfit) {
            return Some(catalogue::find(131_053, None));
        }
        let number = self.numbers.of_model(self.number_of(sending));
        if number.is_some_and(|number| number.blocked.contains_key(&sending.wa_id)) {
            return Some(catalogue::find(131_026, None));
        }
        sending.reacts_to().and_then(|target| self.unfit_for_reaction(target))
    }

    /// Why a message cannot be reacted to, if it cannot: it is not there, older than 30 days, or itself a reaction.
    fn unfit_for_reaction(&self, wamid: &str) -> Option<CodeIndex> {
        let of_message = |index: MessageIndex| {
            let message = self.world.message(index);
            message.is_some_and(|message| self.time.since(message.at) <= REACTION_AGE_MAX)
        };
        let fits = match self.wamids.read(wamid) {
            Some(Meaning::Outbound(index)) => {
                of_message(index) && self.messages.get(index).is_some_and(|words| words.kind() != "reaction")
            }
            Some(Meaning::Answer(index)) => of_message(index),
            Some(Meaning::Said(handle)) => {
                self.inbound.at(handle).is_some_and(|at| self.time.since(at) <= REACTION_AGE_MAX)
            }
            None => false,
        };
        (!fits).then(|| catalogue::find(131_009, None))
    }

    /// Whom alone the tenant may write to, if not to all.
    pub fn allowed(&self) -> Option<&[u64]> {
        self.allowed.as_deref()
    }

    /// Sets whom alone the tenant may write to, as with a test number.
    pub fn allow_only(&mut self, allowed: Option<Vec<u64>>) {
        self.allowed = allowed;
    }

    pub(super) fn verdict(
        &self,
        answer: Answer,
        handset: HandsetId,
        number: NumberId,
        told: Option<MessageStatus>,
    ) -> Verdict {
        match answer {
            Answer::Accepted(index) => {
                let wa_id = self.wa_id(handset);
                Verdict::Accepted { wamid: self.wamids.outbound(&wa_id, index), wa_id, status: told }
            }
            Answer::Refused(code, why) => {
                Verdict::Refused(Box::new(Refusal::of_model(code, self.explain(why, handset, number))))
            }
            Answer::Silence(_) => Verdict::Silence,
            Answer::Garbled(form) => Verdict::Garbled(form),
            // A connection that was made cannot be refused any more: it ends without an answer all the same.
            Answer::Reset | Answer::Unreachable => Verdict::Reset,
        }
    }
}
