-- +goose NO TRANSACTION
-- +goose Up
-- What is known about clients that were imported from another server. secret is the
-- imported digest or hash, also after a digest has replaced it. ciphertexts_until is when
-- the last of the client's imported refresh tokens and codes expires; NULL: none.
CREATE TABLE IF NOT EXISTS oauth_imported_clients (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  secret TEXT COLLATE "C" NOT NULL,
  ciphertexts_until BIGINT,
  imported_at BIGINT NOT NULL
);

-- Imported refresh tokens whose user and client are not known; they are in the token
-- itself. begun_at is when the first use began their family.
CREATE TABLE IF NOT EXISTS oauth_imported_refresh_tokens (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  access_token_id TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  begun_at BIGINT
);
CREATE INDEX IF NOT EXISTS oauth_imported_refresh_tokens_expiry ON oauth_imported_refresh_tokens (expires_at);

-- Texts of the importer.
CREATE TABLE IF NOT EXISTS oauth_import_notes (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- +goose Down
DROP TABLE IF EXISTS oauth_import_notes;
DROP TABLE IF EXISTS oauth_imported_refresh_tokens;
DROP TABLE IF EXISTS oauth_imported_clients;
