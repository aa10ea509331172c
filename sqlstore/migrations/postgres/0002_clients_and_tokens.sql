-- +goose Up
-- Lifetimes for each client; a key for the clients that a server creates by itself;
-- numbers as client IDs in place of UUIDs.
ALTER TABLE oauth_clients ADD COLUMN client_key TEXT COLLATE "C";
ALTER TABLE oauth_clients ADD COLUMN access_token_ttl BIGINT;
ALTER TABLE oauth_clients ADD COLUMN refresh_token_ttl BIGINT;
ALTER TABLE oauth_clients ADD COLUMN family_ttl BIGINT;
ALTER TABLE oauth_clients ADD COLUMN updated_at BIGINT;
CREATE UNIQUE INDEX oauth_clients_key ON oauth_clients (client_key) WHERE client_key IS NOT NULL;

CREATE TABLE oauth_counters (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO oauth_counters (name, value) SELECT 'client_id', 0 WHERE NOT EXISTS (SELECT 1 FROM oauth_counters n WHERE n.name = 'client_id');

-- The server's keys, if they are stored in the database: encrypted with a secret
-- that is not in the database.
CREATE TABLE oauth_key_rings (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  sealed TEXT NOT NULL
);

-- Attributes are for the application.
ALTER TABLE oauth_auth_codes ADD COLUMN attributes TEXT;
ALTER TABLE oauth_refresh_tokens ADD COLUMN attributes TEXT;
ALTER TABLE oauth_access_tokens ADD COLUMN attributes TEXT;

-- The SHA-256 digest of an opaque token; NULL for a JWT.
ALTER TABLE oauth_access_tokens ADD COLUMN digest TEXT COLLATE "C";
CREATE UNIQUE INDEX oauth_access_tokens_digest ON oauth_access_tokens (digest) WHERE digest IS NOT NULL;

-- When a purge examines an expired token again: when its refresh token expires.
-- NULL if it has not been examined.
ALTER TABLE oauth_access_tokens ADD COLUMN keep_until BIGINT;
CREATE INDEX oauth_access_tokens_expired ON oauth_access_tokens (expires_at) WHERE keep_until IS NULL;
CREATE INDEX oauth_access_tokens_kept ON oauth_access_tokens (keep_until) WHERE keep_until IS NOT NULL;
DROP INDEX oauth_access_tokens_expiry;

CREATE INDEX oauth_refresh_tokens_of ON oauth_refresh_tokens (family_id, access_token_id);
DROP INDEX oauth_refresh_tokens_family;

-- +goose Down
CREATE INDEX oauth_refresh_tokens_family ON oauth_refresh_tokens (family_id);
DROP INDEX oauth_refresh_tokens_of;
CREATE INDEX oauth_access_tokens_expiry ON oauth_access_tokens (expires_at);
DROP INDEX oauth_access_tokens_kept;
DROP INDEX oauth_access_tokens_expired;
DROP INDEX oauth_access_tokens_digest;
ALTER TABLE oauth_access_tokens DROP COLUMN keep_until;
ALTER TABLE oauth_access_tokens DROP COLUMN digest;
ALTER TABLE oauth_access_tokens DROP COLUMN attributes;
ALTER TABLE oauth_refresh_tokens DROP COLUMN attributes;
ALTER TABLE oauth_auth_codes DROP COLUMN attributes;
DROP TABLE oauth_key_rings;
DROP TABLE oauth_counters;
DROP INDEX oauth_clients_key;
ALTER TABLE oauth_clients DROP COLUMN updated_at;
ALTER TABLE oauth_clients DROP COLUMN family_ttl;
ALTER TABLE oauth_clients DROP COLUMN refresh_token_ttl;
ALTER TABLE oauth_clients DROP COLUMN access_token_ttl;
ALTER TABLE oauth_clients DROP COLUMN client_key;
