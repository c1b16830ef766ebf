//! Resumable uploads: `POST /{app-id}/uploads` opens a session, `POST /{upload-session-id}` sends what is left of the file, and
//! `GET` tells how much has come.

use super::call::{Call, Done, Outcome, Stop};
use super::enumeration::none_of;
use super::media::no_room;
use super::parameters::Parameters;
use super::refusal::Refusal;
use crate::limits;
use crate::media::kinds::kind_of;
use crate::media::room::Growing;
use crate::media::uploads::{Misfit, Taken};
use crate::respond::{Cut, drain};
use http_body_util::BodyExt;
use serde_json::json;

/// Opens a session.
pub(super) async fn open(call: Call<'_>) -> Done {
    call.app()?;
    let parameters = Parameters::of(&call);
    let why = "file_length is the number of bytes, at least 1";
    let length = parameters.number("file_length")?.filter(|length| *length > 0);
    let length = length.ok_or_else(|| Refusal::parameter("The parameter file_length is required.", why))?;
    let mime_type = parameters.needed("file_type")?.to_ascii_lowercase();
    let mime_type = if mime_type == "image/jpg" { "image/jpeg".to_owned() } else { mime_type };
    let Some(kind) = kind_of(&mime_type) else {
        let known = ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"];
        return Err(none_of("file_type", &mime_type, &known, "the file's type is none that WhatsApp takes").into());
    };
    if length > kind.most() as u64 {
        let message = format!("Param file_length must be at most {} for {mime_type}.", kind.most());
        return Err(Refusal::parameter(message, "the file is larger than WhatsApp allows its type to be").into());
    }
    let name = parameters.text("file_name").unwrap_or_default();
    let opened = call.tenant(move |tenant, real| {
        let (identity, now) = (tenant.identity().clone(), tenant.now(real));
        let id = tenant.media_mut().uploads.open(&identity, now, name, length as usize, mime_type);
        id.ok_or_else(|| {
            let why = format!(
                "a tenant has at most {} upload sessions; each ends after a day of virtual time",
                limits::UPLOADS
            );
            Refusal::new(4, why)
        })
    });
    let (id, at) = opened.await?;
    Ok(Outcome::reply(at, json!({ "id": id })))
}

/// The session of a call. Its signature is not looked at: it is part of the URL for clients that keep it.
fn session(call: &Call<'_>) -> String {
    call.id.split('?').next().unwrap_or_default().to_owned()
}

/// Tells how much of a file has come.
pub(super) async fn get(call: Call<'_>) -> Done {
    let id = session(&call);
    let missing = gone(&call);
    let found = call.tenant(move |tenant, _| {
        let (_, offset) = tenant.media().uploads.get(&id).ok_or(missing)?;
        Ok(json!({ "id": id, "file_offset": offset }))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

fn gone(call: &Call<'_>) -> Refusal {
    call.no_object("there is no such upload session: POST /{app-id}/uploads opens one, for a day of virtual time")
}

/// Adds to a file.
pub(super) async fn send(mut call: Call<'_>) -> Done {
    let id = session(&call);
    let Some(stream) = call.stream.take() else { return Err(gone(&call).into()) };
    let offset = call.headers.get("file_offset").and_then(|value| value.to_str().ok());
    let Some(offset) = offset.map_or(Some(0), |text| text.trim().parse().ok()) else {
        drain(stream, limits::UPLOAD_WAIT).await?;
        return Err(
            Refusal::parameter("Param file_offset must be an integer.", "the header file_offset is no number").into()
        );
    };
    let (taking, missing) = (id.clone(), gone(&call));
    let taken = call.tenant(move |tenant, _| {
        let (left, most) = (tenant.media().left(), tenant.media().most());
        let uploads = &mut tenant.media_mut().uploads;
        if let Some(handle) = uploads.done(&taking) {
            return Ok(Err(handle.to_owned()));
        }
        if let Some((session, offset)) = uploads.get(&taking)
            && session.length - offset > left
        {
            return Err(no_room(most));
        }
        match uploads.take(&taking, offset) {
            Ok(taken) => Ok(Ok(taken)),
            Err(Misfit::Unknown) => Err(missing),
            Err(Misfit::Busy) => Err(Refusal::new(2, "another request is sending to this upload session right now")),
            Err(Misfit::Offset(there)) => {
                let message = format!("Invalid file_offset: expected {there}, got {offset}.");
                let why = "a piece begins where the last one ended; GET /{upload-session-id} tells where";
                Err(Refusal::parameter(message, why))
            }
        }
    });
    let (Taken { bytes, length, piece }, _) = match taken.await {
        Ok((Ok(taken), at)) => (taken, at),
        Ok((Err(handle), at)) => {
            // Sent again after the answer was lost.
            drain(stream, limits::UPLOAD_WAIT).await?;
            return Ok(Outcome::reply(at, json!({ "h": handle })));
        }
        Err(stop) => {
            drain(stream, limits::UPLOAD_WAIT).await?;
            return Err(stop);
        }
    };
    let mut bytes = bytes.unwrap_or_else(|| call.server.room.begin());
    let ended =
        tokio::time::timeout(limits::UPLOAD_WAIT, fill(&mut bytes, stream, length)).await.unwrap_or(End::Broken);
    if matches!(ended, End::TooLong) {
        bytes.truncate(offset);
    }
    let giving = id.clone();
    let given = call.tenant(move |tenant, real| {
        let (identity, now) = (tenant.identity().clone(), tenant.now(real));
        let offset = bytes.len();
        Ok((tenant.media_mut().uploads.give_back(&identity, now, &giving, piece, bytes), offset))
    });
    let ((handle, offset), at) = given.await?;
    match (ended, handle) {
        (End::Broken, _) => Err(Stop::Cut(Cut::Close)),
        (End::NoRoom, _) => Err(no_room(limits::MEDIA_BYTES_ALL).into()),
        (End::TooLong, _) => {
            let message = format!("The file is longer than the file_length of the upload session, {length}.");
            Err(Refusal::parameter(message, "the piece is longer than what is left of the file").into())
        }
        (End::Whole, Some(handle)) => Ok(Outcome::reply(at, json!({ "h": handle }))),
        (End::Whole, None) => Ok(Outcome::reply(at, json!({ "id": id, "file_offset": offset }))),
    }
}

/// How a piece ended.
enum End {
    Whole,
    TooLong,
    NoRoom,
    Broken,
}

/// Adds what comes, up to the length of the file; the rest is read and forgotten.
async fn fill(bytes: &mut Growing, mut stream: hyper::body::Incoming, length: usize) -> End {
    let mut end = End::Whole;
    let mut over = 0;
    while let Some(frame) = stream.frame().await {
        let Ok(frame) = frame else { return End::Broken };
        let Some(data) = frame.data_ref() else { continue };
        let fits = data.len().min(length - bytes.len());
        if matches!(end, End::Whole) && !bytes.push(&data[..fits]) {
            end = End::NoRoom;
        }
        if fits < data.len() {
            over += data.len() - fits;
            if matches!(end, End::Whole) {
                end = End::TooLong;
            }
            if over > limits::MEDIA_BODY_BYTES {
                return End::Broken;
            }
        }
    }
    end
}
