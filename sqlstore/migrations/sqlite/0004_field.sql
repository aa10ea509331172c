-- +goose Up
-- All tokens of the client for requests up to this time have ended; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN tokens_not_before INTEGER;
CREATE INDEX oauth_families_client ON oauth_families (client_id, created_at);
CREATE INDEX oauth_access_tokens_client ON oauth_access_tokens (client_id, issued_at, id);

-- Authorization requests that wait for a sign-in and are too long for a URL.
CREATE TABLE oauth_pending_requests (
  digest TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL,
  sealed TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_pending_requests_client ON oauth_pending_requests (client_id, expires_at);
CREATE INDEX oauth_pending_requests_expires ON oauth_pending_requests (expires_at);

-- Further origins whose pages may call as the client, separated by spaces; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN allowed_origins TEXT;

-- Lists read only what they show: the live families of a user, the newest token
-- of a family, all families of a user, and the live clients of an owner.
CREATE INDEX oauth_families_listed ON oauth_families (provider, user_id, personal, expires_at, id) WHERE revoked_at IS NULL;
CREATE INDEX oauth_families_of_user ON oauth_families (provider, user_id, id);
CREATE INDEX oauth_access_tokens_newest ON oauth_access_tokens (family_id, client_id, issued_at, id) WHERE family_id IS NOT NULL;
CREATE INDEX oauth_clients_unrevoked ON oauth_clients (owner_provider, owner_id, id) WHERE revoked_at IS NULL;

-- A purge finds the families and tokens that ended with their client.
CREATE INDEX oauth_clients_revoked ON oauth_clients (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX oauth_clients_not_before ON oauth_clients (tokens_not_before) WHERE tokens_not_before IS NOT NULL;

-- A purge deletes the consents with their client.
CREATE INDEX oauth_consents_client ON oauth_consents (client_id);

-- +goose Down
DROP INDEX oauth_families_listed;
DROP INDEX oauth_families_of_user;
DROP INDEX oauth_access_tokens_newest;
DROP INDEX oauth_clients_unrevoked;
DROP INDEX oauth_clients_revoked;
DROP INDEX oauth_clients_not_before;
DROP INDEX oauth_consents_client;
ALTER TABLE oauth_clients DROP COLUMN allowed_origins;
DROP TABLE oauth_pending_requests;
DROP INDEX oauth_access_tokens_client;
DROP INDEX oauth_families_client;
ALTER TABLE oauth_clients DROP COLUMN tokens_not_before;
