//! Media: `POST /{phone-number-id}/media`, and `GET` and `DELETE /{media-id}`. What a file's URL gives is in `download`.

use super::call::{Call, Done, Outcome, Stop};
use super::download;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use crate::limits;
use crate::media::kinds::{TYPES, kind_of, type_of};
use crate::media::room::{Growing, Held};
use crate::media::{Full, NewMedium, URL_LIFETIME};
use crate::respond::{Cut, drain};
use cloud_api::limits::MEDIA_LIFETIME;
use http_body_util::BodyExt;
use hyper::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::json;

/// The longest field that is no file.
const FIELD_BYTES: usize = 64 * 1024;

/// A form with a file, as far as it could be kept.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) fields: Parameters,
    pub(super) file: Option<File>,
}

/// The file of a form.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) mime_type: Option<String>,
    pub(super) length: usize,
    /// `None` where it was too long to be kept.
    pub(super) bytes: Option<Held>,
}

/// Takes in a file.
pub(super) async fn upload(mut call: Call<'_>) -> Done {
    if let Err(stop) = call.with_number(|_, _| Ok(())).await {
        if let Some(stream) = call.stream.take() {
            drain(stream, limits::UPLOAD_WAIT).await?;
        }
        return Err(stop);
    }
    let form = read(&mut call).await?;
    form.fields.product()?;
    let file = form.file.ok_or_else(|| required("file"))?;
    let mime_type = type_of(file.mime_type.as_deref(), form.fields.text("type").as_deref(), file.name.as_deref());
    let Some(kind) = kind_of(&mime_type) else { return Err(no_such_type("file", &mime_type).into()) };
    if file.length > kind.most() {
        let details = format!("file: {} bytes of {mime_type}, at most {} are allowed", file.length, kind.most());
        return Err(Refusal::new(131_053, "the file is larger than WhatsApp allows its type to be")
            .details(details)
            .into());
    }
    let Some(bytes) = file.bytes else { return Err(no_room(limits::MEDIA_BYTES_ALL).into()) };
    if bytes.is_empty() {
        return Err(Refusal::new(131_053, "the file has no bytes").details("file: the file is empty").into());
    }
    let (number_id, name) = (call.id.clone(), file.name);
    let added = call.tenant(move |tenant, real| {
        let (identity, now) = (tenant.identity().clone(), tenant.now(real));
        let new = NewMedium { number_id, mime_type, file_name: name, bytes, lifetime: MEDIA_LIFETIME };
        let added = tenant.media_mut().add(&identity, now, new);
        added.map_err(|Full { most }| no_room(most))
    });
    let (id, at) = added.await?;
    Ok(Outcome::reply(at, json!({ "id": id })))
}

/// (#100) with the types that may be.
pub(super) fn no_such_type(name: &str, mime_type: &str) -> Refusal {
    let types: Vec<&str> = TYPES.iter().map(|(mime_type, _)| *mime_type).collect();
    let message = format!(
        "Param {name} must be a file with one of the following types: {}. Received file of type '{mime_type}'.",
        types.join(", ")
    );
    let why = "the part's Content-Type decides, then the field `type`, then the file's name";
    Refusal::parameter(message, why)
}

/// There is no room for more media.
pub(super) fn no_room(most: usize) -> Refusal {
    let why = format!(
        "media may take {most} bytes here (`media_bytes` in the configuration, for each tenant); DELETE /{{media-id}} makes \
         room, and so do 30 days of virtual time (POST /_mock/clock/advance)"
    );
    Refusal::new(131_053, why).details("The media could not be stored")
}

/// Reads a form bit by bit; the file counts against the room that all media share.
pub(super) async fn read(call: &mut Call<'_>) -> Result<Form, Stop> {
    let content_type = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type);
    let Some(stream) = call.stream.take() else { return Ok(Form::default()) };
    let Ok(boundary) = boundary else {
        drain(stream, limits::UPLOAD_WAIT).await?;
        let why =
            format!("the body is to be multipart/form-data with a boundary; its Content-Type is \"{content_type}\"");
        return Err(Refusal::parameter("The parameter messaging_product is required.", why).into());
    };
    let sizes = SizeLimit::new().whole_stream(limits::MEDIA_BODY_BYTES as u64);
    let form = Multipart::with_constraints(stream.into_data_stream(), boundary, Constraints::new().size_limit(sizes));
    let fields = Parameters::of(call);
    match tokio::time::timeout(limits::UPLOAD_WAIT, collect(call, form, fields)).await {
        Ok(Ok(form)) => Ok(form),
        Ok(Err(multer::Error::StreamSizeExceeded { limit })) => {
            let why = format!("the body is longer than {limit} bytes, which is all that this server reads");
            Err(Refusal::parameter("Request body is too large.", why).into())
        }
        Ok(Err(multer::Error::StreamReadFailed(_))) | Err(_) => Err(Cut::Close.into()),
        Ok(Err(error)) => {
            let why = format!("the form cannot be read: {error}");
            Err(Refusal::parameter("The parameter messaging_product is required.", why).into())
        }
    }
}

async fn collect(call: &Call<'_>, mut form: Multipart<'_>, fields: Parameters) -> multer::Result<Form> {
    let mut read = Form { fields, file: None };
    let mut parts = 0;
    while let Some(mut field) = form.next_field().await? {
        parts += 1;
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" || field.file_name().is_some() {
            let (file_name, mime_type) =
                (field.file_name().map(str::to_owned), field.content_type().map(ToString::to_string));
            let (mut length, mut kept) = (0, Some(call.server.room.begin()));
            while let Some(chunk) = field.chunk().await? {
                length += chunk.len();
                if kept.as_mut().is_some_and(|kept| !kept.push(&chunk)) {
                    kept = None;
                }
            }
            read.file = Some(File { name: file_name, mime_type, length, bytes: kept.map(Growing::end) });
        } else {
            let mut text = Vec::new();
            while let Some(chunk) = field.chunk().await? {
                let left = FIELD_BYTES - text.len();
                text.extend_from_slice(&chunk[..chunk.len().min(left)]);
            }
            if parts <= limits::UPLOAD_FIELDS {
                read.fields.put(&name, String::from_utf8_lossy(&text).into_owned());
            }
        }
    }
    Ok(read)
}

/// Tells where a file is.
pub(super) async fn get(call: Call<'_>) -> Done {
    let host = download::base(&call);
    let (id, number_id) = (call.id.clone(), Parameters::of(&call).text("phone_number_id"));
    let missing = gone(&call);
    let found = call.tenant(move |tenant, real| {
        let now = tenant.now(real);
        let host = tenant.config().public_url.clone().unwrap_or(host);
        let medium = tenant.media().get(&id).filter(|medium| number_id.is_none_or(|number| number == medium.number_id));
        let medium = medium.ok_or(missing)?;
        Ok(json!({
            "url": format!("{host}{}", download::place(tenant.identity(), &id, now + URL_LIFETIME)),
            "mime_type": medium.mime_type,
            "sha256": medium.sha256,
            "file_size": medium.bytes.len(),
            "id": id,
            "messaging_product": "whatsapp",
        }))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// Deletes a file.
pub(super) async fn delete(call: Call<'_>) -> Done {
    let (id, number_id) = (call.id.clone(), Parameters::of(&call).text("phone_number_id"));
    let missing = gone(&call);
    let deleted = call.tenant(move |tenant, _| {
        let there = tenant.media().get(&id);
        let there = there.is_some_and(|medium| number_id.is_none_or(|number| number == medium.number_id));
        if there && tenant.media_mut().delete(&id) { Ok(()) } else { Err(missing) }
    });
    let ((), at) = deleted.await?;
    Ok(Outcome::success(at))
}

fn gone(call: &Call<'_>) -> Refusal {
    call.no_object(
        "this tenant has no such media: they are there for 30 days of virtual time, and with phone_number_id only if they were \
         uploaded to that number",
    )
}
