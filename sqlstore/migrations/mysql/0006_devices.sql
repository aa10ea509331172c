-- +goose Up
-- Device authorization requests (RFC 8628). poll_interval is in microseconds. decided_at
-- is NULL until a user decides. provider, user_id and family_id are NULL unless the user
-- approved. The row of an approved code stays as long as its family.
CREATE TABLE oauth_device_codes (
  digest VARBINARY(64) NOT NULL PRIMARY KEY,
  user_digest VARBINARY(64) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  scopes MEDIUMBLOB,
  resources MEDIUMBLOB,
  label VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  address VARBINARY(255) NOT NULL,
  agent VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  poll_interval BIGINT NOT NULL,
  polled_at BIGINT,
  decided_at BIGINT,
  provider VARBINARY(255),
  user_id VARBINARY(255),
  family_id VARBINARY(255),
  UNIQUE KEY oauth_device_codes_user_code (user_digest),
  KEY oauth_device_codes_pending (client_id, decided_at, expires_at),
  KEY oauth_device_codes_expiry (family_id, expires_at),
  KEY oauth_device_codes_user (provider, user_id, decided_at)
) ENGINE=InnoDB;

-- +goose Down
DROP TABLE oauth_device_codes;
