//! The token of a call: where it stands in a request, and what is said of one that is not good for the call.

use super::refusal::Refusal;
use super::route::Permission;
use crate::identity::{Bearer, Identity, Standing};
use crate::query;
use cloud_api::time::{Span, Timestamp};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// How long ago an expired token expired.
const EXPIRED_FOR: Span = Span::hours(1);

/// The token of a call, from its header, its query or its body, as far as that was read.
pub(super) fn of<'a>(parts: &'a Parts, body: &[u8]) -> Option<Cow<'a, str>> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, token)) = header.and_then(|header| header.split_once(' '))
        && ["bearer", "oauth"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(Cow::Borrowed(token.trim()));
    }
    parameter(parts, body, "access_token").map(Cow::Owned)
}

/// A parameter of the query, or else of the body.
fn parameter(parts: &Parts, body: &[u8], name: &str) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    let found = query::pairs(query).find(|(key, _)| key == name).map(|(_, value)| value);
    found.or_else(|| serde_json::from_slice::<Value>(body).ok()?.get(name)?.as_str().map(str::to_owned))
}

/// The app that a call names by its id and its secret, in place of a token.
///
/// # Errors
/// If they are no app's.
pub(super) fn of_client(parts: &Parts, body: &[u8]) -> Result<Arc<Identity>, Refusal> {
    let find = |wanted: &str| parameter(parts, body, wanted);
    let token = find("client_id").zip(find("client_secret")).map(|(id, secret)| format!("{id}|{secret}"));
    let bearer = token.as_deref().and_then(Bearer::read).ok_or_else(no_client)?;
    Ok(bearer.identity)
}

/// The refusal of an app that is none.
pub(super) fn no_client() -> Refusal {
    let why = "client_id and client_secret are the app's id and secret: `mock-whatsapp env` prints them";
    Refusal::new(1, why).message("Error validating client secret.")
}

/// The refusal of no token, or of one that is nobody's.
pub(super) fn unknown(token: Option<&str>) -> Refusal {
    match token {
        Some(_) => Refusal::token(
            None,
            "the token is not one of this server's: mock-token is the default tenant's, and mock-token-NAME makes and uses \
             the tenant NAME (letters, digits, - _ .); so do EAAmocktoken and EAAmocktokenNAME",
        ),
        None => Refusal::token(
            Some("An access token is required to request this resource."),
            "there is no token: send the header `Authorization: Bearer mock-token`",
        ),
    }
}

/// The refusal of a token that is somebody's and not good for the call, at the time that `now` says.
pub(super) async fn refuse<E>(
    standing: Standing,
    wanted: Permission,
    now: impl AsyncFnOnce() -> Result<Timestamp, E>,
) -> Result<Option<Refusal>, E> {
    let why = "the token was made by POST /_mock/tokens to be refused like this";
    Ok(match (standing, wanted) {
        (Standing::Valid, _)
        | (Standing::App, Permission::Any)
        | (Standing::NoMessaging, Permission::Management | Permission::Any)
        | (Standing::NoManagement, Permission::Messaging | Permission::Any) => None,
        (Standing::Expired, _) => {
            let now = now().await?;
            let since = Timestamp(now.0.saturating_sub(EXPIRED_FOR.0));
            let message = format!(
                "Error validating access token: Session has expired on {}. The current time is {}.",
                pacific(since),
                pacific(now)
            );
            Some(Refusal::token(Some(&message), why).subcode(463))
        }
        (Standing::Revoked, _) => {
            let message = "Error validating access token: The session has been invalidated because the user changed their \
                           password or Facebook has changed the session for security reasons.";
            Some(Refusal::token(Some(message), why).subcode(460))
        }
        (Standing::NoMessaging, Permission::Messaging) => Some(Refusal::new(10, why)),
        (Standing::NoManagement, Permission::Management) => {
            let message = "You do not have permission to access this field: whatsapp_business_management is missing";
            Some(Refusal::new(200, why).message(message))
        }
        (Standing::App, Permission::Messaging | Permission::Management) => {
            let why = "an app's own token may not act for a business; use the tenant's token";
            Some(Refusal::new(10, why))
        }
    })
}

/// As in `Thursday, 05-Mar-26 04:00:00 PST`. Summer time is left out.
fn pacific(at: Timestamp) -> String {
    let there = Duration::from_micros(at.0).saturating_sub(Duration::from_secs(8 * 3_600));
    // Beyond the year 9999 there is no such date.
    let there = UNIX_EPOCH + there.min(Duration::from_secs(253_402_300_799));
    let http = httpdate::fmt_http_date(there);
    let mut parts = http.split([' ', ',']).filter(|part| !part.is_empty());
    let mut next = || parts.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (next(), next(), next(), next(), next());
    let weekday = match weekday {
        "Tue" => "Tuesday",
        "Wed" => "Wednesday",
        "Thu" => "Thursday",
        "Sat" => "Saturday",
        "Fri" => "Friday",
        "Sun" => "Sunday",
        _ => "Monday",
    };
    format!("{weekday}, {day}-{month}-{} {time} PST", year.get(2..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_error_has_it() {
        assert_eq!(pacific(Timestamp::from_unix_seconds(1_772_712_000)), "Thursday, 05-Mar-26 04:00:00 PST");
    }
}
