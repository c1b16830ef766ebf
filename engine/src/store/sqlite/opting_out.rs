//! Who wants nothing more: kept by contact, in every campaign there is and every one that comes.

use super::commit::Step;
use super::{Database, doing, read_row, sound};
use crate::store::{Choice, Chooser, Error, Found, Outcome, Suppression};
use engine_core::Event;
use engine_core::command::Who;
use engine_core::id::{ContactId, MessageId};
use engine_core::message::Decision;
use engine_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// How it is known where nobody said so: WhatsApp answered that the contact has stopped marketing messages.
const WHATSAPP_SAID: &str = "whatsapp";

impl Step<'_> {
    /// Keeps in mind that a contact wants no more, and ends what waits for it.
    pub(super) fn suppress(&self, who: Who, outcome: &mut Outcome) -> Result<(), Error> {
        let failed = || doing("writing an opt-out");
        let contact = match who {
            Who::Contact(contact) => contact,
            Who::ContactOf(message) => self.contact_of(message)?,
        };
        let update = "UPDATE contacts SET suppressed_at = ?2, why = ifnull(why, ?3)
                      WHERE id = ?1 AND suppressed_at IS NULL";
        let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
        statement.execute(params![contact.0, self.now.0 as i64, WHATSAPP_SAID]).map_err(failed())?;

        // A message that is sent may still fail, and is not to be tried again then.
        let query =
            "SELECT id, facts, numbers, posts, decisions, held, due FROM messages WHERE contact = ?1 ORDER BY id";
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([contact.0], |row| Ok((row.get::<_, u32>(0)?, read_row(row, 1)?)));
        let rows = rows.map_err(failed())?.collect::<Result<Vec<_>, _>>().map_err(failed())?;
        for (message, row) in rows {
            let mut row = sound(row, message)?;
            if !row.is_concerned(Decision::OptedOut) {
                continue;
            }
            let merged = row.decide(MessageId(message), Decision::OptedOut, None);
            self.keep(&row, merged, contact, outcome)?;
        }
        Ok(())
    }

    fn contact_of(&self, message: MessageId) -> Result<ContactId, Error> {
        let failed = || doing("looking for a contact");
        let query = "SELECT contact FROM messages WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let contact = statement.query_row([message.0], |row| row.get(0).map(ContactId)).optional();
        contact.map_err(failed())?.ok_or_else(|| Error::Corrupt(format!("no message {}", message.0)))
    }

    /// A contact chose. Of two choices the later one counts, by WhatsApp's clock, in whichever order they come.
    pub(super) fn chosen(
        &self,
        chooser: &Chooser,
        choice: &Choice,
        at: Timestamp,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let failed = || doing("writing a contact's choice");
        let contacts = match chooser {
            Chooser::Phone(phone) => {
                let known = self.contacts(*phone)?;
                if known.is_empty() && matches!(choice, Choice::Stop { .. }) {
                    vec![new_contact(self.transaction, *phone)?]
                } else {
                    known
                }
            }
            Chooser::Answering(wamid) => match self.owner(wamid)? {
                Some((message, _)) => vec![self.contact_of(message)?],
                None => Vec::new(),
            },
        };
        let (update, why) = match choice {
            Choice::Stop { why } => {
                let update = "UPDATE contacts SET chosen_at = ?2, why = iif(suppressed_at IS NULL, ?3, why)
                              WHERE id = ?1 AND ifnull(chosen_at, 0) <= ?2";
                (update, Some(*why))
            }
            Choice::Resume => {
                let update = "UPDATE contacts SET chosen_at = ?2, why = ?3, suppressed_at = NULL
                              WHERE id = ?1 AND ifnull(chosen_at, 0) <= ?2";
                (update, None)
            }
        };
        let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
        for contact in contacts {
            let counts = statement.execute(params![contact.0, at.0 as i64, why]).map_err(failed())? > 0;
            if counts && why.is_some() {
                let event = Event::OptedOut { who: Who::Contact(contact) };
                outcome.found.push(Found { event, trouble: None });
            }
        }
        Ok(())
    }

    /// The contacts of these digits, which may be a phone number or what WhatsApp calls one.
    fn contacts(&self, phone: u64) -> Result<Vec<ContactId>, Error> {
        let failed = || doing("looking for a contact");
        let query =
            "SELECT id FROM contacts WHERE phone = ?1 UNION SELECT id FROM contacts WHERE wa_id = ?1 ORDER BY id";
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([phone as i64], |row| row.get(0).map(ContactId)).map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }
}

/// The number that the next new contact gets.
pub(super) fn next_contact(connection: &Connection) -> Result<u32, Error> {
    let query = "SELECT ifnull(max(id), 0) FROM contacts";
    let last: u32 = connection.query_row(query, [], |row| row.get(0)).map_err(doing("numbering a contact"))?;
    last.checked_add(1).ok_or(Error::Full("contact"))
}

fn new_contact(connection: &Connection, phone: u64) -> Result<ContactId, Error> {
    let failed = || doing("writing a contact");
    let id = next_contact(connection)?;
    let insert = "INSERT INTO contacts (id, phone) VALUES (?1, ?2)";
    let mut statement = connection.prepare_cached(insert).map_err(failed())?;
    statement.execute(params![id, phone as i64]).map_err(failed())?;
    Ok(ContactId(id))
}

impl Database {
    pub(in crate::store) fn suppressions(&self, after: u32, limit: u32) -> Result<Vec<Suppression>, Error> {
        let failed = || doing("reading the suppressed contacts");
        let query = "SELECT id, phone, suppressed_at, why FROM contacts
                     WHERE suppressed_at IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map(params![after, limit], |row| {
            Ok(Suppression {
                contact: ContactId(row.get(0)?),
                phone: row.get::<_, i64>(1)? as u64,
                at: Timestamp(row.get::<_, i64>(2)? as u64),
                why: row.get(3)?,
            })
        });
        rows.map_err(failed())?.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn lift(&mut self, phone: u64, now: Timestamp) -> Result<bool, Error> {
        let update = "UPDATE contacts SET suppressed_at = NULL, why = NULL, chosen_at = ?2
                      WHERE phone = ?1 AND suppressed_at IS NOT NULL";
        let values = params![phone as i64, now.0 as i64];
        let lifted = self.connection.execute(update, values).map_err(doing("lifting an opt-out"))?;
        Ok(lifted > 0)
    }
}
