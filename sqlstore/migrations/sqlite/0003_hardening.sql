-- +goose Up
-- How often changed what consent pages show about the client; NULL is 0.
ALTER TABLE oauth_clients ADD COLUMN consent_version INTEGER;

-- That number when the page was shown. NULL is a consent from before the numbers:
-- 0 for a client without an owner, void for a client with one.
ALTER TABLE oauth_consents ADD COLUMN consent_version INTEGER;

-- The API that a client is, for introspection; NULL for a client that isn't one.
ALTER TABLE oauth_clients ADD COLUMN audience TEXT;

-- +goose Down
ALTER TABLE oauth_clients DROP COLUMN audience;
ALTER TABLE oauth_consents DROP COLUMN consent_version;
ALTER TABLE oauth_clients DROP COLUMN consent_version;
