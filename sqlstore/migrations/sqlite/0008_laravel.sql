-- +goose Up
-- What is known about clients that were imported from another server. secret is the
-- imported digest or hash, also after a digest has replaced it. ciphertexts_until is when
-- the last of the client's imported refresh tokens and codes expires; NULL: none.
CREATE TABLE oauth_imported_clients (
  client_id TEXT NOT NULL PRIMARY KEY,
  secret TEXT NOT NULL,
  ciphertexts_until INTEGER,
  imported_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Imported refresh tokens whose user and client are not known; they are in the token
-- itself. begun_at is when the first use began their family.
CREATE TABLE oauth_imported_refresh_tokens (
  digest TEXT NOT NULL PRIMARY KEY,
  access_token_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  begun_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_imported_refresh_tokens_expiry ON oauth_imported_refresh_tokens (expires_at);

-- Texts of the importer.
CREATE TABLE oauth_import_notes (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE oauth_import_notes;
DROP TABLE oauth_imported_refresh_tokens;
DROP TABLE oauth_imported_clients;
