-- +goose NO TRANSACTION
-- +goose Up
-- The indexes are built without blocking writes, which no transaction can do. So each
-- statement can be repeated. A build that failed leaves an index that is not used: the
-- DROP before each CREATE removes it.

-- The purge ends idle sessions.
DROP INDEX CONCURRENTLY IF EXISTS passport_sessions_seen_at;
CREATE INDEX CONCURRENTLY IF NOT EXISTS passport_sessions_seen_at ON passport_sessions (seen_at);

-- The cost of the password hash: "m=19456,t=2,p=1" of argon2id, "$2y$12$" of bcrypt.
-- A sign-in steps over its distinct values, by the same expression. A generated column
-- would rewrite the table.
DROP INDEX CONCURRENTLY IF EXISTS passport_users_password_cost;
CREATE INDEX CONCURRENTLY IF NOT EXISTS passport_users_password_cost ON passport_users ((
  CASE WHEN password LIKE '$argon2id$%' THEN split_part(password, '$', 4) ELSE substr(password, 1, 7) END COLLATE "C"
));

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS passport_users_password_cost;
DROP INDEX CONCURRENTLY IF EXISTS passport_sessions_seen_at;
