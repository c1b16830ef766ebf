//! Bugs that tests put into the engine on purpose, to show that the simulator's checkers see them.
//!
//! Without the feature `planted`, which only tests turn on, [`on`] is constant and nothing of this is in a build. Nothing
//! here says what a bug does: that stands where it acts.

macro_rules! bugs {
    ($(#[doc = $text:literal] $name:ident,)+) => {
        /// A bug that can be planted, one at a time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Bug {
            $(#[doc = $text] $name,)+
        }

        impl Bug {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// What it does, in a sentence.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text.trim_ascii(),)+
                }
            }
        }
    };
}

bugs! {
    /// Every change of a count is lost: the canary, which any run must find.
    Canary,
    /// A `failed` after `delivered` takes the message back.
    FailedBeatsDelivered,
    /// `read` without `delivered` before it is passed over.
    ReadNeedsDelivered,
    /// An attempt is made although the message is not waiting for one.
    ClaimWithoutNeed,
    /// Transient errors do not count against the attempts.
    TransientUnspent,
    /// Throttled answers count against the attempts.
    ThrottleSpends,
    /// Errors of the number or the account count against the attempts.
    HaltSpends,
    /// An invalid contact is tried again.
    FinalRetried,
    /// Quick retries come four times too early.
    QuickRetryTooEarly,
    /// After the messaging limit an hour is waited, not twelve.
    LimitRetryTooEarly,
    /// After a marketing cap twelve hours are waited, not a day.
    CapRetryTooEarly,
    /// After a pair limit one second is waited.
    PairRetryTooEarly,
    /// A timeout is taken for a failure, and the message sent again soon.
    TimeoutIsFailure,
    /// An intent of the life before is taken for never sent.
    RecoveryResends,
    /// An intent of the life before is not looked for.
    RecoveryForgets,
    /// Unknown outcomes wait a minute.
    UnknownWaitShort,
    /// A silence of the webhook channel does not prolong the wait.
    SilenceIgnored,
    /// A silence of the life before is forgotten.
    SilenceForgotten,
    /// An engine that starts does not know when the one before it last heard a webhook.
    HeardForgotten,
    /// Time in which nothing was left to be told is taken for a silence.
    IdleIsSilence,
    /// An unknown outcome is given up without proof that webhooks come.
    ProofNotNeeded,
    /// A given-up attempt is not noted in the report.
    ReportForgets,
    /// `on_unknown = "never"` is passed over.
    NeverResends,
    /// An unknown outcome keeps its place among the POSTs under way.
    UnknownLeaksItsPlace,
    /// A halt is never probed.
    HaltNeverProbed,
    /// Any good answer ends a halt, not only its probe's.
    HaltEndsByAnyAnswer,
    /// A status of an earlier attempt of the message that probes a halt ends it.
    OldAttemptProbes,
    /// A word that comes after the answer to a probe, and says nothing, puts the next probe off.
    LateWordDefersProbe,
    /// A halt probes every second.
    HaltProbesFast,
    /// After a probe that only a status can prove, nobody wakes for the next one.
    HaltProbeOverslept,
    /// The breaker never opens.
    BreakerNeverOpens,
    /// The breaker never closes.
    BreakerNeverCloses,
    /// An open breaker probes every hundred milliseconds.
    BreakerProbesFast,
    /// The pace is not cut when WhatsApp throttles.
    ThrottleIgnored,
    /// A pace that was cut never grows back.
    PaceNeverGrows,
    /// The pace is a fifth above what the number allows.
    PaceTooFast,
    /// Claims go on after the deadline.
    DeadlineIgnored,
    /// The deadline's sweep takes only the first page.
    DeadlineSweepStops,
    /// The deadline is kept in mind only of what is in progress then.
    DeadlineOfOpenOnly,
    /// What held a message back at the deadline is not kept.
    DeadlineForgetsHold,
    /// The messaging limit's hold is over after an hour.
    LimitHoldShort,
    /// An opt-out is passed over.
    OptOutIgnored,
    /// An opt-out ends the message that was answered and no other.
    OptOutOfOneMessage,
    /// A cancelled campaign retries what was in flight.
    CancelRetries,
    /// A failure that was only presumed is told of no cancellation and no opt-out.
    PresumedForgetsDecision,
    /// A pause holds nothing.
    PauseIgnored,
    /// A resumed campaign stays held.
    ResumeForgotten,
    /// The ledger of the messaging limit admits everybody.
    LedgerIgnored,
    /// A ledger's entry ends an hour early.
    LedgerEndsEarly,
    /// The pair ledger admits everybody.
    PairsIgnored,
    /// A message that is taken and throttled afterwards does not count towards the pair limit.
    PairsForgetThrottled,
    /// Quiet hours are passed over.
    QuietIgnored,
    /// Quiet hours are those of UTC.
    QuietByUtc,
    /// Priority is passed over.
    PriorityIgnored,
    /// The first campaign of a sender goes before all others of its priority.
    UnfairTurns,
    /// A webhook is acknowledged before what it taught is durable.
    AcknowledgedEarly,
    /// What came back unspent is not tried again.
    PutBackForgotten,
    /// A page of due retries ends one message early, which is not read again.
    DuePageDrops,
    /// The counts do not follow a retry.
    CountsDrift,
    /// A deadline is told as a cancellation.
    ReasonWrong,
    /// What arrived is taken for read.
    DeliveredIsRead,
    /// The engine asks for its next turn for ever.
    NeverRests,
    /// A campaign of which nothing arrived says that it is completed.
    CampaignStateWrong,
}

impl Bug {
    /// Its name, as tables and tests write it: in kebab case.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<u8> = const { std::cell::Cell::new(u8::MAX) };
}

/// Plants a bug in this thread's engines, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug.map_or(u8::MAX, |bug| bug as u8));
}

/// Whether this bug is planted. Without the feature: never.
#[inline]
#[cfg(feature = "planted")]
pub fn on(bug: Bug) -> bool {
    PLANTED.get() == bug as u8
}

/// Whether this bug is planted. Without the feature: never.
#[inline]
#[cfg(not(feature = "planted"))]
pub const fn on(_: Bug) -> bool {
    false
}
