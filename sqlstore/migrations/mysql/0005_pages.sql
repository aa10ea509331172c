-- +goose Up
-- What pages show about a client beside its name, as JSON.
CREATE TABLE oauth_client_metadata (
  client_id VARBINARY(255) NOT NULL PRIMARY KEY,
  metadata MEDIUMBLOB NOT NULL
) ENGINE=InnoDB;

-- The logos of clients: PNG, in base64.
CREATE TABLE oauth_client_logos (
  client_id VARBINARY(255) NOT NULL PRIMARY KEY,
  digest VARBINARY(64) NOT NULL,
  png MEDIUMTEXT CHARACTER SET ascii NOT NULL
) ENGINE=InnoDB;

-- The last use of the tokens of each family. Address and agent are NULL if they are
-- unknown or not kept.
CREATE TABLE oauth_last_used (
  family_id VARBINARY(255) NOT NULL PRIMARY KEY,
  used_at BIGINT NOT NULL,
  address VARBINARY(255),
  agent VARBINARY(255)
) ENGINE=InnoDB;

-- The scope that a row declines; null for a row that grants one.
ALTER TABLE oauth_consents ADD COLUMN declined VARBINARY(255);

-- The last characters of personal access tokens, so that users recognize them.
ALTER TABLE oauth_access_tokens ADD COLUMN hint VARBINARY(16);

-- +goose Down
ALTER TABLE oauth_access_tokens DROP COLUMN hint;
ALTER TABLE oauth_consents DROP COLUMN declined;
DROP TABLE oauth_last_used;
DROP TABLE oauth_client_logos;
DROP TABLE oauth_client_metadata;
