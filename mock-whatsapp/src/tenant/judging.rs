//! What the journal and the referee are told of a tenant's sends, and of how its webhooks are taken in.

use super::journal::{Decider, Journal, New, Outcome};
use super::{Reply, Tenant, Verdict, give};
use crate::control::requests::show;
use crate::graph::refusal::Refusal;
use crate::graph::send::Sending;
use crate::instant;
use crate::signing::Hand;
use crate::target;
use bytes::Bytes;
use cloud_api::catalogue::Class;
use cloud_api::reply::MessageStatus;
use cloud_api::time::Timestamp;
use hyper::Method;
use mock_whatsapp_model::input::{DeliveryId, HandsetId, MessageIndex, NumberId, template_key};
use mock_whatsapp_model::output::{Answer, Manner, Update, What, Why};
use mock_whatsapp_model::referee::{Answered, By, Callback, Moment, Referee, Rule, Ruling, Sent, Tidings};
use mock_whatsapp_model::spec::Kind;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// A send that waits for its ruling.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) reply: Reply,
    pub(super) real: Timestamp,
    pub(super) handset: HandsetId,
    pub(super) key: u64,
    pub(super) marketing: bool,
    /// The message that was accepted for the contact before.
    pub(super) previous: Option<MessageIndex>,
    pub(super) sending: &'a Sending,
    /// The message, if it was taken.
    pub(super) taken: Option<MessageIndex>,
    /// Whether it is beyond the cap on marketing for the contact.
    pub(super) is_capped: bool,
    /// How a fault wants it answered.
    pub(super) manner: Option<Manner>,
    /// What the answer says of it, if it says anything.
    pub(super) told: Option<MessageStatus>,
}

/// An answer that is still to be given: which request's, and how it was ruled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    request: u64,
    sent: Sent,
    ruling: Ruling,
}

/// Words with which contacts say that they want to hear nothing more, and that they do again.
const STOP: [&str; 4] = ["stop", "stop promotions", "unsubscribe", "stopall"];
const START: [&str; 3] = ["start", "unstop", "subscribe"];

impl Tenant {
    /// Its journal, to be looked at.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its referee.
    pub fn referee(&self) -> &Referee {
        &self.referee
    }

    /// Its referee, to be told how to judge.
    pub fn referee_mut(&mut self) -> &mut Referee {
        &mut self.referee
    }

    /// Its business number in the model.
    pub fn number(&self) -> NumberId {
        self.number
    }

    /// Forgets every call and what is held against the sender; how to judge stays.
    pub(super) fn forget_calls(&mut self) {
        self.journal.clear();
        self.referee.reset(self.messages.end());
        self.written.send_replace(0);
    }

    /// Leaves rules out of the judgement, in place of those that were.
    pub fn ignore(&mut self, rules: Vec<Rule>) {
        self.ignored = rules;
    }

    /// Rules that are left out of the judgement.
    pub fn ignored(&self) -> &[Rule] {
        &self.ignored
    }

    /// Changes when a call is written down.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// Tells whoever waits for calls that there is one more.
    fn tell_listeners(&mut self, request: u64) {
        if self.written.receiver_count() > 0 {
            self.written.send_replace(request);
        }
        if !self.listeners.is_empty()
            && let Some(shown) = self.journal.get(request).map(|request| show(self, &request))
        {
            self.listeners.tell("request", &shown);
        }
    }

    /// Begins to listen to what happens; `None` if too many do.
    pub fn listen(&mut self) -> Option<mpsc::Receiver<Bytes>> {
        self.listeners.add()
    }

    /// Tells listeners how far a webhook is, by its number.
    pub(super) fn tell_of_webhook(&mut self, webhook: u64) {
        if self.listeners.is_empty() {
            return;
        }
        let Some(record) = self.webhooks.get(webhook) else { return };
        let attempt = record.attempts().last().map(|attempt| {
            json!({
                "at": instant::write(attempt.at), "status": attempt.status, "ms": attempt.ms, "failure": attempt.failure,
            })
        });
        let told = json!({
            "id": format!("w{webhook}"), "kind": record.kind, "wamid": self.wamid_in(record), "state": record.state.name(),
            "attempt": attempt,
        });
        self.listeners.tell("webhook", &told);
    }

    fn moment(&self, real: Timestamp) -> Moment {
        Moment { at: self.time, real }
    }

    /// Writes down a call that is no send which the world decides on, and judges it if it should have been one.
    pub fn note_call(&mut self, real: Timestamp, new: &New<'_>, refusal: Option<&Refusal>) {
        let request = self.journal.push(new);
        let is_send = self.journal.get(request).is_some_and(|request| request.is_send());
        self.tell_listeners(request);
        if let Some(refusal) = refusal.filter(|_| is_send) {
            let now = self.moment(real);
            match refusal.index().class() {
                Class::AccountWide if new.decider == Decider::Token => {
                    let rate = self.world.throughput(self.number);
                    self.referee.turned_away(request, now, refusal.index(), rate);
                }
                _ => self.referee.malformed(request, now, None, refusal.index()),
            }
        }
    }

    /// Refuses a send for what it says, before the world sees it.
    pub(super) fn turn_down(&mut self, real: Timestamp, sending: &Sending, refusal: Refusal, reply: Reply) {
        let code = refusal.index();
        let is_of_state = match code.class() {
            Class::TemplateWide => code.code() != 132_001,
            Class::Refused => code.code() == 131_047,
            Class::InvalidContact => code.code() == 131_030,
            Class::Transient
            | Class::Throttled
            | Class::Pair
            | Class::MessagingLimit
            | Class::MarketingCap
            | Class::Blocked
            | Class::NumberWide
            | Class::AccountWide
            | Class::Generic => true,
        };
        let (handset, decider) = match (is_of_state, sending.is_template()) {
            (true, _) => (Some(self.telephone(sending.wa_id)), Decider::State),
            (false, true) => (self.handsets.find(sending.wa_id), Decider::Template),
            (false, false) => (self.handsets.find(sending.wa_id), Decider::Validation),
        };
        let heard = give(reply, Verdict::Refused(Box::new(refusal.clone())), self.time);
        let new = New {
            outcome: Outcome::Refused,
            decider,
            status: refusal.status(),
            code: refusal.code(),
            why: &refusal.why,
            heard: Some(heard),
            ..self.entry(sending)
        };
        let request = self.journal.push(&new);
        self.tell_listeners(request);
        match handset.filter(|_| is_of_state) {
            None => self.referee.malformed(request, self.moment(real), handset, code),
            Some(handset) => {
                let key = self.key(handset, sending);
                let previous = self.handsets.messages(handset).last().copied();
                let sent = self.sent(request, real, handset, key, false, previous, sending);
                self.judge(&sent, Ruling::Refused(code, By::State), !heard);
            }
        }
    }

    fn entry<'a>(&self, sending: &'a Sending) -> New<'a> {
        New {
            at: self.time,
            method: &Method::POST,
            path: &sending.raw.path,
            body: &sending.raw.body,
            to: Some(sending.wa_id),
            outcome: Outcome::Accepted,
            decider: Decider::Nothing,
            status: 200,
            code: 0,
            message: None,
            why: "",
            saw: "",
            heard: None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what there is to know about one send")]
    fn sent(
        &self,
        request: u64,
        real: Timestamp,
        handset: HandsetId,
        key: u64,
        marketing: bool,
        previous: Option<MessageIndex>,
        sending: &Sending,
    ) -> Sent {
        let template_of = |message: MessageIndex| {
            self.messages.get(message).and_then(|words| words.template()).map_or(0, template_key)
        };
        Sent {
            request,
            now: self.moment(real),
            handset,
            key,
            callback: sending.callback_data().map_or_else(Callback::default, Callback::of),
            template: sending.template().map_or(0, template_key),
            marketing,
            rate: self.world.throughput(self.number),
            blocked: self.world.persona(handset).kind == Kind::Blocked || self.world.is_blocked_or_off(handset).0,
            previous: previous.map(|message| (message, template_of(message))),
        }
    }

    fn judge(&mut self, sent: &Sent, ruling: Ruling, pending: bool) {
        let messages = &self.messages;
        self.referee.sent(&self.world, sent, ruling, pending, &|message| words_of(messages, message));
    }

    /// Writes down how a send was ruled, has it judged, and gives the answer when it is due.
    pub(super) fn rule(&mut self, asked: Asked<'_>, answer: Answer, at: Timestamp) {
        let number = self.number_of(asked.sending);
        let (verdict, at) =
            self.mannered(self.verdict(answer, asked.handset, number, asked.told.clone()), asked.manner, at);
        let (outcome, status) = match &verdict {
            Verdict::Close => (Outcome::Lost, 0),
            Verdict::Mannered(_, Manner::CloseMiddle) => (Outcome::Garbled, 200),
            Verdict::Mannered(verdict, _) => match &**verdict {
                Verdict::Refused(refusal) => (Outcome::Refused, refusal.status()),
                Verdict::Accepted { .. } => (Outcome::Accepted, 200),
                Verdict::Silence | Verdict::Reset | Verdict::Garbled(_) | Verdict::Close | Verdict::Mannered(..) => {
                    (Outcome::Lost, 0)
                }
            },
            Verdict::Accepted { .. } => (Outcome::Accepted, 200),
            Verdict::Refused(refusal) => (Outcome::Refused, refusal.status()),
            Verdict::Silence => (Outcome::Lost, 0),
            Verdict::Reset => (Outcome::Reset, 0),
            Verdict::Garbled(form) => (Outcome::Garbled, crate::respond::garbled(*form).status().as_u16()),
        };
        let is_beyond = asked.taken.is_some_and(|message| self.world.is_beyond_limit(message));
        let late = self.why_it_fails(is_beyond, self.fails_by_cap(&asked), asked.handset, number);
        let hears_nothing =
            matches!(asked.manner, Some(Manner::CloseBefore { .. } | Manner::CloseMiddle | Manner::Lost(_)));
        let (ruling, decider) = match answer {
            // Whoever has patience reads it to its end, and whoever has not does not know how it ends.
            Answer::Accepted(_) | Answer::Refused(..) if matches!(asked.manner, Some(Manner::Drip(_))) => {
                (Ruling::Unknown { taken: asked.taken, fair: false }, Decider::Fault)
            }
            _ if hears_nothing => (Ruling::Unknown { taken: asked.taken, fair: true }, Decider::Fault),
            Answer::Accepted(message) if late.is_empty() => (Ruling::Accepted(message), Decider::Nothing),
            Answer::Accepted(message) => (Ruling::Accepted(message), Decider::Rule),
            Answer::Refused(code, why) => (Ruling::Refused(code, self.by(why, asked.handset, number)), decider_of(why)),
            Answer::Silence(message) if self.faults.is_empty() => {
                (Ruling::Unknown { taken: Some(message), fair: true }, Decider::Number)
            }
            Answer::Silence(_) | Answer::Garbled(_) | Answer::Reset => {
                (Ruling::Unknown { taken: asked.taken, fair: true }, Decider::Fault)
            }
            // A real connection would have been refused, and the sender would have known that nothing was taken.
            Answer::Unreachable => (Ruling::Unknown { taken: None, fair: false }, Decider::Fault),
        };
        let (code, why, saw) = match &verdict {
            Verdict::Refused(refusal) => (refusal.code(), refusal.why.as_str(), self.saw(&asked).to_string()),
            Verdict::Accepted { .. } if late.is_empty() => (0, "", String::new()),
            Verdict::Accepted { .. } => (0, late.as_str(), self.saw(&asked).to_string()),
            Verdict::Mannered(_, Manner::Drip(_)) => {
                (0, "the answer drips, as a fault wants it", self.saw(&asked).to_string())
            }
            Verdict::Mannered(_, Manner::CloseAfter) => {
                (0, "the connection closes behind the answer, as a fault wants it", self.saw(&asked).to_string())
            }
            Verdict::Silence | Verdict::Reset | Verdict::Garbled(_) | Verdict::Close | Verdict::Mannered(..) => {
                let why = match asked.taken {
                    Some(_) => "the message was taken, and the sender is not told",
                    None => "the message was not taken, and the sender is not told",
                };
                (0, why, self.saw(&asked).to_string())
            }
        };
        let new =
            New { outcome, decider, status, code, message: asked.taken, why, saw: &saw, ..self.entry(asked.sending) };
        let request = self.journal.push(&new);
        let sent =
            self.sent(request, asked.real, asked.handset, asked.key, asked.marketing, asked.previous, asked.sending);
        if is_beyond {
            let lowered = self.world.is_limit_lowered(self.world.portfolio_of(number), self.time);
            self.referee.beyond_limit(&sent, lowered);
        }
        let due = at <= self.time;
        if !due {
            self.judge(&sent, ruling, true);
            self.replies_made += 1;
            self.replies.insert((at, self.replies_made), (asked.reply, verdict, Owed { request, sent, ruling }));
        } else {
            let heard = give(asked.reply, verdict, self.time);
            self.journal.heard(request, heard);
            self.judge(&sent, ruling, !heard);
        }
        self.tell_listeners(request);
    }

    /// A verdict in the manner that a fault wants, and when it is given.
    fn mannered(&self, verdict: Verdict, manner: Option<Manner>, at: Timestamp) -> (Verdict, Timestamp) {
        match (verdict, manner) {
            (_, Some(Manner::CloseBefore { .. } | Manner::Lost(Some(_)))) => (Verdict::Close, at),
            (_, Some(Manner::Lost(None))) => (Verdict::Silence, at),
            (verdict @ (Verdict::Accepted { .. } | Verdict::Refused(_)), Some(manner)) => {
                (Verdict::Mannered(Box::new(verdict), manner), at)
            }
            (Verdict::Silence, _) => match self.world.silence() {
                Some(silence) => (Verdict::Close, at + silence),
                None => (Verdict::Silence, at),
            },
            (verdict, _) => (verdict, at),
        }
    }

    /// Gives an answer that was due later.
    pub(super) fn give_late(&mut self, reply: Reply, verdict: Verdict, owed: Owed, at: Timestamp) {
        let heard = give(reply, verdict, at);
        self.journal.heard(owed.request, heard);
        let now = self.moment(self.outside.clock.now());
        self.referee.heard(now, &owed.sent, owed.ruling, heard);
    }

    /// The caller of a request that had no answer yet never gets one: time was put back.
    pub(super) fn hears_nothing(&mut self, real: Timestamp, owed: &Owed) {
        self.journal.heard(owed.request, false);
        let now = self.moment(real);
        self.referee.heard(now, &owed.sent, owed.ruling, false);
    }

    fn by(&self, why: Why, handset: HandsetId, number: NumberId) -> By {
        let now = self.time;
        match why {
            Why::Fault(_) | Why::Magic => By::Arranged,
            Why::Throughput if self.world.is_throttled(number, now) => By::Lowered,
            Why::Throughput => By::Throughput(self.world.throughput(number)),
            Why::Pair => By::Pair(self.world.pair_wait(handset, number, now)),
            Why::MessagingLimit => {
                let portfolio = self.world.portfolio_of(number);
                By::MessagingLimit { lowered: self.world.is_limit_lowered(portfolio, now) }
            }
        }
    }

    /// What there was to be seen when a send was not simply taken.
    fn saw(&self, asked: &Asked<'_>) -> Value {
        let (now, number) = (self.time, self.number_of(asked.sending));
        let portfolio = self.world.portfolio_of(number);
        json!({
            "throughput": self.world.throughput(number),
            "throttled_by_a_fault": self.world.is_throttled(number, now),
            "pair_free_in": self.world.pair_wait(asked.handset, number, now).to_string(),
            "contacts_in_24h": self.world.ledger_used(portfolio, now),
            "messages_to_contact": self.handsets.messages(asked.handset).len(),
            "service_window_open": self.world.is_window_open(asked.handset, number, now),
            "contact_opted_out": self.world.opted_out_at(asked.handset).is_some(),
            "faults": self.faults.iter().map(|armed| format!("f{}", armed.id)).collect::<Vec<_>>(),
        })
    }

    /// Whether a webhook is one that a receiver must take: signed as it should be, and none that was made up by hand.
    pub(super) fn is_in_order(&self, delivery: DeliveryId, update: &Update) -> bool {
        let made_up = match update.what {
            What::Notice(words) => self.notices.get(words).is_none_or(|notice| &*notice.field != "user_preferences"),
            What::Sent | What::Delivered | What::Read | What::Failed(_) | What::Reply | What::Stop | What::Says(_) => {
                false
            }
        };
        !made_up && self.webhooks.sent(delivery).is_none_or(|(_, hand)| hand == Hand::Own)
    }

    /// A webhook was answered, or was not.
    pub(super) fn judge_webhook(
        &mut self,
        real: Timestamp,
        update: &Update,
        answer: &Result<target::Answer, target::Failure>,
        ms: u64,
        is_last: bool,
    ) {
        if update.forged {
            return;
        }
        let now = self.moment(real);
        let answered = match answer {
            Ok(answer) => Answered::Status(answer.status, ms),
            Err(target::Failure::Timeout(_)) => Answered::Timeout(ms),
            Err(
                target::Failure::Connect(_)
                | target::Failure::Greeting(_)
                | target::Failure::Untrusted(_)
                | target::Failure::Broken(_),
            ) => Answered::NoAnswer,
            // That is no receiver's fault.
            Err(target::Failure::Panic(_)) => return,
        };
        let handset = Some(update.handset).filter(|handset| *handset != HandsetId::NOBODY);
        self.referee.webhook(now, handset, update.about, answered, is_last);
        if answered.is_acknowledged() {
            self.hear(real, update);
        }
    }

    /// The sender has acknowledged an update, and so it knows what that tells.
    pub(super) fn hear(&mut self, real: Timestamp, update: &Update) {
        let now = self.moment(real);
        for tidings in self.tidings(update).into_iter().filter(|_| !update.forged) {
            let messages = &self.messages;
            self.referee.told(&self.world, now, tidings, &|message| words_of(messages, message));
        }
    }

    /// What an update tells a sender.
    fn tidings(&self, update: &Update) -> Vec<Tidings> {
        let handset = update.handset;
        let spoken = |text: &str, payload: &str| {
            let is = |words: &[&str]| {
                words
                    .iter()
                    .any(|word| text.trim().eq_ignore_ascii_case(word) || payload.trim().eq_ignore_ascii_case(word))
            };
            match (is(&STOP), is(&START)) {
                (true, _) => Some(Tidings::OptOut { handset, marketing_only: false }),
                (false, true) => Some(Tidings::OptIn(handset)),
                (false, false) => None,
            }
        };
        match update.what {
            What::Sent | What::Delivered | What::Read => update.about.map(Tidings::Accepted).into_iter().collect(),
            What::Failed(code) => update.about.map(|about| Tidings::Failed(about, code)).into_iter().collect(),
            What::Reply => Vec::new(),
            What::Stop => vec![Tidings::OptOut { handset, marketing_only: false }],
            What::Says(text) => {
                let said = self.inbound.get(text).and_then(|said| said.words());
                said.and_then(|(text, payload)| spoken(text, payload)).into_iter().collect()
            }
            What::Notice(words) => self.preferences(words),
        }
    }

    /// What a `user_preferences` webhook tells.
    fn preferences(&self, words: u32) -> Vec<Tidings> {
        let Some(notice) = self.notices.get(words).filter(|notice| &*notice.field == "user_preferences") else {
            return Vec::new();
        };
        let each = |preference: &Value| {
            let wa_id = preference["wa_id"].as_str()?.parse().ok()?;
            let handset = self.handsets.find(wa_id)?;
            match preference["value"].as_str()? {
                "stop" => Some(Tidings::OptOut { handset, marketing_only: true }),
                "resume" => Some(Tidings::OptIn(handset)),
                _ => None,
            }
        };
        notice.value["user_preferences"].as_array().into_iter().flatten().filter_map(each).collect()
    }
}

fn words_of(messages: &super::message_log::MessageLog, message: MessageIndex) -> Callback {
    let data = messages.get(message).and_then(|words| words.callback_data());
    data.map_or_else(Callback::default, Callback::of)
}

fn decider_of(why: Why) -> Decider {
    match why {
        Why::Fault(_) => Decider::Fault,
        Why::Throughput | Why::Pair | Why::MessagingLimit => Decider::Rule,
        Why::Magic => Decider::Number,
    }
}
