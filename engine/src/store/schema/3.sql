-- Version 2, whole: version 1 was never released. Times are microseconds since the Unix epoch. Every column of `messages` from `facts` to `due` belongs to
-- engine_core::message::Row; `state` is derived from them and kept beside them so that it can be asked for.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE portfolios (
  id   INTEGER PRIMARY KEY,              -- 0, 1, 2 and so on: the core's table is dense
  name TEXT    NOT NULL UNIQUE           -- as the settings call it; empty for the one that needs no name
) STRICT;

CREATE TABLE senders (
  id              INTEGER PRIMARY KEY,   -- 0, 1, 2 and so on: the core's table is dense
  phone_number_id TEXT    NOT NULL UNIQUE,
  heard           INTEGER NOT NULL DEFAULT 0, -- when a webhook of it last came, to the minute
  silence         INTEGER NOT NULL DEFAULT 0  -- the longest one of its webhooks in which an unknown outcome lies
) STRICT;

CREATE TABLE campaigns (
  id              INTEGER PRIMARY KEY,   -- 0, 1, 2 and so on: the core's table is dense
  name            TEXT    NOT NULL UNIQUE,
  template        TEXT    NOT NULL,
  language        TEXT    NOT NULL,
  sender          INTEGER NOT NULL REFERENCES senders (id),
  start           INTEGER NOT NULL,
  first           INTEGER NOT NULL,      -- its messages: first <= id < past
  past            INTEGER NOT NULL,
  columns         TEXT    NOT NULL,      -- JSON: the names of the template variables' columns
  source          TEXT    NOT NULL,      -- where the list came from, for people
  digest          TEXT    NOT NULL,      -- of the list
  importing       INTEGER NOT NULL,      -- 1 until the whole list is in
  bad             INTEGER NOT NULL,
  duplicates      INTEGER NOT NULL,
  priority        INTEGER NOT NULL,
  quiet_from      INTEGER,               -- minutes after the contact's midnight; NULL where it has no quiet hours
  quiet_until     INTEGER,
  paused          INTEGER NOT NULL DEFAULT 0,
  cancelled       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE contacts (
  id            INTEGER PRIMARY KEY,     -- of a list, those that are new have consecutive ones
  phone         INTEGER NOT NULL UNIQUE, -- E.164 digits
  wa_id         INTEGER,                 -- WhatsApp's own digits for the contact, where they are other ones
  suppressed_at INTEGER,                 -- since when it wants nothing more
  why           TEXT,                    -- and how that is known
  chosen_at     INTEGER                  -- the time of its last choice, by WhatsApp's clock
) STRICT;

CREATE INDEX contacts_wa_id ON contacts (wa_id) WHERE wa_id IS NOT NULL;

CREATE INDEX contacts_suppressed ON contacts (id) WHERE suppressed_at IS NOT NULL;

CREATE TABLE messages (
  id          INTEGER PRIMARY KEY,
  campaign    INTEGER NOT NULL,
  contact     INTEGER NOT NULL,
  line        INTEGER NOT NULL,          -- of the list
  variables   TEXT,                      -- JSON array of texts; NULL where there are none
  facts       INTEGER NOT NULL DEFAULT 0,
  numbers     INTEGER NOT NULL DEFAULT 0,
  posts       INTEGER NOT NULL DEFAULT 0,
  decisions   INTEGER NOT NULL DEFAULT 0,
  held        INTEGER NOT NULL DEFAULT 0,
  due         INTEGER NOT NULL DEFAULT 0,
  state       INTEGER NOT NULL DEFAULT 0,
  error_code  INTEGER,                   -- the last error, as WhatsApp gave it
  error_text  TEXT,
  wamid       TEXT,                      -- the last one learned
  accepted_at INTEGER,                   -- the first proof that WhatsApp took the attempt that it took last
  updated_at  INTEGER NOT NULL DEFAULT 0,
  UNIQUE (contact, campaign)
) STRICT;

CREATE INDEX messages_due ON messages (campaign, due, id) WHERE due > 0;

CREATE INDEX messages_given_up ON messages (id) WHERE decisions >= 128;

CREATE TABLE wamids (
  wamid   TEXT PRIMARY KEY,
  message INTEGER NOT NULL,
  attempt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a webhook said about an id that is not known yet.
CREATE TABLE parked (
  id         INTEGER PRIMARY KEY,
  wamid      TEXT    NOT NULL,
  kind       INTEGER NOT NULL,           -- 0 sent, 1 delivered, 2 read, 3 failed, 4 replied
  code       INTEGER NOT NULL,           -- raw CodeIndex of a failure, else 0
  error_code INTEGER,
  error_text TEXT,
  at         INTEGER NOT NULL,
  parked_at  INTEGER NOT NULL,
  UNIQUE (wamid, kind, code)
) STRICT;

CREATE INDEX parked_age ON parked (parked_at);

-- Lines of a list that became no message.
CREATE TABLE rejects (
  campaign INTEGER NOT NULL,
  line     INTEGER NOT NULL,
  kind     INTEGER NOT NULL,             -- 0 bad, 1 duplicate
  text     TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  PRIMARY KEY (campaign, line)
) STRICT, WITHOUT ROWID;

-- Why and until when nothing is sent.
CREATE TABLE holds (
  kind      INTEGER NOT NULL,            -- 0 of a sender, 1 of a portfolio, 2 of a campaign
  id        INTEGER NOT NULL,
  code      INTEGER NOT NULL,            -- raw CodeIndex
  came_late INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  every     INTEGER NOT NULL,            -- seconds between two probes
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Who counts against a portfolio's messaging limit.
CREATE TABLE ledger (
  portfolio INTEGER NOT NULL,
  contact   INTEGER NOT NULL,
  until     INTEGER,                     -- NULL while an attempt is under way
  PRIMARY KEY (portfolio, contact)
) STRICT, WITHOUT ROWID;
