//! Lists of contacts on their way in: one at a time, in batches, and a campaign only once all of it is there.

use super::{Database, doing};
use crate::store::{Campaign, Error, Line, NewCampaign};
use engine_core::id::{CampaignId, MessageId};
use engine_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// `rejects.kind`.
pub(super) const BAD: u8 = 0;
pub(super) const DUPLICATE: u8 = 1;

pub(super) const CAMPAIGN_COLUMNS: &str = "id, name, template, language, phone_number_id, start, first, past, columns, \
                                           source, digest, importing, bad, duplicates";

/// A campaign from [`CAMPAIGN_COLUMNS`].
pub(super) fn read_campaign(row: &Row<'_>) -> rusqlite::Result<Campaign> {
    let columns: String = row.get(8)?;
    let columns = serde_json::from_str(&columns)
        .map_err(|wrong| rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, Box::new(wrong)))?;
    Ok(Campaign {
        id: CampaignId(row.get(0)?),
        name: row.get(1)?,
        template: row.get(2)?,
        language: row.get(3)?,
        phone_number_id: row.get(4)?,
        start: Timestamp(row.get::<_, i64>(5)? as u64),
        first: MessageId(row.get(6)?),
        end: MessageId(row.get(7)?),
        columns,
        source: row.get(9)?,
        digest: row.get(10)?,
        importing: row.get(11)?,
        bad: row.get(12)?,
        duplicates: row.get(13)?,
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
        let insert =
            "INSERT INTO campaigns (id, name, template, language, phone_number_id, start, first, past, columns,
                      source, digest, importing, bad, duplicates)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, 1, 0, 0)";
        transaction
            .execute(
                insert,
                params![
                    id,
                    new.name,
                    new.template,
                    new.language,
                    new.phone_number_id,
                    new.start.0 as i64,
                    first,
                    columns,
                    new.source,
                    new.digest
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
        for line in lines {
            match line {
                Line::Contact { line, phone, variables } => {
                    let past = counts.end.0.checked_add(1).ok_or(Error::Full("message"))?;
                    if insert_contact(&transaction, id, counts.end.0, *line, *phone, variables)? {
                        counts.end.0 = past;
                    } else {
                        counts.duplicates += 1;
                        let earlier = line_of(&transaction, id, *phone)?;
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
        campaign(&self.connection, id)
    }

    pub(in crate::store) fn abandon(&mut self) -> Result<(), Error> {
        let transaction = self.connection.transaction().map_err(doing("removing a list"))?;
        remove_unfinished(&transaction)?;
        transaction.commit().map_err(doing("removing a list"))
    }
}

fn campaign(connection: &Connection, id: CampaignId) -> Result<Campaign, Error> {
    let query = format!("SELECT {CAMPAIGN_COLUMNS} FROM campaigns WHERE id = ?1");
    let mut statement = connection.prepare_cached(&query).map_err(doing("reading a campaign"))?;
    let found = statement.query_row([id.0], read_campaign).optional().map_err(doing("reading a campaign"))?;
    found.ok_or_else(|| Error::Corrupt(format!("no campaign {}", id.0)))
}

/// A list that a crash left half is the last one there is, since there is never more than one under way.
fn remove_unfinished(connection: &Connection) -> Result<(), Error> {
    let failed = || doing("removing a list");
    for table in ["messages", "rejects"] {
        let delete = format!("DELETE FROM {table} WHERE campaign IN (SELECT id FROM campaigns WHERE importing = 1)");
        connection.execute(&delete, []).map_err(failed())?;
    }
    connection.execute("DELETE FROM campaigns WHERE importing = 1", []).map_err(failed())?;
    Ok(())
}

fn insert_contact(
    connection: &Connection,
    campaign: CampaignId,
    id: u32,
    line: u32,
    phone: u64,
    variables: &[String],
) -> Result<bool, Error> {
    let failed = || doing("writing a contact");
    let insert = "INSERT INTO messages (id, campaign, phone, line, variables) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT (phone, campaign) DO NOTHING";
    let variables = (!variables.is_empty()).then(|| serde_json::Value::from(variables.to_vec()).to_string());
    let mut statement = connection.prepare_cached(insert).map_err(failed())?;
    let new = statement.execute(params![id, campaign.0, phone as i64, line, variables]).map_err(failed())?;
    Ok(new > 0)
}

fn line_of(connection: &Connection, campaign: CampaignId, phone: u64) -> Result<u32, Error> {
    let query = "SELECT line FROM messages WHERE phone = ?1 AND campaign = ?2";
    let mut statement = connection.prepare_cached(query).map_err(doing("reading a contact"))?;
    statement.query_row(params![phone as i64, campaign.0], |row| row.get(0)).map_err(doing("reading a contact"))
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
