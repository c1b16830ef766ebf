//! The same message again: what the sender knew of the first, and whether it could know better.

use super::memory::{End, Memo};
use super::{By, Callback, Ground, Referee, Rule, Ruling, Same, Sent};
use crate::World;
use crate::input::MessageIndex;
use crate::world::Stage;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::Span;

/// An error that is final stays so for a day at least: the documentation speaks of checking contacts again after days.
const FINAL_FOR: Span = Span::hours(24);

/// Who calls two messages the same after this long may mean a new one: the deadline of a campaign.
const SAME_FOR: Span = Span::hours(72);

/// Whether a wait was too short by more than what a sender's clock and the network explain.
fn is_short(waited: Span, wait: Span) -> bool {
    waited.0 + wait.0 / 50 < wait.0
}

/// What a wait after an error is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    /// Below this it is certainly too early: the documentation says so.
    certain: Span,
    /// Below this it is unwise.
    wise: Span,
}

/// The wait that an error asks for before the same message is sent again, when it came so often in a row. Documented are the
/// steps of the pair limit (4^n seconds), a day after the cap of marketing, and "hours" after the spam limit, of which one is
/// held to; the rest is good practice.
fn wait(code: CodeIndex, times: u8) -> Option<Wait> {
    let only = |wise| Some(Wait { certain: Span::ZERO, wise });
    match code.class() {
        Class::Pair => {
            let step = Span::secs(1) * 4_u64.pow(u32::from(times.clamp(1, 4)) - 1);
            Some(Wait { certain: step, wise: step })
        }
        Class::MarketingCap => Some(Wait { certain: FINAL_FOR, wise: FINAL_FOR }),
        Class::MessagingLimit => Some(Wait { certain: Span::hours(1), wise: Span::hours(12) }),
        Class::Throttled if code.code() == 131_057 => only(Span::mins(1)),
        Class::Throttled | Class::Transient | Class::Generic => only(Span::secs(1)),
        Class::InvalidContact
        | Class::Blocked
        | Class::Refused
        | Class::TemplateWide
        | Class::NumberWide
        | Class::AccountWide => None,
    }
}

impl Ruling {
    /// The message, if it was taken in truth.
    pub(super) fn taken(self) -> Option<MessageIndex> {
        match self {
            Self::Accepted(message) => Some(message),
            Self::Unknown { taken, .. } => taken,
            Self::Refused(..) => None,
        }
    }
}

impl Referee {
    /// Takes in a send that was understood, and how it was ruled. `pending`: the answer has not been given yet; when it is,
    /// [`Self::heard`] says whether anybody was there to hear it. `words` gives the callback data of an accepted message.
    pub fn sent(
        &mut self,
        world: &World,
        sent: &Sent,
        ruling: Ruling,
        pending: bool,
        words: &dyn Fn(MessageIndex) -> Callback,
    ) {
        self.sends += 1;
        let memo = self.memory.get(sent.key);
        let earlier = self.index.find(world, sent.key);
        match memo {
            Some(memo) => self.after(world, sent, ruling, &memo),
            None => match (earlier, ruling.taken()) {
                (Some(earlier), Some(_)) => self.once_more(world, sent, earlier, words),
                (None, Some(_)) => self.like_the_last(world, sent, words),
                (_, None) => {}
            },
        }
        self.by_contact(sent);
        self.by_limit(sent, ruling);
        self.remember(world, sent, ruling, pending, memo);
    }

    fn remember(&mut self, world: &World, sent: &Sent, ruling: Ruling, pending: bool, before: Option<Memo>) {
        if let Some(message) = ruling.taken() {
            self.forgot |= !self.index.add(world, message, sent.key, sent.request);
        }
        let end = match ruling {
            _ if pending => End::Unknown {
                taken: ruling.taken(),
                proven: false,
                offered: false,
                fair: !matches!(ruling, Ruling::Unknown { fair: false, .. }),
            },
            Ruling::Accepted(_) => return self.memory.clear(sent.key),
            Ruling::Refused(code, _) => End::Refused(code, times(before, code)),
            Ruling::Unknown { taken, fair } => End::Unknown { taken, proven: false, offered: false, fair },
        };
        let memo = Memo { request: sent.request, since: sent.now, callback: sent.callback, end };
        self.forgot |= !self.memory.set(sent.now.at, sent.key, memo);
    }

    /// The answer to a send was given at last: to the sender, or to nobody, since it had hung up.
    pub fn heard(&mut self, now: super::Moment, sent: &Sent, ruling: Ruling, heard: bool) {
        let Some(memo) = self.memory.get(sent.key).filter(|memo| heard && memo.request == sent.request) else { return };
        match ruling {
            Ruling::Accepted(_) => self.memory.clear(sent.key),
            Ruling::Refused(code, _) => {
                let memo = Memo { since: now, end: End::Refused(code, 1), ..memo };
                self.forgot |= !self.memory.set(now.at, sent.key, memo);
            }
            Ruling::Unknown { .. } => {}
        }
    }

    /// The last attempt did not simply succeed.
    fn after(&mut self, world: &World, sent: &Sent, ruling: Ruling, memo: &Memo) {
        let same = memo.callback.same(sent.callback);
        let waited = sent.now.since(memo.since);
        match memo.end {
            End::Refused(code, times) => self.after_error(sent, ruling, memo, code, times, same, waited),
            End::Failed(code) => self.after_error(sent, ruling, memo, code, 1, same, waited),
            End::Unknown { taken, proven: true, .. } => {
                let failed =
                    taken.and_then(|taken| world.message(taken)).is_none_or(|view| view.stage == Stage::Failed);
                if ruling.taken().is_some() && !failed {
                    let certain = same != Same::Unclear && sent.callback.whole != 0 && waited < SAME_FOR;
                    self.find_of(sent, Rule::Duplicate, certain, memo.request, Ground::ProvenBefore(same, waited));
                }
            }
            End::Unknown { taken, proven: false, offered, fair } => {
                let wait = self.evidence_wait;
                if is_short(waited, wait) {
                    let certain = same != Same::Unclear && fair;
                    let ground = Ground::Unknown { same, waited, wait, taken: taken.is_some() };
                    self.find_of(sent, Rule::BlindResend, certain, memo.request, ground);
                } else if offered && same != Same::Unclear {
                    self.find_of(sent, Rule::BlindResend, false, memo.request, Ground::EvidenceRefused(waited));
                } else if taken.is_some() && ruling.taken().is_some() && same != Same::Unclear {
                    self.find_of(sent, Rule::Duplicate, false, memo.request, Ground::NobodyTold(waited));
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what there is to know about one attempt after another")]
    fn after_error(
        &mut self,
        sent: &Sent,
        ruling: Ruling,
        memo: &Memo,
        code: CodeIndex,
        times: u8,
        same: Same,
        waited: Span,
    ) {
        let known = same != Same::Unclear;
        if let Some(Wait { certain, wise }) = wait(code, times) {
            if is_short(waited, wise) {
                let certain = known && is_short(waited, certain);
                let ground = Ground::Early { code, waited, wait: wise };
                self.find_of(sent, Rule::RetryTooEarly, certain, memo.request, ground);
            }
            return;
        }
        let is_final = match code.class() {
            Class::InvalidContact | Class::Blocked => true,
            // A window may have opened, an asset may have been mended, and one retry is allowed.
            Class::Refused => match code.code() {
                131_047 => matches!(ruling, Ruling::Refused(again, _) if again == code),
                131_053 | 135_000 => false,
                _ => true,
            },
            _ => false,
        };
        if is_final && waited < FINAL_FOR {
            self.find_of(sent, Rule::Wasteful, known, memo.request, Ground::Final(code, waited));
        }
    }

    /// The last attempt was accepted, and said so.
    fn once_more(
        &mut self,
        world: &World,
        sent: &Sent,
        earlier: MessageIndex,
        words: &dyn Fn(MessageIndex) -> Callback,
    ) {
        let Some(view) = world.message(earlier) else { return };
        let (whole, spoken) = (Callback::of_whole(view.callback), words(earlier));
        let first = if spoken.whole == view.callback { spoken } else { whole };
        let (same, since) = (first.same(sent.callback), sent.now.at.since(view.at));
        let certain = match same {
            Same::Callback | Same::Attempt => view.stage != Stage::Failed && since < SAME_FOR,
            Same::Content | Same::Unclear => false,
        };
        if certain || since < self.window {
            let request = self.index.request(earlier);
            self.find_of(sent, Rule::Duplicate, certain, request, Ground::AcceptedBefore(same, since));
        }
    }

    /// Nothing that says the same was sent to the contact; something like it may have been.
    fn like_the_last(&mut self, world: &World, sent: &Sent, words: &dyn Fn(MessageIndex) -> Callback) {
        let Some((last, template)) = sent.previous else { return };
        let Some(view) = world.message(last).filter(|view| view.stage != Stage::Failed) else { return };
        let since = sent.now.at.since(view.at);
        if since >= self.window {
            return;
        }
        let request = self.index.request(last);
        if sent.callback.whole != 0 && sent.callback.whole == words(last).whole {
            self.find_of(sent, Rule::Duplicate, false, request, Ground::SameCallback(since));
        } else if template != 0 && template == sent.template {
            self.find_of(sent, Rule::Duplicate, false, request, Ground::SameTemplate(since));
        }
    }

    /// A send goes beyond the messaging limit, however the sender is told of it; whether a fault has lowered that.
    pub fn beyond_limit(&mut self, sent: &Sent, lowered: bool) {
        self.find_of(sent, Rule::OverMessagingLimit, !lowered, 0, Ground::MessagingLimit { lowered });
    }

    fn by_limit(&mut self, sent: &Sent, ruling: Ruling) {
        let (rule, certain, ground) = match ruling {
            Ruling::Refused(_, By::Throughput(rate)) => {
                let (within, certain) = self.numbers.throttled(sent.now.at, rate);
                (Rule::OverThroughput, certain, Ground::Throughput(within, rate))
            }
            Ruling::Refused(_, By::Pair(wait)) => (Rule::OverPair, wait > Span::secs(1), Ground::Pair(wait)),
            Ruling::Refused(_, By::MessagingLimit { lowered }) => return self.beyond_limit(sent, lowered),
            Ruling::Refused(_, By::Arranged | By::State | By::Lowered)
            | Ruling::Accepted(_)
            | Ruling::Unknown { .. } => return self.goes_on(sent.request, sent.now, sent.rate, ruling, sent.template),
        };
        self.find_of(sent, rule, certain, 0, ground);
    }
}

fn times(before: Option<Memo>, code: CodeIndex) -> u8 {
    match before.map(|memo| memo.end) {
        Some(End::Refused(same, times)) if same == code => times.saturating_add(1),
        Some(End::Refused(..) | End::Failed(_) | End::Unknown { .. }) | None => 1,
    }
}
