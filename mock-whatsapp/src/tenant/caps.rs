//! The cap on marketing for a contact. Nothing is kept for it: what counts follows from the messages that are there anyway, and
//! from when the contact wrote.

use super::Tenant;
use super::judging::Asked;
use crate::config::MarketingCap;
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::limits::{MARKETING_CAP_WINDOW, SERVICE_WINDOW};
use mock_whatsapp_model::input::{HandsetId, NumberId};
use mock_whatsapp_model::output::Why;
use mock_whatsapp_model::spec::Kind;
use mock_whatsapp_model::world::{MessageView, Stage};

/// The error of a message beyond the cap.
pub(super) fn capped() -> CodeIndex {
    catalogue::find(131_049, None)
}

impl Tenant {
    /// Whether one more marketing message from a number to a contact, now, is beyond the cap.
    #[inline]
    pub(super) fn is_capped(&self, handset: HandsetId, number: NumberId) -> bool {
        match self.config.marketing_cap {
            MarketingCap::Off => false,
            MarketingCap::Messages(most) => self.has_had(handset, number, most as usize),
        }
    }

    fn has_had(&self, handset: HandsetId, number: NumberId, most: usize) -> bool {
        let (world, now) = (&self.world, self.time);
        let persona = world.persona(handset);
        let fails_otherwise = world.is_opted_out(handset) || persona.kind == Kind::NotOnWhatsapp;
        if fails_otherwise || persona.always_open || world.is_window_open(handset, number, now) {
            return false;
        }
        let all = self.handsets.messages(handset);
        let is_over = |message: &MessageView| message.at + MARKETING_CAP_WINDOW <= now;
        // From the first that may count: what is beyond the cap comes last, so that even many of those are not looked at.
        let first = all.partition_point(|index| world.message(*index).is_none_or(|message| is_over(&message)));
        let recent = all[first..].iter().filter_map(|index| world.message(*index));
        recent.filter(|message| self.counts_to_cap(message)).take(most).count() == most
    }

    /// Whether a message is marketing that arrived, or is on its way, and came outside the contact's service window.
    fn counts_to_cap(&self, message: &MessageView) -> bool {
        let arrives = match message.stage {
            Stage::Accepted | Stage::Sent => message.can_arrive,
            Stage::Failed => false,
            Stage::Delivered | Stage::Read | Stage::Replied => true,
        };
        // What the contact wrote since opened the window for what came after it only.
        let heard = self.world.last_heard(message.handset, message.number).filter(|heard| *heard <= message.at);
        arrives && message.marketing && heard.is_none_or(|heard| message.at >= heard + SERVICE_WINDOW)
    }

    /// Whether a message that was taken fails by the cap, and not by what came before that.
    pub(super) fn fails_by_cap(&self, asked: &Asked<'_>) -> bool {
        asked.is_capped && asked.taken.and_then(|message| self.world.message(message)?.code) == Some(capped())
    }

    /// In words, why a message that was taken fails all the same, if it goes beyond the messaging limit or the cap; empty if
    /// neither.
    pub(super) fn why_it_fails(
        &self,
        is_beyond: bool,
        is_capped: bool,
        handset: HandsetId,
        number: NumberId,
    ) -> String {
        match (is_beyond, is_capped, self.config.marketing_cap) {
            (true, ..) => format!(
                "it is taken, and a webhook tells that it failed with 131048 (`messaging_limit_told = \"answer\"` in the \
                 configuration has it refused): {}",
                self.explain(Why::MessagingLimit, handset, number)
            ),
            (false, true, MarketingCap::Messages(most)) => format!(
                "it is taken, and a webhook tells that it failed with 131049: no more than {most} marketing messages reach {} in \
                 24 h outside its service window (`marketing_cap` in the configuration; POST /_mock/handsets/{{wa_id}}/messages \
                 opens the window, and POST /_mock/clock/advance lets time go by)",
                self.handsets.wa_id(handset)
            ),
            (false, _, _) => String::new(),
        }
    }
}
