//! The engine's side of the event loop: what reaches it, what it wants done, what becomes durable, and how it dies and starts.

use super::super::life::{Commit, Life, by_clock, limit_of};
use super::super::mishaps::{LEASE, Mishap};
use super::super::network::Request;
use super::super::setup::{Plant, Setup};
use super::super::trace::Kind;
use super::notes::moment_of;
use super::{Run, delivery_of, detail_of, from_callback};
use crate::checkers::Wire;
use crate::scenario::Act;
use crate::story::Moment;
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use cloud_api::time::{Span, Timestamp};
use engine_core::attempt::{Fact, Phase};
use engine_core::command::{Command, Merge, Who};
use engine_core::event::{Answer as Outcome, Event, Merged, Status};
use engine_core::id::{AckToken, ContactId, GroupId, MessageId, PortfolioId, SenderId};
use engine_core::message::{Decision, State};
use engine_core::rules::Marks;
use mock_whatsapp_model::input::{DeliveryId, Input};
use mock_whatsapp_model::output::{Answer, Update, What};

/// How long whoever watches the engine waits before it starts it again; twice as long each time that it dies without having
/// written anything, up to [`RESTART_MOST`].
pub(super) const RESTART: Span = Span::secs(5);

/// The longest of these waits.
const RESTART_MOST: Span = Span::secs(60);

/// How long a commit takes, where time is taken for it: a disk of today's kind, with its flush.
const COMMIT: Span = Span::millis(2);

/// Tokens from here on are those of operators' acts, not of webhooks.
const OPERATORS: u32 = 1 << 31;

impl Run<'_> {
    /// An answer (or the end of waiting for one) arrives.
    pub(super) fn answered(&mut self, request: Request, answer: Answer) {
        let (message, number) = (request.message, request.number);
        let (outcome, detail) = match answer {
            Answer::Accepted(index) => (Outcome::Accepted, u64::from(index.0) << 8),
            Answer::Refused(code, _) => {
                (Outcome::Refused { code, retry_after_seconds: 0 }, 1 | u64::from(code.raw()) << 8)
            }
            Answer::Silence(_) => (Outcome::Unknown, 2),
            Answer::Reset => (Outcome::Unknown, 3),
            Answer::Unreachable => (Outcome::NeverWritten, 4),
            Answer::Garbled(_) => (Outcome::Unknown, 5),
        };
        self.trace.add(self.now.0, Kind::Answer, u64::from(message.0), detail);
        let wire = self.wire(request);
        let contact = ContactId(request.contact);
        let event = Event::Answered { message, number, contact, answer: outcome };
        if self.life.as_ref().is_some_and(|life| life.id == request.life) {
            if outcome == Outcome::Accepted {
                let due = self.due(message);
                self.latency.accepted.saturating_record(self.now.since(due).0);
            }
            self.checkers.told(self.now, &wire, &outcome);
            self.story.note(self.now, Some(message.0), Moment::Answered { number, answer: outcome });
            self.tell(event);
        } else if let Some((sleeper, waiting)) = &mut self.sleeper
            && sleeper.id == request.life
        {
            waiting.push(event);
        }
    }

    /// A webhook arrives.
    pub(super) fn webhook(&mut self, delivery: DeliveryId, update: Update) {
        let now = self.now;
        let about = update.about.map_or(u64::MAX, |index| u64::from(index.0));
        self.trace.add(now.0, Kind::Webhook, about, detail_of(update.what));
        let message = update.about.and_then(|index| self.world.callback(index)).map(from_callback);
        let told = message.map(|(message, _)| message.0);
        let refused = if self.life.is_none() {
            Some(0)
        } else if update.forged && !self.plant_fires(Plant::BelieveForged, true) {
            Some(401)
        } else {
            None
        };
        if let Some(status) = refused {
            self.story.note(now, told, Moment::WebhookRefused { delivery: delivery.0, status });
            self.world.handle(now, Input::Answered { delivery, status }, &mut self.outputs);
            self.go_out();
            return;
        }
        let (what, happened) = (update.what, update.at);
        self.story.note(now, told, Moment::WebhookArrived { delivery: delivery.0, what, happened });
        if let Some((message, number)) = message {
            self.checkers.webhook(now, delivery.0, message, number, &update);
            self.take_in(message, number, update);
        }
        self.tell(Event::WebhookEnd { token: AckToken(delivery.0) });
    }

    /// Hands an update in; parks it where it does not say whose it is and the wamid is not known yet.
    fn take_in(&mut self, message: MessageId, number: u8, update: Update) {
        // Who wants no more is known by the number that it came from, whichever message it answers.
        if update.what == What::Stop {
            self.tell(Event::OptedOut { who: Who::Contact(ContactId(update.handset.0)) });
        }
        let by_wamid = !update.echoes || matches!(update.what, What::Reply | What::Stop | What::Says(_));
        if by_wamid && !self.knows_wamid(message, number) {
            if !self.plant_fires(Plant::DropParked, true) {
                self.story.note(self.now, Some(message.0), Moment::Parked { what: update.what });
                self.disk.park(message, number, update);
                self.checkers.was_parked(message, number, update.what);
            }
            let at = Timestamp::from_unix_seconds(update.at.unix_seconds());
            let sender = self.setup.parts[self.setup.part_of(message.0)].sender;
            self.tell(Event::Heard { sender: SenderId(sender as u16), at });
            return;
        }
        // A webhook's time is in whole seconds.
        let at = Timestamp::from_unix_seconds(update.at.unix_seconds());
        let status = match update.what {
            What::Sent => Status::Sent,
            What::Delivered => Status::Delivered,
            What::Read => Status::Read,
            What::Failed(code) => Status::Failed(code),
            What::Reply | What::Stop | What::Says(_) => return self.tell(Event::Replied { message, number, at }),
            // Of no message: nobody announces anything at this level.
            What::Notice(_) => return,
        };
        self.tell(Event::Status { message, number, status, at });
    }

    /// Whether the store knows the wamid of an attempt: from an answer that was read, or a status that echoed the data.
    fn knows_wamid(&self, message: MessageId, number: u8) -> bool {
        let mut attempts = self.disk.rows()[message.0 as usize].attempts();
        attempts.any(|(its, attempt)| {
            let unknown = [Phase::Intended, Phase::Unknown, Phase::GivenUp, Phase::Abandoned, Phase::Unspent];
            its == number && !unknown.contains(&attempt.phase())
        })
    }

    /// Hands an event to the engine, and does what it says.
    pub(super) fn tell(&mut self, event: Event) {
        let Some(life) = &mut self.life else { return };
        life.engine.handle(life.time(self.now), event, &mut self.commands);
        self.carry_out();
        if self.story.is_told() {
            self.note_changes();
        }
    }

    /// Carries out what the core wants done, in order, what comes of it included.
    fn carry_out(&mut self) {
        if self.commits {
            return self.queue_up();
        }
        let mut next = 0;
        while let Some(command) = self.commands.get(next).copied() {
            next += 1;
            match command {
                Command::Send { .. } | Command::Acknowledge { .. } => self.perform(command),
                // By far the most: what comes of it is one event, which need not lie anywhere.
                Command::Merge(merge) if self.setup.plant.is_none() => self.write_merge(&merge),
                Command::Merge(_)
                | Command::Load { .. }
                | Command::Sweep { .. }
                | Command::Defer { .. }
                | Command::Suppress { .. }
                | Command::Flag { .. }
                | Command::Remember { .. }
                | Command::RememberChannel { .. }
                | Command::Count { .. } => {
                    self.write(&command);
                    self.hand_in();
                }
            }
        }
        self.commands.clear();
    }

    /// Queues commands behind the commits that they wait for, and begins one.
    fn queue_up(&mut self) {
        let mut commands = std::mem::take(&mut self.commands);
        for command in commands.drain(..) {
            let Some(life) = &mut self.life else { break };
            if let Some(effect) = life.gate.push(command) {
                self.perform(effect);
            }
        }
        self.commands = commands;
        let slow = self.disk_faults.delay(self.now);
        let Some(life) = &mut self.life else { return };
        if life.commit.is_none() && life.gate.has_writes() {
            let mut batch = Vec::new();
            life.gate.take(&mut batch);
            life.commit = Some(Commit { done: self.now + COMMIT + slow, batch });
        }
    }

    /// Something that is not a write.
    fn perform(&mut self, effect: Command) {
        let Some(life) = &self.life else { return };
        match effect {
            Command::Send { message, number, campaign, .. } => {
                let contact = self.setup.contact_of(message.0);
                let request = Request { message, number, part: campaign.0, life: life.id, contact };
                let sender = self.setup.parts[usize::from(campaign.0)].sender as u16;
                self.story.note(self.now, Some(message.0), Moment::Posted { number, sender });
                self.network.post(self.now, request);
                if self.plant_fires(Plant::SendTwice, true) {
                    self.network.post(self.now, request);
                }
            }
            Command::Acknowledge { token } if token.0 >= OPERATORS => {
                let place = (token.0 - OPERATORS) as usize;
                let act = self.setup.operators[place].act;
                let told_since = Setup::act_on(act).is_some_and(|campaign| self.acts[campaign] != Some(place));
                if matches!(act, Act::Cancel(_)) || matches!(act, Act::Pause(_)) && !told_since {
                    self.checkers.operated(self.now, act);
                }
            }
            Command::Acknowledge { token } => {
                self.checkers.acknowledged(self.now, token.0);
                self.network.acknowledge(self.now, delivery_of(token.0));
            }
            _ => {}
        }
    }

    /// Makes one command durable; what is to be told of it lies in `events` then.
    fn write(&mut self, command: &Command) {
        let Some(life) = &self.life else { return };
        let time = life.time(self.now);
        let arrival = matches!(command, Command::Merge(merge) if merge.fact == Fact::Delivered);
        if arrival && self.plant_fires(Plant::DropMerge, true) {
            return;
        }
        match command {
            Command::Sweep { decision, .. } => self.deciding = *decision,
            Command::Suppress { .. } => self.deciding = Decision::OptedOut,
            _ => {}
        }
        let first = self.events.len();
        self.disk.write(time, command, &mut self.events);
        if arrival
            && self.setup.plant == Some(Plant::FlipTransition)
            && let Some(Event::Merged(merged)) = self.events.get(first).copied()
            && self.plant_fires(Plant::FlipTransition, merged.changed)
        {
            let flipped = Merged { before: State::Delivered, after: State::Sent, ..merged };
            self.events[first] = Event::Merged(flipped);
        }
    }

    /// Makes one fact durable, and tells the engine.
    #[inline]
    fn write_merge(&mut self, merge: &Merge) {
        let Some(life) = &self.life else { return };
        let merged = self.disk.merge(life.time(self.now), merge);
        self.hand_in_merged(&merged);
    }

    #[inline]
    fn hand_in_merged(&mut self, merged: &Merged) {
        self.merged(merged);
        if let Some(life) = &mut self.life {
            life.engine.handle(life.time(self.now), Event::Merged(*merged), &mut self.commands);
        }
        if merged.changed {
            self.unpark(merged.message, merged.number);
        }
    }

    /// Tells the engine what became durable.
    fn hand_in(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            if let Event::Merged(merged) = event {
                self.hand_in_merged(&merged);
            } else if let Some(life) = &mut self.life {
                life.engine.handle(life.time(self.now), event, &mut self.commands);
            }
        }
        self.events = events;
    }

    /// A row changed, durably.
    fn merged(&mut self, merged: &Merged) {
        let (now, message) = (self.now, merged.message);
        self.checkers.changed(now, merged);
        if merged.fact == Some(Fact::Intended) && merged.changed {
            let setup = self.setup;
            let part = &setup.parts[setup.part_of(message.0)];
            let (sender, campaign) = (part.sender as u16, part.campaign as u16);
            let wire = Wire { message, number: merged.number, contact: merged.contact.0, sender, campaign };
            self.checkers.intended(now, &wire);
        }
        if merged.before.is_in_progress() && !merged.after.is_in_progress() {
            self.settled[self.setup.parts[self.setup.part_of(message.0)].campaign] = now;
        }
        if merged.fact == Some(Fact::Delivered) && merged.changed {
            let due = self.due(message);
            self.latency.delivered.saturating_record(now.since(due).0);
        }
        if self.story.is_told() {
            self.story.note(now, Some(message.0), moment_of(merged, self.deciding));
        }
    }

    /// The wamid of an attempt may be known now: what waited for it is taken in.
    #[inline]
    fn unpark(&mut self, message: MessageId, number: u8) {
        if !self.disk.has_parked() {
            return;
        }
        let Some(updates) = self.disk.parked(message, number) else { return };
        if !self.knows_wamid(message, number) {
            return;
        }
        let is_new = |life: &mut Life| life.told_parked.insert((message.0, number));
        if !self.life.as_mut().is_some_and(is_new) {
            return;
        }
        for update in updates {
            self.story.note(self.now, Some(message.0), Moment::Unparked { what: update.what });
            // What the store found among the parked came earlier, and was heard then; nobody waits for an answer.
            let at = Timestamp(0);
            let event = match update.what {
                What::Sent => Event::Status { message, number, status: Status::Sent, at },
                What::Delivered => Event::Status { message, number, status: Status::Delivered, at },
                What::Read => Event::Status { message, number, status: Status::Read, at },
                What::Failed(code) => Event::Status { message, number, status: Status::Failed(code), at },
                What::Reply | What::Stop | What::Says(_) => Event::Replied { message, number, at },
                What::Notice(_) => continue,
            };
            let Some(life) = &mut self.life else { return };
            let time = life.time(self.now);
            life.engine.handle(time, event, &mut self.commands);
        }
    }

    /// The commit that was under way is durable, unless the disk is full: then the process ends.
    pub(super) fn commit_done(&mut self) {
        let now = self.now;
        let Some(commit) = self.life.as_mut().and_then(|life| life.commit.take()) else { return };
        if self.disk_faults.is_full(now) {
            let waiting = self.life.as_ref().map_or(0, |life| life.gate.backlog() + commit.batch.len());
            self.story.note(now, None, Moment::DiskFull { waiting: waiting as u32 });
            let wait = self.patience;
            self.patience = Span((wait.0 * 2).min(RESTART_MOST.0));
            return self.die(wait);
        }
        self.patience = RESTART;
        let mut effects = Vec::new();
        for command in &commit.batch {
            self.write(command);
        }
        if let Some(life) = &mut self.life {
            life.gate.committed(&mut effects);
        }
        for effect in effects {
            self.perform(effect);
        }
        self.hand_in();
        self.carry_out();
    }

    /// The process ends. What was not durable is gone, and whoever waited for an answer gets none.
    fn die(&mut self, down_for: Span) {
        let now = self.now;
        let Some(life) = self.life.take() else { return };
        let under_way = life.commit.as_ref().map_or(0, |commit| commit.batch.len());
        let lost = (life.gate.backlog() + under_way) as u32;
        self.story.note(now, None, Moment::Crashed { lost });
        self.marks = Marks(self.marks.0 | life.engine.marks().0);
        self.checkers.crashed(now);
        let unheard: Vec<AckToken> = life.gate.unacknowledged().collect();
        self.refuse(&unheard);
        self.starts = now + down_for;
    }

    /// Whoever waited for these gets no answer: WhatsApp tries again, and so do people.
    fn refuse(&mut self, tokens: &[AckToken]) {
        for token in tokens {
            if token.0 >= OPERATORS {
                self.waiting.push((token.0 - OPERATORS) as usize);
            } else {
                let unanswered = Input::Answered { delivery: delivery_of(token.0), status: 0 };
                self.world.handle(self.now, unanswered, &mut self.outputs);
            }
        }
        self.go_out();
    }

    /// The process begins, on what is durable.
    pub(super) fn start_engine(&mut self) {
        let limits = self.limits();
        if self.lives > 0 {
            self.disk.reopen();
            if !self.disk_faults.is_full(self.now) {
                self.disk.close_ledger(by_clock(self.now, self.skew) + MESSAGING_LIMIT_WINDOW);
            }
            self.checkers.restarted(self.now, self.disk.rows());
        }
        let life = Life::start(self.lives, self.setup, &self.disk, self.zones.clone(), self.now, &limits, self.skew);
        self.lives += 1;
        self.starts = Timestamp::NEVER;
        self.story.note(self.now, None, Moment::Started { life: u32::from(self.lives) });
        self.trace.add(self.now.0, Kind::EngineStarted, u64::from(self.lives), self.skew as u64);
        self.life = Some(life);
        self.tell(Event::Tick);
        for (message, number) in self.disk.parked_attempts() {
            self.unpark(message, number);
        }
        self.carry_out();
        for place in std::mem::take(&mut self.waiting) {
            self.operate(place);
        }
    }

    /// What happens to the engine from outside now.
    pub(super) fn happen(&mut self) {
        let now = self.now;
        if self.wakes <= now {
            return self.take_over_or_wake();
        }
        let Some((_, mishap)) = self.mishaps.get(self.next_mishap).copied() else { return };
        self.next_mishap += 1;
        match mishap {
            Mishap::Crash(down_for) => self.crash(down_for),
            Mishap::Sleep(span) => self.sleep(span),
            Mishap::Backup(fault) => self.backups.push((fault, self.disk.clone())),
            Mishap::Restore(fault) => self.restore(fault),
            Mishap::ClockStep(by) => {
                // A process reads its machine's clock when it begins, and goes on with one that only runs.
                self.skew += by;
                self.story.note(now, None, Moment::ClockStepped { by });
            }
            Mishap::Tier => self.limits_changed(),
            Mishap::Operate(place) => self.operate(place),
        }
    }

    /// The process is killed. The commit that is under way may reach the disk all the same, as a whole or not at all.
    fn crash(&mut self, down_for: Span) {
        if self.life.is_none() {
            // It is down already, and stays so for as long.
            self.starts = self.starts.max(self.now + down_for);
            return;
        }
        self.finish_commit_by_chance();
        self.die(down_for);
    }

    fn finish_commit_by_chance(&mut self) {
        let Some(commit) = self.life.as_mut().and_then(|life| life.commit.take()) else { return };
        // What the time of the crash says of an odd and even microsecond is chance enough, and keyed by the fault's own draw.
        if self.now.0.is_multiple_of(2) && !self.disk_faults.is_full(self.now) {
            for command in &commit.batch {
                self.write(command);
            }
            // Durable, and the process never learned of it.
            let mut events = std::mem::take(&mut self.events);
            for event in events.drain(..) {
                if let Event::Merged(merged) = event {
                    self.merged(&merged);
                }
            }
            self.events = events;
        } else {
            self.story.note(self.now, None, Moment::BatchLost { writes: commit.batch.len() as u32 });
        }
    }

    /// The process stands still, keeping its sockets. Another takes its place once its lease is over.
    fn sleep(&mut self, span: Span) {
        if self.life.is_none() || self.sleeper.is_some() {
            return;
        }
        let mut learned = Vec::new();
        if let Some(commit) = self.life.as_mut().and_then(|life| life.commit.take()) {
            for command in &commit.batch {
                self.write(command);
            }
            learned = std::mem::take(&mut self.events);
            for event in &learned {
                if let Event::Merged(merged) = event {
                    self.merged(merged);
                }
            }
        }
        let Some(life) = self.life.take() else { return };
        self.marks = Marks(self.marks.0 | life.engine.marks().0);
        self.checkers.crashed(self.now);
        let unheard: Vec<AckToken> = life.gate.unacknowledged().collect();
        self.refuse(&unheard);
        self.starts = self.now + LEASE;
        self.wakes = self.now + span.max(LEASE + Span::secs(1));
        self.sleeper = Some((life, learned));
    }

    /// The engine that slept wakes up. Its lease is over, and it looks at that before it POSTs or writes anything: so nothing
    /// that it still had in mind happens.
    fn take_over_or_wake(&mut self) {
        self.wakes = Timestamp::NEVER;
        let Some((mut sleeper, learned)) = self.sleeper.take() else { return };
        self.story.note(self.now, None, Moment::ZombieWoke);
        if self.setup.plant != Some(Plant::NoFence) {
            return;
        }
        let mut commands = Vec::new();
        for event in learned {
            sleeper.engine.handle(self.now, event, &mut commands);
        }
        for command in commands {
            if let Command::Send { message, number, campaign, .. } = command {
                let contact = self.setup.contact_of(message.0);
                let request = Request { message, number, part: campaign.0, life: sleeper.id, contact };
                self.network.post(self.now, request);
            }
        }
    }

    /// The engine is stopped, and started on an old copy of its store.
    fn restore(&mut self, fault: usize) {
        let Some(place) = self.backups.iter().position(|(of, _)| *of == fault) else { return };
        self.die(RESTART);
        let (_, copy) = self.backups.swap_remove(place);
        let age = self.setup.faults[fault].age.unwrap_or(Span::ZERO);
        self.disk = copy;
        self.story.note(self.now, None, Moment::StoreStale { age });
        self.starts = self.starts.min(self.now + RESTART);
    }

    /// What WhatsApp allows portfolios changed: it says so in a webhook of the account, which the engine takes in at once.
    fn limits_changed(&mut self) {
        for (place, limit) in self.limits().into_iter().enumerate() {
            self.tell(Event::LimitIs { portfolio: PortfolioId(place as u16), limit: limit_of(limit) });
        }
    }

    /// A person does something, or waits until the engine is there.
    fn operate(&mut self, place: usize) {
        if self.life.is_none() {
            self.waiting.push(place);
            return;
        }
        let act = self.setup.operators[place].act;
        self.story.note(self.now, None, Moment::Operated { act });
        self.trace.add(self.now.0, Kind::Operated, place as u64, 0);
        let group = Setup::act_on(act).map_or(GroupId(0), |campaign| GroupId(campaign as u16));
        if let Some(campaign) = Setup::act_on(act) {
            self.acts[campaign] = Some(place);
        }
        // What holds something holds from when it is durable; what lets it go may be seen at once.
        if matches!(act, Act::Resume(_) | Act::ResumeSender(_)) {
            self.checkers.operated(self.now, act);
        }
        self.tell(match act {
            Act::Pause(_) => Event::Pause { group },
            Act::Resume(_) => Event::Resume { group },
            Act::Cancel(_) => Event::Cancel { group },
            Act::ResumeSender(sender) => Event::ResumeSender { sender: SenderId(sender as u16) },
        });
        self.tell(Event::WebhookEnd { token: AckToken(OPERATORS + place as u32) });
    }
}
