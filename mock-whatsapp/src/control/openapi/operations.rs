//! What can be called: every operation of the control API with what it takes and what it gives.

use super::faults::{fault, shown};
use super::shapes::{
    Field, answer, any, cursor, delay, either, flag, form, instant, large, limit, list, loose, may, maybe, must, name,
    nothing, number, object, page, phone, pointers, sized, some_span, span, text, webhook, whole, word,
};
use crate::templates::{Category, Quality, Status};
use utoipa::openapi::Schema;

type Shape = fn() -> Schema;

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// Parameters of the query beside `tenant`.
    pub(super) query: &'static [(&'static str, Shape)],
    /// What it takes, and whether it must be there.
    pub(super) body: Option<(Shape, bool)>,
    /// Bodies that it takes, as JSON.
    pub(super) examples: &'static [&'static str],
    /// What it gives, by status.
    pub(super) answers: &'static [(u16, &'static str, Shape)],
    /// Problems beside the usual ones.
    pub(super) problems: &'static [(u16, &'static str)],
}

const fn op(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation { method, path, summary, query: &[], body: None, examples: &[], answers: &[], problems: &[] }
}

impl Operation {
    const fn query(self, query: &'static [(&'static str, Shape)]) -> Self {
        Self { query, ..self }
    }

    const fn takes(self, body: Shape) -> Self {
        Self { body: Some((body, true)), ..self }
    }

    const fn may_take(self, body: Shape) -> Self {
        Self { body: Some((body, false)), ..self }
    }

    const fn like(self, examples: &'static [&'static str]) -> Self {
        Self { examples, ..self }
    }

    const fn gives(self, answers: &'static [(u16, &'static str, Shape)]) -> Self {
        Self { answers, ..self }
    }

    const fn or(self, problems: &'static [(u16, &'static str)]) -> Self {
        Self { problems, ..self }
    }
}

const PAGES: &[(&str, Shape)] = &[("cursor", cursor), ("limit", limit)];
const LANGUAGE: &[(&str, Shape)] = &[("language", text)];
const PAGE: &[(u16, &str, Shape)] = &[(200, "A page, oldest first", page)];
const OBJECT: &[(u16, &str, Shape)] = &[(200, "Done", loose)];
const TOLD: &[(u16, &str, Shape)] = &[(202, "The webhook that tells of it", told)];

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    op("GET", "/health", "Whether the server runs").gives(&[(200, "It does", health)]),
    op("GET", "/openapi.json", "This description").gives(OBJECT),
    op("GET", "/metrics", "Counts and gauges for Prometheus").gives(&[(200, "Text", text)]),
    op("POST", "/tenants", "Makes a tenant")
        .takes(tenant)
        .like(&[
            r#"{"name":"w1","clock":"frozen"}"#,
            r#"{"name":"w2","seed":7,"throughput":20,"messaging_limit":250,"marketing_cap":2,"rules":{"window":false}}"#,
        ])
        .gives(&[(200, "It was there, and the same", tenant_shown), (201, "It is made", tenant_shown)]),
    op("GET", "/tenants", "Every tenant").query(PAGES).gives(PAGE),
    op("GET", "/tenants/{name}", "One tenant").gives(&[(200, "It", tenant_shown)]),
    op("DELETE", "/tenants/{name}", "Removes a tenant and all that it has").gives(OBJECT),
    op("POST", "/reset", "Lets a tenant begin anew").may_take(reset).like(&[r#"{"tenant":"default"}"#]).gives(OBJECT),
    op("POST", "/snapshot", "Keeps a tenant as it is; the least used of too many snapshots go for it")
        .may_take(empty)
        .gives(&[(200, "It is kept", kept)])
        .or(&[(507, "There is no room")]),
    op("GET", "/snapshots", "The snapshots of a tenant").query(PAGES).gives(&[(
        200,
        "A page, oldest first",
        snapshots,
    )]),
    op("DELETE", "/snapshots", "Lets all of them go").gives(DROPPED),
    op("DELETE", "/snapshots/{id}", "Lets one go").gives(DROPPED),
    op("POST", "/restore", "Puts a tenant back as it was")
        .takes(restore)
        .like(&[r#"{"id":"s1"}"#])
        .gives(&[(200, "It is as it was", restored)])
        .or(&[(507, "There is no room")]),
    op("POST", "/tokens", "Makes a token that is good for less")
        .takes(token)
        .like(&[r#"{"kind":"expired"}"#])
        .gives(OBJECT),
    op("GET", "/webhook", "Where webhooks go").gives(OBJECT),
    op("PUT", "/webhook", "Sends webhooks elsewhere, once the receiver has shaken hands")
        .takes(webhook)
        .like(&[r#"{"url":"http://127.0.0.1:3000/webhook","handshake":false,"timeout":"5s"}"#])
        .gives(OBJECT),
    op("GET", "/webhooks", "Every webhook, with its attempts")
        .query(&[("wamid", text), ("state", webhook_state), ("cursor", cursor), ("limit", limit)])
        .gives(PAGE),
    op("POST", "/webhooks", "Tells any webhook by hand")
        .takes(notice)
        .like(&[r#"{"field":"account_update","value":{"event":"VERIFIED_ACCOUNT"}}"#])
        .gives(&[(201, "It is told", told)]),
    op("POST", "/webhooks/{id}/redeliver", "Delivers a webhook once more").may_take(empty).gives(TOLD),
    op("GET", "/messages", "Every accepted message, and what became of it")
        .query(&[("to", phone), ("status", message_status), ("cursor", cursor), ("limit", limit)])
        .gives(PAGE),
    op("POST", "/messages/{wamid}/statuses", "Makes a message be something now")
        .takes(status)
        .like(&[r#"{"status":"delivered"}"#, r#"{"status":"failed","code":131049}"#])
        .gives(TOLD),
    op("GET", "/requests", "Every call of the Graph API, with what decided it")
        .query(&[
            ("to", phone),
            ("template", text),
            ("callback_data", text),
            ("outcome", outcome),
            ("cursor", cursor),
            ("limit", limit),
        ])
        .gives(PAGE),
    op("GET", "/requests/{id}", "One call in full").gives(OBJECT).or(&[(410, "It is forgotten")]),
    op("POST", "/verify", "Asserts what was sent")
        .takes(verify)
        .like(&[r#"{"match":{"to":"14155550123","outcome":"any"},"count":{"at_most":1000},"within":"10ms"}"#])
        .gives(&[(200, "It holds", verified), (422, "It does not, or the assertion cannot be", loose)]),
    op("GET", "/export", "The session as a scenario file").gives(&[(200, "TOML", text)]),
    op("GET", "/referee", "The judgement of the sender").gives(&[(200, "It", judgement)]),
    op("PUT", "/referee", "What the referee goes by")
        .may_take(referee)
        .like(&[r#"{"duplicate_window":"10m","ignore":["wasteful"]}"#])
        .gives(OBJECT),
    op(
        "GET",
        "/events",
        "Calls and webhooks as they happen: `request`, `webhook`, and `lagged` where some were missed",
    )
    .gives(&[(200, "A stream without an end, of events like this; their `data` is JSON", event)]),
    op("GET", "/faults", "The faults that are armed, and their counts").query(PAGES).gives(PAGE),
    op("POST", "/faults", "Arms a fault")
        .takes(fault)
        .like(&[
            r#"{"kind":"error","code":130429,"share":0.1}"#,
            r#"{"kind":"latency","delay":"2s","match":{"to":"14155550123"},"first":1}"#,
            r#"{"kind":"webhook_duplicate","copies":1,"every":3,"ttl":"30s"}"#,
            r#"{"kind":"outage","from":"1h","until":"90m"}"#,
        ])
        .gives(&[(201, "It is armed", shown)]),
    op("DELETE", "/faults", "Disarms all").gives(OBJECT),
    op("DELETE", "/faults/{id}", "Disarms one").gives(OBJECT),
    op("GET", "/clock", "The tenant's time").gives(&[(200, "It", clock)]),
    op("POST", "/clock/freeze", "Stops time").may_take(freeze).like(&[r#"{}"#]).gives(&[(200, "It stands", clock)]),
    op("POST", "/clock/run", "Lets time run")
        .may_take(run)
        .like(&[r#"{"factor":60}"#])
        .gives(&[(200, "It runs", clock)]),
    op("POST", "/clock/advance", "Moves time").takes(advance).like(&[r#"{"by":"12h"}"#]).gives(&[(
        200,
        "It is there",
        arrival,
    )]),
    op("POST", "/clock/settle", "Moves time until nothing is due")
        .may_take(settle)
        .like(&[r#"{"max":"72h","quiet":"10ms"}"#])
        .gives(&[(200, "It is", arrival)]),
    op("PUT", "/handsets", "Makes many telephones what they are to be")
        .takes(handsets)
        .like(&[
            r#"{"items":[{"wa_id":"14155550123","kind":"offline","for":"20h"},{"wa_id":"14155550124","reads":false}]}"#,
        ])
        .gives(OBJECT)
        .or(&[(507, "There is no room")]),
    op("GET", "/handsets/{wa_id}", "What a telephone is like").gives(&[(200, "It", handset_shown)]),
    op("PUT", "/handsets/{wa_id}", "Makes a telephone what it is to be")
        .may_take(handset)
        .like(&[r#"{"kind":"offline","for":"20h"}"#, r#"{"kind":"replies","reply":{"text":"ok","after":"1s"}}"#])
        .gives(&[(200, "It is", handset_shown)])
        .or(&[(507, "There is no room")]),
    op("POST", "/handsets/{wa_id}/messages", "The contact writes")
        .takes(written)
        .like(&[
            r#"{"type":"text","text":"hi"}"#,
            r#"{"type":"image","image":{"caption":"see"}}"#,
            r#"{"type":"location","location":{"latitude":52.1,"longitude":5.2}}"#,
        ])
        .gives(&[(201, "It is written", said)])
        .or(&[(507, "There is no room")]),
    op("POST", "/handsets/{wa_id}/read", "The contact opens the chat").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/block", "The contact blocks the business").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/unblock", "The contact lets it write again").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/report", "The contact reports it").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/opt-out", "The contact wants no more marketing").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/opt-in", "The contact wants it again").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/offline", "The telephone is turned off").may_take(empty).gives(GESTURE),
    op("POST", "/handsets/{wa_id}/online", "The telephone is turned on").may_take(empty).gives(GESTURE),
    op("GET", "/templates", "Every template").gives(OBJECT),
    op("PUT", "/templates", "How reviews go")
        .may_take(reviews)
        .like(&[r#"{"review":"2h","reject":["promo_*"]}"#])
        .gives(OBJECT),
    op("PUT", "/templates/{name}/status", "What becomes of a template")
        .query(LANGUAGE)
        .takes(template_status)
        .like(&[r#"{"status":"PAUSED","for":"3h"}"#])
        .gives(OBJECT),
    op("PUT", "/templates/{name}/quality", "What contacts think of it")
        .query(LANGUAGE)
        .takes(template_quality)
        .like(&[r#"{"quality":"YELLOW"}"#])
        .gives(OBJECT),
    op("PUT", "/templates/{name}/category", "What it is for")
        .query(LANGUAGE)
        .takes(template_category)
        .like(&[r#"{"category":"MARKETING"}"#])
        .gives(OBJECT),
    op("PUT", "/templates/{name}/pacing", "How many go out before others are held")
        .query(LANGUAGE)
        .takes(pacing)
        .like(&[r#"{"after":100,"verdict":"release"}"#])
        .gives(OBJECT),
    op("GET", "/recipients", "Whom the number may write to").gives(OBJECT),
    op("PUT", "/recipients", "Makes it a test number, with a list of these")
        .takes(recipients)
        .like(&[r#"{"allowed":["14155550123"]}"#])
        .gives(OBJECT),
    op("GET", "/numbers/{id}", "A business number").gives(OBJECT),
    op("PUT", "/numbers/{id}", "Changes a business number, and tells of it")
        .may_take(business_number)
        .like(&[r#"{"messaging_limit":2000,"quality":"GREEN"}"#])
        .gives(OBJECT),
];

/// What one operation gives that another takes: the first's method and path, the second's, the parameter, and where its value is.
/// Pages give nothing for certain: they may be empty.
pub(super) const LINKS: &[([&str; 2], [&str; 2], &str, &str)] = &[
    (["POST", "/tenants"], ["GET", "/tenants/{name}"], "name", "$response.body#/name"),
    (["POST", "/tenants"], ["DELETE", "/tenants/{name}"], "name", "$response.body#/name"),
    (["POST", "/snapshot"], ["DELETE", "/snapshots/{id}"], "id", "$response.body#/id"),
    (["POST", "/faults"], ["DELETE", "/faults/{id}"], "id", "$response.body#/id"),
    (["POST", "/webhooks"], ["POST", "/webhooks/{id}/redeliver"], "id", "$response.body#/webhook"),
];

const DROPPED: &[(u16, &str, Shape)] = &[(200, "How many went", dropped)];

const GESTURE: &[(u16, &str, Shape)] = &[(200, "The telephone, and the webhooks that tell of it", handset_shown)];

fn empty() -> Schema {
    object([])
}

fn told() -> Schema {
    answer([("webhook", maybe(text()))])
}

fn event() -> Schema {
    answer([("event", word(&["request", "webhook", "lagged"])), ("data", text())])
}

fn health() -> Schema {
    answer([("status", word(&["ok"])), ("version", text()), ("tenants", large())])
}

fn tenant() -> Schema {
    object([
        must("name", name()),
        may("seed", large()),
        may("clock", either([word(&["real", "frozen"]), form("^[1-9][0-9]{0,5}$"), whole(1, 999_999)])),
        may("throughput", whole(1, u32::MAX)),
        may("messaging_limit", either([whole(0, u32::MAX), word(&["unlimited"])])),
        may("messaging_limit_told", word(&["webhook", "answer"])),
        may("marketing_cap", either([whole(0, u32::MAX), word(&["off"])])),
        may("rules", rules()),
        may("unknown_templates", word(&["refuse", "accept"])),
        may("webhook", webhook()),
    ])
}

fn rules() -> Schema {
    let field = |name: &'static str| -> Field { (name, flag(), false) };
    object(super::super::tenants::RULES.map(field))
}

fn tenant_shown() -> Schema {
    answer([("name", name()), ("env", loose())])
}

fn reset() -> Schema {
    object([may("tenant", either([name(), word(&["*"])]))])
}

fn kept() -> Schema {
    answer([("id", snapshot()), ("evicted", list(snapshot(), 0))])
}

fn snapshot() -> Schema {
    form("^s[0-9]+$")
}

fn snapshots() -> Schema {
    let one = answer([("id", snapshot()), ("at", text()), ("bytes", large())]);
    answer([("items", list(one, 0)), ("next", maybe(text())), ("evicted", large()), ("most", large())])
}

fn dropped() -> Schema {
    answer([("dropped", large())])
}

fn restore() -> Schema {
    object([must("id", text())])
}

fn restored() -> Schema {
    answer([("id", snapshot()), ("now", text())])
}

fn token() -> Schema {
    object([must("kind", word(&crate::identity::Standing::KINDS.map(|(name, _)| name)))])
}

fn webhook_state() -> Schema {
    word(&crate::tenant::webhook_log::State::ALL.map(crate::tenant::webhook_log::State::name))
}

fn message_status() -> Schema {
    word(&["accepted", "sent", "delivered", "read", "failed"])
}

fn outcome() -> Schema {
    word(&crate::tenant::journal::Outcome::ALL.map(crate::tenant::journal::Outcome::name))
}

fn notice() -> Schema {
    object([must("field", form("^[a-z0-9_]{1,100}$")), must("value", loose())])
}

fn status() -> Schema {
    let codes = super::shapes::words_of(cloud_api::catalogue::entries().map(|(_, entry)| entry.code));
    either([
        object([must("status", word(&["sent", "delivered", "read"])), nothing("code")]),
        object([must("status", word(&["failed"])), may("code", codes)]),
    ])
}

fn wanted() -> Schema {
    object([
        may("to", phone()),
        may("template", text()),
        may("callback_data", text()),
        may("body", pointers()),
        may("outcome", word(&["accepted", "refused", "any", "lost", "reset", "garbled", "broken"])),
    ])
}

fn verify() -> Schema {
    let within = || may("within", form("^[0-9]{1,2}ms$"));
    let least = || object([must("at_least", large()), nothing("at_most")]);
    // Of two that contradict each other none can hold, which is an answer too.
    let most = || object([must("at_most", large()), may("at_least", large())]);
    let sends =
        |own: Vec<Field>| object([must("match", wanted()), nothing("sequence"), within()].into_iter().chain(own));
    either([
        sends(vec![may("count", either([large(), least(), most()])), nothing("at_least"), nothing("at_most")]),
        sends(vec![must("at_least", large()), may("at_most", large()), nothing("count")]),
        sends(vec![must("at_most", large()), nothing("at_least"), nothing("count")]),
        object([
            must("sequence", list(wanted(), 1)),
            nothing("match"),
            nothing("count"),
            nothing("at_least"),
            nothing("at_most"),
            within(),
        ]),
    ])
}

fn verified() -> Schema {
    answer([("pass", flag()), ("counted", large()), ("requests", list(text(), 0)), ("complete", flag())])
}

fn judgement() -> Schema {
    answer([("verdict", word(&["clean", "guilty", "incomplete"])), ("sends", large()), ("rules", list(loose(), 0))])
}

fn referee() -> Schema {
    let rules = mock_whatsapp_model::referee::Rule::ALL.map(|rule| rule.name());
    object([may("duplicate_window", span()), may("evidence_wait", span()), may("ignore", list(word(&rules), 0))])
}

fn clock() -> Schema {
    answer([
        ("now", text()),
        ("mode", word(&["real", "frozen", "running"])),
        ("factor", number(0.0, 1_000_000.0)),
        ("due", large()),
        ("next_due", maybe(text())),
        ("unacked", large()),
    ])
}

fn freeze() -> Schema {
    object([may("at", instant())])
}

fn run() -> Schema {
    object([may("factor", number(0.001, 1_000_000.0))])
}

fn advance() -> Schema {
    either([object([must("by", span()), nothing("to")]), object([must("to", instant()), nothing("by")])])
}

fn settle() -> Schema {
    object([may("max", span()), may("quiet", form("^[0-9]{1,3}ms$"))])
}

fn arrival() -> Schema {
    answer([
        ("now", text()),
        ("fired", answer([("statuses", large()), ("webhooks", large())])),
        ("unacked", large()),
        ("settled", flag()),
    ])
}

/// What every telephone may be told.
fn common() -> [Field; 4] {
    [may("delivered_after", delay()), may("read_after", delay()), may("reads", flag()), may("name", sized(1, 25))]
}

fn telephones(also: fn() -> Vec<Field>) -> Schema {
    let of = |own: Vec<Field>| object(also().into_iter().chain(common()).chain(own));
    let reply = || may("reply", object([may("text", sized(1, 4096)), may("after", delay())]));
    let mute = ["not_on_whatsapp", "blocked", "receipts_off", "reports_spam", "other_wa_id"];
    either([
        of(vec![nothing("kind"), nothing("for"), reply()]),
        of(vec![must("kind", word(&["plain", "replies"])), nothing("for"), reply()]),
        of(vec![must("kind", word(&["offline"])), must("for", some_span()), reply()]),
        of(vec![nothing("kind"), must("for", some_span()), reply()]),
        of(vec![must("kind", word(&["opts_out"])), nothing("for"), may("reply", object([may("after", delay())]))]),
        of(vec![must("kind", word(&["marketing_capped"])), may("for", some_span()), nothing("reply")]),
        of(vec![must("kind", word(&mute)), nothing("for"), nothing("reply")]),
    ])
}

fn handset() -> Schema {
    telephones(Vec::new)
}

fn handsets() -> Schema {
    object([must("items", list(telephones(|| vec![must("wa_id", phone())]), 0))])
}

fn handset_shown() -> Schema {
    answer([
        ("wa_id", text()),
        ("kind", any()),
        ("messages", large()),
        ("blocked", flag()),
        ("online", flag()),
        ("opted_out", flag()),
        ("reports", large()),
    ])
}

fn said() -> Schema {
    answer([("wamid", text()), ("webhook", maybe(text()))])
}

fn written() -> Schema {
    let of = |kind: &str, own: Vec<Field>| {
        let also = [
            must("type", word(&[kind])),
            may("reply_to", text()),
            may("forwarded", flag()),
            may("frequently_forwarded", flag()),
            may("referral", loose()),
        ];
        object(also.into_iter().chain(own))
    };
    let file = |own: Vec<Field>| {
        let also = [may("id", text()), may("mime_type", text()), may("sha256", text()), may("url", text())];
        object(also.into_iter().chain(own))
    };
    let tap = || object([must("id", text()), must("title", text())]);
    let row = || object([must("id", text()), must("title", text()), may("description", text())]);
    let flow = || object([must("response_json", text()), may("name", text()), may("body", text())]);
    let taps = either([
        object([must("type", word(&["button_reply"])), must("button_reply", tap())]),
        object([must("type", word(&["list_reply"])), must("list_reply", row())]),
        object([must("type", word(&["nfm_reply"])), must("nfm_reply", flow())]),
    ]);
    let place = object([
        must("latitude", number(-90.0, 90.0)),
        must("longitude", number(-180.0, 180.0)),
        may("name", text()),
        may("address", text()),
        may("url", text()),
    ]);
    let order = object([must("catalog_id", text()), may("text", text()), must("product_items", list(loose(), 0))]);
    either([
        of("text", vec![must("text", sized(1, 4096))]),
        of("button", vec![must("button", sized(1, 4096))]),
        of("interactive", vec![must("interactive", taps)]),
        of("reaction", vec![must("reaction", object([may("emoji", text()), may("message_id", text())]))]),
        of("image", vec![may("image", file(vec![may("caption", text())]))]),
        of("video", vec![may("video", file(vec![may("caption", text())]))]),
        of("audio", vec![may("audio", file(vec![may("voice", flag())]))]),
        of("document", vec![may("document", file(vec![may("caption", text()), may("filename", text())]))]),
        of("sticker", vec![may("sticker", file(vec![may("animated", flag())]))]),
        of("location", vec![must("location", place)]),
        of("contacts", vec![must("contacts", list(loose(), 1))]),
        of("order", vec![must("order", order)]),
        of("request_welcome", vec![]),
        of("system", vec![must("system", object([must("wa_id", phone())]))]),
        of("unsupported", vec![may("unsupported", object([may("type", text())]))]),
    ])
}

fn reviews() -> Schema {
    object([may("review", span()), may("reject", list(text(), 0))])
}

/// The words of a list of names and values.
fn named<T>(all: &[(&'static str, T)]) -> Schema {
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    word(&names)
}

fn template_status() -> Schema {
    let all: Vec<&str> = Status::ALL.iter().map(|(name, _)| *name).collect();
    let (pauses, others): (Vec<&str>, Vec<&str>) =
        all.into_iter().partition(|name| matches!(*name, "PAUSED" | "PENDING"));
    either([
        object([
            must("status", word(&pauses)),
            may("for", some_span()),
            may("reason", text()),
            may("language", text()),
        ]),
        object([must("status", word(&others)), nothing("for"), may("reason", text()), may("language", text())]),
    ])
}

fn template_quality() -> Schema {
    object([must("quality", named(Quality::ALL)), may("language", text())])
}

fn template_category() -> Schema {
    object([must("category", named(Category::ALL)), may("language", text())])
}

fn pacing() -> Schema {
    object([
        must("after", whole(0, u32::MAX)),
        may("decide", span()),
        may("verdict", word(&["release", "drop"])),
        may("language", text()),
    ])
}

fn recipients() -> Schema {
    object([must("allowed", maybe(list(phone(), 0)))])
}

fn business_number() -> Schema {
    object([
        may("portfolio", name()),
        may("messaging_limit", either([whole(0, u32::MAX), word(&["unlimited"])])),
        may("quality", word(&["GREEN", "YELLOW", "RED", "UNKNOWN"])),
        may("throughput", whole(1, cloud_api::limits::UPGRADED_THROUGHPUT)),
    ])
}
