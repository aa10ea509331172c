-- +goose Up
-- The settings of the client for OpenID Connect, as JSON; NULL: none. backchannel is
-- NULL if the client has no backchannel_logout_uri, 1 if it needs the sid in each logout
-- token, and 0 otherwise.
ALTER TABLE oauth_clients ADD COLUMN openid TEXT;
ALTER TABLE oauth_clients ADD COLUMN backchannel INTEGER;
CREATE INDEX oauth_clients_backchannel ON oauth_clients (backchannel) WHERE backchannel IS NOT NULL;

-- The sid that names the browser session to the client, and how the user had
-- authenticated. NULL: unknown.
ALTER TABLE oauth_families ADD COLUMN sid TEXT;
ALTER TABLE oauth_families ADD COLUMN acr TEXT;
ALTER TABLE oauth_families ADD COLUMN amr TEXT;

-- The nonce of the authorization request; NULL: none.
ALTER TABLE oauth_auth_codes ADD COLUMN nonce TEXT;

-- The client sessions: which clients know a browser session, and the sid of each. A
-- row expires with the last family that it was stored for.
CREATE TABLE oauth_client_sessions (
  provider TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  client_id TEXT NOT NULL,
  sid TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (provider, user_id, session, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_client_sessions_expiry ON oauth_client_sessions (expires_at);

-- The logout notices that were not delivered yet. sid is empty if all sessions of the user
-- have ended. A lease hides a notice until next_at.
CREATE TABLE oauth_logout_notices (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  user_id TEXT NOT NULL,
  sid TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  lease TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_logout_notices_next ON oauth_logout_notices (next_at);
CREATE INDEX oauth_logout_notices_expiry ON oauth_logout_notices (expires_at);

-- The results of the logout notices to each client. failures counts failed tries since
-- succeeded_at.
CREATE TABLE oauth_logout_status (
  client_id TEXT NOT NULL PRIMARY KEY,
  last_at INTEGER NOT NULL,
  last_result TEXT NOT NULL,
  succeeded_at INTEGER,
  failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE oauth_logout_status;
DROP TABLE oauth_logout_notices;
DROP TABLE oauth_client_sessions;
ALTER TABLE oauth_auth_codes DROP COLUMN nonce;
ALTER TABLE oauth_families DROP COLUMN amr;
ALTER TABLE oauth_families DROP COLUMN acr;
ALTER TABLE oauth_families DROP COLUMN sid;
DROP INDEX oauth_clients_backchannel;
ALTER TABLE oauth_clients DROP COLUMN backchannel;
ALTER TABLE oauth_clients DROP COLUMN openid;
