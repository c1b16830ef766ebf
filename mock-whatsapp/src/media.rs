//! Media: what a tenant uploaded or was sent, what may be uploaded, and the room that all of it takes. How it comes in and
//! goes out over HTTP is not said here.

pub mod kinds;
pub mod room;
pub mod uploads;

use crate::identity::{Identity, Kind};
use cloud_api::limits::MEDIA_LIFETIME;
use cloud_api::time::{Span, Timestamp};
use room::Held;
use std::collections::BTreeMap;
use uploads::Uploads;

/// How long the URL of media is good for (section 6.4).
pub const URL_LIFETIME: Span = Span::mins(5);

/// How long what a contact sent is there (section 6.4).
pub const INBOUND_LIFETIME: Span = Span::hours(7 * 24);

/// One of them.
#[derive(Clone, Debug)]
pub struct Medium {
    /// Its id.
    pub id: String,
    /// Its MIME type, without parameters.
    pub mime_type: String,
    /// The name of its file, if it was told.
    pub file_name: Option<String>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub bytes: Held,
    /// The business number that it belongs to.
    pub number_id: String,
    /// When it is gone.
    pub until: Timestamp,
}

/// One that is taken in.
#[derive(Debug)]
pub struct NewMedium {
    /// The business number that it belongs to.
    pub number_id: String,
    /// Its MIME type, without parameters.
    pub mime_type: String,
    /// The name of its file, if it was told.
    pub file_name: Option<String>,
    /// Its bytes.
    pub bytes: Held,
    /// How long it is there.
    pub lifetime: Span,
}

/// Why something cannot be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many bytes there may be.
    pub most: usize,
}

/// The media of one tenant.
#[derive(Debug)]
pub struct Media {
    by_id: BTreeMap<String, Medium>,
    made: u64,
    bytes: usize,
    most: usize,
    /// When the first of them is gone, at the earliest.
    next: Timestamp,
    /// Uploads that are under way, and files that came that way.
    pub uploads: Uploads,
}

impl Media {
    /// None, and room for so many bytes.
    pub fn with_room_for(most: usize) -> Self {
        let (by_id, uploads) = (BTreeMap::new(), Uploads::default());
        Self { by_id, made: 0, bytes: 0, most, next: Timestamp::default(), uploads }
    }

    /// The same once more, bytes shared; `None` if there is no room for copies of files that have come in part.
    pub fn copy(&self) -> Option<Self> {
        let uploads = self.uploads.copy()?;
        let Self { by_id, made, bytes, most, next, .. } = self;
        Some(Self { by_id: by_id.clone(), made: *made, bytes: *bytes, most: *most, next: *next, uploads })
    }

    /// Leaves out ids that were given elsewhere.
    pub fn skip(&mut self, others: &Self) {
        self.made = self.made.max(others.made);
        self.uploads.skip(&others.uploads);
    }

    /// One that is there, by its id.
    pub fn get(&self, id: &str) -> Option<&Medium> {
        self.by_id.get(id)
    }

    /// Takes one in, for as long as that. Its id.
    ///
    /// # Errors
    /// If there is no room.
    pub fn add(&mut self, identity: &Identity, now: Timestamp, new: NewMedium) -> Result<String, Full> {
        if new.bytes.len() > self.left() {
            return Err(Full { most: self.most });
        }
        let id = loop {
            self.made += 1;
            let id = identity.id(Kind::Media, self.made);
            if !self.by_id.contains_key(&id) {
                break id;
            }
        };
        self.bytes += new.bytes.len();
        let NewMedium { number_id, mime_type, file_name, bytes, lifetime } = new;
        let sha256 = kinds::sha256(&bytes);
        let medium = Medium { id: id.clone(), mime_type, file_name, sha256, bytes, number_id, until: now + lifetime };
        self.next = if self.by_id.is_empty() { medium.until } else { self.next.min(medium.until) };
        self.by_id.insert(id.clone(), medium);
        Ok(id)
    }

    /// Deletes one; whether it was there.
    pub fn delete(&mut self, id: &str) -> bool {
        let gone = self.by_id.remove(id);
        self.bytes -= gone.as_ref().map_or(0, |medium| medium.bytes.len());
        gone.is_some()
    }

    /// Forgets what is too old at `now`.
    pub fn expire(&mut self, now: Timestamp) {
        if !self.by_id.is_empty() && self.next <= now {
            self.by_id.retain(|_, medium| medium.until > now);
            self.bytes = self.by_id.values().map(|medium| medium.bytes.len()).sum();
            self.next = self.by_id.values().map(|medium| medium.until).min().unwrap_or_default();
        }
        self.uploads.expire(now);
    }

    /// Time begins anew at `now`: what is there is as if it had just come.
    pub fn renew(&mut self, now: Timestamp) {
        for medium in self.by_id.values_mut() {
            medium.until = now + MEDIA_LIFETIME;
        }
        self.next = now + MEDIA_LIFETIME;
        self.uploads.renew(now);
    }

    /// How many bytes there may be.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many bytes there may still be.
    pub fn left(&self) -> usize {
        self.most.saturating_sub(self.bytes + self.uploads.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use room::Room;

    #[test]
    fn a_tenant_has_so_much_room_and_no_more() {
        let (identity, room, mut media) = (Identity::of("w1").unwrap(), Room::new(2_000), Media::with_room_for(1_000));
        let add = |media: &mut Media, now| {
            let mut bytes = room.begin();
            assert!(bytes.push(&[b'x'; 500]));
            let (number_id, mime_type, file_name) = ("1".to_owned(), "application/pdf".to_owned(), None);
            let new = NewMedium { number_id, mime_type, file_name, bytes: bytes.end(), lifetime: MEDIA_LIFETIME };
            media.add(&identity, now, new)
        };
        let (early, late) = (Timestamp(0), Timestamp(0) + MEDIA_LIFETIME);
        let first = add(&mut media, early).unwrap();
        let second = add(&mut media, early + Span::hours(1)).unwrap();
        assert_eq!((add(&mut media, early), media.left()), (Err(Full { most: 1_000 }), 0));
        assert!(media.delete(&first) && !media.delete(&first));
        assert!(add(&mut media, early).is_ok());
        media.expire(late);
        assert!(media.get(&second).is_some());
        assert_eq!(media.left(), 500, "what is too old makes room");
    }
}
