//! Which rules of the states page a run reached: a bit for each, so that a swarm can say which it never tried.

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A rule of the promise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Rule {
            $(#[doc = $text] $name,)+
        }

        impl Rule {
            /// Every rule with its sentence, in the order of the bits.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, $text),)+];
        }
    };
}

rules! {
    RetriedQuickly = "a transient or unlisted error is retried after seconds",
    RetriedAfterPair = "a pair limit is retried after 4, 16 and 64 seconds",
    RetriedAfterLimit = "a messaging limit is retried after 12 hours",
    RetriedAfterCap = "a marketing cap is retried after a day",
    RetriesSpent = "the retries of a message are spent",
    PutBack = "an attempt that does not count puts its message back",
    FinalInvalid = "an invalid contact is final",
    FinalBlocked = "a block is final",
    FinalRefused = "a refusal is final",
    PaceCut = "a throttled sender halves its pace",
    PaceGrew = "a pace that was cut grows back to its full rate",
    TemplateHalted = "a template halts",
    SenderHalted = "a number or an account halts",
    LimitHeld = "a portfolio is held after the messaging limit",
    HaltProbed = "a halt is probed",
    HaltEnded = "a halt's probe passes",
    HaltEndedByHand = "a halt is lifted by hand",
    BreakerOpened = "the breaker opens",
    BreakerProbed = "an open breaker probes",
    BreakerClosed = "the breaker closes",
    OutcomeUnknown = "an outcome is unknown after the POST",
    OutcomeUnknownByCrash = "an outcome is unknown after a crash",
    EvidenceCame = "evidence ends an unknown outcome",
    GivenUpByProof = "an unknown outcome is given up by proof of the channel",
    GivenUpByTime = "an unknown outcome is given up after twice the wait",
    Abandoned = "an unknown outcome ends the message where nothing may be resent",
    WaitProlonged = "a silence of the channel prolongs the wait",
    EvidenceAfterGivingUp = "evidence comes for an attempt that was given up",
    EvidenceCancelsRetry = "evidence cancels a waiting retry",
    LateFailureRetried = "a late failure of a sent message is retried",
    FailureLifted = "evidence lifts a failure that was presumed",
    ClaimRefused = "the store refuses an intent since evidence came first",
    OptedOut = "an opt-out ends what waits",
    Cancelled = "a cancellation ends what waits",
    FollowedAfterDecision = "what was in flight is followed after an opt-out or a cancellation",
    Paused = "a campaign is paused",
    Resumed = "a campaign is resumed",
    DeadlineEnded = "the deadline ends what waits",
    DeadlineHeld = "what held a message back at the deadline is its reason",
    LedgerFull = "the ledger of the messaging limit holds a contact back",
    PairWaited = "the pair ledger holds a contact back",
    QuietDeferred = "quiet hours hold a contact back",
    PriorityWent = "a campaign of higher priority goes before another",
    Responded = "a contact responds",
    Recovered = "an engine starts on the store of one before it",
    LateRead = "a message is read that was not told delivered",
}

const _: () = assert!(Rule::ALL.len() <= 64);

/// The rules that were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(pub u64);

impl Marks {
    /// A rule was reached.
    #[inline]
    pub fn reached(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    /// Whether it was.
    pub fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    /// The sentences of those that were not.
    pub fn missing(self) -> impl Iterator<Item = &'static str> {
        Rule::ALL.iter().filter(move |(rule, _)| !self.has(*rule)).map(|(_, text)| *text)
    }
}
