//! Analytics: what was sent, delivered and read in stretches of time, counted from the messages that are still known. Money
//! and conversations are not counted: there are none here.

use super::call::{Call, Done, Outcome};
use super::enumeration::{meant, one_of};
use super::fields::Field;
use super::paging::Paging;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use crate::templates::Place;
use crate::tenant::Tenant;
use crate::tenant::message_log::{Happened, Words};
use crate::{instant, user_id};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::world::MessageView;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const HALF_HOUR: u64 = 1_800;
const DAY: u64 = 86_400;

/// More than the longest month has.
const LONGEST_MONTH: u64 = 32 * DAY;

/// How long what is counted together may take; all by the clock of UTC.
#[derive(Clone, Copy, Debug)]
enum Stretch {
    HalfHour,
    Day,
    Month,
}

const STRETCHES: &[(&str, Stretch)] =
    &[("HALF_HOUR", Stretch::HalfHour), ("DAY", Stretch::Day), ("MONTH", Stretch::Month)];

impl Stretch {
    /// The stretch that a moment is in, in Unix seconds.
    fn around(self, at: Timestamp) -> Range<u64> {
        let seconds = at.unix_seconds();
        let even = |length: u64| {
            let start = seconds - seconds % length;
            start..start + length
        };
        match self {
            Self::HalfHour => even(HALF_HOUR),
            Self::Day => even(DAY),
            Self::Month => {
                let start = month(seconds);
                start..month(start + LONGEST_MONTH)
            }
        }
    }
}

/// Where the month of a moment begins.
fn month(seconds: u64) -> u64 {
    let written = instant::write(Timestamp::from_unix_seconds(seconds));
    let first = written.get(..7).and_then(|month| instant::read(&format!("{month}-01T00:00:00Z")));
    first.map_or(seconds, Timestamp::unix_seconds)
}

/// The time that is asked for.
fn window(parameters: &Parameters) -> Result<Range<Timestamp>, Refusal> {
    let second = |name: &str| parameters.number(name)?.ok_or_else(|| required(name));
    let (start, end) = (second("start")?, second("end")?);
    if start >= end {
        return Err(Refusal::parameter("Param start must be before end.", "both are Unix seconds"));
    }
    Ok(Timestamp::from_unix_seconds(start)..Timestamp::from_unix_seconds(end))
}

/// When a message was sent, delivered and read. What was read was delivered, and what was delivered was sent, told or not.
fn moments(words: Words<'_>) -> [Option<Timestamp>; 3] {
    let first = |what: &[Happened]| {
        let of = words.timeline().filter(|event| what.contains(&event.what));
        of.map(|event| event.at).min()
    };
    [
        first(&[Happened::Sent, Happened::Delivered, Happened::Read]),
        first(&[Happened::Delivered, Happened::Read]),
        first(&[Happened::Read]),
    ]
}

/// The messages that are still known, each with its words.
fn known(tenant: &Tenant) -> impl Iterator<Item = (MessageView, Words<'_>)> {
    let log = tenant.messages();
    tenant.world().messages(log.first()).filter_map(|message| Some((message, log.get(message.index)?)))
}

/// What `analytics` of an account is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    window: Range<Timestamp>,
    stretch: (&'static str, Stretch),
    numbers: Vec<String>,
    countries: Vec<String>,
}

impl Asked {
    /// Reads `analytics.start(…).end(…).granularity(DAY)`; some clients have these beside `fields`.
    pub(super) fn read(parameters: &Parameters, field: &Field) -> Result<Self, Refusal> {
        let mut parameters = parameters.clone();
        for part in field.modifier.split(')') {
            if let Some((name, value)) = part.trim_start_matches('.').split_once('(') {
                parameters.put(name, value.to_owned());
            }
        }
        let window = window(&parameters)?;
        let granularity = parameters.needed("granularity")?;
        let all: Vec<_> = STRETCHES.iter().map(|(name, stretch)| (*name, (*name, *stretch))).collect();
        let stretch = meant("granularity", &granularity, &all, "what is counted together")?;
        let texts = |name: &str| -> Vec<String> {
            let texts = parameters.texts(name).unwrap_or_default().into_iter();
            texts
                .map(|text| text.trim_matches(['[', ']', '"', '\'', '+']).to_owned())
                .filter(|text| !text.is_empty())
                .collect()
        };
        Ok(Self { window, stretch, numbers: texts("phone_numbers"), countries: texts("country_codes") })
    }

    /// The counts. Stretches in which nothing was are not among them.
    pub(super) fn answer(&self, tenant: &Tenant) -> Value {
        let waba_id = &tenant.identity().waba_id;
        let all = tenant.numbers().all().iter();
        let wanted = all.filter(|number| self.numbers.is_empty() || self.numbers.contains(&number.digits));
        let wanted: BTreeMap<_, &str> = wanted.map(|number| (number.number, number.digits.as_str())).collect();
        let mut points: BTreeMap<u64, (u64, [u64; 2])> = BTreeMap::new();
        let mut countries = BTreeSet::new();
        for (message, words) in known(tenant) {
            let user_id = user_id::of(waba_id, tenant.handsets().wa_id(message.handset));
            let country = user_id.split('.').next().unwrap_or_default();
            let is_there =
                self.countries.is_empty() || self.countries.iter().any(|it| it.eq_ignore_ascii_case(country));
            if !is_there || !wanted.contains_key(&message.number) {
                continue;
            }
            let [sent, delivered, _] = moments(words);
            for (what, at) in [sent, delivered].into_iter().enumerate() {
                let Some(at) = at.filter(|at| self.window.contains(at)) else { continue };
                let stretch = self.stretch.1.around(at);
                points.entry(stretch.start).or_insert((stretch.end, [0; 2])).1[what] += 1;
                countries.insert(country.to_owned());
            }
        }
        let points = points.into_iter().map(|(start, (end, [sent, delivered]))| {
            json!({ "start": start, "end": end, "sent": sent, "delivered": delivered })
        });
        json!({
            "phone_numbers": wanted.into_values().collect::<Vec<_>>(),
            "country_codes": countries,
            "granularity": self.stretch.0,
            "data_points": points.collect::<Vec<_>>(),
        })
    }
}

/// What is counted, in the order in which it happens, and then what is known and not counted here: taps on buttons, and money.
const METRICS: [&str; 5] = ["SENT", "DELIVERED", "READ", "CLICKED", "COST"];

/// Templates that may be asked for at once: as many as Meta's documentation of `template_ids` allows.
const TEMPLATES_MOST: usize = 10;

/// `GET /{waba-id}/template_analytics`.
pub(super) async fn of_templates(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let window = window(&parameters)?;
    one_of("granularity", &parameters.needed("granularity")?, &["DAILY"], "templates are counted by days")?;
    let texts = |name: &str| parameters.texts(name).map(|texts| texts.into_iter().filter(|text| !text.is_empty()));
    let mut ids: Vec<String> = Vec::new();
    for id in texts("template_ids").ok_or_else(|| required("template_ids"))? {
        if ids.contains(&id) {
            continue;
        }
        if ids.len() == TEMPLATES_MOST {
            let message = format!("Param template_ids must have at most {TEMPLATES_MOST} items.");
            let why = format!("a call counts at most {TEMPLATES_MOST} templates: ask for the others in further calls");
            return Err(Refusal::parameter(message, why).into());
        }
        ids.push(id);
    }
    let mut metrics = Vec::new();
    for word in texts("metric_types").into_iter().flatten() {
        let why = "these are known, and of them taps on buttons and money are taken and not counted here";
        metrics.push(one_of("metric_types", &word, &METRICS, why)?);
    }
    let paging = Paging::of(&call, &parameters, 1)?;
    let counted = call.tenant(move |tenant, _| {
        let points = days(tenant, &ids, &window, &metrics)?;
        let all = json!({ "granularity": "DAILY", "product_type": "cloud_api", "data_points": points });
        Ok(paging.page(&[all]))
    });
    let (counted, at) = counted.await?;
    Ok(Outcome::reply(at, counted))
}

/// The days of templates, one template after the other.
fn days(tenant: &Tenant, ids: &[String], window: &Range<Timestamp>, metrics: &[&str]) -> Result<Vec<Value>, Refusal> {
    let mut places = Vec::new();
    for id in ids {
        let place = tenant.templates().of_id(id).ok_or_else(|| {
            let why = format!("{id} is no template of this account's");
            Refusal::parameter("Invalid parameter", why).details("template_ids: there is no such template")
        })?;
        places.push(place);
    }
    let mut counted: BTreeMap<Place, BTreeMap<u64, [u64; 3]>> =
        places.iter().map(|place| (*place, BTreeMap::new())).collect();
    // All messages are walked once, however many templates are asked for: other tenants wait meanwhile.
    for (_, words) in known(tenant) {
        let Some(days) = words.place().and_then(|place| counted.get_mut(&place)) else { continue };
        for (what, at) in moments(words).into_iter().enumerate() {
            if let Some(at) = at.filter(|at| window.contains(at)) {
                days.entry(Stretch::Day.around(at).start).or_default()[what] += 1;
            }
        }
    }
    let mut points = Vec::new();
    for (id, place) in ids.iter().zip(places) {
        for (start, counts) in &counted[&place] {
            let mut point = json!({ "template_id": id, "start": start, "end": start + DAY });
            for (metric, count) in METRICS.into_iter().zip(counts) {
                if metrics.is_empty() || metrics.contains(&metric) {
                    point[metric.to_ascii_lowercase()] = (*count).into();
                }
            }
            points.push(point);
        }
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_its_half_hour_its_day_and_its_month() {
        let at = |text: &str| instant::read(text).unwrap();
        let moment = at("2028-02-29T13:45:10Z");
        for (stretch, start, end) in [
            (Stretch::HalfHour, "2028-02-29T13:30:00Z", "2028-02-29T14:00:00Z"),
            (Stretch::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Stretch::Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(stretch.around(moment), at(start).unix_seconds()..at(end).unix_seconds(), "{stretch:?}");
        }
    }
}
