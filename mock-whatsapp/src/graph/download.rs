//! `GET /whatsapp_business/attachments/?mid=…`: the bytes of media, whole or in part, for five minutes and with a token.

use super::call::{Call, Done, Outcome};
use super::parameters::Parameters;
use super::refusal::Refusal;
use crate::identity::Identity;
use crate::instant;
use crate::respond::{self, Answer, MOCK_TIME, MOCK_WHY, put};
use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::Full;
use hyper::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use hyper::{Response, StatusCode};
use mock_whatsapp_model::fate::{digest, join};

/// The node of media URLs.
pub(super) const WORD: &str = "whatsapp_business";

/// How the caller reaches this server: the address in its own request.
pub(super) fn base(call: &Call<'_>) -> String {
    respond::base(call.headers, call.server)
}

/// The path of a file, good until a moment.
pub fn place(identity: &Identity, id: &str, until: Timestamp) -> String {
    // Whole seconds, as the real one has them; rounded up, so that it is good for no less than it should be.
    let seconds = until.0.div_ceil(1_000_000);
    format!("/{WORD}/attachments/?mid={id}&ext={seconds}&hash={}", seal(identity, id, seconds))
}

/// What nobody can know who was not told: it keeps the end of a URL's time from being moved.
fn seal(identity: &Identity, id: &str, seconds: u64) -> String {
    format!("{:016x}", join(join(digest(identity.app_secret.as_bytes()), digest(id.as_bytes())), seconds))
}

/// Gives the bytes.
pub(super) async fn get(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let id = parameters.text("mid").unwrap_or_default();
    let seconds: u64 = parameters.text("ext").and_then(|text| text.parse().ok()).unwrap_or(0);
    let sealed = parameters.text("hash").is_some_and(|hash| hash == seal(&call.identity, &id, seconds));
    let range = call.headers.get(RANGE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let found = call.tenant(move |tenant, real| {
        let now = tenant.now(real);
        if !sealed || now.0 >= seconds.saturating_mul(1_000_000) {
            let why = "a media URL is good for 5 minutes of virtual time, with the token of the tenant that got it from GET /{media-id}";
            return Err(not_found(why));
        }
        let medium = tenant.media().get(&id).ok_or_else(|| not_found("the media was deleted, or is older than 30 days"))?;
        let name = medium.file_name.clone().unwrap_or_else(|| id.clone());
        Ok((medium.bytes.bytes(), medium.mime_type.clone(), name))
    });
    let ((bytes, mime_type, name), at) = found.await?;
    let mut answer = part(bytes, range.as_deref());
    let headers = answer.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(mime_type) = HeaderValue::try_from(mime_type) {
        headers.insert(CONTENT_TYPE, mime_type);
    }
    let name: String =
        name.chars().map(|c| if c == '"' || c == '\\' || !(' '..='~').contains(&c) { '_' } else { c }).collect();
    put(&mut answer, CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    put(&mut answer, MOCK_TIME, instant::write(at));
    Ok(Outcome::Other(Box::new(answer)))
}

fn not_found(why: &str) -> Refusal {
    Refusal::parameter("Media URL not found or expired", why).with_status(404)
}

/// All of it, or the one range that was asked for. Several ranges get all of it, which is allowed.
fn part(bytes: Bytes, range: Option<&str>) -> Answer {
    let length = bytes.len() as u64;
    let answer = |status, bytes| {
        let mut answer = Response::new(Full::new(bytes));
        *answer.status_mut() = status;
        answer
    };
    let Some(range) = range.and_then(|range| http_range_header::parse_range_header(range).ok()) else {
        return answer(StatusCode::OK, bytes);
    };
    match range.validate(length) {
        Ok(ranges) if ranges.len() == 1 => {
            let (first, last) = (*ranges[0].start(), *ranges[0].end());
            let mut answer = answer(StatusCode::PARTIAL_CONTENT, bytes.slice(first as usize..=last as usize));
            put(&mut answer, CONTENT_RANGE, format!("bytes {first}-{last}/{length}"));
            answer
        }
        Ok(_) => answer(StatusCode::OK, bytes),
        Err(_) => {
            let mut answer = answer(StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new());
            put(&mut answer, CONTENT_RANGE, format!("bytes */{length}"));
            put(
                &mut answer,
                MOCK_WHY,
                format!("the range begins behind the end of the file, which has {length} bytes"),
            );
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_out() {
        let cut = |range| {
            let answer = part(Bytes::from_static(b"0123456789"), range);
            let range = answer.headers().get(CONTENT_RANGE).map(|value| value.to_str().unwrap().to_owned());
            (answer.status().as_u16(), range)
        };
        assert_eq!(cut(None), (200, None));
        assert_eq!(cut(Some("bytes=0-4")), (206, Some("bytes 0-4/10".to_owned())));
        assert_eq!(cut(Some("bytes=8-")), (206, Some("bytes 8-9/10".to_owned())));
        assert_eq!(cut(Some("bytes=-3")), (206, Some("bytes 7-9/10".to_owned())));
        assert_eq!(cut(Some("bytes=20-30")), (416, Some("bytes */10".to_owned())));
        let behind = part(Bytes::from_static(b"0123456789"), Some("bytes=20-30"));
        assert!(behind.headers()[MOCK_WHY].to_str().unwrap().contains("10 bytes"), "every refusal says why");
        assert_eq!(cut(Some("bytes=0-1,3-4")), (200, None));
        assert_eq!(cut(Some("lines=1-2")), (200, None));
    }
}
