//! `/templates`: what reviews and people make of templates, by hand; and `/recipients`, the allow list of a test number.

use super::body::Fields;
use super::problem::Problem;
use super::{Ask, Done, phone};
use crate::instant;
use crate::templates::{Category, Due, Pacing, Place, Quality, Review, Status, Template};
use crate::tenant::Tenant;
use crate::tenant::templates::Cause;
use cloud_api::time::Span;
use serde_json::{Value, json};

/// How long what is held waits for its decision, unless said (section 5.7: aimed at one hour).
const DECIDE: Span = Span::hours(1);

/// One of several words.
fn word<T: Copy>(fields: &mut Fields, key: &'static str, all: &[(&'static str, T)]) -> Result<T, Problem> {
    let text = fields.needed_text(key)?;
    let found = all.iter().find(|(known, _)| known.eq_ignore_ascii_case(&text)).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
        Problem::malformed(
            fields.pointer(key),
            format!("one of {}", known.join(", ")),
            format!("`{text}` is none of them"),
        )
    })
}

/// The templates of a name, in one language or in all.
fn places(tenant: &Tenant, name: &str, language: Option<&str>) -> Result<Vec<Place>, Problem> {
    let templates = tenant.templates();
    let fits = |place: &&Place| {
        let found = templates.get(**place);
        found.is_some_and(|found| language.is_none_or(|language| *found.language == *language))
    };
    let places: Vec<Place> = templates.of_name(name).iter().filter(fits).copied().collect();
    if places.is_empty() {
        let of = language.map_or(String::new(), |language| format!(" in {language}"));
        return Err(Problem::unknown(format!("there is no template {name}{of}; GET /_mock/templates lists them")));
    }
    Ok(places)
}

fn show(template: &Template) -> Value {
    let mut shown = json!({
        "name": &*template.name,
        "language": &*template.language,
        "id": &*template.id,
        "category": template.category.name(),
        "status": template.status.name(),
        "quality": template.quality.name(),
        "pauses": template.pauses,
    });
    if let Some((at, due)) = template.due {
        let what = match due {
            Due::Review => "review_ends",
            Due::Unpause => "pause_ends",
            Due::Decide => "pacing_decided",
        };
        shown[what] = json!(instant::write(at));
    }
    if let Some(pacing) = &template.pacing {
        let verdict = if pacing.release { "release" } else { "drop" };
        shown["pacing"] =
            json!({ "after": pacing.after, "sent": pacing.sent, "held": pacing.held.len(), "verdict": verdict });
    }
    shown
}

/// Does something to templates, and shows them.
async fn change(
    ask: Ask<'_>,
    name: &str,
    language: Option<String>,
    run: impl Fn(&mut Tenant, Place) + Send + 'static,
) -> Done {
    let name = name.to_owned();
    let shown = ask.tenant(move |tenant, real| {
        tenant.tick(tenant.now(real));
        let places = places(tenant, &name, language.as_deref())?;
        for place in &places {
            run(tenant, *place);
        }
        let shown = places.iter().filter_map(|place| tenant.templates().get(*place)).map(show);
        Ok(json!({ "items": shown.collect::<Vec<_>>() }))
    });
    Ok((200, shown.await?))
}

pub(super) async fn list(ask: Ask<'_>) -> Done {
    ask.end()?;
    let items = ask.tenant(|tenant, _| {
        let items: Vec<Value> = tenant.templates().all().map(|(_, template)| show(template)).collect();
        Ok(super::page(items, None, 0))
    });
    Ok((200, items.await?))
}

/// Sets how templates are reviewed.
pub(super) async fn put(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let takes = fields.span("review")?.unwrap_or(Span::ZERO);
    let rejects: Vec<String> =
        fields.typed("reject", "a list of names, `*` at an end for anything")?.unwrap_or_default();
    fields.end()?;
    let shown = json!({ "review": takes.to_string(), "reject": rejects });
    ask.tenant(move |tenant, _| {
        tenant.templates_mut().review = Review { takes, rejects };
        Ok(())
    })
    .await?;
    Ok((200, shown))
}

/// The language that a change is for; every language, unless said in the body or in the query.
fn language(ask: &mut Ask<'_>, fields: &mut Fields) -> Result<Option<String>, Problem> {
    let (asked, said) = (ask.parameter("language"), fields.text("language")?);
    ask.end()?;
    match (asked, said) {
        (Some(asked), Some(said)) if asked != said => {
            let detail = format!("no template is in two languages, and the query says {asked} and the body {said}");
            let expected = Some("one language, in the query or in the body".to_owned());
            Err(Problem { pointer: Some(fields.pointer("language")), expected, ..Problem::unknown(detail) })
        }
        (asked, said) => Ok(said.or(asked)),
    }
}

pub(super) async fn status(mut ask: Ask<'_>, name: &str) -> Done {
    let mut fields = ask.fields()?;
    let language = language(&mut ask, &mut fields)?;
    let status = word(&mut fields, "status", Status::ALL)?;
    let (lasts, reason) = (fields.span("for")?, fields.text("reason")?);
    if lasts.is_some() && !matches!(status, Status::Paused | Status::Pending) {
        let detail = "only PAUSED and PENDING pass by themselves";
        return Err(Problem { pointer: Some(fields.pointer("for")), ..Problem::impossible(detail) });
    }
    fields.end()?;
    let cause = Cause { reason, title: None };
    change(ask, name, language, move |tenant, place| tenant.set_template_status(place, status, lasts, cause.clone()))
        .await
}

pub(super) async fn quality(mut ask: Ask<'_>, name: &str) -> Done {
    let mut fields = ask.fields()?;
    let language = language(&mut ask, &mut fields)?;
    let quality = word(&mut fields, "quality", Quality::ALL)?;
    fields.end()?;
    change(ask, name, language, move |tenant, place| tenant.set_template_quality(place, quality)).await
}

pub(super) async fn category(mut ask: Ask<'_>, name: &str) -> Done {
    let mut fields = ask.fields()?;
    let language = language(&mut ask, &mut fields)?;
    let category = word(&mut fields, "category", Category::ALL)?;
    fields.end()?;
    change(ask, name, language, move |tenant, place| tenant.set_template_category(place, category)).await
}

pub(super) async fn pacing(mut ask: Ask<'_>, name: &str) -> Done {
    let mut fields = ask.fields()?;
    let language = language(&mut ask, &mut fields)?;
    let after: u32 = fields
        .typed("after", "how many messages go out before others are held")?
        .ok_or_else(|| fields.missing("after", "how many messages go out before others are held"))?;
    let decide = fields.span("decide")?.unwrap_or(DECIDE);
    let release = if fields.is_said("verdict") {
        word(&mut fields, "verdict", &[("release", true), ("drop", false)])?
    } else {
        true
    };
    fields.drop_null("verdict");
    fields.end()?;
    let pacing = Pacing { after, sent: 0, decide, release, held: Vec::new() };
    change(ask, name, language, move |tenant, place| tenant.pace_template(place, pacing.clone())).await
}

pub(super) async fn recipients(ask: Ask<'_>) -> Done {
    ask.end()?;
    Ok((200, ask.tenant(|tenant, _| Ok(shown_recipients(tenant))).await?))
}

pub(super) async fn put_recipients(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    if !fields.has("allowed") {
        return Err(fields.missing("allowed", "a list of phone numbers, or null for all"));
    }
    let texts: Option<Vec<String>> = fields.typed("allowed", "a list of phone numbers, or null for all")?;
    fields.end()?;
    let allowed =
        texts.map(|texts| texts.iter().map(|text| phone(text)).collect::<Result<Vec<u64>, _>>()).transpose()?;
    let shown = ask.tenant(move |tenant, _| {
        tenant.allow_only(allowed);
        Ok(shown_recipients(tenant))
    });
    Ok((200, shown.await?))
}

fn shown_recipients(tenant: &Tenant) -> Value {
    let shown = tenant.allowed().map(|allowed| allowed.iter().map(u64::to_string).collect::<Vec<_>>());
    json!({ "allowed": shown })
}
