//! `/verify`: asserting what was sent. How is in `crate::verify`; here it is only read.

use super::body::{EXACT, Fields, make_whole};
use super::problem::Problem;
use super::{Ask, Done, no_tenant, phone};
use crate::limits::{VERIFY_STEPS, VERIFY_WAIT};
use crate::verify::{Ended, Match, Verify, verify};
use serde_json::{Value, json};

pub(super) async fn post(ask: Ask<'_>) -> Done {
    ask.end()?;
    let asked = read(ask.fields()?)?;
    let verified = tokio::select! {
        biased;
        verified = verify(&ask.server.worlds, &ask.tenant, asked) => verified?,
        () = ask.server.stopped() => return Err(Problem::closing()),
    };
    let verified = verified.ok_or_else(|| no_tenant(&ask.tenant))?;
    Ok((if verified.pass { 200 } else { 422 }, json!(verified)))
}

fn read(mut fields: Fields) -> Result<Verify, Problem> {
    let of = fields.nested("match")?.map(read_match).transpose()?;
    let steps = if fields.is_said("sequence") { Some(fields.list("sequence")?) } else { None };
    // Null is as good as absent.
    fields.drop_null("sequence");
    let (count, range) = match fields.value("count") {
        Some(count @ Value::Object(_)) => (None, Some(Fields::of(fields.pointer("count"), count)?)),
        Some(count) => (Some(whole(count, &fields.pointer("count"))?), None),
        None => (None, None),
    };
    let (mut least, mut most) = (fields.integer("at_least")?, fields.integer("at_most")?);
    if let Some(mut range) = range {
        if least.is_some() || most.is_some() {
            let detail = "`at_least` and `at_most` stand either in `count` or beside it";
            return Err(Problem::malformed("/count", "count alone", detail));
        }
        (least, most) = (range.integer("at_least")?, range.integer("at_most")?);
        let missing = range.missing("at_least", "`at_least`, `at_most` or both, each a whole number");
        range.end()?;
        if least.is_none() && most.is_none() {
            return Err(missing);
        }
    }
    let within = fields.span("within")?.unwrap_or_default().to_std();
    if within > VERIFY_WAIT {
        let most = humantime::format_duration(VERIFY_WAIT).to_string();
        return Err(Problem::malformed("/within", format!("at most {most}"), "that is too long to wait"));
    }
    let numbers = count.or(least).or(most);
    let verify = match (of, steps) {
        (Some(of), None) => {
            let verify = Verify::sends(of);
            match (count, least, most) {
                (Some(count), None, None) => verify.count(count),
                (None, least, most) if least.is_some() || most.is_some() => verify.between(least.unwrap_or(0), most),
                (None, ..) => verify,
                (Some(_), ..) => {
                    let detail = "`count` is exact; say either it or `at_least` and `at_most`";
                    return Err(Problem::malformed("/count", "count alone", detail));
                }
            }
        }
        (None, Some(steps)) if numbers.is_none() => {
            if steps.is_empty() || steps.len() > VERIFY_STEPS {
                let expected = format!("1 to {VERIFY_STEPS} steps");
                return Err(Problem::malformed("/sequence", expected, format!("there are {}", steps.len())));
            }
            Verify::sequence(steps.into_iter().map(read_match).collect::<Result<_, _>>()?)
        }
        (None, Some(_)) => {
            let detail = "a sequence is there once or not at all: it takes no count";
            return Err(Problem::malformed("/count", "no number beside a sequence", detail));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::malformed("/sequence", "either match or sequence", "both are there"));
        }
        (None, None) => return Err(fields.missing("match", "an object, {} for every send; or a sequence of them")),
    };
    fields.end()?;
    Ok(verify.within(within))
}

/// A count that is exact.
fn whole(mut count: Value, at: &str) -> Result<u64, Problem> {
    make_whole(&mut count);
    count.as_u64().filter(|count| *count < EXACT).ok_or_else(|| {
        let expected = "a whole number, or {\"at_least\":1,\"at_most\":2}";
        Problem::malformed(at, expected, format!("`{count}` is neither"))
    })
}

fn read_match(mut fields: Fields) -> Result<Match, Problem> {
    let pointer = fields.pointer("to");
    let to = fields.text("to")?.map(|to| phone(&to)).transpose();
    let to = to.map_err(|problem| Problem { pointer: Some(pointer), ..problem })?.map(|to| to.to_string());
    let (template, callback_data) = (fields.text("template")?, fields.text("callback_data")?);
    let at = fields.pointer("outcome");
    let outcome = match fields.text("outcome")? {
        None => Ended::default(),
        Some(name) => Ended::read(&name).ok_or_else(|| {
            let expected = "accepted, refused, any, lost, reset, garbled or broken";
            Problem::malformed(at, expected, format!("`{name}` is none of them"))
        })?,
    };
    let at = fields.pointer("body");
    let body = match fields.value("body") {
        None => Vec::new(),
        Some(Value::Object(body)) => body.into_iter().collect(),
        Some(_) => return Err(Problem::malformed(at, "an object of JSON pointers and values", "it is no object")),
    };
    if let Some((wrong, _)) = body.iter().find(|(pointer, _)| !pointer.is_empty() && !pointer.starts_with('/')) {
        let detail = format!("`{wrong}` is no JSON pointer: it must start with /, as in /text/body");
        return Err(Problem::malformed(at, "JSON pointers as keys", detail));
    }
    fields.end()?;
    Ok(Match { to, template, callback_data, body, outcome })
}
