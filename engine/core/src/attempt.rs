//! One attempt's lifecycle: what is known of one POST, as a table of phase × fact.
//!
//! Facts arrive late, twice, in any order or never, so the table is a join: whatever the order of the same facts, the
//! phase ends the same. Live handling and recovery go through this one table.

use crate::planted::{self, Bug};
use cloud_api::catalogue::CodeIndex;

/// The furthest thing known of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// No such attempt.
    #[default]
    Free = 0,
    /// Its intent is durable; the POST is on its way, or about to be.
    Intended = 1,
    /// It may have been accepted; nobody knows yet.
    Unknown = 2,
    /// It was unknown for so long that the message may be sent again.
    GivenUp = 3,
    /// It was unknown for as long, and the message may not be sent again.
    Abandoned = 4,
    /// WhatsApp took it (200 and a wamid). Not yet a success.
    Accepted = 5,
    /// WhatsApp says it was sent.
    Sent = 6,
    /// It did not count: nothing was written, or WhatsApp answered that the sender must wait.
    Unspent = 7,
    /// WhatsApp refused it, in the reply or in a webhook.
    Failed = 8,
    /// It arrived on the device.
    Delivered = 9,
    /// The contact read it.
    Read = 10,
    /// The contact answered it.
    Replied = 11,
}

/// Something learned about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fact {
    /// The engine decided to POST it.
    Intended = 0,
    /// The POST ended without an answer, or the engine died while it was under way.
    Unknown = 1,
    /// Waiting for evidence is over, and the message may be sent again.
    GivenUp = 2,
    /// Waiting for evidence is over, and the message may not be sent again.
    Abandoned = 3,
    /// 200 and a wamid.
    Accepted = 4,
    /// `sent` webhook.
    Sent = 5,
    /// Never written, throttled, or halted sender-wide.
    Unspent = 6,
    /// An error that spends the attempt.
    Failed = 7,
    /// `delivered` webhook.
    Delivered = 8,
    /// `read` or `played` webhook.
    Read = 9,
    /// An inbound message that answers it.
    Replied = 10,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 12] = {
        use Phase::*;
        [Free, Intended, Unknown, GivenUp, Abandoned, Accepted, Sent, Unspent, Failed, Delivered, Read, Replied]
    };

    /// What this phase becomes when the fact is learned.
    pub fn after(self, fact: Fact) -> Self {
        if planted::on(Bug::FailedBeatsDelivered) && self == Self::Delivered && fact == Fact::Failed {
            return Self::Failed;
        }
        if planted::on(Bug::ReadNeedsDelivered) && self < Self::Delivered && fact == Fact::Read {
            return self;
        }
        NEXT[self as usize][fact as usize]
    }

    /// Whether the POST may still turn out well and nothing better is known.
    pub fn is_open(self) -> bool {
        match self {
            Self::Intended | Self::Unknown | Self::Accepted => true,
            Self::Free
            | Self::GivenUp
            | Self::Abandoned
            | Self::Sent
            | Self::Unspent
            | Self::Failed
            | Self::Delivered
            | Self::Read
            | Self::Replied => false,
        }
    }

    /// Whether the attempt counts against the 1 + 3.
    pub fn is_spent(self) -> bool {
        !matches!(self, Self::Free | Self::Unspent)
    }
}

impl Fact {
    /// Every fact, in order.
    pub const ALL: [Self; 11] = {
        use Fact::*;
        [Intended, Unknown, GivenUp, Abandoned, Accepted, Sent, Unspent, Failed, Delivered, Read, Replied]
    };
}

/// The table: a row per phase, a column per fact, in the order of [`Phase::ALL`] and [`Fact::ALL`].
#[rustfmt::skip]
const NEXT: [[Phase; 11]; 12] = {
    use Phase::*;
    [
        // Intended   Unknown    GivenUp    Abandoned  Accepted   Sent       Unspent    Failed     Delivered  Read       Replied
        [Intended,  Unknown,   GivenUp,   Abandoned, Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Free
        [Intended,  Unknown,   GivenUp,   Abandoned, Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Intended
        [Unknown,   Unknown,   GivenUp,   Abandoned, Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Unknown
        [GivenUp,   GivenUp,   GivenUp,   Abandoned, Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // GivenUp
        [Abandoned, Abandoned, Abandoned, Abandoned, Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Abandoned
        [Accepted,  Accepted,  Accepted,  Accepted,  Accepted,  Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Accepted
        [Sent,      Sent,      Sent,      Sent,      Sent,      Sent,      Unspent,   Failed,    Delivered, Read,      Replied], // Sent
        [Unspent,   Unspent,   Unspent,   Unspent,   Unspent,   Unspent,   Unspent,   Failed,    Delivered, Read,      Replied], // Unspent
        [Failed,    Failed,    Failed,    Failed,    Failed,    Failed,    Failed,    Failed,    Delivered, Read,      Replied], // Failed
        [Delivered, Delivered, Delivered, Delivered, Delivered, Delivered, Delivered, Delivered, Delivered, Read,      Replied], // Delivered
        [Read,      Read,      Read,      Read,      Read,      Read,      Read,      Read,      Read,      Read,      Replied], // Read
        [Replied,   Replied,   Replied,   Replied,   Replied,   Replied,   Replied,   Replied,   Replied,   Replied,   Replied], // Replied
    ]
};

/// All that is kept of one attempt, in 16 bits: the phase and the error's place in the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt(u16);

impl Attempt {
    /// From the bits that a store kept. `None` if they are not what [`Attempt::bits`] gives.
    pub fn from_bits(bits: u16) -> Option<Self> {
        let known = usize::from(bits & 0xF) < Phase::ALL.len() && bits & 0xF0 == 0;
        let code = (bits >> 8) as u8;
        (known && (code == 0 || CodeIndex::from_raw(code).is_some())).then_some(Self(bits))
    }

    /// The bits for a store.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// The phase.
    pub fn phase(self) -> Phase {
        Phase::ALL[usize::from(self.0 & 0xF)]
    }

    /// The error that it ended with, if one is known.
    pub fn code(self) -> Option<CodeIndex> {
        CodeIndex::from_raw((self.0 >> 8) as u8)
    }

    /// Takes in a fact. The error that stays is one of those that made it what it is, and of two such the one later in the
    /// catalogue, so that their order cannot matter: an error that spends nothing says nothing of an attempt that failed.
    pub fn learn(&mut self, fact: Fact, code: Option<CodeIndex>) {
        let before = self.phase();
        let phase = before.after(fact);
        let kept = if before == Phase::Unspent && phase > before { 0 } else { (self.0 >> 8) as u8 };
        let code = match code {
            Some(new) if fact != Fact::Unspent || phase <= Phase::Unspent => new.raw().max(kept),
            Some(_) | None => kept,
        };
        self.0 = phase as u16 | (u16::from(code) << 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_phase_and_fact_has_its_row() {
        let mut table = String::new();
        for phase in Phase::ALL {
            for fact in Fact::ALL {
                table += &format!("{phase:?} + {fact:?} = {:?}\n", phase.after(fact));
            }
        }
        assert_eq!(table.lines().count(), 132);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_error_that_stays_is_of_what_the_attempt_became_whatever_came_first() {
        use cloud_api::catalogue::find;
        let failed = (Fact::Failed, Some(find(131_026, None)));
        let unspent = (Fact::Unspent, Some(find(132_015, None)));
        let arrived = (Fact::Delivered, None);
        let after = |facts: &[(Fact, Option<CodeIndex>)]| {
            let mut attempt = Attempt::default();
            facts.iter().for_each(|(fact, code)| attempt.learn(*fact, *code));
            (attempt.phase(), attempt.code().map(CodeIndex::code))
        };
        assert_eq!(after(&[unspent]), (Phase::Unspent, Some(132_015)));
        for facts in [[failed, unspent], [unspent, failed]] {
            assert_eq!(after(&facts), (Phase::Failed, Some(131_026)));
        }
        for facts in [[failed, unspent, arrived], [unspent, arrived, failed], [arrived, unspent, failed]] {
            assert_eq!(after(&facts), (Phase::Delivered, Some(131_026)));
        }
    }

    #[test]
    fn the_order_and_repetition_of_facts_cannot_matter() {
        for phase in Phase::ALL {
            for one in Fact::ALL {
                assert_eq!(phase.after(one).after(one), phase.after(one), "{phase:?} twice {one:?}");
                for other in Fact::ALL {
                    let there = phase.after(one).after(other);
                    let back = phase.after(other).after(one);
                    assert_eq!(there, back, "{phase:?} + {one:?} + {other:?}");
                }
            }
        }
    }

    #[test]
    fn an_attempt_survives_its_bits_and_foreign_bits_are_refused() {
        let mut attempt = Attempt::default();
        attempt.learn(Fact::Intended, None);
        attempt.learn(Fact::Failed, Some(cloud_api::catalogue::find(131_026, None)));
        assert_eq!(Attempt::from_bits(attempt.bits()), Some(attempt));
        assert_eq!(Attempt::from_bits(0x000C), None);
        assert_eq!(Attempt::from_bits(0x0010), None);
    }
}
