-- +goose Up
CREATE TABLE passport_users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  name TEXT NOT NULL,
  password TEXT NOT NULL,
  session_version INTEGER NOT NULL,
  disabled_at INTEGER,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX passport_users_email_key ON passport_users (email_key);

CREATE TABLE passport_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_version INTEGER NOT NULL,
  authenticated_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX passport_sessions_digest ON passport_sessions (digest);
CREATE INDEX passport_sessions_user_id ON passport_sessions (user_id);
CREATE INDEX passport_sessions_expires_at ON passport_sessions (expires_at);

CREATE TABLE passport_sign_in_attempts (
  id TEXT NOT NULL PRIMARY KEY,
  tries INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  known_until INTEGER NOT NULL,
  keep_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX passport_sign_in_attempts_keep_until ON passport_sign_in_attempts (keep_until);

-- +goose Down
DROP TABLE passport_sign_in_attempts;
DROP TABLE passport_sessions;
DROP TABLE passport_users;
