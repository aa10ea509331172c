-- +goose NO TRANSACTION
-- +goose Up
-- The indexes are built without blocking writes, which no transaction can do. So each
-- statement can be repeated. A build that failed leaves an index that is not used: the
-- DROP before each CREATE removes it.

-- All tokens of the client for requests up to this time have ended; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN IF NOT EXISTS tokens_not_before BIGINT;
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_client;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_families_client ON oauth_families (client_id, created_at);
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_client;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_access_tokens_client ON oauth_access_tokens (client_id, issued_at, id);

-- Authorization requests that wait for a sign-in and are too long for a URL.
CREATE TABLE IF NOT EXISTS oauth_pending_requests (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL,
  sealed TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth_pending_requests_client ON oauth_pending_requests (client_id, expires_at);
CREATE INDEX IF NOT EXISTS oauth_pending_requests_expires ON oauth_pending_requests (expires_at);

-- Further origins whose pages may call as the client, separated by spaces; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN IF NOT EXISTS allowed_origins TEXT;

-- Lists read only what they show: the live families of a user, the newest token
-- of a family, all families of a user, and the live clients of an owner.
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_listed;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_families_listed ON oauth_families (provider, user_id, personal, expires_at, id) WHERE revoked_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_of_user;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_families_of_user ON oauth_families (provider, user_id, id);
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_newest;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_access_tokens_newest ON oauth_access_tokens (family_id, client_id, issued_at, id) WHERE family_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_in_family;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_access_tokens_in_family ON oauth_access_tokens (family_id, id) WHERE family_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_unrevoked;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_clients_unrevoked ON oauth_clients (owner_provider, owner_id, id) WHERE revoked_at IS NULL;

-- A purge finds the families and tokens that ended with their client.
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_revoked;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_clients_revoked ON oauth_clients (revoked_at) WHERE revoked_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_not_before;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_clients_not_before ON oauth_clients (tokens_not_before) WHERE tokens_not_before IS NOT NULL;

-- A purge deletes the consents with their client.
DROP INDEX CONCURRENTLY IF EXISTS oauth_consents_client;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_consents_client ON oauth_consents (client_id);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_listed;
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_of_user;
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_newest;
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_in_family;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_unrevoked;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_revoked;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_not_before;
DROP INDEX CONCURRENTLY IF EXISTS oauth_consents_client;
ALTER TABLE oauth_clients DROP COLUMN IF EXISTS allowed_origins;
DROP TABLE IF EXISTS oauth_pending_requests;
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_client;
DROP INDEX CONCURRENTLY IF EXISTS oauth_families_client;
ALTER TABLE oauth_clients DROP COLUMN IF EXISTS tokens_not_before;
