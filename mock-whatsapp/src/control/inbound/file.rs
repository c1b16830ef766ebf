//! The file of a media message that a contact writes: what webhooks say of it, and its bytes, which `GET /{media-id}` and its URL
//! give for seven days. Where the test gives no bytes, they are made up and only begin like a file of that type.

use crate::control::problem::Problem;
use crate::graph::download::place;
use crate::media::kinds::type_of;
use crate::media::room::Room;
use crate::media::{Full, INBOUND_LIFETIME, NewMedium, URL_LIFETIME};
use crate::tenant::Tenant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud_api::time::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// What a file needs beside its tenant.
pub(super) struct Source {
    /// The room that the media of all tenants share.
    pub(super) room: Room,
    /// How the caller reaches this server.
    pub(super) base: String,
}

/// The usual type of a kind, and how such files begin.
fn usual(kind: &str) -> (&'static str, &'static [u8]) {
    match kind {
        "image" => ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
        "video" => ("video/mp4", b"\x00\x00\x00\x18ftypmp42"),
        "audio" => ("audio/ogg; codecs=opus", b"OggS\x00\x02"),
        "sticker" => ("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
        _ => ("application/pdf", b"%PDF-1.7\n"),
    }
}

impl Source {
    /// The object of a message, completed, and its file taken in. An id that the test chose is no file of this server's.
    pub(super) fn file(
        &self,
        tenant: &mut Tenant,
        real: Timestamp,
        kind: &str,
        mut object: Map<String, Value>,
    ) -> Result<Map<String, Value>, Problem> {
        let (mime_type, begins) = usual(kind);
        let data = object.remove("data");
        let is_usual = object.get("mime_type").is_none_or(|given| *given == mime_type);
        object.entry("mime_type").or_insert_with(|| mime_type.into());
        // Nobody sends a document without a name.
        if kind == "document" {
            object.entry("filename").or_insert_with(|| if is_usual { "document.pdf" } else { "document" }.into());
        }
        let bytes = match data.as_ref().and_then(Value::as_str) {
            Some(text) => STANDARD.decode(text).map_err(|_| {
                Problem::malformed(format!("/{kind}/data"), "the file's bytes in base64", "`data` is no base64")
            })?,
            None => {
                let words = format!("a file that the mock made up, number {}", tenant.inbound().next());
                [begins, words.as_bytes()].concat()
            }
        };
        object.entry("sha256").or_insert_with(|| STANDARD.encode(Sha256::digest(&bytes)).into());
        if !object.contains_key("id") {
            let id = self.keep(tenant, real, &object, &bytes)?;
            let (until, base) =
                (tenant.now(real) + URL_LIFETIME, tenant.config().public_url.as_ref().unwrap_or(&self.base));
            object.entry("url").or_insert_with(|| format!("{base}{}", place(tenant.identity(), &id, until)).into());
            object.insert("id".to_owned(), id.into());
        }
        if kind == "audio" {
            object.entry("voice").or_insert(Value::Bool(true));
        }
        if kind == "sticker" {
            object.entry("animated").or_insert(Value::Bool(false));
        }
        Ok(object)
    }

    fn keep(
        &self,
        tenant: &mut Tenant,
        real: Timestamp,
        object: &Map<String, Value>,
        bytes: &[u8],
    ) -> Result<String, Problem> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let (mime_type, file_name) = (type_of(text("mime_type"), None, None), text("filename").map(str::to_owned));
        let full = |most: usize| Problem::new(507, "There is no room", format!("media may take {most} bytes here"));
        let mut growing = self.room.begin();
        if !growing.push(bytes) {
            return Err(full(crate::limits::MEDIA_BYTES_ALL));
        }
        let (identity, now) = (tenant.identity().clone(), tenant.now(real));
        let number_id = identity.phone_number_id.clone();
        let new = NewMedium { number_id, mime_type, file_name, bytes: growing.end(), lifetime: INBOUND_LIFETIME };
        let added = tenant.media_mut().add(&identity, now, new);
        added.map_err(|Full { most }| full(most))
    }
}
