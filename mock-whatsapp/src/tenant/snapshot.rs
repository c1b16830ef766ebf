//! Snapshots: a tenant as it was, kept in memory to be put back as often as one likes.
//!
//! What is put back is everything that can be told apart from outside, and the future hangs on nothing else: the same calls
//! have the same consequences again. What is not put back is what must never come twice: ids of messages, requests,
//! webhooks, faults, templates, media and uploads go on behind all that were ever given.

use super::account::Account;
use super::batches::{Batches, Held};
use super::dispatch::{Departure, Webhook};
use super::faults::Armed;
use super::handsets::Handsets;
use super::inbound::Inbound;
use super::journal::Journal;
use super::judging::Owed;
use super::message_log::MessageLog;
use super::notices::Notices;
use super::numbers::Numbers;
use super::webhook_log::WebhookLog;
use super::{Epoch, Tenant};
use crate::clock::VirtualClock;
use crate::config::Config;
use crate::limits::{AGES, SNAPSHOT_BYTES, SNAPSHOTS};
use crate::media::Media;
use crate::templates::Templates;
use crate::wamids::Wamids;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::World;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::referee::{Referee, Rule};
use std::fmt;
use std::sync::Arc;
use tokio::task::JoinSet;

/// About what an accepted message takes in the world: itself, what is due of it, its telephone and its place in ledgers.
const MESSAGE_BYTES: usize = 128;

/// A tenant at a moment.
#[derive(Debug)]
struct State {
    config: Arc<Config>,
    clock: VirtualClock,
    time: Timestamp,
    world: World,
    wamids: Wamids,
    templates: Templates,
    allowed: Option<Vec<u64>>,
    handsets: Handsets,
    inbound: Inbound,
    media: Media,
    numbers: Numbers,
    account: Account,
    notices: Notices,
    messages: MessageLog,
    faults: Vec<Armed>,
    configured_faults: Vec<u64>,
    webhook: Option<Webhook>,
    webhooks: WebhookLog,
    /// Those that were under way first: whether they had arrived is not known, so they are sent again.
    outbox: Vec<Departure>,
    held: Held,
    batches: Batches,
    nowhere: Vec<DeliveryId>,
    /// Answers that somebody waited for. Nobody does any more when the state is put back.
    owed: Vec<Owed>,
    journal: Journal,
    referee: Referee,
    ignored: Vec<Rule>,
}

impl State {
    /// About what it takes in memory, in bytes. Media are shared with the tenant, in a room that has a bound of its own.
    fn bytes(&self) -> usize {
        // What a fault is aimed at is there once more.
        let faults: usize = self.faults.iter().map(|armed| armed.written.to_string().len() * 2).sum();
        self.world.snapshot().messages as usize * MESSAGE_BYTES
            + self.handsets.bytes()
            + faults
            + self.inbound.bytes()
            + self.notices.bytes()
            + self.messages.bytes()
            + self.webhooks.bytes()
            + self.journal.bytes()
    }
}

/// One that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its place among all that the tenant ever took, from 1.
    pub id: u64,
    /// When it was taken or put back last, counted in such events.
    used: u64,
    /// About what it takes in memory.
    pub bytes: usize,
    state: Arc<State>,
}

impl Kept {
    /// Its id, as in `s1`.
    pub fn name(&self) -> String {
        name(self.id)
    }

    /// The tenant's time when it was taken.
    pub fn at(&self) -> Timestamp {
        self.state.time
    }
}

/// The snapshots of one tenant. Bounded in number and in bytes: the one goes that was not taken or put back for longest, so
/// that a state from which every test begins stays.
#[derive(Debug, Default)]
pub struct Snapshots {
    all: Vec<Kept>,
    taken: u64,
    restored: u64,
    evicted: u64,
}

/// Why there is no snapshot, or none is put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unkept {
    /// Somebody moves the time.
    Moving,
    /// A piece of a file is on its way in.
    Uploading,
    /// There is no room for copies of files that have come in part.
    Room,
    /// It takes more than all snapshots may, in bytes.
    TooLarge(usize),
    /// What happened since the last reset was put back too often.
    TooOld,
    /// There is none of this id; these there are.
    Unknown(Vec<String>),
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moving => f.write_str("time is being moved; wait for that call's answer"),
            Self::Uploading => f.write_str("a piece of a file is being uploaded; wait for that call's answer"),
            Self::Room => f.write_str("there is no room for files that have come in part; finish these uploads"),
            Self::TooLarge(bytes) => write!(
                f,
                "it would take {bytes} bytes, and all snapshots of a tenant may take {SNAPSHOT_BYTES}; POST /_mock/reset \
                 forgets what happened"
            ),
            Self::TooOld => write!(
                f,
                "this state was put back and kept again {AGES} times, which is all that message ids can be told apart by; \
                 POST /_mock/reset begins anew"
            ),
            Self::Unknown(there) if there.is_empty() => f.write_str("there are none; POST /_mock/snapshot takes one"),
            Self::Unknown(there) => write!(f, "there are {}", there.join(", ")),
        }
    }
}

impl Snapshots {
    /// Those that there are, oldest first, as `s1`.
    pub fn ids(&self) -> Vec<String> {
        self.all.iter().map(|kept| name(kept.id)).collect()
    }

    /// What they take in memory, about, in bytes.
    pub fn bytes(&self) -> usize {
        self.all.iter().map(|kept| kept.bytes).sum()
    }

    /// Those that there are, oldest first.
    pub fn list(&self) -> impl Iterator<Item = &Kept> {
        self.all.iter()
    }

    /// How many had to go for others.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Lets one go, or all of them; how many went.
    ///
    /// # Errors
    /// If there is none of this id.
    pub fn drop(&mut self, id: Option<&str>) -> Result<usize, Unkept> {
        let before = self.all.len();
        self.all.retain(|kept| id.is_some_and(|id| kept.name() != id));
        match (id, before - self.all.len()) {
            (Some(_), 0) => Err(Unkept::Unknown(self.ids())),
            (_, dropped) => Ok(dropped),
        }
    }

    fn uses(&self) -> u64 {
        self.taken + self.restored
    }

    /// Keeps one; its id, and those that had to go for it.
    fn keep(&mut self, state: State) -> Result<(String, Vec<String>), Unkept> {
        let bytes = state.bytes();
        if bytes > SNAPSHOT_BYTES {
            return Err(Unkept::TooLarge(bytes));
        }
        let mut evicted = Vec::new();
        let sizes = |all: &[Kept]| -> Vec<(u64, usize)> { all.iter().map(|kept| (kept.used, kept.bytes)).collect() };
        while let Some(place) = next_to_go(&sizes(&self.all), bytes) {
            evicted.push(name(self.all.remove(place).id));
        }
        self.evicted += evicted.len() as u64;
        self.taken += 1;
        let id = self.taken;
        self.all.push(Kept { id, used: self.uses(), bytes, state: Arc::new(state) });
        Ok((name(id), evicted))
    }

    fn find(&self, id: &str) -> Result<Kept, Unkept> {
        let found = self.all.iter().find(|kept| name(kept.id) == id);
        found.cloned().ok_or_else(|| Unkept::Unknown(self.ids()))
    }

    /// Notes that one is put back. How often any was, which is a number that never comes twice.
    fn uses_again(&mut self, id: u64) -> u64 {
        self.restored += 1;
        let used = self.uses();
        if let Some(kept) = self.all.iter_mut().find(|kept| kept.id == id) {
            kept.used = used;
        }
        self.restored
    }
}

/// Which of some snapshots, each with its last use and its bytes, has to go so that one of `bytes` can come.
fn next_to_go(all: &[(u64, usize)], bytes: usize) -> Option<usize> {
    let held: usize = all.iter().map(|(_, bytes)| bytes).sum();
    let fits = all.len() < SNAPSHOTS && held + bytes <= SNAPSHOT_BYTES;
    let oldest = || all.iter().enumerate().min_by_key(|(_, (used, _))| *used).map(|(place, _)| place);
    if fits { None } else { oldest() }
}

fn name(id: u64) -> String {
    format!("s{id}")
}

/// A clock that goes on at `real` where another one stood.
///
/// Time that stood still stands where it did, and time that ran runs on from there. The real time cannot be put back, but
/// what is due must keep its distance, and so must what is past (windows, limits, ages of templates): so a tenant whose
/// clock was the real one has one that runs as fast, behind by what was discarded, until a reset. The other way would be to
/// move every moment that is written down anywhere, which would tell of the past what never was.
fn resumed(clock: VirtualClock, at: Timestamp, real: Timestamp) -> VirtualClock {
    match clock {
        VirtualClock::Frozen { .. } => VirtualClock::Frozen { at },
        VirtualClock::Real => VirtualClock::Running { at, real, factor: 1.0 },
        VirtualClock::Running { factor, .. } => VirtualClock::Running { at, real, factor },
    }
}

impl Tenant {
    /// Its snapshots.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Its snapshots, to let some go.
    pub fn snapshots_mut(&mut self) -> &mut Snapshots {
        &mut self.snapshots
    }

    /// Keeps it as it is now. The snapshot's id, and those of the snapshots that had to go for it.
    ///
    /// # Errors
    /// If time is being moved, a file comes in, or there is no room.
    pub fn keep(&mut self, real: Timestamp) -> Result<(String, Vec<String>), Unkept> {
        if self.journey.is_some() {
            return Err(Unkept::Moving);
        }
        if self.media.uploads.is_busy() {
            return Err(Unkept::Uploading);
        }
        let time = self.now(real);
        let media = self.media.copy().ok_or(Unkept::Room)?;
        // Every field is named, so that whoever adds one must say what becomes of it.
        let Self {
            // Whose it is, and its way to the outside.
            place: _,
            identity: _,
            made_with: _,
            outside: _,
            anchor: _,
            number: _,
            own_portfolio: _,
            epoch: Epoch(_),
            written: _,
            listeners: _,
            snapshots: _,
            // Numbers that never come twice.
            faults_made: _,
            replies_made: _,
            // Nothing between two calls.
            repeated: _,
            out: _,
            journey: _,
            // What holds connections.
            flights: _,
            couriers: _,
            waiting: _,
            config,
            clock,
            time: _,
            world,
            wamids,
            templates,
            allowed,
            handsets,
            inbound,
            media: _,
            numbers,
            account,
            notices,
            messages,
            faults,
            configured_faults,
            webhook,
            webhooks,
            outbox,
            held,
            batches,
            nowhere,
            under_way,
            replies,
            journal,
            referee,
            ignored,
        } = &*self;
        let flying = under_way.iter().map(|(delivery, update)| Departure { delivery: *delivery, update: *update });
        let state = State {
            config: config.clone(),
            clock: *clock,
            time,
            world: world.clone(),
            wamids: wamids.clone(),
            templates: templates.clone(),
            allowed: allowed.clone(),
            handsets: handsets.clone(),
            inbound: inbound.clone(),
            media,
            numbers: numbers.clone(),
            account: account.clone(),
            notices: notices.clone(),
            messages: messages.clone(),
            faults: faults.clone(),
            configured_faults: configured_faults.clone(),
            webhook: webhook.clone(),
            webhooks: webhooks.clone(),
            outbox: flying.chain(outbox.iter().copied()).collect(),
            held: held.clone(),
            batches: batches.clone(),
            nowhere: nowhere.clone(),
            owed: replies.values().map(|(_, _, owed)| *owed).collect(),
            journal: journal.clone(),
            referee: referee.clone(),
            ignored: ignored.clone(),
        };
        self.snapshots.keep(state)
    }

    /// Puts it back as it was. What is under way is ended by whoever waits for it; nothing else of what is discarded comes
    /// out any more. On failure nothing is changed.
    ///
    /// # Errors
    /// If there is no such snapshot, or no room for what it has of files that came in part.
    pub fn restore(&mut self, real: Timestamp, id: &str) -> Result<JoinSet<()>, Unkept> {
        let Kept { id, state, .. } = self.snapshots.find(id)?;
        if state.wamids.ages() >= AGES {
            return Err(Unkept::TooOld);
        }
        let mut media = state.media.copy().ok_or(Unkept::Room)?;
        self.let_all_in(real);
        let flights = self.let_go();
        media.skip(&self.media);
        self.media = media;
        let mut templates = state.templates.clone();
        templates.skip(&self.templates);
        self.templates = templates;
        let (request, webhook) = (self.journal.next(), self.webhooks.next());
        self.journal = state.journal.clone();
        self.journal.skip_to(request);
        self.webhooks = state.webhooks.clone();
        self.webhooks.skip_to(webhook);
        self.config = state.config.clone();
        self.clock = resumed(state.clock, state.time, real);
        self.time = state.time;
        self.world = state.world.clone();
        self.allowed.clone_from(&state.allowed);
        self.handsets = state.handsets.clone();
        self.inbound = state.inbound.clone();
        self.numbers = state.numbers.clone();
        self.account = state.account.clone();
        self.notices = state.notices.clone();
        self.messages = state.messages.clone();
        self.faults.clone_from(&state.faults);
        self.configured_faults.clone_from(&state.configured_faults);
        self.webhook.clone_from(&state.webhook);
        self.outbox.extend(&state.outbox);
        self.held = state.held.clone();
        self.batches.clone_from(&state.batches);
        self.nowhere.clone_from(&state.nowhere);
        self.referee = state.referee.clone();
        self.ignored.clone_from(&state.ignored);
        self.wamids = state.wamids.clone();
        let age = self.snapshots.uses_again(id);
        self.wamids.begin_age(age, self.messages.end(), self.inbound.next(), self.time);
        for owed in &state.owed {
            self.hears_nothing(real, owed);
        }
        Ok(flights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::time::Span;

    #[test]
    fn what_was_not_used_for_longest_goes_for_want_of_bytes_too() {
        let half = SNAPSHOT_BYTES / 2;
        assert_eq!(next_to_go(&[(3, half), (2, half - 1)], 1), None);
        assert_eq!(next_to_go(&[(3, half), (2, half - 1)], 2), Some(1));
        assert_eq!(next_to_go(&[(3, half)], half + 1), Some(0));
        assert_eq!(next_to_go(&[], SNAPSHOT_BYTES), None);
        let many: Vec<(u64, usize)> = (0..SNAPSHOTS as u64).map(|place| (90 - place, 1)).collect();
        assert_eq!((next_to_go(&many, 0), next_to_go(&many[1..], 0)), (Some(SNAPSHOTS - 1), None));
    }

    #[test]
    fn time_goes_on_where_it_was() {
        let (at, real) = (Timestamp(5_000_000), Timestamp(90_000_000));
        let later = real + Span::secs(2);
        let on = |clock| resumed(clock, at, real);
        assert_eq!(on(VirtualClock::Frozen { at }).at(later), at);
        assert_eq!(on(VirtualClock::Real).at(later), at + Span::secs(2));
        let fast = VirtualClock::Running { at: Timestamp(0), real: Timestamp(0), factor: 10.0 };
        assert_eq!(on(fast).at(later), at + Span::secs(20));
    }
}
