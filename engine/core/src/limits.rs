//! Every bound and every wait of the engine, each with its derivation.

use cloud_api::time::Span;

/// A campaign ends this long after its scheduled start.
pub const DEADLINE: Span = Span::hours(72);

/// Waits before the second, third and fourth attempt after a transient error; half of each is jitter.
pub const QUICK_WAITS: [Span; 3] = [Span::secs(2), Span::secs(10), Span::secs(60)];

/// Waits after a pair limit: 4^n seconds, as the Cloud API's documentation advises.
pub const PAIR_WAITS: [Span; 3] = [Span::secs(4), Span::secs(16), Span::secs(64)];

/// The wait after the messaging limit was reached, to which [`LIMIT_JITTER`] is added.
pub const LIMIT_WAIT: Span = Span::hours(12);

/// The most that is added to [`LIMIT_WAIT`], so that a wave of retries does not come back as a wave.
pub const LIMIT_JITTER: Span = Span::mins(15);

/// The wait after a marketing cap (131049): an earlier retry prolongs the cap.
pub const CAP_WAIT: Span = Span::hours(24);

/// The longest that a POST may be under way until nobody waits for its answer, a slow commit behind it: when its outcome becomes
/// unknown, it was written no earlier than this before. Clients wait half a minute unless a setting says otherwise.
pub const ANSWER_WAIT: Span = Span::mins(1);

/// An attempt of unknown outcome waits at least this long for evidence before it can be given up.
pub const UNKNOWN_WAIT: Span = Span::mins(10);

/// And this many times the longest silence of the webhook channel meanwhile: steps of a ladder of retries grow by less.
pub const SILENCE_FACTOR: u64 = 4;

/// Between two probes of a halted template, number or account.
pub const HALT_PROBE: Span = Span::mins(5);

/// 131057, the number is in maintenance: documented as at most a minute.
pub const MAINTENANCE_HOLD: Span = Span::secs(60);

/// Connection failures or unknown outcomes in a row that open the breaker.
pub const BREAKER_IN_A_ROW: u32 = 5;

/// Of how many last outcomes half must be bad to open the breaker.
pub const BREAKER_WINDOW: u32 = 20;

/// The first wait of an open breaker; it doubles up to [`BREAKER_PROBE_MOST`].
pub const BREAKER_PROBE: Span = Span::secs(5);

/// The longest wait of an open breaker.
pub const BREAKER_PROBE_MOST: Span = Span::secs(60);

/// Intents run at most this long a stretch of pace ahead of the writes, since a crash makes each of them unknown.
pub const INTENT_AHEAD: Span = Span::millis(250);

/// Messages in one page from the store. Two pages of the default pace are 13 s of work: enough to hide a slow read.
pub const PAGE: u16 = 512;

/// The messages of a sender that wait in memory before no further page is asked for.
pub const READY_LOW: u32 = 512;

/// Messages of a campaign that came back unspent and wait in memory; more stay in the store until its end is reached. It
/// is above what can be under way at once.
pub const PUT_BACK: u32 = 1_024;

/// Rows in one step of a sweep: a few milliseconds of one store transaction, so that sending goes on between steps.
pub const SWEEP: u16 = 1_024;

/// POSTs of one sender under way at once. At 1,000 messages/s this hides answers of a quarter of a second.
pub const IN_FLIGHT: u32 = 256;

/// Writes in one commit: past this a batch gains no more speed and costs latency.
pub const BATCH: usize = 1_000;
