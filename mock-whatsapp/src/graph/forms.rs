//! Bodies that are forms, `application/x-www-form-urlencoded` or `multipart/form-data`, as the JSON that they stand for: one
//! object whose values are texts. Everything behind this file knows JSON only. Uploads are no business of it: they are read
//! bit by bit, in `media`.

use crate::limits::FORM_FIELDS;
use crate::query;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use multer::Multipart;
use serde_json::{Map, Value};

/// The body of a call as JSON; one that is no form, or none that can be read, as it is.
pub(super) async fn as_json(headers: &HeaderMap, body: Bytes) -> Bytes {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    // What curl says of JSON when it is told nothing.
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !is_json(&body) {
        let text = String::from_utf8_lossy(&body);
        return written(query::pairs(&text).map(|(name, value)| (name, value.into())).take(FORM_FIELDS).collect());
    }
    if kind.eq_ignore_ascii_case("multipart/form-data")
        && let Ok(boundary) = multer::parse_boundary(content_type)
    {
        return Box::pin(parts(boundary, body.clone())).await.map_or(body, written);
    }
    body
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

fn written(fields: Map<String, Value>) -> Bytes {
    Value::Object(fields).to_string().into()
}

/// The parts that are texts; files have no place in such a call.
async fn parts(boundary: String, body: Bytes) -> multer::Result<Map<String, Value>> {
    let mut form = Multipart::new(Full::new(body).into_data_stream(), boundary);
    let mut fields = Map::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().filter(|_| field.file_name().is_none()).map(str::to_owned);
        match name {
            Some(name) if fields.len() < FORM_FIELDS => {
                fields.insert(name, String::from_utf8_lossy(&field.bytes().await?).into());
            }
            Some(_) | None => {}
        }
    }
    Ok(fields)
}
