-- +goose Up
-- What is known about clients that were imported from another server. secret is the
-- imported digest or hash, also after a digest has replaced it. ciphertexts_until is when
-- the last of the client's imported refresh tokens and codes expires; NULL: none.
CREATE TABLE oauth_imported_clients (
  client_id VARBINARY(255) NOT NULL PRIMARY KEY,
  secret VARBINARY(64) NOT NULL,
  ciphertexts_until BIGINT,
  imported_at BIGINT NOT NULL
) ENGINE=InnoDB;

-- Imported refresh tokens whose user and client are not known; they are in the token
-- itself. begun_at is when the first use began their family.
CREATE TABLE oauth_imported_refresh_tokens (
  digest VARBINARY(64) NOT NULL PRIMARY KEY,
  access_token_id VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  begun_at BIGINT,
  KEY oauth_imported_refresh_tokens_expiry (expires_at)
) ENGINE=InnoDB;

-- Texts of the importer.
CREATE TABLE oauth_import_notes (
  name VARBINARY(64) NOT NULL PRIMARY KEY,
  value MEDIUMBLOB NOT NULL
) ENGINE=InnoDB;

-- +goose Down
DROP TABLE oauth_import_notes;
DROP TABLE oauth_imported_refresh_tokens;
DROP TABLE oauth_imported_clients;
