-- +goose Up
-- The settings of the client for OpenID Connect, as JSON; NULL: none. backchannel is
-- NULL if the client has no backchannel_logout_uri, 1 if it needs the sid in each logout
-- token, and 0 otherwise.
ALTER TABLE oauth_clients ADD COLUMN openid MEDIUMTEXT CHARACTER SET utf8mb4;
ALTER TABLE oauth_clients ADD COLUMN backchannel SMALLINT;
CREATE INDEX oauth_clients_backchannel ON oauth_clients (backchannel);

-- The sid that names the browser session to the client, and how the user had
-- authenticated. NULL: unknown.
ALTER TABLE oauth_families ADD COLUMN sid VARBINARY(255);
ALTER TABLE oauth_families ADD COLUMN acr MEDIUMBLOB;
ALTER TABLE oauth_families ADD COLUMN amr MEDIUMBLOB;

-- The nonce of the authorization request; NULL: none.
ALTER TABLE oauth_auth_codes ADD COLUMN nonce VARBINARY(512);

-- The client sessions: which clients know a browser session, and the sid of each. A
-- row expires with the last family that it was stored for.
CREATE TABLE oauth_client_sessions (
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  session VARBINARY(64) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  sid VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (provider, user_id, session, client_id),
  UNIQUE KEY oauth_client_sessions_sid (sid),
  KEY oauth_client_sessions_expiry (expires_at)
) ENGINE=InnoDB;

-- The logout notices that were not delivered yet. sid is empty if all sessions of the user
-- have ended. A lease hides a notice until next_at.
CREATE TABLE oauth_logout_notices (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  client_id VARBINARY(255) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  sid VARBINARY(255) NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  tries INTEGER NOT NULL,
  lease VARBINARY(64),
  KEY oauth_logout_notices_next (next_at),
  KEY oauth_logout_notices_expiry (expires_at)
) ENGINE=InnoDB;

-- The results of the logout notices to each client. failures counts failed tries since
-- succeeded_at.
CREATE TABLE oauth_logout_status (
  client_id VARBINARY(255) NOT NULL PRIMARY KEY,
  last_at BIGINT NOT NULL,
  last_result VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  succeeded_at BIGINT,
  failures BIGINT NOT NULL
) ENGINE=InnoDB;

-- +goose Down
DROP TABLE oauth_logout_status;
DROP TABLE oauth_logout_notices;
DROP TABLE oauth_client_sessions;
ALTER TABLE oauth_auth_codes DROP COLUMN nonce;
ALTER TABLE oauth_families DROP COLUMN amr;
ALTER TABLE oauth_families DROP COLUMN acr;
ALTER TABLE oauth_families DROP COLUMN sid;
DROP INDEX oauth_clients_backchannel ON oauth_clients;
ALTER TABLE oauth_clients DROP COLUMN backchannel;
ALTER TABLE oauth_clients DROP COLUMN openid;
