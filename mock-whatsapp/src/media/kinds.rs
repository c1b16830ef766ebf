//! Which types of files WhatsApp takes, how large each may be, and what a file is when nobody says it.

use sha2::{Digest, Sha256};

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

/// What a type is sent as, with the largest size of that kind in bytes (section 2.4; animated stickers 500 KB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AAC, AMR, MP3, M4A or Ogg.
    Audio,
    /// Office files, PDF and plain text.
    Document,
    /// JPEG or PNG.
    Image,
    /// WebP.
    Sticker,
    /// MP4 or 3GP.
    Video,
}

impl Kind {
    /// The largest size, in bytes.
    pub fn most(self) -> usize {
        match self {
            Self::Audio | Self::Video => 16 * MIB,
            Self::Document => 100 * MIB,
            Self::Image => 5 * MIB,
            Self::Sticker => 500 * KIB,
        }
    }

    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Image => "image",
            Self::Sticker => "sticker",
            Self::Video => "video",
        }
    }
}

/// The types that may be uploaded, in the order in which the real API lists them.
pub const TYPES: [(&str, Kind); 19] = [
    ("audio/aac", Kind::Audio),
    ("audio/mp4", Kind::Audio),
    ("audio/mpeg", Kind::Audio),
    ("audio/amr", Kind::Audio),
    ("audio/ogg", Kind::Audio),
    ("audio/opus", Kind::Audio),
    ("application/vnd.ms-powerpoint", Kind::Document),
    ("application/msword", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Kind::Document),
    ("application/pdf", Kind::Document),
    ("text/plain", Kind::Document),
    ("application/vnd.ms-excel", Kind::Document),
    ("image/jpeg", Kind::Image),
    ("image/png", Kind::Image),
    ("image/webp", Kind::Sticker),
    ("video/mp4", Kind::Video),
    ("video/3gpp", Kind::Video),
];

/// The kind of a MIME type without parameters; `None` if WhatsApp takes no such files.
pub fn kind_of(mime_type: &str) -> Option<Kind> {
    TYPES.iter().find(|(name, _)| *name == mime_type).map(|(_, kind)| *kind)
}

/// Endings of file names and what they mean.
const ENDINGS: [(&str, &str); 21] = [
    ("aac", "audio/aac"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("amr", "audio/amr"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("xls", "application/vnd.ms-excel"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("3gp", "video/3gpp"),
];

/// What a file is: as its part says, else as the field `type` says, else as its name ends, else as a field `type` that only
/// names a kind can mean. Parameters are cut off.
pub fn type_of(part: Option<&str>, field: Option<&str>, file_name: Option<&str>) -> String {
    let plain = |mime: &str| mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let says_nothing = |mime: &String| mime.is_empty() || mime == "application/octet-stream";
    let part = part.map(plain).filter(|mime| !says_nothing(mime));
    let field = field.map(plain).filter(|mime| !says_nothing(mime));
    let full = part.or_else(|| field.clone().filter(|mime| mime.contains('/')));
    let ending = || {
        let (_, ending) = file_name?.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, mime)| (*mime).to_owned())
    };
    let usual = || {
        Some(match field.as_deref()? {
            "audio" => "audio/mpeg",
            "document" => "application/pdf",
            "image" => "image/jpeg",
            "sticker" => "image/webp",
            "video" => "video/mp4",
            _ => return None,
        })
    };
    let found = full.or_else(ending).or_else(|| usual().map(str::to_owned));
    let found = found.unwrap_or_else(|| "application/octet-stream".to_owned());
    if found == "image/jpg" { "image/jpeg".to_owned() } else { found }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_else(|_| unreachable!("writing to a string does not fail"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_part_says_and_else_what_can_be_made_out() {
        assert_eq!(type_of(Some("image/PNG; charset=x"), Some("video/mp4"), Some("a.jpg")), "image/png");
        assert_eq!(type_of(Some("application/octet-stream"), Some("video/mp4"), Some("a.jpg")), "video/mp4");
        assert_eq!(type_of(None, Some("image"), Some("a.png")), "image/png");
        assert_eq!(type_of(None, Some("image"), None), "image/jpeg");
        assert_eq!(type_of(Some("image/jpg"), None, None), "image/jpeg");
        assert_eq!(type_of(None, None, Some("blob")), "application/octet-stream");
    }

    #[test]
    fn the_digest_is_hexadecimal() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
