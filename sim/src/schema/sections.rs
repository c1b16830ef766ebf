//! Each section of a scenario file: its keys, in the order in which people write them.

use super::words::{CONTACTS, FAULTS, STATES};
use super::{Key, a, by_default, list, object, one_of, text, where_it_is, whole, yes_or_no};
use crate::scenario::faults::{COMMON, HANDSETS, KINDS};
use crate::scenario::{CAMPAIGNS_MOST, CONTACTS_MOST, FAULTS_MOST, GROUPS_MOST, Percentile, SENDERS_MOST};
use crate::swarm::faults::plain;
use cloud_api::catalogue;
use mock_whatsapp_model::output::{Garble, Oddity};
use mock_whatsapp_model::spec::{Kind, Timing};
use serde_json::{Value, json};

pub(super) fn top() -> Vec<Key> {
    let levels = one_of(
        "A level",
        &[
            ("model", "Engine core and mock world in virtual time: millions of messages"),
            ("stack", "The real services on a simulated network and clock: thousands"),
            ("live", "The real programs on real sockets"),
        ],
    );
    vec![
        ("name", a("name", "What reports and files call it")),
        ("story", text("What it is about, in a sentence or two")),
        ("seed", by_default(whole("What all chance hangs on", 0, u64::MAX), 1)),
        (
            "levels",
            json!({
                "type": "array", "description": "Where a plain `run` runs it", "items": levels, "minItems": 1,
                "uniqueItems": true, "default": ["model"]
            }),
        ),
        ("magic_numbers", yes_or_no("Whether the numbers +1 AAA 555 NNNN have their meanings")),
        ("engine", engine()),
        ("sender", list("A telephone number that sends; by default one named `main`", SENDERS_MOST, sender())),
        ("campaign", {
            let mut campaigns = list("Who is sent what, from where and when", CAMPAIGNS_MOST, campaign());
            campaigns["minItems"] = json!(1);
            campaigns
        }),
        (
            "contacts",
            list(
                "A share of all contacts with another kind of telephone; shares add up to 1 at most",
                GROUPS_MOST,
                contacts(),
            ),
        ),
        ("handset", object(handset(), &[])),
        (
            "fault",
            list(
                "Something that goes wrong; of those that fail or drop, the first in the file wins",
                FAULTS_MOST,
                fault(),
            ),
        ),
        ("operator", list("Something that a person does", FAULTS_MOST, operator())),
        ("expect", expect()),
    ]
}

fn engine() -> Value {
    let on_unknown = one_of(
        "What follows where the outcome of a request stays unknown",
        &[
            ("resend", "The message is sent again once waiting for evidence is over"),
            ("never", "The message ends Failed: nobody can get it twice"),
        ],
    );
    json!({
        "type": "object", "description": "Any setting of the engine's configuration",
        "properties": {
            "on_unknown": by_default(on_unknown, "resend"),
            "quiet_hours": {
                "type": "string", "default": "none",
                "description": "When contacts are left in peace, where a campaign does not say: 21:00-08:00, or none"
            },
            "zones": {
                "type": "object",
                "description": "Where numbers live: how they begin, and the smallest and the largest UTC offset of their clocks",
                "additionalProperties": {
                    "type": "array", "items": { "type": "string", "pattern": "^[+-][0-9]{2}:[0-9]{2}$" },
                    "minItems": 2, "maxItems": 2
                }
            },
            "opt_out_words": {
                "type": "array", "items": { "type": "string" },
                "description": "What a contact writes, or the label of the button it taps, to get nothing more"
            }
        }
    })
}

pub(super) fn sender_keys() -> Vec<Key> {
    let usual = cloud_api::limits::DEFAULT_THROUGHPUT;
    vec![
        ("name", a("name", "What campaigns and faults call it")),
        ("portfolio", by_default(a("name", "Whose messaging limit it shares"), "default")),
        (
            "throughput",
            by_default(
                whole("Messages a second that WhatsApp allows it; the engine is configured with the same", 1, 100_000),
                usual,
            ),
        ),
        (
            "messaging_limit",
            by_default(a("messaging_limit", "Of its portfolio: distinct contacts in 24 hours"), "unlimited"),
        ),
    ]
}

fn sender() -> Value {
    object(sender_keys(), &["name"])
}

pub(super) fn campaign_keys() -> Vec<Key> {
    let overlap = json!({
        "description": "The share of its contacts that an earlier campaign has too: the one before, or the one named",
        "anyOf": [
            { "$ref": "#/$defs/share" },
            object(vec![
                ("share", a("share", "Of this campaign's contacts")),
                ("with", a("name", "An earlier campaign; by default the one before")),
            ], &["share"]),
        ]
    });
    let category = one_of(
        "What its template is to WhatsApp",
        &[
            ("marketing", "Advertising: opt-outs and caps apply"),
            ("utility", "Orders, appointments"),
            ("authentication", "One-time passwords"),
        ],
    );
    vec![
        ("name", a("name", "What reports, operators and expectations call it")),
        ("sender", a("name", "Who sends it; needed where there are several senders")),
        (
            "senders",
            json!({
                "type": "array", "description": "Several senders, which share its messages", "minItems": 1, "uniqueItems": true,
                "items": { "$ref": "#/$defs/name" }
            }),
        ),
        ("contacts", whole("How many contacts are made for it from the seed", 1, u64::from(CONTACTS_MOST))),
        ("contacts_file", text("A CSV file with a column `phone`, its path from the scenario file")),
        (
            "template",
            json!({
                "type": "string", "pattern": "^[a-z0-9_]{1,512}$",
                "description": "The name of its template; by default one of its own"
            }),
        ),
        ("language", by_default(text("The template's language"), "en_US")),
        ("category", by_default(category, "marketing")),
        ("start", by_default(a("span", "When it begins, from the start of the run"), "0s")),
        ("priority", by_default(whole("Higher goes first", 0, 255), 0)),
        (
            "quiet_hours",
            json!({
                "type": "string", "pattern": "^\\s*[0-9]{1,2}:[0-9]{1,2}\\s*\\.\\.\\s*[0-9]{1,2}:[0-9]{1,2}\\s*$",
                "description": "When nothing is sent, as in \"21:00..08:00\""
            }),
        ),
        ("overlap", overlap),
    ]
}

fn campaign() -> Value {
    let mut campaign = object(campaign_keys(), &["name"]);
    campaign["oneOf"] = json!([{ "required": ["contacts"] }, { "required": ["contacts_file"] }]);
    campaign["not"] = json!({ "required": ["sender", "senders"] });
    campaign
}

pub(super) fn contacts_keys() -> Vec<Key> {
    vec![
        ("kind", one_of("What their telephones are like", &CONTACTS)),
        ("share", a("share", "Of all contacts: an exact quota")),
        ("for", a("span", "How long they are offline, or capped")),
    ]
}

fn contacts() -> Value {
    let of = |kinds: &[Kind]| -> Vec<&str> {
        HANDSETS.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(name, _)| *name).collect()
    };
    let lasting = of(&[Kind::Offline, Kind::MarketingCapped]);
    let others: Vec<&str> = HANDSETS.iter().map(|(name, _)| *name).filter(|name| !lasting.contains(name)).collect();
    let mut contacts = object(contacts_keys(), &["kind", "share"]);
    contacts["allOf"] = json!([
        where_it_is("kind", &of(&[Kind::Offline]), json!({ "required": ["for"] })),
        where_it_is("kind", &others, json!({ "properties": { "for": false } })),
    ]);
    contacts
}

pub(super) fn handset() -> Vec<Key> {
    let read_share = f64::from(Timing::default().read_share) / 1e6;
    vec![
        ("sent_after", a("delay", "From acceptance to `sent`")),
        ("delivered_after", a("delay", "From `sent` to arrival")),
        ("read_after", a("delay", "From arrival to reading")),
        ("read_share", by_default(a("share", "How many read at all"), read_share)),
        ("reply_after", a("delay", "From arrival to the answer")),
        ("failed_after", a("delay", "From acceptance to a failure that a webhook tells")),
        ("answer_after", a("delay", "From a request's arrival to its answer")),
    ]
}

/// Every key that some kind of fault has.
pub(super) fn fault_keys() -> Vec<Key> {
    let forms: Vec<&str> =
        Garble::ALL.iter().map(|(name, _)| *name).chain(Oddity::ALL.iter().map(|(name, _)| *name)).collect();
    vec![
        ("kind", one_of("What goes wrong", &FAULTS)),
        ("from", by_default(a("span", "When it begins, from the start of the run"), "0s")),
        ("until", a("span", "When it is over; by default it lasts to the end")),
        ("share", by_default(a("share", "Of the requests or webhooks in that time"), 1)),
        ("sender", a("name", "Only this sender's")),
        ("code", code()),
        ("asynchronous", yes_or_no("Accept the message, and tell the error in a `failed` webhook")),
        ("rate", whole("Messages a second", 1, 1_000_000)),
        ("delay", a("delay", "How much later, or how long")),
        ("accepted", yes_or_no("After the message was taken")),
        ("form", json!({ "type": "string", "enum": forms, "description": "Which form it takes" })),
        ("copies", by_default(whole("How many more", 1, 255), 1)),
        ("times", by_default(whole("How often", 1, 1_000), 1)),
        ("down_for", by_default(a("span", "How long it is down"), "5s")),
        ("age", a("span", "How old the copy is")),
        (
            "by",
            json!({
                "type": "string", "pattern": "^[+-]?\\s*([0-9]+(us|ms|s|m|min|h|d)\\s*)+$",
                "description": "How far the clock jumps: a sign and a length of time, as in \"-90s\""
            }),
        ),
        ("template", text("Only messages with this template")),
        ("messaging_limit", a("messaging_limit", "What the limit becomes")),
    ]
}

fn code() -> Value {
    let single: Vec<u32> = catalogue::entries().map(|(_, entry)| entry.code).collect();
    let mut forms = vec![json!({ "enum": sorted(single) })];
    for (_, entry) in catalogue::entries().filter(|(_, entry)| entry.last > entry.code) {
        forms.push(json!({ "type": "integer", "minimum": entry.code, "maximum": entry.last }));
    }
    json!({ "description": "A code of the Cloud API's errors, as in 131000 (something went wrong)", "anyOf": forms })
}

fn sorted(mut codes: Vec<u32>) -> Vec<u32> {
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn fault() -> Value {
    let mut fault = object(fault_keys(), &["kind"]);
    let forms = |all: Vec<&str>| json!({ "properties": { "form": { "enum": all } } });
    let mut rules: Vec<Value> = KINDS
        .iter()
        .map(|(name, kind, own)| {
            let keys: Vec<&str> = COMMON.iter().chain(own.iter()).copied().collect();
            let mut then = json!({ "propertyNames": { "enum": keys } });
            // The mock says itself which key a kind cannot do without.
            if let Some((key, _)) = plain(*kind).misfit() {
                then["required"] = json!([key]);
            }
            where_it_is("kind", &[name], then)
        })
        .collect();
    rules.push(where_it_is("kind", &["garbled_reply"], forms(Garble::ALL.iter().map(|(name, _)| *name).collect())));
    rules.push(where_it_is("kind", &["status_oddity"], forms(Oddity::ALL.iter().map(|(name, _)| *name).collect())));
    fault["allOf"] = rules.into();
    fault
}

pub(super) fn operator_keys() -> Vec<Key> {
    let acts = one_of(
        "What is done",
        &[
            ("pause", "Nothing of a campaign is sent until it is resumed"),
            ("resume", "A campaign goes on"),
            ("cancel", "A campaign ends: what waits fails, what is under way is followed"),
            ("resume_sender", "A sender's halt is lifted by hand"),
        ],
    );
    vec![
        ("at", a("span", "When, from the start of the run")),
        ("do", acts),
        ("campaign", a("name", "To which campaign; needed where there are several")),
        ("sender", a("name", "To which sender; needed where there are several")),
    ]
}

fn operator() -> Value {
    let mut operator = object(operator_keys(), &["at", "do"]);
    operator["allOf"] = json!([
        where_it_is("do", &["resume_sender"], json!({ "properties": { "campaign": false } })),
        where_it_is("do", &["pause", "resume", "cancel"], json!({ "properties": { "sender": false } })),
    ]);
    operator
}

/// What can be expected of one campaign, and of all together.
pub(super) fn expect_of_campaign() -> Vec<Key> {
    let count = |(name, meaning): &(&'static str, &str)| (*name, a("count", meaning));
    let mut messages = object(STATES.iter().map(count).collect(), &[]);
    messages["description"] = json!("How many messages end in each state");
    let states = one_of(
        "The state that it ends in",
        &[
            ("Queued", "Before its start"),
            ("Sending", "Something is still under way"),
            ("Completed", "Something was delivered, and nothing is under way"),
            ("Failed", "Everything failed"),
        ],
    );
    vec![
        ("campaign", states),
        ("finished_within", a("span", "From its start until no message is in progress; a second more is let pass")),
        ("duplicates", a("count", "Copies that telephones get beyond the first")),
        ("messages", messages),
    ]
}

/// What is measured over a whole run.
pub(super) fn expect_of_run() -> Vec<Key> {
    let percentiles = |description: &str| {
        let keys = Percentile::ALL.iter().map(|(name, _)| (*name, a("span", "At most")));
        let mut measured = object(keys.collect(), &[]);
        measured["description"] = json!(description);
        measured
    };
    let latency = vec![
        ("accepted", percentiles("Until WhatsApp accepted it; at level live")),
        ("delivered", percentiles("Until it was delivered; at level live")),
    ];
    let size = json!({
        "description": "The most that the engine's process holds, at level live: bytes, or a size as in \"512MB\", \"1GiB\"",
        "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9][0-9_]*\\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)?$" }]
    });
    vec![
        ("latency", object(latency, &[])),
        ("throughput_min", whole("Messages a second, at least; at level live", 1, 10_000_000)),
        ("memory", object(vec![("engine_max", size)], &[])),
        ("webhook_lag", percentiles("From sending a webhook to its 200; at level live")),
    ]
}

fn expect() -> Value {
    let keys = expect_of_campaign().into_iter().chain(expect_of_run()).collect();
    let mut expect = object(keys, &[]);
    expect["description"] = json!("What must hold at the end; [expect.NAME] for one campaign of several");
    // Every other key is the name of a campaign, which a schema cannot know.
    expect["additionalProperties"] = object(expect_of_campaign(), &[]);
    expect
}
