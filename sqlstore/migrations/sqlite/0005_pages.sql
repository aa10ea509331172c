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

-- +goose Down
DROP TABLE oauth_client_logos;
DROP TABLE oauth_client_metadata;
