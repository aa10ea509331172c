-- +goose Up
-- Where a session was last used from: an IP address, and browser and system in words,
-- such as "Firefox on Windows". NULL if a node of an older version opened the session.
ALTER TABLE passport_sessions ADD COLUMN address TEXT;
ALTER TABLE passport_sessions ADD COLUMN device TEXT;

-- The page of sessions reads the latest ones of a user.
CREATE INDEX passport_sessions_listed ON passport_sessions (user_id, seen_at);

-- When the user proved that the email address is theirs; NULL: not yet.
ALTER TABLE passport_users ADD COLUMN email_verified_at INTEGER;

-- Links that work once. A link ends when the session_version of its user changes.
CREATE TABLE passport_account_links (
  digest TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  session_version INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX passport_account_links_user_id ON passport_account_links (user_id);
CREATE INDEX passport_account_links_expires_at ON passport_account_links (expires_at);

-- +goose Down
DROP TABLE passport_account_links;
ALTER TABLE passport_users DROP COLUMN email_verified_at;
DROP INDEX passport_sessions_listed;
ALTER TABLE passport_sessions DROP COLUMN device;
ALTER TABLE passport_sessions DROP COLUMN address;
