//! The list of templates: filters, cursors both ways, and the summary.

use super::showing::{Fields, show};
use super::{own_account, whole_number};
use crate::graph::call::{Call, Done, Outcome};
use crate::graph::download::base;
use crate::graph::enumeration::meant;
use crate::graph::parameters::Parameters;
use crate::graph::refusal::Refusal;
use crate::limits;
use crate::templates::{Category, Place, Quality, Status, Template, Templates};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// Templates on a page, unless said.
const PAGE: i64 = 25;

/// Templates on a page at most.
const PAGE_MOST: i64 = 1_000;

/// The first version that has 131059 for cursors that are none.
const FIRST_WITH_131059: u32 = 24;

/// Which templates are wanted.
#[derive(Debug, Default)]
struct Filter {
    name: Option<String>,
    content: Option<String>,
    name_or_content: Option<String>,
    languages: Vec<String>,
    statuses: Vec<Status>,
    categories: Vec<Category>,
    qualities: Vec<Quality>,
}

/// Words with commas between, or a JSON list of them.
fn words(parameters: &Parameters, name: &str) -> Vec<String> {
    parameters.texts(name).unwrap_or_default().into_iter().filter(|word| !word.is_empty()).collect()
}

fn known<T: Copy>(parameters: &Parameters, name: &str, all: &[(&'static str, T)]) -> Result<Vec<T>, Refusal> {
    let why = format!("{name} filters the list");
    words(parameters, name).iter().map(|word| meant(name, word, all, &why)).collect()
}

impl Filter {
    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let lower = |name: &str| parameters.text(name).map(|text| text.to_lowercase());
        Ok(Self {
            name: parameters.text("name"),
            content: lower("content"),
            name_or_content: lower("name_or_content"),
            languages: words(parameters, "language"),
            statuses: known(parameters, "status", Status::ALL)?,
            categories: known(parameters, "category", Category::ALL)?,
            qualities: known(parameters, "quality_score", Quality::ALL)?,
        })
    }

    fn admits(&self, template: &Template) -> bool {
        fn one_of<T: PartialEq>(wanted: &[T], value: &T) -> bool {
            wanted.is_empty() || wanted.contains(value)
        }
        let says = |words: &str| template.components.to_string().to_lowercase().contains(words);
        one_of(&self.statuses, &template.status)
            && one_of(&self.categories, &template.category)
            && one_of(&self.qualities, &template.quality)
            && (self.languages.is_empty()
                || self.languages.iter().any(|language| language.eq_ignore_ascii_case(&template.language)))
            && self.name.as_ref().is_none_or(|name| **name == *template.name)
            && self.content.as_ref().is_none_or(|words| says(words))
            && self.name_or_content.as_ref().is_none_or(|words| template.name.contains(words.as_str()) || says(words))
    }
}

fn cursor(place: Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("template:{place}"))
}

fn place_of(cursor: &str, version: u32) -> Result<Place, Refusal> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        String::from_utf8(bytes).ok()?.strip_prefix("template:")?.parse().ok()
    };
    read().ok_or_else(|| {
        let why = "cursors come from paging.cursors of an earlier answer";
        if version >= FIRST_WITH_131059 {
            Refusal::new(131_059, why)
        } else {
            Refusal::parameter("Invalid cursors values", why)
        }
    })
}

/// Where a page begins or ends.
#[derive(Clone, Copy, Debug)]
enum From {
    Start,
    After(Place),
    Before(Place),
}

/// The templates of a page, and whether there are more before and behind them.
fn page<'a>(all: &[(Place, &'a Template)], from: From, limit: usize) -> (Vec<(Place, &'a Template)>, bool, bool) {
    let (start, end) = match from {
        From::Start => (0, all.len().min(limit)),
        From::After(place) => {
            let start = all.partition_point(|(other, _)| *other <= place);
            (start, all.len().min(start + limit))
        }
        From::Before(place) => {
            let end = all.partition_point(|(other, _)| *other < place);
            (end.saturating_sub(limit), end)
        }
    };
    (all[start..end].to_vec(), start > 0, end < all.len())
}

/// The query of a page, with another cursor.
fn address(call_query: &str, cursor: &str, value: &str) -> String {
    let kept = crate::query::pairs(call_query)
        .filter(|(name, _)| !["after", "before", "access_token"].contains(&name.as_str()));
    let mut pairs: Vec<String> =
        kept.map(|(name, value)| format!("{}={}", crate::query::encode(&name), crate::query::encode(&value))).collect();
    pairs.push(format!("{cursor}={value}"));
    pairs.join("&")
}

fn summary(templates: &Templates, found: usize, wanted: &str) -> Value {
    let all = json!({
        "total_count": found,
        "message_template_count": templates.len(),
        "message_template_limit": limits::TEMPLATES,
        "are_translations_complete": true,
    });
    let names: Vec<&str> = wanted.split(',').map(str::trim).collect();
    let asked = all.as_object().into_iter().flatten().filter(|(name, _)| names.contains(&name.as_str()));
    let asked: Map<String, Value> = asked.map(|(name, value)| (name.clone(), value.clone())).collect();
    // Whoever asks for the summary without saying for what of it gets all.
    if asked.is_empty() { all } else { Value::Object(asked) }
}

/// Lists templates.
pub(in crate::graph) async fn list(call: Call<'_>) -> Done {
    own_account(&call)?;
    let parameters = Parameters::of(&call);
    let (filter, fields) = (Filter::read(&parameters)?, Fields::read(parameters.fields().as_deref())?);
    let limit = whole_number(&parameters, "limit")?.unwrap_or(PAGE);
    if limit < 1 {
        return Err(Refusal::parameter("Param limit must be at least 1.", "a page has at least one template").into());
    }
    let limit = limit.min(PAGE_MOST) as usize;
    let version = call.path.major();
    let from = match (parameters.text("after"), parameters.text("before")) {
        (Some(cursor), _) if !cursor.is_empty() => From::After(place_of(&cursor, version)?),
        (_, Some(cursor)) if !cursor.is_empty() => From::Before(place_of(&cursor, version)?),
        _ => From::Start,
    };
    let summarised = parameters.text("summary");
    let base = format!("{}/{}/{}/message_templates", base(&call), call.path.version, call.id);
    let query = call.query.to_owned();
    let listed = call.tenant(move |tenant, _| {
        let templates = tenant.templates();
        let found: Vec<(Place, &Template)> = templates.all().filter(|(_, template)| filter.admits(template)).collect();
        let (page, before, behind) = page(&found, from, limit);
        let data: Vec<Value> = page.iter().map(|(_, template)| show(template, &fields)).collect();
        let mut answer = json!({ "data": data });
        if let (Some((first, _)), Some((last, _))) = (page.first(), page.last()) {
            let (first, last) = (cursor(*first), cursor(*last));
            let mut paging = json!({ "cursors": { "before": first, "after": last } });
            if behind {
                paging["next"] = json!(format!("{base}?{}", address(&query, "after", &last)));
            }
            if before {
                paging["previous"] = json!(format!("{base}?{}", address(&query, "before", &first)));
            }
            answer["paging"] = paging;
        }
        if let Some(wanted) = summarised {
            answer["summary"] = summary(templates, found.len(), &wanted);
        }
        Ok(answer)
    });
    let (listed, at) = listed.await?;
    Ok(Outcome::reply(at, listed))
}
