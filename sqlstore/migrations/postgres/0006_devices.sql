-- +goose NO TRANSACTION
-- +goose Up
-- Device authorization requests (RFC 8628). poll_interval is in microseconds. decided_at
-- is NULL until a user decides. provider, user_id and family_id are NULL unless the user
-- approved. The row of an approved code stays as long as its family.
CREATE TABLE IF NOT EXISTS oauth_device_codes (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  user_digest TEXT COLLATE "C" NOT NULL UNIQUE,
  client_id TEXT COLLATE "C" NOT NULL,
  scopes TEXT,
  resources TEXT,
  label TEXT NOT NULL,
  address TEXT COLLATE "C" NOT NULL,
  agent TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  poll_interval BIGINT NOT NULL,
  polled_at BIGINT,
  decided_at BIGINT,
  provider TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  family_id TEXT COLLATE "C"
);
CREATE INDEX IF NOT EXISTS oauth_device_codes_pending ON oauth_device_codes (client_id, expires_at) WHERE decided_at IS NULL;
CREATE INDEX IF NOT EXISTS oauth_device_codes_expiry ON oauth_device_codes (expires_at) WHERE family_id IS NULL;
CREATE INDEX IF NOT EXISTS oauth_device_codes_family ON oauth_device_codes (family_id) WHERE family_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS oauth_device_codes_user ON oauth_device_codes (provider, user_id, decided_at) WHERE provider IS NOT NULL;

-- +goose Down
DROP TABLE IF EXISTS oauth_device_codes;
