//! The shapes of what goes in and comes out, as far as more than one operation has them, and the words to write them with.

use crate::limits::{PAGE_MOST, WEBHOOK_BATCH};
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

/// One field: its name, its shape, and whether it must be there.
pub(super) type Field = (&'static str, Schema, bool);

/// A field that must be there.
pub(super) fn must(name: &'static str, shape: Schema) -> Field {
    (name, shape, true)
}

/// A field that may be left out or null.
pub(super) fn may(name: &'static str, shape: Schema) -> Field {
    (name, maybe(shape), false)
}

/// A field that says nothing, if it is there.
pub(super) fn nothing(name: &'static str) -> Field {
    (name, null(), false)
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

/// Any text.
pub(super) fn text() -> Schema {
    of(Type::String).into()
}

/// A text of a form.
pub(super) fn form(pattern: &str) -> Schema {
    of(Type::String).pattern(Some(pattern)).into()
}

/// A text of some length, in characters.
pub(super) fn sized(least: usize, most: usize) -> Schema {
    of(Type::String).min_length(Some(least)).max_length(Some(most)).into()
}

/// One of some words.
pub(super) fn word(words: &[&str]) -> Schema {
    of(Type::String).enum_values(Some(words.iter().copied())).into()
}

/// A whole number.
pub(super) fn whole(least: u32, most: u32) -> Schema {
    of(Type::Integer).minimum(Some(f64::from(least))).maximum(Some(f64::from(most))).into()
}

/// A whole number of any size that fits.
pub(super) fn large() -> Schema {
    // What every reader of JSON has exactly.
    of(Type::Integer).minimum(Some(0.0)).maximum(Some(9_007_199_254_740_991.0)).into()
}

/// A number.
pub(super) fn number(least: f64, most: f64) -> Schema {
    of(Type::Number).minimum(Some(least)).maximum(Some(most)).into()
}

/// True or false.
pub(super) fn flag() -> Schema {
    of(Type::Boolean).into()
}

/// Nothing.
pub(super) fn null() -> Schema {
    of(Type::Null).into()
}

/// Whatever there is.
pub(super) fn any() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
}

/// An object with whatever there is in it.
pub(super) fn loose() -> Schema {
    of(Type::Object).into()
}

/// That, or nothing.
pub(super) fn maybe(shape: Schema) -> Schema {
    either([shape, null()])
}

/// Exactly one of some.
pub(super) fn either(shapes: impl IntoIterator<Item = Schema>) -> Schema {
    shapes.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).into()
}

/// An object of these fields and no others.
pub(super) fn object(fields: impl IntoIterator<Item = Field>) -> Schema {
    fields_of(fields).additional_properties(Some(AdditionalProperties::FreeForm(false))).into()
}

/// An object of these fields, beside which others may stand that say nothing.
pub(super) fn object_beside_nulls(fields: impl IntoIterator<Item = Field>) -> Schema {
    fields_of(fields).additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(null())))).into()
}

fn fields_of(fields: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    let mut built = of(Type::Object);
    for (name, shape, needed) in fields {
        built = built.property(name, shape);
        if needed {
            built = built.required(name);
        }
    }
    built
}

/// An answer: an object that has at least these.
pub(super) fn answer(fields: impl IntoIterator<Item = (&'static str, Schema)>) -> Schema {
    let mut built = of(Type::Object);
    for (name, shape) in fields {
        built = built.property(name, shape).required(name);
    }
    built.into()
}

/// A list.
pub(super) fn list(item: Schema, least: usize) -> Schema {
    ArrayBuilder::new().items(RefOr::T(item)).min_items(Some(least)).into()
}

/// What a page of a list is.
pub(super) fn page() -> Schema {
    answer([("items", list(loose(), 0)), ("next", maybe(text())), ("evicted", large())])
}

/// A tenant's name.
pub(super) fn name() -> Schema {
    form("^[A-Za-z0-9._-]{1,64}$")
}

const SPAN: &str = "^(0|[1-9][0-9]{0,4})(us|ms|s|m|h)$";

/// A length of time.
pub(super) fn span() -> Schema {
    form(SPAN)
}

/// A length of time that is not nothing.
pub(super) fn some_span() -> Schema {
    form("^[1-9][0-9]{0,4}(us|ms|s|m|h)$")
}

/// An instant.
pub(super) fn instant() -> Schema {
    form("^20[2-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$")
}

/// A delay: a length of time, or a distribution of it.
pub(super) fn delay() -> Schema {
    // The objects' lengths must increase, which no schema says: so they are told in words.
    let told = "A length of time. In its place may stand {\"median\",\"p99\"} (log-normal), {\"min\",\"max\"} (uniform) or \
                {\"percentiles\":{\"50\":…,\"90\":…,\"99\":…}}";
    of(Type::String).pattern(Some(SPAN)).description(Some(told)).into()
}

/// Values by JSON pointers.
pub(super) fn pointers() -> Schema {
    of(Type::Object).property_names(Some(form(r"^(/[\s\S]*)?$"))).into()
}

/// A phone number.
pub(super) fn phone() -> Schema {
    form("^\\+?[1-9][0-9]{4,14}$")
}

/// How many items.
pub(super) fn limit() -> Schema {
    whole(1, PAGE_MOST as u32)
}

/// A cursor that a page gave.
pub(super) fn cursor() -> Schema {
    let told = "The `next` of the page before. `after` and `next` are other names of this parameter";
    of(Type::Integer).minimum(Some(0.0)).maximum(Some(9_007_199_254_740_991.0)).description(Some(told)).into()
}

/// What stands in a path in the place of a name.
pub(super) fn of_path(path: &str, name: &str) -> Schema {
    match name {
        "id" if path.starts_with("/requests") => form("^r[0-9]{1,15}$"),
        "wa_id" => phone(),
        "name" => self::name(),
        "id" => form("^[frsw]?[0-9]{1,15}$"),
        _ => form("^wamid\\.[A-Za-z0-9=]{1,100}$"),
    }
}

/// One that is there, or can be: of the default tenant, the first of its kind, or what another example makes.
pub(super) fn example_of_path(path: &str, name: &str) -> &'static str {
    match name {
        "name" if path.starts_with("/tenants") => "w1",
        "name" => "hello_world",
        "wa_id" => "14155550123",
        "id" if path.starts_with("/numbers") => "100000000000001",
        "id" if path.starts_with("/webhooks") => "w0",
        "id" if path.starts_with("/requests") => "r1",
        "id" if path.starts_with("/snapshots") => "s1",
        "id" => "f1",
        _ => "wamid.HBgLMTQxNTU1NTAxMjMVAgARGBI0RkQxQUM5MDE2QjMwNkNCMkIA",
    }
}

/// RFC 9457, with what is ours.
pub(super) fn problem() -> Schema {
    let mut built = of(Type::Object);
    for (name, shape, needed) in [
        ("status", whole(400, 599), true),
        ("title", text(), true),
        ("detail", text(), true),
        ("pointer", text(), false),
        ("expected", text(), false),
        ("received", any(), false),
    ] {
        built = built.property(name, shape);
        if needed {
            built = built.required(name);
        }
    }
    built.into()
}

/// Where webhooks go, and how.
pub(super) fn webhook() -> Schema {
    object([
        must("url", maybe(form("^http://[a-z0-9.-]{1,40}(:[1-9][0-9]{0,3})?/[a-z0-9/]{0,40}$"))),
        may("verify_token", text()),
        may("handshake", flag()),
        may("tls", word(&["verify", "insecure"])),
        may("retry", word(&["meta", "none"])),
        may("timeout", form("^[1-9][0-9]{0,3}ms$|^[1-9][0-9]?s$")),
        may("version", form("^v[1-9][0-9]{0,2}\\.0$")),
        may("batch", whole(1, WEBHOOK_BATCH as u32)),
        may("batch_wait", span()),
    ])
}

/// One of some numbers.
pub(super) fn words_of(values: impl IntoIterator<Item = u32>) -> Schema {
    of(Type::Integer).enum_values(Some(values.into_iter().map(Value::from))).into()
}
