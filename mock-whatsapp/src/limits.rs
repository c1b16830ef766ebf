//! Every bound of the server, with its derivation. WhatsApp's own limits are the model's.

use cloud_api::time::Span;
use std::time::Duration;

/// The longest request body: the documentation's largest message is far below, and Graph's own limit is unknown.
pub const BODY_BYTES: usize = 1024 * 1024;

/// Bulk control calls carry a scenario's handsets: about 100 bytes each for a hundred thousand.
pub const CONTROL_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The longest head, about: tokens and URLs of real calls are below 2 KiB together; proxies allow 8 to 64 KiB.
pub const HEAD_BYTES: usize = 64 * 1024;

/// From the first byte of a head to its last, and for a TLS greeting: a client sends a head at once, over any line.
pub const HEAD_WAIT: Duration = Duration::from_secs(10);

/// How long a connection may idle: longer than clients' own idle timeouts (60 to 90 s), so that it is the client that closes.
pub const IDLE_WAIT: Duration = Duration::from_secs(120);

/// How long a client may take in nothing of an answer that it was sent.
pub const READER_WAIT: Duration = Duration::from_secs(30);

/// How long a body may take.
pub const BODY_WAIT: Duration = Duration::from_secs(30);

/// Connections at a time. Further ones wait in the kernel's queue.
pub const CONNECTIONS: usize = 4_096;

/// A reply that never comes keeps its connection this long: longer than any sensible client waits.
pub const SILENCE: Duration = Duration::from_secs(300);

/// How long a connection may take to finish its answers once the server stops.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// Calls that wait for the worlds; a full queue makes connections wait.
pub const CALLS: usize = 4_096;

/// Calls that are taken in before anything else gets its turn.
pub const BATCH: usize = 256;

/// Webhooks of one tenant that may wait for their turn before calls have to wait for webhooks. Each takes about 120 bytes, and
/// a sender that is faster than its receiver could have millions of them wait.
pub const WEBHOOKS_WAITING: usize = 4_096;

/// Webhooks of one tenant that wait for their turn at most, unless the configuration says otherwise: 120 MB. Beyond, messages
/// are refused, for nobody would know of a webhook that was dropped.
pub const WEBHOOKS_WAITING_MOST: usize = 1_000_000;

/// How many webhooks must have been answered for one more call to be taken in, while too many wait: a message that is read
/// has three.
pub const WEBHOOKS_PER_CALL: usize = 4;

/// How long calls wait for webhooks at most, however slow these are. WhatsApp takes twenty times as long for any answer.
pub const CALLS_WAIT: Span = Span::millis(5);

/// A receiver that answered nothing for so long hangs, and calls do not wait for it: it would not catch up. One that is only
/// slow, with [`WEBHOOKS_AT_ONCE`] webhooks at a time, answers one of them sooner, unless it takes more than six seconds.
pub const RECEIVER_HANGS: Span = Span::millis(100);

/// Webhooks of one tenant that are under way at a time.
pub const WEBHOOKS_AT_ONCE: usize = 64;

/// How long a connection to a receiver is kept for the next webhook: as long as one that hangs would be. A thousand tenants
/// with [`WEBHOOKS_AT_ONCE`] each would use up all file descriptors, and nobody could connect any more.
pub const COURIER_IDLE: Span = Span::secs(10);

/// How long a receiver may take, in real time, unless told otherwise. Undocumented; reports range from 5 to 20 s.
pub const WEBHOOK_WAIT: Duration = Duration::from_secs(10);

/// How long a receiver may be told to take at most: as long as a reply that never comes.
pub const WEBHOOK_WAIT_MOST: Span = Span::mins(5);

/// Updates that one POST carries at most (documented).
pub const WEBHOOK_BATCH: usize = 1_000;

/// How much of a receiver's answer is read and kept.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// What the webhook log of one tenant may hold: about fifteen thousand with their bodies.
pub const WEBHOOK_LOG_BYTES: usize = 12 * 1024 * 1024;

/// Webhooks whose records lie together, and are forgotten one after the other.
pub const WEBHOOKS_PER_BLOCK: usize = 64;

/// The longest body of a webhook that lies with others: a status has 700 bytes.
pub const WEBHOOK_BODY: usize = 16 * 1024;

/// What the message log of one tenant may hold: the words of about fifty thousand messages, which is how many sends the
/// journal has. The model knows the others still. A million sends are to stay below 200 MB all in all; `mock_speed` of the benchmarks measures it.
pub const MESSAGE_LOG_BYTES: usize = 10 * 1024 * 1024;

/// Words of messages that are forgotten at a time.
pub const MESSAGE_BLOCK: usize = 64 * 1024;

/// What contacts wrote by hand of the control API, of one tenant: about a hundred thousand short messages.
pub const INBOUND_BYTES: usize = 32 * 1024 * 1024;

/// News of one tenant's account that are kept for webhooks to be made of: tens of thousands, at about 500 bytes each.
pub const NOTICE_BYTES: usize = 16 * 1024 * 1024;

/// Templates of one tenant: what a verified portfolio may have.
pub const TEMPLATES: usize = 6_000;

/// Tenants. A test worker has one; each costs about 100 KiB.
pub const TENANTS: usize = 1_024;

/// Personas that are remembered, to be shared by the handsets that are alike.
pub const PERSONAS: usize = 64;

/// Telephones of one tenant that are given a behaviour, and behaviours that differ, since its last reset: five times the
/// largest list that one call carries, at some 300 bytes each.
pub const HANDSETS_GIVEN: usize = 500_000;

/// Faults that can be armed at a time.
pub const FAULTS: usize = 1_000;

/// The longest of them, as it is written: it names values of messages, not documents.
pub const FAULT_BYTES: usize = 64 * 1024;

/// The largest number that a cursor has: what every reader of JSON has exactly.
pub const CURSOR_MOST: u64 = (1 << 53) - 1;

/// Items of a list, unless asked for fewer or more.
pub const PAGE: usize = 100;

/// Items of a list at most.
pub const PAGE_MOST: usize = 10_000;

/// The body of an upload: the largest document (100 MB) and the form around it.
pub const MEDIA_BODY_BYTES: usize = 101 * 1024 * 1024;

/// How long an upload may take: the largest document at 3 Mbit/s.
pub const UPLOAD_WAIT: Duration = Duration::from_secs(300);

/// The media of one tenant, unless told otherwise: two of the largest documents and some pictures.
pub const MEDIA_BYTES: usize = 256 * 1024 * 1024;

/// The media of all tenants together, and what of them is on its way in: what a small machine can spare.
pub const MEDIA_BYTES_ALL: usize = 1024 * 1024 * 1024;

/// Numbers of one tenant: what WhatsApp allows a portfolio at most, unless asked.
pub const NUMBERS: usize = 20;

/// Portfolios of one tenant beside its own: one for each number.
pub const PORTFOLIOS: usize = NUMBERS;

/// What a number or an account may keep of settings that nobody reads.
pub const SETTINGS_BYTES: usize = 64 * 1024;

/// Contacts that a number may block: WhatsApp's own limit (section 6.7).
pub const BLOCKED: usize = 64_000;

/// How long a host that gives media by link may take, in real time.
pub const LINK_WAIT: Duration = Duration::from_secs(10);

/// Upload sessions of one tenant: each costs some hundred bytes beside its file.
pub const UPLOADS: usize = 1_000;

/// Fields of an upload's form that are kept; it has three.
pub const UPLOAD_FIELDS: usize = 32;

/// Fields of any other form or query that are kept: as many as PHP takes of one, in which most of the texts of a carousel can be
/// fields of their own.
pub const FORM_FIELDS: usize = 1_000;

/// How deep the names of such fields may go; a carousel's parameters are nine deep.
pub const FORM_DEPTH: usize = 32;

/// What the journal of one tenant may hold, unless told otherwise: about forty thousand sends of a template, so that a million
/// sends leave room for everything else that is remembered of them.
pub const JOURNAL_BYTES: usize = 16 * 1024 * 1024;

/// Snapshots of one tenant that are kept: a suite has a few states to begin tests from.
pub const SNAPSHOTS: usize = 16;

/// What the snapshots of one tenant may hold: a tenant whose logs are all full takes about half of it, most take a few
/// hundred KiB.
pub const SNAPSHOT_BYTES: usize = 256 * 1024 * 1024;

/// Restores of one another's futures whose message ids are told apart: 32 bytes each, and a comparison for each id that is
/// read. Restores of the same snapshot are one.
pub const AGES: usize = 4_096;

/// Texts of the journal that are forgotten at a time.
pub const JOURNAL_BLOCK: usize = 64 * 1024;

/// How much of a body the journal keeps: the longest text message with every character escaped is half of it.
pub const JOURNAL_BODY: usize = 64 * 1024;

/// Requests that are looked at for an assertion before others get their turn: some milliseconds.
pub const VERIFY_LOOKS: usize = 1_000;

/// Requests that an assertion names.
pub const VERIFY_SHOWN: usize = 1_000;

/// Near misses that an assertion names.
pub const VERIFY_NEAR: usize = 5;

/// Steps of a sequence that is asserted.
pub const VERIFY_STEPS: usize = 1_000;

/// How long an assertion may wait, in real time: longer than tests do.
pub const VERIFY_WAIT: Duration = Duration::from_secs(600);

/// Who may listen to the events of one tenant at a time: some people and their tools.
pub const LISTENERS: usize = 16;

/// Events that wait for a listener; each is some kilobytes at most, but for a long body. Further ones are missed, and counted.
pub const LISTENER_EVENTS: usize = 1_000;
