//! How fast a sender sends, and whether it goes on where it was told that nothing will be taken.

use super::{Finding, Ground, Moment, Referee, Rule, Ruling};
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// A sender that has sent this many messages within a second has more of them under way.
const BUSY: usize = 8;

/// What a sender has under way, at its own pace: a quarter of a second.
const UNDER_WAY: u32 = 4;

/// How long refusals that concern everything are counted together.
const GOES_ON: Span = Span::mins(1);

/// What is known of the pace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    /// When the last sends were made, in real time, in a ring.
    last: [Timestamp; BUSY],
    next: usize,
    /// Refusals for throughput, since when.
    throttled: (Timestamp, u32),
    /// The error that concerns everything, the template that it is about, since when and how often.
    wide: Option<(CodeIndex, u32, Timestamp, u32)>,
}

impl Numbers {
    /// Whether so much is sent that more must be under way.
    pub(super) fn is_busy(&self, real: Timestamp) -> bool {
        real.since(self.last[self.next]) < Span::secs(1)
    }

    fn sends(&mut self, real: Timestamp) {
        self.last[self.next] = real;
        self.next = (self.next + 1) % BUSY;
    }

    /// One more refusal for throughput: how many there were within a second, and whether that is more than a clock that
    /// runs unevenly explains.
    pub(super) fn throttled(&mut self, now: Timestamp, rate: u32) -> (u32, bool) {
        let (since, times) = &mut self.throttled;
        if now.since(*since) >= Span::secs(1) {
            (*since, *times) = (now, 0);
        }
        *times += 1;
        (*times, *times >= (rate / UNDER_WAY).max(2))
    }
}

/// Whether an error concerns a template, a number or an account as a whole.
fn is_wide(class: Class) -> bool {
    match class {
        Class::TemplateWide | Class::NumberWide | Class::AccountWide => true,
        Class::Transient
        | Class::Throttled
        | Class::Pair
        | Class::MessagingLimit
        | Class::MarketingCap
        | Class::InvalidContact
        | Class::Blocked
        | Class::Refused
        | Class::Generic => false,
    }
}

impl Referee {
    /// A request was turned away before it was known what it wanted, at a number of `rate` messages a second.
    pub fn turned_away(&mut self, request: u64, now: Moment, code: CodeIndex, rate: u32) {
        self.sends += 1;
        self.goes_on(request, now, rate, Ruling::Refused(code, super::By::State), 0);
    }

    pub(super) fn goes_on(&mut self, request: u64, now: Moment, rate: u32, ruling: Ruling, template: u32) {
        self.numbers.sends(now.real);
        let code = match ruling {
            Ruling::Refused(code, _) if is_wide(code.class()) => code,
            Ruling::Accepted(_) => {
                self.numbers.wide = None;
                return;
            }
            Ruling::Refused(..) | Ruling::Unknown { .. } => return,
        };
        let about = if code.class() == Class::TemplateWide { template } else { 0 };
        let (since, times) = match self.numbers.wide {
            Some((same, of, since, times)) if (same, of) == (code, about) && now.real.since(since) < GOES_ON => {
                (since, times + 1)
            }
            Some(_) | None => (now.real, 1),
        };
        self.numbers.wide = Some((code, about, since, times));
        let allowed = (rate / UNDER_WAY).max(5);
        if times > allowed {
            let (rule, certain, ground) = (Rule::Wasteful, true, Ground::GoesOn(code, times));
            self.find(Finding { rule, certain, handset: None, requests: [request, 0], at: now.at, ground });
        }
    }
}
