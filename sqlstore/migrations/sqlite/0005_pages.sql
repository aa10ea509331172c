-- +goose Up
-- What pages show about a client beside its name, as JSON.
CREATE TABLE oauth_client_metadata (
  client_id TEXT NOT NULL PRIMARY KEY,
  metadata TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The logos of clients: PNG, in base64.
CREATE TABLE oauth_client_logos (
  client_id TEXT NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL,
  png TEXT NOT NULL
) STRICT;

-- The last use of the tokens of each family. Address and agent are NULL if they are
-- unknown or not kept.
CREATE TABLE oauth_last_used (
  family_id TEXT NOT NULL PRIMARY KEY,
  used_at INTEGER NOT NULL,
  address TEXT,
  agent TEXT
) STRICT, WITHOUT ROWID;

-- The scope that a row declines; null for a row that grants one.
ALTER TABLE oauth_consents ADD COLUMN declined TEXT;

-- The last characters of personal access tokens, so that users recognize them.
ALTER TABLE oauth_access_tokens ADD COLUMN hint TEXT;

-- +goose Down
ALTER TABLE oauth_access_tokens DROP COLUMN hint;
ALTER TABLE oauth_consents DROP COLUMN declined;
DROP TABLE oauth_last_used;
DROP TABLE oauth_client_logos;
DROP TABLE oauth_client_metadata;
