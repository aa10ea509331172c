-- +goose Up
-- Counts the changes of what consent pages show about the client; NULL is 0.
ALTER TABLE oauth_clients ADD COLUMN consent_version INTEGER;

-- The client's consent_version when the page was shown. NULL is a consent from before
-- this column: it counts as 0 if the client has no owner, and is void if it has one.
ALTER TABLE oauth_consents ADD COLUMN consent_version INTEGER;

-- The resource server that the client is, for introspection; NULL for other clients.
ALTER TABLE oauth_clients ADD COLUMN audience TEXT;

-- +goose Down
ALTER TABLE oauth_clients DROP COLUMN audience;
ALTER TABLE oauth_consents DROP COLUMN consent_version;
ALTER TABLE oauth_clients DROP COLUMN consent_version;
