//! What an engine that starts must know beside its campaigns: holds, ledgers, senders, portfolios.

use super::{Database, doing};
use crate::store::{Entry, Error};
use cloud_api::catalogue::CodeIndex;
use engine_core::command::Held;
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, ContactId, PortfolioId, SenderId};
use engine_core::time::{Span, Timestamp};
use engine_core::unknown::Channel;
use rusqlite::{OptionalExtension, params};

const OF_A_SENDER: u8 = 0;
const OF_A_PORTFOLIO: u8 = 1;
const OF_A_CAMPAIGN: u8 = 2;

/// A hold's key in its table.
pub(super) fn key_of(held: Held) -> (u8, u16) {
    match held {
        Held::Sender(SenderId(id)) => (OF_A_SENDER, id),
        Held::Portfolio(PortfolioId(id)) => (OF_A_PORTFOLIO, id),
        Held::Campaign(CampaignId(id)) => (OF_A_CAMPAIGN, id),
    }
}

fn held_of(kind: u8, id: u16) -> Result<Held, Error> {
    match kind {
        OF_A_SENDER => Ok(Held::Sender(SenderId(id))),
        OF_A_PORTFOLIO => Ok(Held::Portfolio(PortfolioId(id))),
        OF_A_CAMPAIGN => Ok(Held::Campaign(CampaignId(id))),
        other => Err(Error::Corrupt(format!("a hold of kind {other}"))),
    }
}

impl Database {
    pub(in crate::store) fn holds(&self) -> Result<Vec<(Held, Memo)>, Error> {
        let failed = || doing("reading the holds");
        let query = "SELECT kind, id, code, came_late, until, every FROM holds ORDER BY kind, id";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| {
            let (until, every) = (Timestamp(row.get::<_, i64>(4)? as u64), row.get(5)?);
            Ok((row.get(0)?, row.get(1)?, row.get::<_, u8>(2)?, row.get(3)?, until, every))
        });
        let mut holds = Vec::new();
        for row in rows.map_err(failed())? {
            let (kind, id, code, came_late, until, every_seconds) = row.map_err(failed())?;
            let code = CodeIndex::from_raw(code).ok_or_else(|| Error::Corrupt(format!("a hold by error {code}")))?;
            holds.push((held_of(kind, id)?, Memo { code, came_late, until, every_seconds }));
        }
        Ok(holds)
    }

    pub(in crate::store) fn ledger(&self) -> Result<Vec<Entry>, Error> {
        let failed = || doing("reading the ledger");
        let query = "SELECT portfolio, contact, until FROM ledger ORDER BY until IS NULL, until, contact";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| {
            let until: Option<i64> = row.get(2)?;
            let until = until.map_or(Timestamp::NEVER, |until| Timestamp(until as u64));
            Ok(Entry { portfolio: PortfolioId(row.get(0)?), contact: ContactId(row.get(1)?), until })
        });
        rows.map_err(failed())?.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn purge_ledger(&mut self, now: Timestamp) -> Result<(), Error> {
        let delete = "DELETE FROM ledger WHERE until <= ?1";
        self.connection.execute(delete, [now.0 as i64]).map_err(doing("removing ended entries of the ledger"))?;
        Ok(())
    }

    pub(in crate::store) fn close_ledger(&mut self, until: Timestamp) -> Result<(), Error> {
        let update = "UPDATE ledger SET until = ?1 WHERE until IS NULL";
        self.connection.execute(update, [until.0 as i64]).map_err(doing("ending entries of the ledger"))?;
        Ok(())
    }

    pub(in crate::store) fn senders(&self) -> Result<Vec<String>, Error> {
        let failed = || doing("reading the senders");
        let query = "SELECT phone_number_id FROM senders ORDER BY id";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn channels(&self) -> Result<Vec<Channel>, Error> {
        let failed = || doing("reading when senders were heard");
        let query = "SELECT heard, silence FROM senders ORDER BY id";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| {
            let (heard, silence) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
            Ok(Channel { heard: Timestamp(heard), silence: Span(silence) })
        });
        rows.map_err(failed())?.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn portfolios(&self) -> Result<Vec<String>, Error> {
        let failed = || doing("reading the portfolios");
        let query = "SELECT name FROM portfolios ORDER BY id";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn name_portfolio(&mut self, name: &str) -> Result<PortfolioId, Error> {
        let failed = || doing("naming a portfolio");
        let query = "SELECT id FROM portfolios WHERE name = ?1";
        let known = self.connection.query_row(query, [name], |row| row.get(0)).optional().map_err(failed())?;
        if let Some(known) = known {
            return Ok(PortfolioId(known));
        }
        let next = "SELECT count(*) FROM portfolios";
        let id: i64 = self.connection.query_row(next, [], |row| row.get(0)).map_err(failed())?;
        let id = u16::try_from(id).map_err(|_| Error::Full("portfolio"))?;
        let insert = "INSERT INTO portfolios (id, name) VALUES (?1, ?2)";
        self.connection.execute(insert, params![id, name]).map_err(failed())?;
        Ok(PortfolioId(id))
    }
}
