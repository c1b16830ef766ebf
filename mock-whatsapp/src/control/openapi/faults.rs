//! The shapes of faults: one a kind, each with the keys that it has.

use super::shapes::{
    Field, delay, either, flag, form, large, may, must, number, object, object_beside_nulls, phone, pointers,
    some_span, span, text, whole, word, words_of,
};
use cloud_api::catalogue;
use utoipa::openapi::Schema;

fn of(kind: &str, own: impl IntoIterator<Item = Field>) -> Schema {
    let narrowed = [may("every", whole(1, u32::MAX)), may("first", whole(1, u32::MAX)), may("match", aim())];
    unnarrowed(kind, narrowed.into_iter().chain(own))
}

/// A kind that is about no message in particular, so that only time narrows it down.
fn unnarrowed(kind: &str, own: impl IntoIterator<Item = Field>) -> Schema {
    let common = [
        must("kind", word(&[kind])),
        may("from", span()),
        may("until", some_span()),
        may("share", number(0.0, 1.0)),
        may("sender", text()),
        may("ttl", some_span()),
    ];
    object_beside_nulls(common.into_iter().chain(own))
}

fn aim() -> Schema {
    object([
        may("to", phone()),
        may("template", text()),
        may("callback_data", text()),
        may("body", pointers()),
        may(
            "webhook",
            word(&["status", "status.sent", "status.delivered", "status.read", "status.failed", "message", "account"]),
        ),
    ])
}

/// Any fault that can be armed.
pub(super) fn fault() -> Schema {
    let codes = || words_of(catalogue::entries().map(|(_, entry)| entry.code));
    let limit = || either([whole(0, u32::MAX), word(&["unlimited"])]);
    either([
        of("outage", []),
        of("error", [must("code", codes()), may("asynchronous", flag())]),
        of("throttle", [must("rate", whole(0, u32::MAX))]),
        of("latency", [must("delay", delay())]),
        of("reset", [may("accepted", flag())]),
        of("lost_reply", [may("delay", delay()), may("accepted", flag())]),
        of("garbled_reply", [may("form", word(&["html", "truncated", "unreadable"])), may("accepted", flag())]),
        of("drip", [may("delay", delay())]),
        of("close", [may("form", word(&["before", "middle", "after"])), may("accepted", flag())]),
        of("webhook_delay", [must("delay", delay())]),
        of("webhook_duplicate", [may("copies", whole(0, 255))]),
        of("webhook_reorder", []),
        of("webhook_loss", []),
        of("webhook_outage", []),
        of("webhook_forged", []),
        of("webhook_signature", [may("form", word(&["wrong", "missing", "rotated"]))]),
        of("webhook_batch", [may("size", whole(2, 1_000)), may("delay", delay())]),
        of(
            "status_oddity",
            [may("form", word(&["read_without_delivered", "delivered_and_failed", "failed_without_callback"]))],
        ),
        of("token_revoked", []),
        of("template_paused", [may("template", text())]),
        unnarrowed("tier", [must("messaging_limit", limit())]),
    ])
}

/// A fault as it is shown.
pub(super) fn shown() -> Schema {
    super::shapes::answer([("id", form("^f[0-9]+$")), ("seen", large()), ("hits", large()), ("armed", flag())])
}
