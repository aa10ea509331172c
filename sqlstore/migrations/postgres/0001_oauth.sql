-- +goose Up
-- Times are Unix microseconds and lists are separated by spaces; NULL means none.
-- Secrets, codes, refresh tokens and session IDs are stored as SHA-256 digests.

CREATE TABLE oauth_clients (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  owner_provider TEXT COLLATE "C" NOT NULL,
  owner_id TEXT COLLATE "C" NOT NULL,
  auth_method TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  redirect_uris TEXT,
  grant_types TEXT,
  scopes TEXT,
  ends_with_session SMALLINT NOT NULL,
  attributes TEXT,
  created_at BIGINT NOT NULL,
  suspended_at BIGINT,
  revoked_at BIGINT,
  version BIGINT NOT NULL
);
CREATE INDEX oauth_clients_owner ON oauth_clients (owner_provider, owner_id, id);

CREATE TABLE oauth_client_secrets (
  client_id TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  PRIMARY KEY (client_id, digest)
);

-- A family has all codes and tokens of one consent. A row with a family_id is valid
-- only while its family exists, is not revoked and has not expired.
CREATE TABLE oauth_families (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  auth_time BIGINT,
  resources TEXT,
  personal SMALLINT NOT NULL,
  ends_with_session SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX oauth_families_user ON oauth_families (provider, user_id, client_id);
CREATE INDEX oauth_families_expiry ON oauth_families (expires_at);
CREATE INDEX oauth_families_revoked ON oauth_families (revoked_at) WHERE revoked_at IS NOT NULL;

-- A cut-off ends the families that it matches and whose request came at cut_at or
-- before, even if they are stored later.
CREATE TABLE oauth_cut_offs (
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  cut_at BIGINT NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  except_session TEXT COLLATE "C" NOT NULL,
  unredeemed SMALLINT NOT NULL,
  ends_with_session SMALLINT NOT NULL,
  keep_personal SMALLINT NOT NULL,
  consents SMALLINT NOT NULL,
  PRIMARY KEY (provider, user_id, cut_at, client_id, session, except_session, unredeemed, ends_with_session, keep_personal, consents)
);
CREATE INDEX oauth_cut_offs_at ON oauth_cut_offs (cut_at);

CREATE TABLE oauth_auth_codes (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  family_id TEXT COLLATE "C" NOT NULL,
  scopes TEXT,
  redirect_uri TEXT NOT NULL,
  code_challenge TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  spent_at BIGINT
);
CREATE INDEX oauth_auth_codes_family ON oauth_auth_codes (family_id);
CREATE INDEX oauth_auth_codes_unspent ON oauth_auth_codes (expires_at) WHERE spent_at IS NULL;

CREATE TABLE oauth_access_tokens (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  family_id TEXT COLLATE "C",
  client_id TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT,
  audience TEXT,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX oauth_access_tokens_family ON oauth_access_tokens (family_id) WHERE family_id IS NOT NULL;
CREATE INDEX oauth_access_tokens_expiry ON oauth_access_tokens (expires_at);
CREATE INDEX oauth_access_tokens_revoked ON oauth_access_tokens (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE oauth_refresh_tokens (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  access_token_id TEXT COLLATE "C" NOT NULL,
  family_id TEXT COLLATE "C" NOT NULL,
  scopes TEXT,
  expires_at BIGINT NOT NULL,
  spent_at BIGINT,
  successor TEXT COLLATE "C"
);
CREATE INDEX oauth_refresh_tokens_family ON oauth_refresh_tokens (family_id);

CREATE TABLE oauth_consents (
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (provider, user_id, client_id, scope, granted_at)
);

CREATE TABLE oauth_once (
  purpose TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  keep_until BIGINT NOT NULL,
  PRIMARY KEY (digest, purpose)
);
CREATE INDEX oauth_once_until ON oauth_once (keep_until);

CREATE TABLE oauth_audit (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  happened_at BIGINT NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  reason TEXT NOT NULL,
  address TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX oauth_audit_time ON oauth_audit (happened_at, id);

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
