//! What people do with their telephones beside writing, and what messages are made to be by hand: the consequences are the
//! model's, the words of `user_preferences` are here.

use super::Tenant;
use crate::user_id;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::Input;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{Act, HandsetId, MessageIndex, NumberId, Turn};
use mock_whatsapp_model::spec::Kind;
use mock_whatsapp_model::world::Stage;
use serde_json::{Value, json};

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// Opens the chat: all that arrived is read.
    Read,
    /// Blocks the business, which is not told.
    Block,
    /// Lets it write again; what it sent meanwhile is lost.
    Unblock,
    /// Reports it, which it is not told.
    Report,
    /// Wants no more marketing.
    OptOut,
    /// Wants it again.
    OptIn,
    /// Turns the telephone off.
    Offline,
    /// Turns it on.
    Online,
}

impl Gesture {
    /// As the control API spells it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "read" => Some(Self::Read),
            "block" => Some(Self::Block),
            "unblock" => Some(Self::Unblock),
            "report" => Some(Self::Report),
            "opt-out" => Some(Self::OptOut),
            "opt-in" => Some(Self::OptIn),
            "offline" => Some(Self::Offline),
            "online" => Some(Self::Online),
            _ => None,
        }
    }
}

impl Tenant {
    /// A person does something; the numbers of the webhooks that tell of it at once.
    pub fn gesture(&mut self, real: Timestamp, wa_id: u64, gesture: Gesture) -> std::ops::Range<u64> {
        self.tick(self.now(real));
        let handset = self.telephone(wa_id);
        let before = self.webhooks.next();
        match gesture {
            Gesture::Read => self.open_chat(handset),
            Gesture::Block => self.does(handset, Act::Blocks),
            Gesture::Unblock => {
                self.does(handset, Act::Unblocks);
                self.become_plain(handset, Kind::Blocked);
            }
            Gesture::Report => {
                self.open_chat(handset);
                self.handsets.report(wa_id);
            }
            Gesture::OptOut => {
                self.does(handset, Act::OptsOut);
                self.prefer(handset, self.number, "stop");
            }
            Gesture::OptIn => {
                self.does(handset, Act::OptsIn);
                self.prefer(handset, self.number, "resume");
            }
            Gesture::Offline => self.does(handset, Act::TurnsOff),
            Gesture::Online => self.turn_on(handset),
        }
        self.settle_nowhere();
        before..self.webhooks.next()
    }

    fn does(&mut self, handset: HandsetId, act: Act) {
        self.hand_in(Input::Handset { handset, number: self.number, act });
    }

    /// The messages to a telephone that came so far.
    fn at_stage(&self, handset: HandsetId, stage: Stage) -> Vec<MessageIndex> {
        let messages = self.handsets.messages(handset).iter().copied();
        messages.filter(|index| self.world.message(*index).is_some_and(|message| message.stage == stage)).collect()
    }

    fn open_chat(&mut self, handset: HandsetId) {
        for message in self.at_stage(handset, Stage::Delivered) {
            self.does(handset, Act::Reads(message));
        }
    }

    /// The telephone is on, whatever kept it off.
    pub(super) fn turn_on(&mut self, handset: HandsetId) {
        self.does(handset, Act::TurnsOn);
        if self.world.persona(handset).off_for().is_some() {
            for message in self.at_stage(handset, Stage::Sent) {
                self.does(handset, Act::Receives(message));
            }
            let persona = Persona { away: None, ..self.world.persona(handset).clone() };
            let kind = if persona.kind == Kind::Offline { Kind::Plain } else { persona.kind };
            self.change(handset, Persona { kind, ..persona });
        }
    }

    /// A telephone of that kind is a plain one from now on.
    fn become_plain(&mut self, handset: HandsetId, kind: Kind) {
        let persona = self.world.persona(handset);
        if persona.kind == kind {
            self.change(handset, Persona { kind: Kind::Plain, ..persona.clone() });
        }
    }

    /// Tells what a contact of a number wants of marketing.
    pub(super) fn prefer(&mut self, handset: HandsetId, number: NumberId, choice: &str) {
        let Some(told) = self.numbers.of_model(number) else { return };
        let (identity, wa_id) = (&self.identity, self.wa_id(handset));
        let user_id = user_id::of(&identity.waba_id, self.canonical(handset));
        let name = self.handsets.name(handset);
        let value: Value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": told.digits,
                "phone_number_id": told.id,
            },
            "contacts": [{ "profile": { "name": name }, "wa_id": wa_id, "user_id": user_id }],
            "user_preferences": [{
                "wa_id": wa_id,
                "user_id": user_id,
                "detail": format!("User requested to {choice} marketing messages"),
                "category": "marketing_messages",
                "value": choice,
                "timestamp": self.time.unix_seconds(),
            }],
        });
        self.announce_about(number, "user_preferences", value);
    }

    /// Makes a message be something, now; the webhook that tells of it, if the business is told.
    pub fn force(&mut self, real: Timestamp, message: MessageIndex, turn: Turn) -> Option<u64> {
        self.tick(self.now(real));
        self.told(|tenant| tenant.hand_in(Input::Force { message, turn }))
    }
}
