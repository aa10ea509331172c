-- +goose Up
CREATE TABLE passport_users (
  id VARCHAR(36) COLLATE "C" NOT NULL PRIMARY KEY,
  email VARCHAR(254) NOT NULL,
  email_key VARCHAR(254) COLLATE "C" NOT NULL,
  name VARCHAR(100) NOT NULL,
  password VARCHAR(255) NOT NULL,
  session_version BIGINT NOT NULL,
  disabled_at BIGINT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX passport_users_email_key ON passport_users (email_key);

CREATE TABLE passport_sessions (
  id VARCHAR(36) COLLATE "C" NOT NULL PRIMARY KEY,
  digest VARCHAR(43) COLLATE "C" NOT NULL,
  user_id VARCHAR(36) COLLATE "C" NOT NULL,
  session_version BIGINT NOT NULL,
  authenticated_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE UNIQUE INDEX passport_sessions_digest ON passport_sessions (digest);
CREATE INDEX passport_sessions_user_id ON passport_sessions (user_id);
CREATE INDEX passport_sessions_expires_at ON passport_sessions (expires_at);

CREATE TABLE passport_sign_in_attempts (
  id VARCHAR(43) COLLATE "C" NOT NULL PRIMARY KEY,
  tries BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  known_until BIGINT NOT NULL,
  keep_until BIGINT NOT NULL
);
CREATE INDEX passport_sign_in_attempts_keep_until ON passport_sign_in_attempts (keep_until);

-- +goose Down
DROP TABLE passport_sign_in_attempts;
DROP TABLE passport_sessions;
DROP TABLE passport_users;
