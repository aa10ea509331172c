-- +goose Up
-- Times are Unix microseconds and lists are separated by spaces; NULL means none.
-- Secrets, codes, refresh tokens and session IDs are stored as SHA-256 digests.

CREATE TABLE oauth_clients (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  name VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  owner_provider VARBINARY(255) NOT NULL,
  owner_id VARBINARY(255) NOT NULL,
  auth_method VARBINARY(64) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  redirect_uris MEDIUMBLOB,
  grant_types MEDIUMBLOB,
  scopes MEDIUMBLOB,
  ends_with_session TINYINT NOT NULL,
  attributes MEDIUMBLOB,
  created_at BIGINT NOT NULL,
  suspended_at BIGINT,
  revoked_at BIGINT,
  version BIGINT NOT NULL,
  KEY oauth_clients_owner (owner_provider, owner_id, id)
) ENGINE=InnoDB;

CREATE TABLE oauth_client_secrets (
  client_id VARBINARY(255) NOT NULL,
  digest VARBINARY(64) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  PRIMARY KEY (client_id, digest)
) ENGINE=InnoDB;

-- A family has all codes and tokens of one consent. A row with a family_id is valid
-- only while its family exists, is not revoked and has not expired.
CREATE TABLE oauth_families (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  session VARBINARY(64) NOT NULL,
  auth_time BIGINT,
  resources MEDIUMBLOB,
  personal TINYINT NOT NULL,
  ends_with_session TINYINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  KEY oauth_families_user (provider, user_id, client_id),
  KEY oauth_families_expiry (expires_at),
  KEY oauth_families_revoked (revoked_at)
) ENGINE=InnoDB;

-- A cut-off ends the families that it matches and whose request came at cut_at or
-- before, even if they are stored later.
CREATE TABLE oauth_cut_offs (
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  cut_at BIGINT NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  session VARBINARY(64) NOT NULL,
  except_session VARBINARY(64) NOT NULL,
  unredeemed TINYINT NOT NULL,
  ends_with_session TINYINT NOT NULL,
  keep_personal TINYINT NOT NULL,
  consents TINYINT NOT NULL,
  PRIMARY KEY (provider, user_id, cut_at, client_id, session, except_session, unredeemed, ends_with_session, keep_personal, consents),
  KEY oauth_cut_offs_at (cut_at)
) ENGINE=InnoDB;

CREATE TABLE oauth_auth_codes (
  digest VARBINARY(64) NOT NULL PRIMARY KEY,
  family_id VARBINARY(255) NOT NULL,
  scopes MEDIUMBLOB,
  redirect_uri MEDIUMBLOB NOT NULL,
  code_challenge VARBINARY(64) NOT NULL,
  expires_at BIGINT NOT NULL,
  spent_at BIGINT,
  KEY oauth_auth_codes_family (family_id),
  KEY oauth_auth_codes_unspent (spent_at, expires_at)
) ENGINE=InnoDB;

CREATE TABLE oauth_access_tokens (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  family_id VARBINARY(255),
  client_id VARBINARY(255) NOT NULL,
  name VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  scopes MEDIUMBLOB,
  audience MEDIUMBLOB,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  KEY oauth_access_tokens_family (family_id),
  KEY oauth_access_tokens_expiry (expires_at),
  KEY oauth_access_tokens_revoked (revoked_at)
) ENGINE=InnoDB;

CREATE TABLE oauth_refresh_tokens (
  digest VARBINARY(64) NOT NULL PRIMARY KEY,
  access_token_id VARBINARY(255) NOT NULL,
  family_id VARBINARY(255) NOT NULL,
  scopes MEDIUMBLOB,
  expires_at BIGINT NOT NULL,
  spent_at BIGINT,
  successor VARBINARY(64),
  KEY oauth_refresh_tokens_family (family_id)
) ENGINE=InnoDB;

CREATE TABLE oauth_consents (
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  scope VARBINARY(255) NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (provider, user_id, client_id, scope, granted_at)
) ENGINE=InnoDB;

CREATE TABLE oauth_once (
  purpose VARBINARY(255) NOT NULL,
  digest VARBINARY(64) NOT NULL,
  keep_until BIGINT NOT NULL,
  PRIMARY KEY (digest, purpose),
  KEY oauth_once_until (keep_until)
) ENGINE=InnoDB;

CREATE TABLE oauth_audit (
  id VARBINARY(64) NOT NULL PRIMARY KEY,
  happened_at BIGINT NOT NULL,
  action VARBINARY(255) NOT NULL,
  actor VARBINARY(255) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  user_id VARBINARY(255) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  reason VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
  address VARBINARY(255) NOT NULL,
  request_id VARBINARY(255) NOT NULL,
  KEY oauth_audit_time (happened_at, id)
) ENGINE=InnoDB;

-- +goose Down
DROP TABLE oauth_clients;
DROP TABLE oauth_client_secrets;
DROP TABLE oauth_families;
DROP TABLE oauth_cut_offs;
DROP TABLE oauth_auth_codes;
DROP TABLE oauth_access_tokens;
DROP TABLE oauth_refresh_tokens;
DROP TABLE oauth_consents;
DROP TABLE oauth_once;
DROP TABLE oauth_audit;
