//! A script played on an engine whose writes are committed in batches that take time, and whose process dies by the script.
//!
//! A crash drops the engine, what waits in its gate, and, by the script, the commit that is under way. What may never be is
//! asserted on the way and at the end. Which scripts there are is in `recovery.rs`.

use crate::bench::{START, Store, refused};
use cloud_api::catalogue::find;
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use cloud_api::time::{Span, Timestamp};
use engine_core::attempt::{Fact, Phase};
use engine_core::campaign::Counts;
use engine_core::command::Who;
use engine_core::engine::OnUnknown;
use engine_core::event::{Answer, Event, Merged, Status};
use engine_core::gate::Gate;
use engine_core::id::{AckToken, ContactId, GroupId, MessageId, SenderId};
use engine_core::limits::UNKNOWN_WAIT;
use engine_core::message::{ATTEMPTS, State};
use engine_core::{Command, Engine};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Contacts of each of the three campaigns: the same ones.
pub(crate) const CONTACTS: u32 = 5;
pub(crate) const MESSAGES: usize = 3 * CONTACTS as usize;
const COMMIT: Span = Span::millis(2);
const TRANSIT: Span = Span::millis(20);
/// How long WhatsApp waits before it tells again what nobody took.
const TOLD_AGAIN: Span = Span::secs(30);
const HUM: Span = Span::mins(2);
/// Scripts take some thousand steps.
const STEPS_MOST: usize = 100_000;

/// What becomes of a POST before the message's end: in the order of its POSTs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    Refused(u32),
    /// Accepted, and failed by webhook.
    FailsLater(u32),
    /// Not taken, and no answer.
    TimesOut,
    NeverWritten,
}

/// What becomes of every later POST.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// Taken, and told these statuses: one after the other.
    Taken(&'static [Status]),
    Replied,
    Refused(u32),
    FailsLater(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Tale {
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) end: End,
    /// The answer to what is taken does not come.
    pub(crate) answer_lost: bool,
    /// And the webhooks do not come either.
    pub(crate) webhooks_lost: bool,
    /// Webhooks take so long.
    pub(crate) delay: Span,
    /// And come so often.
    pub(crate) copies: u8,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    /// Before this step.
    pub(crate) step: usize,
    pub(crate) down_for: Span,
    /// The commit that is under way reaches the disk all the same.
    pub(crate) commit_survives: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Pause(u16),
    Resume(u16),
    Cancel(u16),
    OptOut(u32),
    ResumeSender(u16),
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) tales: Vec<Tale>,
    pub(crate) crashes: Vec<Crash>,
    pub(crate) acts: Vec<(usize, Act)>,
    pub(crate) limit: Option<u32>,
    pub(crate) on_unknown: OnUnknown,
    /// Webhooks of other traffic come every two minutes, so that silence prolongs no wait.
    pub(crate) hums: bool,
}

/// Something on its way.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    Post { message: u32, number: u8, life: usize },
    Answer { message: u32, number: u8, life: usize, answer: Answer },
    Webhook { message: u32, number: u8, what: Option<Status>, at: Timestamp },
    Act(Act),
    Hum,
}

pub(crate) struct Play<'a> {
    script: &'a Script,
    store: Store,
    /// The engine and its gate, unless it is down.
    life: Option<(Engine, Gate)>,
    lives: usize,
    commit: Option<(Timestamp, Vec<Command>)>,
    starts: Timestamp,
    now: Timestamp,
    under_way: BinaryHeap<Reverse<(Timestamp, usize)>>,
    arrivals: Vec<Arrival>,
    /// What was handed in and is not acknowledged: by its place in `arrivals`.
    unheard: BTreeMap<usize, Arrival>,
    /// POSTs that reached WhatsApp, by message; those of them that it took to its end; and those that it counts as attempts.
    posts: Vec<usize>,
    copies: Vec<usize>,
    attempts: Vec<usize>,
    /// Contacts that it took something for, and when.
    taken: Vec<(Timestamp, u32)>,
    /// Since when an outcome is unknown and without evidence.
    unknown: Vec<Option<(u8, Timestamp)>>,
    /// Of the groups that are paused or resumed, which act was the last.
    last_act: BTreeMap<u16, usize>,
    /// Groups and contacts of which nothing may go, as far as was acknowledged.
    paused: Vec<u16>,
    cancelled: Vec<u16>,
    opted_out: Vec<u32>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        let mut store = Store::with(&[20, 7]);
        if let Some(limit) = script.limit {
            store = store.limited_to(limit);
        }
        store.on_unknown = script.on_unknown;
        store.campaign(0, 0..CONTACTS);
        store.campaign(0, 0..CONTACTS).priority = 1;
        let part = store.campaign(1, 0..CONTACTS);
        (part.group, part.start) = (GroupId(0), START);
        let zeroes = || vec![0; MESSAGES];
        Self {
            script,
            store,
            life: None,
            lives: 0,
            commit: None,
            starts: START,
            now: START,
            under_way: BinaryHeap::new(),
            arrivals: Vec::new(),
            unheard: BTreeMap::new(),
            posts: zeroes(),
            copies: zeroes(),
            attempts: zeroes(),
            taken: Vec::new(),
            unknown: vec![None; MESSAGES],
            last_act: BTreeMap::new(),
            paused: Vec::new(),
            cancelled: Vec::new(),
            opted_out: Vec::new(),
        }
    }

    /// Plays until nothing is left to happen. Gives how every message ends.
    pub(crate) fn run(mut self) -> Vec<State> {
        if self.script.hums {
            self.send_off(START, Arrival::Hum);
        }
        for step in 0.. {
            assert!(step < STEPS_MOST, "it never rests");
            for (_, act) in self.script.acts.iter().filter(|(at, _)| *at == step) {
                self.send_off(self.now, Arrival::Act(*act));
            }
            for crash in self.script.crashes.iter().filter(|crash| crash.step == step) {
                self.crash(*crash);
            }
            let arrival = self.under_way.peek().map_or(Timestamp::NEVER, |Reverse((at, _))| *at);
            let commit = self.commit.as_ref().map_or(Timestamp::NEVER, |(done, _)| *done);
            let timer = match &self.life {
                Some((engine, _)) => engine.next_deadline().unwrap_or(Timestamp::NEVER),
                None => self.starts,
            };
            let next = arrival.min(commit).min(timer);
            if next == Timestamp::NEVER {
                break;
            }
            self.now = self.now.max(next);
            if arrival == next {
                let Some(Reverse((_, place))) = self.under_way.pop() else { break };
                self.arrive(place);
            } else if commit == next {
                self.commit_done();
            } else if self.life.is_some() {
                self.tell(Event::Tick);
            } else {
                self.start();
            }
        }
        self.judge()
    }

    fn send_off(&mut self, at: Timestamp, arrival: Arrival) {
        self.arrivals.push(arrival);
        self.under_way.push(Reverse((at, self.arrivals.len() - 1)));
    }

    fn start(&mut self) {
        let restored = self.lives > 0;
        if restored {
            self.store.close_ledger(self.now);
        }
        self.life = Some((self.store.engine(self.now, restored), Gate::default()));
        self.lives += 1;
        self.starts = Timestamp::NEVER;
        self.tell(Event::Tick);
    }

    fn crash(&mut self, crash: Crash) {
        if let Some((_, batch)) = self.commit.take().filter(|_| crash.commit_survives) {
            for command in batch {
                self.write(command);
            }
        }
        if self.life.take().is_some() {
            self.starts = self.now + crash.down_for;
            for (_, arrival) in std::mem::take(&mut self.unheard) {
                self.send_off(self.now + TOLD_AGAIN, arrival);
            }
        }
    }

    fn tell(&mut self, event: Event) {
        let Some((engine, gate)) = &mut self.life else { return };
        let mut commands = Vec::new();
        engine.handle(self.now, event, &mut commands);
        let effects: Vec<Command> = commands.into_iter().filter_map(|command| gate.push(command)).collect();
        self.begin_commit();
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    fn begin_commit(&mut self) {
        let Some((_, gate)) = &mut self.life else { return };
        if self.commit.is_none() && gate.has_writes() {
            let mut batch = Vec::new();
            gate.take(&mut batch);
            self.commit = Some((self.now + COMMIT, batch));
        }
    }

    fn commit_done(&mut self) {
        let Some((_, batch)) = self.commit.take() else { return };
        let mut events = Vec::new();
        batch.into_iter().for_each(|command| events.extend(self.write(command)));
        let mut effects = Vec::new();
        if let Some((_, gate)) = &mut self.life {
            gate.committed(&mut effects);
        }
        effects.into_iter().for_each(|effect| self.perform(effect));
        events.into_iter().for_each(|event| self.tell(event));
        self.begin_commit();
        let Some((engine, _)) = &self.life else { return };
        for (place, campaign) in engine.snapshot().campaigns.iter().enumerate() {
            assert_eq!(campaign.counts, self.store.recount(place), "kept counts equal a recount");
        }
    }

    /// Makes a command durable, and sees to what may never be.
    fn write(&mut self, command: Command) -> Vec<Event> {
        let events = self.store.write(self.now, command);
        for event in &events {
            if let Event::Merged(merged) = event {
                self.watch(merged);
            }
        }
        events
    }

    fn watch(&mut self, merged: &Merged) {
        let (message, place) = (merged.message.0, merged.message.0 as usize);
        if merged.phase == Phase::Unknown && merged.was != Phase::Unknown {
            self.unknown[place] = Some((merged.number, self.now));
        } else if merged.phase > Phase::Abandoned
            && self.unknown[place].is_some_and(|(number, _)| number == merged.number)
        {
            self.unknown[place] = None;
        }
        if merged.fact == Some(Fact::Intended) && merged.changed {
            let group = self.store.campaigns[self.store.campaign_of(message)].0.group;
            assert!(!self.paused.contains(&group.0), "an intent after the pause was acknowledged: {message}");
            assert!(!self.cancelled.contains(&group.0), "an intent after the cancellation was acknowledged: {message}");
            let contact = self.store.contact_of(message);
            assert!(!self.opted_out.contains(&contact), "an intent after the opt-out was acknowledged: {message}");
        }
        assert!(self.store.rows[place].spent() as usize <= ATTEMPTS);
    }

    fn perform(&mut self, effect: Command) {
        match effect {
            Command::Send { message, number, .. } => {
                let row = &self.store.rows[message.0 as usize];
                let is_durable = row.attempts().any(|(its, attempt)| its == number && attempt.phase() != Phase::Free);
                assert!(is_durable, "no intent of attempt {number} of {message:?} is durable");
                if let Some((_, since)) = self.unknown[message.0 as usize] {
                    assert!(self.now >= since + UNKNOWN_WAIT, "{message:?} is POSTed again within the wait");
                }
                let post = Arrival::Post { message: message.0, number, life: self.lives };
                self.send_off(self.now + TRANSIT, post);
            }
            Command::Acknowledge { token } => self.acknowledged(token.0 as usize),
            other => panic!("{other:?} is a write"),
        }
    }

    fn acknowledged(&mut self, place: usize) {
        let Some(Arrival::Act(act)) = self.unheard.remove(&place) else { return };
        match act {
            Act::Cancel(group) => self.cancelled.push(group),
            Act::Pause(group) if self.last_act.get(&group) == Some(&place) => self.paused.push(group),
            Act::Pause(_) | Act::Resume(_) | Act::ResumeSender(_) => {}
            Act::OptOut(contact) => self.opted_out.push(contact),
        }
    }

    fn arrive(&mut self, place: usize) {
        let arrival = self.arrivals[place];
        match arrival {
            Arrival::Post { message, number, life } => self.posted(message, number, life),
            Arrival::Answer { message, number, life, answer } => {
                if life == self.lives && self.life.is_some() {
                    let contact = ContactId(self.store.contact_of(message));
                    self.tell(Event::Answered { message: MessageId(message), number, contact, answer });
                }
            }
            Arrival::Hum => {
                for place in 0..self.store.senders.len() {
                    self.tell(Event::Heard { sender: SenderId(place as u16), at: self.now });
                }
                if self.store.rows.iter().any(|row| row.state().is_in_progress()) {
                    self.send_off(self.now + HUM, arrival);
                }
            }
            Arrival::Webhook { .. } | Arrival::Act(_) if self.life.is_none() => {
                self.send_off(self.now + TOLD_AGAIN, arrival);
            }
            Arrival::Webhook { message, number, what, at } => {
                self.unheard.insert(place, arrival);
                let message = MessageId(message);
                self.tell(match what {
                    Some(status) => Event::Status { message, number, status, at },
                    None => Event::Replied { message, number, at },
                });
                self.tell(Event::WebhookEnd { token: AckToken(place as u32) });
            }
            Arrival::Act(act) => {
                self.unheard.insert(place, arrival);
                if let Act::Pause(group) | Act::Resume(group) = act {
                    self.last_act.insert(group, place);
                    self.paused.retain(|paused| *paused != group);
                }
                self.tell(match act {
                    Act::Pause(group) => Event::Pause { group: GroupId(group) },
                    Act::Cancel(group) => Event::Cancel { group: GroupId(group) },
                    Act::Resume(group) => Event::Resume { group: GroupId(group) },
                    Act::OptOut(contact) => Event::OptedOut { who: Who::Contact(ContactId(contact)) },
                    Act::ResumeSender(sender) => Event::ResumeSender { sender: SenderId(sender) },
                });
                self.tell(Event::WebhookEnd { token: AckToken(place as u32) });
            }
        }
    }

    /// A POST reaches WhatsApp, or ends on the way.
    fn posted(&mut self, message: u32, number: u8, life: usize) {
        let script = self.script;
        let tale = &script.tales[message as usize];
        let nth = self.posts[message as usize];
        self.posts[message as usize] += 1;
        let answer = match tale.troubles.get(nth) {
            Some(Trouble::Refused(code)) => refused(*code),
            Some(Trouble::FailsLater(code)) => {
                self.takes(message);
                self.webhook(message, number, Some(Status::Failed(find(*code, None))), tale.delay);
                Answer::Accepted
            }
            Some(Trouble::TimesOut) => Answer::Unknown,
            Some(Trouble::NeverWritten) => Answer::NeverWritten,
            None => self.ends(message, number, tale),
        };
        let is_spent = match answer {
            Answer::NeverWritten => false,
            Answer::Refused { code, .. } => engine_core::retry::is_spent(code.class()),
            Answer::Accepted | Answer::Unknown => true,
        };
        self.attempts[message as usize] += usize::from(is_spent);
        let patience = if answer == Answer::Unknown { Span::secs(30) } else { Span::millis(200) };
        self.send_off(self.now + patience, Arrival::Answer { message, number, life, answer });
    }

    fn ends(&mut self, message: u32, number: u8, tale: &Tale) -> Answer {
        match tale.end {
            End::Refused(code) => return refused(code),
            End::Taken(statuses) => {
                for (nth, status) in (1..).zip(statuses) {
                    self.webhook(message, number, Some(*status), tale.delay * nth);
                }
            }
            End::Replied => self.webhook(message, number, None, tale.delay),
            End::FailsLater(code) => self.webhook(message, number, Some(Status::Failed(find(code, None))), tale.delay),
        }
        self.takes(message);
        self.copies[message as usize] += 1;
        if tale.answer_lost { Answer::Unknown } else { Answer::Accepted }
    }

    fn webhook(&mut self, message: u32, number: u8, what: Option<Status>, delay: Span) {
        let tale = &self.script.tales[message as usize];
        let happens = self.now + delay;
        for copy in 0..tale.copies {
            if !tale.webhooks_lost {
                let at = happens + TOLD_AGAIN * u64::from(copy);
                self.send_off(at, Arrival::Webhook { message, number, what, at: happens });
            }
        }
    }

    /// WhatsApp takes something for a contact: which counts for its messaging limit.
    fn takes(&mut self, message: u32) {
        let contact = self.store.contact_of(message);
        self.taken.push((self.now, contact));
        let Some(limit) = self.script.limit else { return };
        let since = self.now - MESSAGING_LIMIT_WINDOW;
        let mut counting: Vec<u32> =
            self.taken.iter().filter(|(at, _)| *at > since).map(|(_, contact)| *contact).collect();
        counting.sort_unstable();
        counting.dedup();
        assert!(counting.len() <= limit as usize, "{} contacts in a day", counting.len());
    }

    fn judge(self) -> Vec<State> {
        let (engine, _) = self.life.expect("the engine is up");
        for (place, campaign) in engine.snapshot().campaigns.iter().enumerate() {
            let recount: Counts = self.store.recount(place);
            assert_eq!(campaign.counts, recount, "kept counts equal a recount");
            assert_eq!(recount.in_progress(), 0, "campaign {place} has messages in progress: {recount:?}");
        }
        for (message, row) in self.store.rows.iter().enumerate() {
            assert!(self.attempts[message] <= ATTEMPTS, "{message}: {} attempts", self.attempts[message]);
            assert!(self.copies[message] <= 1 || row.was_given_up(), "{message}: two copies that are in no report");
            let never = self.script.on_unknown == OnUnknown::Never;
            assert!(self.copies[message] <= 1 || !never, "{message}: two copies where nothing is sent again");
        }
        assert!(self.store.ledger.values().all(|until| *until != Timestamp::NEVER), "every entry has its end");
        self.store.rows.iter().map(|row| row.state()).collect()
    }
}
