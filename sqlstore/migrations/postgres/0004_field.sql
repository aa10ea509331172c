-- +goose Up
-- All tokens of the client for requests up to this time have ended; NULL: none.
ALTER TABLE oauth_clients ADD COLUMN tokens_not_before BIGINT;
CREATE INDEX oauth_families_client ON oauth_families (client_id, created_at);
CREATE INDEX oauth_access_tokens_client ON oauth_access_tokens (client_id, issued_at, id);

-- +goose Down
DROP INDEX oauth_access_tokens_client;
DROP INDEX oauth_families_client;
ALTER TABLE oauth_clients DROP COLUMN tokens_not_before;
