-- +goose Up
-- The purge ends idle sessions.
CREATE INDEX passport_sessions_seen_at ON passport_sessions (seen_at);

-- The cost of the password hash: "m=19456,t=2,p=1" of argon2id, "$2y$12$" of bcrypt.
-- A sign-in steps over its distinct values.
ALTER TABLE passport_users ADD COLUMN password_cost VARBINARY(255) GENERATED ALWAYS AS (
  CASE WHEN password LIKE '$argon2id$%' THEN SUBSTRING_INDEX(SUBSTRING_INDEX(password, '$', 4), '$', -1) ELSE SUBSTRING(password, 1, 7) END
) VIRTUAL;
CREATE INDEX passport_users_password_cost ON passport_users (password_cost);

-- +goose Down
DROP INDEX passport_users_password_cost ON passport_users;
ALTER TABLE passport_users DROP COLUMN password_cost;
DROP INDEX passport_sessions_seen_at ON passport_sessions;
