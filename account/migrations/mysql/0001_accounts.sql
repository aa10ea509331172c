-- +goose Up
CREATE TABLE passport_users (
  id VARBINARY(36) NOT NULL PRIMARY KEY,
  email VARCHAR(254) CHARACTER SET utf8mb4 NOT NULL,
  email_key VARBINARY(254) NOT NULL,
  name VARCHAR(100) CHARACTER SET utf8mb4 NOT NULL,
  password VARBINARY(255) NOT NULL,
  session_version BIGINT NOT NULL,
  disabled_at BIGINT,
  created_at BIGINT NOT NULL,
  UNIQUE KEY passport_users_email_key (email_key)
);

CREATE TABLE passport_sessions (
  id VARBINARY(36) NOT NULL PRIMARY KEY,
  digest VARBINARY(43) NOT NULL,
  user_id VARBINARY(36) NOT NULL,
  session_version BIGINT NOT NULL,
  authenticated_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  UNIQUE KEY passport_sessions_digest (digest),
  KEY passport_sessions_user_id (user_id),
  KEY passport_sessions_expires_at (expires_at)
);

CREATE TABLE passport_sign_in_attempts (
  id VARBINARY(43) NOT NULL PRIMARY KEY,
  tries BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  known_until BIGINT NOT NULL,
  keep_until BIGINT NOT NULL,
  KEY passport_sign_in_attempts_keep_until (keep_until)
);

-- +goose Down
DROP TABLE passport_sign_in_attempts;
DROP TABLE passport_sessions;
DROP TABLE passport_users;
