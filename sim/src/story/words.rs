//! The words for each moment: who, and what. Only wording is here; which moments there are is said by their types.

use super::{Held, Moment, since};
use crate::scenario::Act;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;
use engine_core::event::Answer as Learned;
use engine_core::message::{Decision, State};
use mock_whatsapp_model::output::{Answer, Garble, What, Why};

/// Who does, or where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The campaign engine.
    Engine,
    /// Between the two.
    Network,
    /// The platform.
    WhatsApp,
    /// A contact's telephone.
    Handset,
    /// What the engine keeps.
    Store,
    /// A person at the controls.
    Operator,
    /// What the scenario says.
    Scenario,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Network => "network",
            Self::WhatsApp => "WhatsApp",
            Self::Handset => "handset",
            Self::Store => "store",
            Self::Operator => "operator",
            Self::Scenario => "scenario",
        }
    }
}

/// Who did what.
pub(super) fn of(moment: &Moment, start: Timestamp) -> (Who, String) {
    use Moment::*;
    match *moment {
        Intended { number } => (Who::Store, format!("the intent of attempt {number} is durable")),
        ClaimRefused => (Who::Store, "refuses an intent: the message does not wait for one any more".to_owned()),
        Posted { number, sender } => (Who::Engine, format!("POSTs attempt {number} from sender {sender}")),
        PostArrived { number, answer } => (Who::WhatsApp, format!("has attempt {number}: {}", answered(answer))),
        Answered { number, answer } => (Who::Engine, format!("learns of attempt {number}: {}", learned(answer))),
        HandsetShows { number, copy: 1 } => (Who::Handset, format!("shows the message (attempt {number})")),
        HandsetShows { number, copy } => (Who::Handset, format!("shows COPY {copy} of the message (attempt {number})")),
        HandsetActs { what } => (Who::Handset, acts(what)),
        WebhookLeft { delivery, what, sent_before } => {
            let again = if sent_before > 0 { format!(", try {}", u32::from(sent_before) + 1) } else { String::new() };
            (Who::WhatsApp, format!("sends webhook {delivery}: {}{again}", update(what)))
        }
        WebhookLost { what } => (Who::Network, format!("LOSES a webhook: {}", update(what))),
        WebhookCutOff { delivery } => (Who::Network, format!("webhook {delivery} does not reach the receiver")),
        WebhookArrived { delivery, what, happened } => {
            let when = since(happened, start);
            (Who::Engine, format!("has webhook {delivery}: {}, which happened at {when}", update(what)))
        }
        WebhookRefused { delivery, status } => (Who::Engine, format!("answers webhook {delivery} with {status}")),
        WebhookAcknowledged { delivery } => (Who::WhatsApp, format!("has the 200 of webhook {delivery}")),
        Parked { what } => (Who::Store, format!("parks {}: its wamid is not known yet", update(what))),
        Unparked { what } => (Who::Store, format!("takes {} in, which was parked", update(what))),
        Merged { number, fact, phase, before, after, due } => {
            let due = due_at(due, start);
            (Who::Store, format!("attempt {number} + {fact:?} = {phase:?}; {}{due}", moved(before, after)))
        }
        Decided { decision, before, after } => (Who::Store, format!("{}; {}", decided(decision), moved(before, after))),
        GivenUp { number, resend: true } => {
            (Who::Engine, format!("gives attempt {number} up: no evidence came, the message may go again"))
        }
        GivenUp { number, resend: false } => {
            (Who::Engine, format!("gives attempt {number} up: no evidence came, the message may not go again"))
        }
        Retried { after } => (Who::Engine, format!("claims the message again, after attempt {after}")),
        Deferred { until } => (Who::Store, format!("keeps the message back until {}", since(until, start))),
        Crashed { lost } => (Who::Engine, format!("DIES; writes that were not durable: {lost}")),
        Started { life: 1 } => (Who::Engine, "starts".to_owned()),
        Started { life } => (Who::Engine, format!("STARTS AGAIN, for life {life}")),
        BatchLost { writes } => (Who::Store, format!("LOSES {writes} writes")),
        DiskFull { waiting } => (Who::Store, format!("cannot write: the disk is full; {waiting} writes wait")),
        DiskFree => (Who::Store, "can write again".to_owned()),
        StoreStale { age } => (Who::Store, format!("is a copy from {age} ago")),
        ZombieWoke => (Who::Engine, "a second one wakes up, with an old lease".to_owned()),
        ClockStepped { by } => {
            let way = if by < 0 { "back" } else { "forward" };
            (Who::Engine, format!("its clock jumps {way} by {}", cloud_api::time::Span(by.unsigned_abs())))
        }
        BreakerOpened { sender } => (Who::Engine, format!("the breaker of sender {sender} opens")),
        BreakerClosed { sender } => (Who::Engine, format!("the breaker of sender {sender} closes")),
        HoldStarted { held, code } => (Who::Engine, format!("{} is held by {}", whose(held), error(code))),
        HoldEnded { held } => (Who::Engine, format!("{} goes on", whose(held))),
        PaceCut { sender, rate } => (Who::Engine, format!("sender {sender} slows down to {rate} messages/s")),
        PaceRestored { sender, rate } => (Who::Engine, format!("sender {sender} is back at {rate} messages/s")),
        Operated { act } => (Who::Operator, operated(act)),
        FaultBegan { place } => (Who::Scenario, format!("fault {} begins", u32::from(place) + 1)),
        FaultEnded { place } => (Who::Scenario, format!("fault {} is over", u32::from(place) + 1)),
        DeadlineCame { campaign } => (Who::Engine, format!("the deadline of campaign {campaign} has come")),
    }
}

fn error(code: CodeIndex) -> String {
    let entry = code.entry();
    if code == CodeIndex::UNLISTED { "an error that is not listed".to_owned() } else { format!("error {}", entry.code) }
}

fn answered(answer: Answer) -> String {
    match answer {
        Answer::Accepted(index) => format!("takes it as wamid {}", index.0),
        Answer::Refused(code, why) => {
            let why = match why {
                Why::Fault(place) => format!("fault {}", u32::from(place) + 1),
                Why::Throughput => "the number's throughput".to_owned(),
                Why::Pair => "too many to this contact".to_owned(),
                Why::MessagingLimit => "the portfolio's messaging limit".to_owned(),
                Why::Magic => "the meaning of the contact's number".to_owned(),
            };
            format!("refuses it with {} ({why})", error(code))
        }
        Answer::Silence(index) => format!("takes it as wamid {}, and NO ANSWER will come", index.0),
        Answer::Reset => "the connection is RESET behind the request".to_owned(),
        Answer::Unreachable => "the connection is refused".to_owned(),
        Answer::Garbled(Garble::Html) => "the answer is SPOILT: a page of HTML".to_owned(),
        Answer::Garbled(Garble::Truncated) => "the answer is SPOILT: it breaks off".to_owned(),
        Answer::Garbled(Garble::Unreadable) => "the answer is SPOILT: it cannot be read".to_owned(),
    }
}

fn learned(answer: Learned) -> String {
    match answer {
        Learned::Accepted => "accepted".to_owned(),
        Learned::Refused { code, retry_after_seconds: 0 } => format!("refused with {}", error(code)),
        Learned::Refused { code, retry_after_seconds } => {
            format!("refused with {}, to be retried after {retry_after_seconds} s", error(code))
        }
        Learned::NeverWritten => "nothing of it was written".to_owned(),
        Learned::Unknown => "its outcome is UNKNOWN".to_owned(),
    }
}

fn update(what: What) -> String {
    match what {
        What::Sent => "`sent`".to_owned(),
        What::Delivered => "`delivered`".to_owned(),
        What::Read => "`read`".to_owned(),
        What::Failed(code) => format!("`failed` with {}", error(code)),
        What::Reply => "a reply".to_owned(),
        What::Stop => "STOP".to_owned(),
        What::Says(_) => "words of the contact".to_owned(),
        What::Notice(_) => "news of the account".to_owned(),
    }
}

fn acts(what: What) -> String {
    match what {
        What::Read => "the contact reads it".to_owned(),
        What::Reply => "the contact replies".to_owned(),
        What::Stop => "the contact presses STOP".to_owned(),
        What::Says(_) => "the contact writes something".to_owned(),
        What::Sent | What::Delivered | What::Failed(_) | What::Notice(_) => update(what),
    }
}

fn moved(before: State, after: State) -> String {
    if before == after { format!("stays {}", after.name()) } else { format!("{} → {}", before.name(), after.name()) }
}

fn due_at(due: Timestamp, start: Timestamp) -> String {
    if due == Timestamp::NEVER || due == Timestamp(0) {
        String::new()
    } else {
        format!("; next attempt at {}", since(due, start))
    }
}

fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::DeadlinePassed => "the deadline has passed",
        Decision::Cancelled => "the campaign is cancelled",
        Decision::OptedOut => "the contact has opted out",
        Decision::Recovered => "the engine started again: an intent without an outcome is unknown",
    }
}

fn whose(held: Held) -> String {
    match held {
        Held::Sender(place) => format!("sender {place}"),
        Held::Portfolio(place) => format!("portfolio {place}"),
        Held::Campaign(place) => format!("the template of campaign {place}"),
    }
}

fn operated(act: Act) -> String {
    match act {
        Act::Pause(campaign) => format!("pauses campaign {campaign}"),
        Act::Resume(campaign) => format!("resumes campaign {campaign}"),
        Act::Cancel(campaign) => format!("cancels campaign {campaign}"),
        Act::ResumeSender(sender) => format!("lifts the halt of sender {sender}"),
    }
}
