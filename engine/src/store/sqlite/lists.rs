//! Lists of contacts on their way in: one at a time, in batches, and a campaign only once all of it is there.

use super::opting_out::next_contact;
use super::{Database, doing};
use crate::store::{Campaign, Error, Line, NewCampaign};
use engine_core::id::{CampaignId, MessageId, SenderId};
use engine_core::message::{self, Decision};
use engine_core::quiet::Quiet;
use engine_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// `rejects.kind`.
pub(super) const BAD: u8 = 0;
pub(super) const DUPLICATE: u8 = 1;

/// What [`read_campaign`] reads, from where.
pub(super) const CAMPAIGNS: &str = "SELECT c.id, c.name, c.template, c.language, c.sender, s.phone_number_id, c.start,
           c.first, c.past, c.columns, c.source, c.digest, c.importing, c.bad, c.duplicates, c.priority, c.quiet_from,
           c.quiet_until, c.paused, c.cancelled
    FROM campaigns c JOIN senders s ON s.id = c.sender";

/// A campaign from [`CAMPAIGNS`].
pub(super) fn read_campaign(row: &Row<'_>) -> rusqlite::Result<Campaign> {
    let columns: String = row.get(9)?;
    let columns = serde_json::from_str(&columns)
        .map_err(|wrong| rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, Box::new(wrong)))?;
    let (from, until): (Option<u16>, Option<u16>) = (row.get(16)?, row.get(17)?);
    Ok(Campaign {
        id: CampaignId(row.get(0)?),
        name: row.get(1)?,
        template: row.get(2)?,
        language: row.get(3)?,
        sender: SenderId(row.get(4)?),
        phone_number_id: row.get(5)?,
        start: Timestamp(row.get::<_, i64>(6)? as u64),
        first: MessageId(row.get(7)?),
        end: MessageId(row.get(8)?),
        columns,
        source: row.get(10)?,
        digest: row.get(11)?,
        importing: row.get(12)?,
        bad: row.get(13)?,
        duplicates: row.get(14)?,
        priority: row.get(15)?,
        quiet: from.zip(until).map(|(from, until)| Quiet { from, until }),
        paused: row.get(18)?,
        cancelled: row.get(19)?,
    })
}

impl Database {
    pub(in crate::store) fn begin(&mut self, new: &NewCampaign) -> Result<Campaign, Error> {
        let failed = || doing("beginning a list");
        let transaction = self.connection.transaction().map_err(failed())?;
        remove_unfinished(&transaction)?;
        let next = "SELECT coalesce(max(id) + 1, 0), coalesce(max(past), 1) FROM campaigns";
        let (id, first): (i64, u32) =
            transaction.query_row(next, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed())?;
        let id = u16::try_from(id).map_err(|_| Error::Full("campaign"))?;
        // A list of strings always has a JSON form.
        let columns = serde_json::Value::from(new.columns.clone()).to_string();
        let sender = sender(&transaction, &new.phone_number_id)?;
        let insert = "INSERT INTO campaigns (id, name, template, language, sender, start, first, past, columns, source,
                      digest, importing, bad, duplicates, priority, quiet_from, quiet_until)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, 1, 0, 0, ?11, ?12, ?13)";
        transaction
            .execute(
                insert,
                params![
                    id,
                    new.name,
                    new.template,
                    new.language,
                    sender.0,
                    new.start.0 as i64,
                    first,
                    columns,
                    new.source,
                    new.digest,
                    new.priority,
                    new.quiet.map(|quiet| quiet.from),
                    new.quiet.map(|quiet| quiet.until)
                ],
            )
            .map_err(failed())?;
        let campaign = campaign(&transaction, CampaignId(id))?;
        transaction.commit().map_err(failed())?;
        Ok(campaign)
    }

    pub(in crate::store) fn append(&mut self, id: CampaignId, lines: &[Line]) -> Result<(), Error> {
        let failed = || doing("writing a list");
        let transaction = self.connection.transaction().map_err(failed())?;
        let mut counts = campaign(&transaction, id)?;
        let mut next = next_contact(&transaction)?;
        for line in lines {
            match line {
                Line::Contact { line, phone, variables } => {
                    let past = counts.end.0.checked_add(1).ok_or(Error::Full("message"))?;
                    let contact = find_or_insert_contact(&transaction, &mut next, *phone)?;
                    if insert_message(&transaction, id, counts.end.0, *line, &contact, variables)? {
                        counts.end.0 = past;
                    } else {
                        counts.duplicates += 1;
                        let earlier = line_of(&transaction, id, contact.id)?;
                        let reason = format!("the same contact as line {earlier}");
                        insert_reject(&transaction, id, *line, DUPLICATE, &format!("+{phone}"), &reason)?;
                    }
                }
                Line::Bad { line, text, reason } => {
                    counts.bad += 1;
                    insert_reject(&transaction, id, *line, BAD, text, reason)?;
                }
            }
        }
        let update = "UPDATE campaigns SET past = ?2, bad = ?3, duplicates = ?4 WHERE id = ?1 AND importing = 1";
        let values = params![id.0, counts.end.0, counts.bad, counts.duplicates];
        transaction.prepare_cached(update).map_err(failed())?.execute(values).map_err(failed())?;
        transaction.commit().map_err(failed())
    }

    pub(in crate::store) fn finish(&mut self, id: CampaignId) -> Result<Campaign, Error> {
        let update = "UPDATE campaigns SET importing = 0 WHERE id = ?1";
        self.connection.execute(update, [id.0]).map_err(doing("finishing a list"))?;
        self.find_quiet()?;
        campaign(&self.connection, id)
    }

    pub(in crate::store) fn abandon(&mut self) -> Result<(), Error> {
        let transaction = self.connection.transaction().map_err(doing("removing a list"))?;
        remove_unfinished(&transaction)?;
        transaction.commit().map_err(doing("removing a list"))?;
        self.find_quiet()
    }
}

fn campaign(connection: &Connection, id: CampaignId) -> Result<Campaign, Error> {
    let query = format!("{CAMPAIGNS} WHERE c.id = ?1");
    let mut statement = connection.prepare_cached(&query).map_err(doing("reading a campaign"))?;
    let found = statement.query_row([id.0], read_campaign).optional().map_err(doing("reading a campaign"))?;
    found.ok_or_else(|| Error::Corrupt(format!("no campaign {}", id.0)))
}

/// A list that a crash left half is the last one there is, since there is never more than one under way.
fn remove_unfinished(connection: &Connection) -> Result<(), Error> {
    let failed = || doing("removing a list");
    let query = "SELECT id, first FROM campaigns WHERE importing = 1";
    let unfinished = connection.query_row(query, [], |row| Ok((row.get::<_, u16>(0)?, row.get::<_, u32>(1)?)));
    let Some((campaign, first)) = unfinished.optional().map_err(failed())? else { return Ok(()) };
    // Contacts that only this list knows go with it; who wants nothing more is not forgotten.
    let contacts = "DELETE FROM contacts WHERE suppressed_at IS NULL AND chosen_at IS NULL
                    AND id IN (SELECT contact FROM messages WHERE id >= ?1)
                    AND NOT EXISTS (SELECT 1 FROM messages WHERE contact = contacts.id AND campaign <> ?2)";
    connection.execute(contacts, params![first, campaign]).map_err(failed())?;
    connection.execute("DELETE FROM messages WHERE id >= ?1", [first]).map_err(failed())?;
    connection.execute("DELETE FROM rejects WHERE campaign = ?1", [campaign]).map_err(failed())?;
    connection.execute("DELETE FROM campaigns WHERE id = ?1", [campaign]).map_err(failed())?;
    // A sender without a campaign came with that list: it is the last one, so that numbers stay dense.
    let senders = "DELETE FROM senders WHERE NOT EXISTS (SELECT 1 FROM campaigns WHERE sender = senders.id)";
    connection.execute(senders, []).map_err(failed())?;
    Ok(())
}

/// The number of a sender, which gets one where it has none.
fn sender(connection: &Connection, phone_number_id: &str) -> Result<SenderId, Error> {
    let failed = || doing("numbering a sender");
    let query = "SELECT id FROM senders WHERE phone_number_id = ?1";
    let known = connection.query_row(query, [phone_number_id], |row| row.get(0)).optional().map_err(failed())?;
    if let Some(known) = known {
        return Ok(SenderId(known));
    }
    let next = connection.query_row("SELECT count(*) FROM senders", [], |row| row.get::<_, i64>(0)).map_err(failed())?;
    let id = u16::try_from(next).map_err(|_| Error::Full("sender"))?;
    let insert = "INSERT INTO senders (id, phone_number_id) VALUES (?1, ?2)";
    connection.execute(insert, params![id, phone_number_id]).map_err(failed())?;
    Ok(SenderId(id))
}

struct Contact {
    id: u32,
    suppressed: bool,
}

fn find_or_insert_contact(connection: &Connection, next: &mut u32, phone: u64) -> Result<Contact, Error> {
    let failed = || doing("writing a contact");
    let insert = "INSERT INTO contacts (id, phone) VALUES (?1, ?2) ON CONFLICT (phone) DO NOTHING";
    let mut statement = connection.prepare_cached(insert).map_err(failed())?;
    if statement.execute(params![*next, phone as i64]).map_err(failed())? > 0 {
        let id = *next;
        *next = id.checked_add(1).ok_or(Error::Full("contact"))?;
        return Ok(Contact { id, suppressed: false });
    }
    let query = "SELECT id, suppressed_at IS NOT NULL FROM contacts WHERE phone = ?1";
    let mut statement = connection.prepare_cached(query).map_err(failed())?;
    let found = statement.query_row([phone as i64], |row| Ok(Contact { id: row.get(0)?, suppressed: row.get(1)? }));
    found.map_err(failed())
}

fn insert_message(
    connection: &Connection,
    campaign: CampaignId,
    id: u32,
    line: u32,
    contact: &Contact,
    variables: &[String],
) -> Result<bool, Error> {
    let failed = || doing("writing a message");
    let insert = "INSERT INTO messages (id, campaign, contact, line, variables, decisions, state)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (contact, campaign) DO NOTHING";
    let variables = (!variables.is_empty()).then(|| serde_json::Value::from(variables.to_vec()).to_string());
    let mut row = message::Row::default();
    if contact.suppressed {
        row.decide(MessageId(id), Decision::OptedOut, None);
    }
    let values = params![id, campaign.0, contact.id, line, variables, row.columns().decisions, row.state() as u8];
    let mut statement = connection.prepare_cached(insert).map_err(failed())?;
    Ok(statement.execute(values).map_err(failed())? > 0)
}

fn line_of(connection: &Connection, campaign: CampaignId, contact: u32) -> Result<u32, Error> {
    let query = "SELECT line FROM messages WHERE contact = ?1 AND campaign = ?2";
    let mut statement = connection.prepare_cached(query).map_err(doing("reading a message"))?;
    statement.query_row(params![contact, campaign.0], |row| row.get(0)).map_err(doing("reading a message"))
}

fn insert_reject(
    connection: &Connection,
    campaign: CampaignId,
    line: u32,
    kind: u8,
    text: &str,
    reason: &str,
) -> Result<(), Error> {
    let failed = || doing("writing a rejected line");
    let insert = "INSERT INTO rejects (campaign, line, kind, text, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare_cached(insert).map_err(failed())?;
    statement.execute(params![campaign.0, line, kind, text, reason]).map_err(failed())?;
    Ok(())
}
