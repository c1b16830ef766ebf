//! The Cloud API's documented bounds, each with its source. How a sender paces itself below them is not said here.
//!
//! Sections are those of `docs/cloud-api.md`; *(mock)* marks a value chosen where WhatsApp's own
//! is not documented.

use crate::time::Span;

/// Longest `text.body`, in characters (section 2.4).
pub const TEXT_BODY_MAX: usize = 4_096;

/// Longest caption of an image, a video or a document, in characters (section 2.4).
pub const CAPTION_MAX: usize = 1_024;

/// Longest `biz_opaque_callback_data`, in characters (section 2.1; older pages say 256).
pub const CALLBACK_DATA_MAX: usize = 512;

/// Longest body of a template after its parameters were put in, in characters (sections 2.5 and 5.6).
pub const TEMPLATE_BODY_MAX: usize = 1_024;

/// Longest text header of a template after its parameter was put in, in characters (sections 2.5 and 5.6).
pub const TEMPLATE_HEADER_MAX: usize = 60;

/// Longest name of a template, in characters of `[a-z0-9_]` (section 5.6).
pub const TEMPLATE_NAME_MAX: usize = 512;

/// Most spaces in a row inside a template parameter; newlines and tabs are refused outright (section 2.5).
pub const PARAMETER_SPACES_MAX: usize = 4;

/// Longest payload of a quick-reply button, in characters (section 2.5; UNCERTAIN: 128 on other pages).
pub const QUICK_REPLY_PAYLOAD_MAX: usize = 256;

/// Most buttons of an interactive message (section 2.6).
pub const INTERACTIVE_BUTTONS_MAX: usize = 3;

/// A message id fits into so many bytes (section 2.3: about 128 are seen, 255 should be kept).
pub const WAMID_MAX: usize = 255;

/// Largest body of a webhook, in bytes (section 3.2: 3 MB).
pub const WEBHOOK_BODY_MAX: usize = 3 * 1_024 * 1_024;

/// Most updates in one webhook (section 3.3).
pub const WEBHOOK_UPDATES_MAX: usize = 1_000;

/// For how long an unacknowledged webhook is delivered again (section 3.3; UNCERTAIN: 36 hours on an old page).
pub const WEBHOOK_RETRY_HORIZON: Span = Span::hours(7 * 24);

/// For how long WhatsApp waits for a webhook's answer (section 3.3; *(mock)*: 5 to 20 s are reported).
pub const WEBHOOK_TIMEOUT: Span = Span::secs(10);

/// Messages per second of a phone number, both directions together (section 5.1).
pub const DEFAULT_THROUGHPUT: u32 = 80;

/// The same after the automatic upgrade (section 5.1).
pub const UPGRADED_THROUGHPUT: u32 = 1_000;

/// The same for a number that is shared with the Business app (section 5.1).
pub const COEXISTENCE_THROUGHPUT: u32 = 20;

/// How long an upgrade of the throughput takes at most; calls get 131057 meanwhile (section 5.1).
pub const UPGRADE_TIME_MAX: Span = Span::mins(1);

/// Messages to one contact that may go out at once, borrowed from the time after (section 5.2).
pub const PAIR_BURST: u32 = 45;

/// One message per contact in so much time, once the burst is used up (section 5.2).
pub const PAIR_REFILL: Span = Span::secs(6);

/// The messaging limits of a portfolio below "unlimited": contacts outside the window in a rolling day (section 5.3).
pub const MESSAGING_LIMITS: [u32; 4] = [250, 2_000, 10_000, 100_000];

/// The time over which the messaging limit counts (section 5.3).
pub const MESSAGING_LIMIT_WINDOW: Span = Span::hours(24);

/// The customer service window: how long after a contact's message any message may be sent (section 5.8).
pub const SERVICE_WINDOW: Span = Span::hours(24);

/// How long an undelivered message waits for its handset, unless its template says less (section 5.8).
pub const MESSAGE_TTL: Span = Span::hours(30 * 24);

/// How long an uploaded medium can be sent (sections 2.4 and 6.4).
pub const MEDIA_LIFETIME: Span = Span::hours(30 * 24);

/// How long a message can be reacted to or marked as read (sections 2.4 and 2.7).
pub const REACTION_AGE_MAX: Span = Span::hours(30 * 24);

/// The least wait after 131049 before the same contact is tried again (sections 4.4 and 5.4).
pub const MARKETING_CAP_WAIT: Span = Span::hours(24);

/// The time over which a cap on marketing for a contact counts. WhatsApp's is adaptive and not disclosed (section 5.4).
pub const MARKETING_CAP_WINDOW: Span = Span::hours(24);

/// The first pause of a template for its quality (section 5.7).
pub const FIRST_PAUSE: Span = Span::hours(3);

/// The second one; the third disables the template (section 5.7).
pub const SECOND_PAUSE: Span = Span::hours(6);
