-- +goose Up
-- What pages show about a client beside its name, as JSON.
CREATE TABLE oauth_client_metadata (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  metadata TEXT NOT NULL
);

-- The logos of clients: PNG, in base64.
CREATE TABLE oauth_client_logos (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  digest TEXT COLLATE "C" NOT NULL,
  png TEXT COLLATE "C" NOT NULL
);

-- The last use of the tokens of each family. Address and agent are NULL if they are
-- unknown or not kept.
CREATE TABLE oauth_last_used (
  family_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  used_at BIGINT NOT NULL,
  address TEXT COLLATE "C",
  agent TEXT COLLATE "C"
);

-- The scope that a row declines; null for a row that grants one.
ALTER TABLE oauth_consents ADD COLUMN IF NOT EXISTS declined TEXT COLLATE "C";

-- The last characters of personal access tokens, so that users recognize them.
ALTER TABLE oauth_access_tokens ADD COLUMN IF NOT EXISTS hint TEXT COLLATE "C";

-- +goose Down
ALTER TABLE oauth_access_tokens DROP COLUMN IF EXISTS hint;
ALTER TABLE oauth_consents DROP COLUMN IF EXISTS declined;
DROP TABLE oauth_last_used;
DROP TABLE oauth_client_logos;
DROP TABLE oauth_client_metadata;
