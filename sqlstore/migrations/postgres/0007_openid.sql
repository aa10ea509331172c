-- +goose NO TRANSACTION
-- +goose Up
-- The settings of the client for OpenID Connect, as JSON; NULL: none. backchannel is
-- NULL if the client has no backchannel_logout_uri, 1 if it needs the sid in each logout
-- token, and 0 otherwise.
ALTER TABLE oauth_clients ADD COLUMN IF NOT EXISTS openid TEXT;
ALTER TABLE oauth_clients ADD COLUMN IF NOT EXISTS backchannel SMALLINT;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_backchannel;
CREATE INDEX CONCURRENTLY IF NOT EXISTS oauth_clients_backchannel ON oauth_clients (backchannel) WHERE backchannel IS NOT NULL;

-- The sid that names the browser session to the client, and how the user had
-- authenticated. NULL: unknown.
ALTER TABLE oauth_families ADD COLUMN IF NOT EXISTS sid TEXT COLLATE "C";
ALTER TABLE oauth_families ADD COLUMN IF NOT EXISTS acr TEXT COLLATE "C";
ALTER TABLE oauth_families ADD COLUMN IF NOT EXISTS amr TEXT;

-- The nonce of the authorization request; NULL: none.
ALTER TABLE oauth_auth_codes ADD COLUMN IF NOT EXISTS nonce TEXT COLLATE "C";

-- The client sessions: which clients know a browser session, and the sid of each. A
-- row expires with the last family that it was stored for.
CREATE TABLE IF NOT EXISTS oauth_client_sessions (
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  sid TEXT COLLATE "C" NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (provider, user_id, session, client_id)
);
CREATE INDEX IF NOT EXISTS oauth_client_sessions_expiry ON oauth_client_sessions (expires_at);

-- The logout notices that were not delivered yet. sid is empty if all sessions of the user
-- have ended. A lease hides a notice until next_at.
CREATE TABLE IF NOT EXISTS oauth_logout_notices (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  sid TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  tries INTEGER NOT NULL,
  lease TEXT COLLATE "C"
);
CREATE INDEX IF NOT EXISTS oauth_logout_notices_next ON oauth_logout_notices (next_at);
CREATE INDEX IF NOT EXISTS oauth_logout_notices_expiry ON oauth_logout_notices (expires_at);

-- The results of the logout notices to each client. failures counts failed tries since
-- succeeded_at.
CREATE TABLE IF NOT EXISTS oauth_logout_status (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  last_at BIGINT NOT NULL,
  last_result TEXT NOT NULL,
  succeeded_at BIGINT,
  failures BIGINT NOT NULL
);

-- +goose Down
DROP TABLE IF EXISTS oauth_logout_status;
DROP TABLE IF EXISTS oauth_logout_notices;
DROP TABLE IF EXISTS oauth_client_sessions;
ALTER TABLE oauth_auth_codes DROP COLUMN IF EXISTS nonce;
ALTER TABLE oauth_families DROP COLUMN IF EXISTS amr;
ALTER TABLE oauth_families DROP COLUMN IF EXISTS acr;
ALTER TABLE oauth_families DROP COLUMN IF EXISTS sid;
DROP INDEX CONCURRENTLY IF EXISTS oauth_clients_backchannel;
ALTER TABLE oauth_clients DROP COLUMN IF EXISTS backchannel;
ALTER TABLE oauth_clients DROP COLUMN IF EXISTS openid;
