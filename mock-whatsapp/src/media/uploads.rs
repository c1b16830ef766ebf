//! Resumable uploads: sessions that take a file in pieces, and the files that are complete, by their handles.

use super::kinds::sha256;
use super::room::{Growing, Held};
use crate::identity::Identity;
use crate::limits::UPLOADS;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cloud_api::limits::MEDIA_LIFETIME;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::fate::{digest, join};
use std::collections::BTreeMap;

/// How long a session can be resumed. Not documented.
const SESSION_LIFETIME: Span = Span::hours(24);

/// A file that is being uploaded.
#[derive(Debug)]
pub struct Session {
    /// The name of the file; can be empty.
    pub file_name: String,
    /// How many bytes it has.
    pub length: usize,
    /// Its MIME type.
    pub mime_type: String,
    until: Timestamp,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing has come yet.
    New,
    /// Some has.
    Partly(Growing),
    /// Somebody is sending right now: how much was there before, and which piece it is.
    Busy(usize, u64),
    /// It is complete, and this is its handle.
    Done(String),
}

/// A file that was uploaded.
#[derive(Clone, Debug)]
pub struct File {
    /// Its MIME type.
    pub mime_type: String,
    /// Its name; can be empty.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Held,
    until: Timestamp,
}

/// The uploads of one tenant.
#[derive(Debug, Default)]
pub struct Uploads {
    sessions: BTreeMap<String, Session>,
    files: BTreeMap<String, File>,
    /// Sessions and pieces.
    made: u64,
    /// When the first of them is gone, at the earliest.
    next: Timestamp,
}

/// Why a piece is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// There is no such session.
    Unknown,
    /// It does not begin where the last one ended, which was here.
    Offset(usize),
    /// Another piece is on its way.
    Busy,
}

/// A file that is taken out, for a piece to be added to it.
#[derive(Debug)]
pub struct Taken {
    /// What has come; `None` if nothing has.
    pub bytes: Option<Growing>,
    /// How many bytes the whole file has.
    pub length: usize,
    /// Which piece it is that will be given back.
    pub piece: u64,
}

impl Uploads {
    /// Whether somebody is sending a piece right now.
    pub fn is_busy(&self) -> bool {
        self.sessions.values().any(|session| matches!(session.state, State::Busy(..)))
    }

    /// The same once more, files shared and beginnings of files copied; `None` if there is no room for those. A piece that is
    /// on its way is not part of it.
    pub(super) fn copy(&self) -> Option<Self> {
        let copy = |(id, session): (&String, &Session)| {
            let state = match &session.state {
                State::New | State::Busy(..) => State::New,
                State::Partly(bytes) => State::Partly(bytes.copy()?),
                State::Done(handle) => State::Done(handle.clone()),
            };
            let Session { file_name, length, mime_type, until, .. } = session;
            let (file_name, mime_type) = (file_name.clone(), mime_type.clone());
            Some((id.clone(), Session { file_name, length: *length, mime_type, until: *until, state }))
        };
        let sessions = self.sessions.iter().map(copy).collect::<Option<_>>()?;
        Some(Self { sessions, files: self.files.clone(), made: self.made, next: self.next })
    }

    /// Leaves out ids that were given elsewhere.
    pub(super) fn skip(&mut self, others: &Self) {
        self.made = self.made.max(others.made);
    }

    /// Opens a session. Its id, or `None` if there are too many.
    pub fn open(
        &mut self,
        identity: &Identity,
        now: Timestamp,
        file_name: String,
        length: usize,
        mime_type: String,
    ) -> Option<String> {
        if self.sessions.len() >= UPLOADS {
            // Of a file that is complete, the handle is what is needed.
            let done = self.sessions.iter().find(|(_, session)| matches!(session.state, State::Done(_)));
            let done = done.map(|(id, _)| id.clone())?;
            self.sessions.remove(&done);
        }
        self.made += 1;
        let key = join(digest(identity.app_id.as_bytes()), join(now.0, self.made));
        let id = format!("upload:{}", STANDARD.encode(format!("attachment:{key:016x}")).trim_end_matches('='));
        let session = Session { file_name, length, mime_type, until: now + SESSION_LIFETIME, state: State::New };
        self.lives_until(session.until);
        self.sessions.insert(id.clone(), session);
        Some(id)
    }

    /// A session, and how much of its file has come.
    pub fn get(&self, id: &str) -> Option<(&Session, usize)> {
        let session = self.sessions.get(id)?;
        let offset = match &session.state {
            State::New => 0,
            State::Partly(bytes) => bytes.len(),
            State::Busy(offset, _) => *offset,
            State::Done(_) => session.length,
        };
        Some((session, offset))
    }

    /// The handle of a session whose file is complete.
    pub fn done(&self, id: &str) -> Option<&str> {
        match &self.sessions.get(id)?.state {
            State::Done(handle) => Some(handle),
            State::New | State::Partly(_) | State::Busy(..) => None,
        }
    }

    /// Takes out what has come, so that a piece can be added: it is to begin at `offset`. [`Self::give_back`] must follow.
    ///
    /// # Errors
    /// If no piece can be added there.
    pub fn take(&mut self, id: &str, offset: usize) -> Result<Taken, Misfit> {
        let session = self.sessions.get_mut(id).ok_or(Misfit::Unknown)?;
        let there = match &session.state {
            State::New => 0,
            State::Partly(bytes) => bytes.len(),
            State::Busy(..) => return Err(Misfit::Busy),
            State::Done(_) => session.length,
        };
        if there != offset || matches!(session.state, State::Done(_)) {
            return Err(Misfit::Offset(there));
        }
        self.made += 1;
        let (piece, length) = (self.made, session.length);
        let bytes = match std::mem::replace(&mut session.state, State::Busy(there, piece)) {
            State::Partly(bytes) => Some(bytes),
            State::New | State::Busy(..) | State::Done(_) => None,
        };
        Ok(Taken { bytes, length, piece })
    }

    /// Puts back what was taken, with what was added, unless a restore came in between. The handle, if the file is complete
    /// now.
    pub fn give_back(
        &mut self,
        identity: &Identity,
        now: Timestamp,
        id: &str,
        piece: u64,
        bytes: Growing,
    ) -> Option<String> {
        let is_waited_for = |session: &&mut Session| matches!(session.state, State::Busy(_, taken) if taken == piece);
        let session = self.sessions.get_mut(id).filter(is_waited_for)?;
        if bytes.len() < session.length {
            session.state = State::Partly(bytes);
            return None;
        }
        let bytes = bytes.end();
        let key = join(digest(id.as_bytes()), digest(sha256(&bytes).as_bytes()));
        let handle = format!(
            "4::{}:ARa{}:e:{}:{}:{}:ARb{}",
            STANDARD.encode(&session.mime_type),
            URL_SAFE_NO_PAD.encode(key.to_be_bytes()),
            (now + MEDIA_LIFETIME).unix_seconds(),
            identity.app_id,
            identity.user_id(),
            URL_SAFE_NO_PAD.encode(join(key, 1).to_be_bytes()),
        );
        session.state = State::Done(handle.clone());
        let file = File {
            mime_type: session.mime_type.clone(),
            file_name: session.file_name.clone(),
            bytes,
            until: now + MEDIA_LIFETIME,
        };
        self.lives_until(file.until);
        self.files.insert(handle.clone(), file);
        Some(handle)
    }

    /// A file by its handle.
    pub fn file(&self, handle: &str) -> Option<&File> {
        self.files.get(handle)
    }

    /// How many bytes there are, of complete files and of others.
    pub fn bytes(&self) -> usize {
        let partly = self.sessions.values().map(|session| match &session.state {
            State::Partly(bytes) => bytes.len(),
            State::Busy(..) => session.length,
            State::New | State::Done(_) => 0,
        });
        partly.sum::<usize>() + self.files.values().map(|file| file.bytes.len()).sum::<usize>()
    }

    fn lives_until(&mut self, until: Timestamp) {
        let first = self.sessions.is_empty() && self.files.is_empty();
        self.next = if first { until } else { self.next.min(until) };
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.next > now || (self.sessions.is_empty() && self.files.is_empty()) {
            return;
        }
        self.sessions.retain(|_, session| session.until > now);
        self.files.retain(|_, file| file.until > now);
        let ends =
            self.sessions.values().map(|session| session.until).chain(self.files.values().map(|file| file.until));
        self.next = ends.min().unwrap_or_default();
    }

    pub(super) fn renew(&mut self, now: Timestamp) {
        self.sessions.values_mut().for_each(|session| session.until = now + SESSION_LIFETIME);
        self.files.values_mut().for_each(|file| file.until = now + MEDIA_LIFETIME);
        self.next = now + SESSION_LIFETIME;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::room::Room;

    #[test]
    fn complete_sessions_make_room_for_new_ones() {
        let (identity, room, mut uploads) = (Identity::of("w1").unwrap(), Room::new(10), Uploads::default());
        let open =
            |uploads: &mut Uploads| uploads.open(&identity, Timestamp(0), String::new(), 1, "image/png".to_owned());
        let first = open(&mut uploads).unwrap();
        for _ in 1..UPLOADS {
            assert!(open(&mut uploads).is_some());
        }
        assert_eq!(open(&mut uploads), None);
        let piece = uploads.take(&first, 0).unwrap().piece;
        assert_eq!(uploads.take(&first, 0).unwrap_err(), Misfit::Busy);
        let mut bytes = room.begin();
        assert!(bytes.push(b"x"));
        let handle = uploads.give_back(&identity, Timestamp(0), &first, piece, bytes).unwrap();
        assert!(open(&mut uploads).is_some() && uploads.get(&first).is_none());
        assert_eq!(&uploads.file(&handle).unwrap().bytes[..], b"x");
    }
}
