//! The story of a few messages: what happened to them, and to the engine meanwhile, told in the order in which it did.
//!
//! The event loop notes moments of ids and numbers; words are made only when somebody reads them. Nothing here decides or
//! judges anything.

mod words;

use crate::scenario::Act;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};
use engine_core::attempt::{Fact, Phase};
use engine_core::event::Answer as Learned;
use engine_core::message::{Decision, State};
use mock_whatsapp_model::output::{Answer, What};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

/// Messages that one story is about: what fits one screen of heads.
pub const MESSAGES_MOST: usize = 16;
/// Lines kept of the beginning of a message, and as many of the engine. Four attempts with all webhooks take about sixty.
const HEAD_LINES: usize = 160;
/// Lines kept of its end, where the beginning was too long.
const TAIL_LINES: usize = 40;

/// Something that happened. Without a message ([`Story::note`]), it happened to the engine or to all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// The intent of an attempt is durable.
    Intended {
        /// The attempt's number.
        number: u8,
    },
    /// The store refused an intent, since the message does not wait for one any more.
    ClaimRefused,
    /// A POST left the engine.
    Posted {
        /// The attempt's number.
        number: u8,
        /// The sender's place.
        sender: u16,
    },
    /// A POST reached WhatsApp, and this will be its answer.
    PostArrived {
        /// The attempt's number.
        number: u8,
        /// What WhatsApp does with it.
        answer: Answer,
    },
    /// The answer (or the end of waiting for one) reached the engine.
    Answered {
        /// The attempt's number.
        number: u8,
        /// What the engine makes of it.
        answer: Learned,
    },
    /// A copy is on the handset.
    HandsetShows {
        /// The attempt's number.
        number: u8,
        /// 1 for the first copy.
        copy: u32,
    },
    /// The contact does something with the message.
    HandsetActs {
        /// What.
        what: What,
    },
    /// WhatsApp sends a webhook.
    WebhookLeft {
        /// Its name between the two.
        delivery: u32,
        /// What it says.
        what: What,
        /// How often it went out before.
        sent_before: u8,
    },
    /// A fault takes a webhook away for good.
    WebhookLost {
        /// What it would have said.
        what: What,
    },
    /// The receiver could not be reached; WhatsApp tries again.
    WebhookCutOff {
        /// Its name between the two.
        delivery: u32,
    },
    /// A webhook reached the engine.
    WebhookArrived {
        /// Its name between the two.
        delivery: u32,
        /// What it says.
        what: What,
        /// When that happened, as it says.
        happened: Timestamp,
    },
    /// The engine answered a webhook with something other than 200.
    WebhookRefused {
        /// Its name between the two.
        delivery: u32,
        /// The status.
        status: u16,
    },
    /// The 200 of a webhook reached WhatsApp.
    WebhookAcknowledged {
        /// Its name between the two.
        delivery: u32,
    },
    /// Nobody knows the wamid yet: the update is kept.
    Parked {
        /// What it says.
        what: What,
    },
    /// The wamid is known now: the update is taken in.
    Unparked {
        /// What it says.
        what: What,
    },
    /// A fact is in the row.
    Merged {
        /// The attempt's number.
        number: u8,
        /// What was learned.
        fact: Fact,
        /// The attempt's phase now.
        phase: Phase,
        /// The message's state before.
        before: State,
        /// The message's state now.
        after: State,
        /// When the next attempt is due; [`Timestamp::NEVER`] where none waits for a time.
        due: Timestamp,
    },
    /// A decision is in the row.
    Decided {
        /// Which.
        decision: Decision,
        /// The message's state before.
        before: State,
        /// The message's state now.
        after: State,
    },
    /// An attempt of unknown outcome is given up.
    GivenUp {
        /// The attempt's number.
        number: u8,
        /// Whether the message may be sent again.
        resend: bool,
    },
    /// The message is claimed for its next attempt.
    Retried {
        /// The number of the attempt that failed.
        after: u8,
    },
    /// The message is held back until a time: quiet hours, the pair ledger.
    Deferred {
        /// Not before this.
        until: Timestamp,
    },
    /// The engine dies.
    Crashed {
        /// Facts and intents that were not durable yet.
        lost: u32,
    },
    /// The engine starts.
    Started {
        /// 1 for the first start.
        life: u32,
    },
    /// Writes of the store are gone.
    BatchLost {
        /// How many.
        writes: u32,
    },
    /// The store cannot write.
    DiskFull {
        /// Writes that wait for it.
        waiting: u32,
    },
    /// The store can write again.
    DiskFree,
    /// The engine starts on an old copy of its store.
    StoreStale {
        /// How old.
        age: Span,
    },
    /// An engine with an old lease wakes up.
    ZombieWoke,
    /// The engine's clock jumps.
    ClockStepped {
        /// By so many microseconds.
        by: i64,
    },
    /// Nothing of this sender is claimed any more, but for probes.
    BreakerOpened {
        /// The sender's place.
        sender: u16,
    },
    /// The sender goes on.
    BreakerClosed {
        /// The sender's place.
        sender: u16,
    },
    /// A halt or a limit holds messages back.
    HoldStarted {
        /// What is held.
        held: Held,
        /// The error that it hangs on.
        code: CodeIndex,
    },
    /// The hold is over.
    HoldEnded {
        /// What was held.
        held: Held,
    },
    /// The sender slows down.
    PaceCut {
        /// The sender's place.
        sender: u16,
        /// Messages a second from now on.
        rate: u32,
    },
    /// The sender is as fast as it may be again.
    PaceRestored {
        /// The sender's place.
        sender: u16,
        /// Messages a second.
        rate: u32,
    },
    /// A person did something.
    Operated {
        /// What.
        act: Act,
    },
    /// A fault's window begins.
    FaultBegan {
        /// Its place in the file, from 0.
        place: u16,
    },
    /// A fault's window is over.
    FaultEnded {
        /// Its place in the file, from 0.
        place: u16,
    },
    /// A campaign's deadline has come.
    DeadlineCame {
        /// The campaign's place.
        campaign: u16,
    },
}

/// What a hold holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A number or its account: the sender's place.
    Sender(u16),
    /// A portfolio, by its place.
    Portfolio(u16),
    /// A campaign's template: the campaign's place.
    Campaign(u16),
}

/// One thing that happened, in its place among all of them.
#[derive(Clone, Copy, Debug)]
struct Line {
    serial: u64,
    at: Timestamp,
    moment: Moment,
}

/// The webhook that a moment is about, if it may be told without its message, and whether it goes out then.
fn delivery_of(moment: &Moment) -> Option<(u32, bool)> {
    match *moment {
        Moment::WebhookLeft { delivery, .. } => Some((delivery, true)),
        Moment::WebhookCutOff { delivery }
        | Moment::WebhookRefused { delivery, .. }
        | Moment::WebhookAcknowledged { delivery } => Some((delivery, false)),
        _ => None,
    }
}

/// What is kept of one message, or of the engine.
#[derive(Clone, Debug, Default)]
struct Thread {
    head: Vec<Line>,
    tail: VecDeque<Line>,
    /// Lines between the two that were not kept.
    cut: u64,
}

impl Thread {
    fn keep(&mut self, line: Line) {
        if self.head.len() < HEAD_LINES {
            self.head.push(line);
            return;
        }
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
            self.cut += 1;
        }
        self.tail.push_back(line);
    }
}

/// What happened to some messages and to the engine.
#[derive(Clone, Debug, Default)]
pub struct Story {
    is_told: bool,
    serial: u64,
    /// Sorted by message.
    messages: Vec<(u32, Thread)>,
    engine: Thread,
    /// Which of the messages a webhook under way is about; their names are used again.
    deliveries: BTreeMap<u32, u32>,
}

impl Story {
    /// Of nothing: notes cost a comparison, and nothing is kept. What a run has of which nobody asks for a story.
    pub fn untold() -> Self {
        Self::default()
    }

    /// Of these messages (the first [`MESSAGES_MOST`] of them) and of the engine; of the engine alone, where there are none.
    pub fn about(messages: &[u32]) -> Self {
        let mut wanted: Vec<u32> = Vec::new();
        for message in messages {
            if wanted.len() < MESSAGES_MOST && !wanted.contains(message) {
                wanted.push(*message);
            }
        }
        wanted.sort_unstable();
        let messages = wanted.into_iter().map(|message| (message, Thread::default())).collect();
        Self { is_told: true, messages, ..Self::default() }
    }

    /// Something happened: to a message, by its id across all campaigns, or to the engine.
    #[inline]
    pub fn note(&mut self, at: Timestamp, message: Option<u32>, moment: Moment) {
        if self.is_told {
            self.keep(at, message, moment);
        }
    }

    #[cold]
    fn keep(&mut self, at: Timestamp, message: Option<u32>, moment: Moment) {
        let message = match (message, delivery_of(&moment)) {
            (_, Some((delivery, true))) => self.sent(delivery, message),
            (None, Some((delivery, false))) => match self.deliveries.get(&delivery) {
                None => return,
                about => about.copied(),
            },
            (message, _) => message,
        };
        let thread = match message {
            None => &mut self.engine,
            Some(message) => match self.messages.binary_search_by_key(&message, |(id, _)| *id) {
                Ok(place) => &mut self.messages[place].1,
                Err(_) => return,
            },
        };
        thread.keep(Line { serial: self.serial, at, moment });
        self.serial += 1;
    }

    /// Whether anybody wants it: if not, nothing need be put into words for it.
    #[inline]
    pub fn is_told(&self) -> bool {
        self.is_told
    }

    /// A webhook went out: from now on its name stands for this message, if it is one of the story's.
    fn sent(&mut self, delivery: u32, message: Option<u32>) -> Option<u32> {
        let wanted = message.filter(|message| self.messages.binary_search_by_key(message, |(id, _)| *id).is_ok());
        match wanted {
            None => self.deliveries.remove(&delivery),
            Some(message) => self.deliveries.insert(delivery, message),
        };
        message
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.serial == 0
    }

    /// The messages that it is about, in order.
    pub fn messages(&self) -> impl Iterator<Item = u32> {
        self.messages.iter().map(|(message, _)| *message)
    }

    /// The story in words, one line each: the time since `start`, who, about which message if there are several, and what.
    /// Each line is indented by two spaces; empty where nothing was noted.
    pub fn told(&self, start: Timestamp) -> String {
        let mut lines: Vec<(Option<u32>, &Line)> = Vec::new();
        let mut left_out = Vec::new();
        let threads = self.messages.iter().map(|(message, thread)| (Some(*message), thread));
        for (message, thread) in threads.chain([(None, &self.engine)]) {
            lines.extend(thread.head.iter().chain(&thread.tail).map(|line| (message, line)));
            if let (Some(next), 1..) = (thread.tail.front(), thread.cut) {
                left_out.push((next.serial, message, thread.cut));
            }
        }
        lines.sort_unstable_by_key(|(_, line)| line.serial);
        let times: Vec<String> = lines.iter().map(|(_, line)| since(line.at, start)).collect();
        let width = times.iter().map(String::len).max().unwrap_or(0);
        let mut text = String::new();
        for ((message, line), time) in lines.iter().zip(&times) {
            for (_, about, cut) in left_out.iter().filter(|(serial, ..)| *serial == line.serial) {
                let whose = about.map_or_else(|| "the engine".to_owned(), |id| format!("message {id}"));
                writeln!(text, "  {:>width$}  {cut} lines about {whose} are left out here", "…").unwrap_or_default();
            }
            let about = match message {
                Some(id) if self.messages.len() > 1 => format!("message {id}: "),
                Some(_) | None => String::new(),
            };
            let (who, what) = words::of(&line.moment, start);
            writeln!(text, "  {time:>width$}  {:<8}  {about}{what}", who.name()).unwrap_or_default();
        }
        text
    }
}

/// `+1h02m03.500s`: always seconds with milliseconds, so that times stand under each other; microseconds where there are any.
fn since(at: Timestamp, start: Timestamp) -> String {
    let (sign, span) = if at < start { ('-', start.since(at)) } else { ('+', at.since(start)) };
    let (seconds, micros) = (span.as_secs(), span.0 % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let part = if micros.is_multiple_of(1_000) { format!("{:03}", micros / 1_000) } else { format!("{micros:06}") };
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}.{part}s"),
        (0, _) => format!("{sign}{minutes}m{seconds:02}.{part}s"),
        (_, _) => format!("{sign}{hours}h{minutes:02}m{seconds:02}.{part}s"),
    }
}

#[cfg(test)]
mod tests;
