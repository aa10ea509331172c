-- +goose Up
-- The purge ends idle sessions.
CREATE INDEX passport_sessions_seen_at ON passport_sessions (seen_at);

-- +goose Down
DROP INDEX passport_sessions_seen_at;
