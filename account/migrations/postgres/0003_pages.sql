-- +goose NO TRANSACTION
-- +goose Up
-- The index is built without blocking writes, which no transaction can do. So each
-- statement can be repeated. A build that failed leaves an index that is not used: the
-- DROP before the CREATE removes it.

-- Where a session was last used from: an IP address, and browser and system in words,
-- such as "Firefox on Windows". NULL if a node of an older version opened the session.
ALTER TABLE passport_sessions ADD COLUMN IF NOT EXISTS address VARCHAR(45) COLLATE "C";
ALTER TABLE passport_sessions ADD COLUMN IF NOT EXISTS device VARCHAR(64) COLLATE "C";

-- The page of sessions reads the latest ones of a user.
DROP INDEX CONCURRENTLY IF EXISTS passport_sessions_listed;
CREATE INDEX CONCURRENTLY IF NOT EXISTS passport_sessions_listed ON passport_sessions (user_id, seen_at, id);

-- When the user proved that the email address is theirs; NULL: not yet.
ALTER TABLE passport_users ADD COLUMN IF NOT EXISTS email_verified_at BIGINT;

-- Links that work once. A link ends when the session_version of its user changes.
CREATE TABLE IF NOT EXISTS passport_account_links (
  digest VARCHAR(43) COLLATE "C" NOT NULL PRIMARY KEY,
  user_id VARCHAR(36) COLLATE "C" NOT NULL,
  purpose VARCHAR(16) COLLATE "C" NOT NULL,
  session_version BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS passport_account_links_user_id ON passport_account_links (user_id);
CREATE INDEX IF NOT EXISTS passport_account_links_expires_at ON passport_account_links (expires_at);

-- +goose Down
DROP TABLE IF EXISTS passport_account_links;
ALTER TABLE passport_users DROP COLUMN IF EXISTS email_verified_at;
DROP INDEX CONCURRENTLY IF EXISTS passport_sessions_listed;
ALTER TABLE passport_sessions DROP COLUMN IF EXISTS device;
ALTER TABLE passport_sessions DROP COLUMN IF EXISTS address;
