//! What each kind of fault, kind of contacts and state means, for whoever writes a file.

/// Kinds of faults.
pub(super) const FAULTS: [(&str, &str); 23] = [
    ("outage", "Connections are refused"),
    ("error", "The API answers with an error of its catalogue, or accepts and tells it in a webhook"),
    ("throttle", "The number's throughput falls to `rate`: 130429 above it"),
    ("latency", "The reply takes longer"),
    ("reset", "The connection is reset, before or after the message was taken"),
    ("lost_reply", "The message is taken, the answer never comes"),
    ("garbled_reply", "The answer cannot be read"),
    ("webhook_delay", "Webhooks come later"),
    ("webhook_duplicate", "Webhooks come again"),
    ("webhook_reorder", "Statuses of one message come in any order"),
    ("webhook_loss", "Webhooks never come, redeliveries included"),
    ("webhook_outage", "The receiver cannot be reached, and webhooks are retried by WhatsApp's ladder"),
    ("webhook_forged", "An extra webhook comes with a wrong signature"),
    ("status_oddity", "Statuses that should not be together, and are"),
    ("engine_crash", "The engine dies, losing what was not synced, and starts again"),
    ("engine_zombie", "A second engine wakes up with an old lease"),
    ("stale_store", "The engine restarts on an old copy of its store"),
    ("clock_step", "The engine's clock jumps"),
    ("disk_full", "The store's writes fail"),
    ("disk_slow", "The store's writes take longer"),
    ("token_revoked", "Error 190 until it ends"),
    ("template_paused", "Error 132015 until it ends"),
    ("tier", "The messaging limit becomes another"),
];

/// Kinds of contacts.
pub(super) const CONTACTS: [(&str, &str); 9] = [
    ("not_on_whatsapp", "No WhatsApp user: 131026 in a webhook"),
    ("blocked", "Has blocked the business: `sent`, and nothing more"),
    ("receipts_off", "Delivered and never `read`"),
    ("offline", "Off from the start, for a time; all that waits arrives then"),
    ("replies", "Always reads, and always answers the message"),
    ("opts_out", "Reads, presses STOP, and from then on gets no marketing message"),
    ("marketing_capped", "131049 for marketing messages"),
    ("reports_spam", "Reads and reports the business, which hears nothing of it"),
    ("other_wa_id", "WhatsApp's id of the contact is not the number"),
];

/// States of messages.
pub(super) const STATES: [(&str, &str); 10] = [
    ("Queued", "Waiting for its turn"),
    ("Sending", "An attempt is under way, or accepted and not yet sent"),
    ("Retrying", "An attempt failed; the next one has a due time"),
    ("Sent", "WhatsApp says it was sent; nothing is known about arrival"),
    ("Delivered", "It arrived on the device"),
    ("Read", "The contact read it"),
    ("Responded", "The contact replied to it"),
    ("Failed", "Something went wrong"),
    ("InvalidContact", "The contact is no WhatsApp user"),
    ("BlockedOrSpam", "Blocked or reported, opted out, or limits were reached"),
];
