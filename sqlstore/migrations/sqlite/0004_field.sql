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

-- +goose Down
ALTER TABLE oauth_clients DROP COLUMN allowed_origins;
DROP TABLE oauth_pending_requests;
DROP INDEX oauth_access_tokens_client;
DROP INDEX oauth_families_client;
ALTER TABLE oauth_clients DROP COLUMN tokens_not_before;
