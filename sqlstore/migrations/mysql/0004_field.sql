-- +goose Up
-- All tokens of the client for requests up to this time have ended; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN tokens_not_before BIGINT;
CREATE INDEX oauth_families_client ON oauth_families (client_id, created_at);
CREATE INDEX oauth_access_tokens_client ON oauth_access_tokens (client_id, issued_at, id);

-- Authorization requests that wait for a sign-in and are too long for a URL.
CREATE TABLE oauth_pending_requests (
  digest VARBINARY(64) NOT NULL PRIMARY KEY,
  client_id VARBINARY(255) NOT NULL,
  sealed MEDIUMTEXT CHARACTER SET ascii NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY oauth_pending_requests_client (client_id, expires_at),
  KEY oauth_pending_requests_expires (expires_at)
) ENGINE=InnoDB;

-- Further origins whose pages may call as the client, separated by spaces; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN allowed_origins MEDIUMBLOB;

-- Lists read only what they show: the live families of a user, the newest token
-- of a family, all families of a user, and the live clients of an owner.
CREATE INDEX oauth_families_listed ON oauth_families (provider, user_id, personal, revoked_at, expires_at, id);
CREATE INDEX oauth_families_of_user ON oauth_families (provider, user_id, id);
CREATE INDEX oauth_access_tokens_newest ON oauth_access_tokens (family_id, client_id, issued_at, id);
CREATE INDEX oauth_clients_unrevoked ON oauth_clients (owner_provider, owner_id, revoked_at, id);

-- A purge finds the families and tokens that ended with their client.
CREATE INDEX oauth_clients_revoked ON oauth_clients (revoked_at);
CREATE INDEX oauth_clients_not_before ON oauth_clients (tokens_not_before);

-- A purge deletes the consents with their client.
CREATE INDEX oauth_consents_client ON oauth_consents (client_id);

-- +goose Down
DROP INDEX oauth_families_listed ON oauth_families;
DROP INDEX oauth_families_of_user ON oauth_families;
DROP INDEX oauth_access_tokens_newest ON oauth_access_tokens;
DROP INDEX oauth_clients_unrevoked ON oauth_clients;
DROP INDEX oauth_clients_revoked ON oauth_clients;
DROP INDEX oauth_clients_not_before ON oauth_clients;
DROP INDEX oauth_consents_client ON oauth_consents;
ALTER TABLE oauth_clients DROP COLUMN allowed_origins;
DROP TABLE oauth_pending_requests;
DROP INDEX oauth_access_tokens_client ON oauth_access_tokens;
DROP INDEX oauth_families_client ON oauth_families;
ALTER TABLE oauth_clients DROP COLUMN tokens_not_before;
