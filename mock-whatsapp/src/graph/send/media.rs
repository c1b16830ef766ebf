//! Media in a message: named by id or by link, with the captions that their types have (section 2.4). Whether an id is known
//! is asked of the tenant, later.

use crate::graph::refusal::Refusal;
use crate::templates::filling;
use cloud_api::limits::CAPTION_MAX;
use cloud_api::message::Media;
use serde_json::Value;

/// The longest name of a document (documented by clients, not by the API).
const FILENAME_MAX: usize = 240;

/// Checks a medium; its id, if it is named by one.
pub(super) fn check(media: &Media, kind: &str) -> Result<Option<String>, Refusal> {
    filling::check_media(media, kind, &|_| true)?;
    let too_long = |name: &str, most: usize| {
        let message = format!("Param {kind}['{name}'] must be at most {most} characters long.");
        Refusal::parameter(message, format!("{name} is longer than the documented {most} characters"))
    };
    let has_caption = matches!(kind, "image" | "video" | "document");
    match &media.caption {
        Some(_) if !has_caption => {
            let message = format!("Unexpected key \"caption\" on param \"{kind}\".");
            return Err(Refusal::parameter(message, format!("messages of type {kind} have no caption")));
        }
        Some(caption) if caption.chars().count() > CAPTION_MAX => return Err(too_long("caption", CAPTION_MAX)),
        Some(_) | None => {}
    }
    if media.filename.as_ref().is_some_and(|name| name.chars().count() > FILENAME_MAX) {
        return Err(too_long("filename", FILENAME_MAX));
    }
    Ok(media.id.clone().filter(|id| !id.is_empty()))
}

/// The same of an object that is not read into a type.
pub(super) fn check_value(value: &Value, at: &str) -> Result<Option<String>, Refusal> {
    let media: Media = serde_json::from_value(value.clone()).map_err(|error| {
        Refusal::parameter("Invalid parameter", error.to_string()).details(format!("{at} is not of the expected type"))
    })?;
    filling::check_media(&media, at, &|_| true)?;
    Ok(media.id.filter(|id| !id.is_empty()))
}
