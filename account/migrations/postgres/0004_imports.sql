-- +goose Up
-- When an import last found the account in the other system. NULL: the account was created
-- here. 0: an import has not found it, and has disabled it.
ALTER TABLE passport_users ADD COLUMN IF NOT EXISTS imported_at BIGINT;

-- The digest of the password hash that the last import found. NULL: the password was chosen
-- here, so imports keep it. Empty: a node of an older version imported the account.
ALTER TABLE passport_users ADD COLUMN IF NOT EXISTS imported_password VARCHAR(43) COLLATE "C";

-- The ID of an account that was created here is a UUID of version 7.
UPDATE passport_users SET imported_at = 1, imported_password = '' WHERE imported_at IS NULL AND id NOT LIKE '________-____-7___-____-____________';

-- +goose Down
ALTER TABLE passport_users DROP COLUMN IF EXISTS imported_password;
ALTER TABLE passport_users DROP COLUMN IF EXISTS imported_at;
