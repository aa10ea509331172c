package account

// What the fuzz targets reach: each takes text that a stranger wrote.

// LocalPath is localPath.
func LocalPath(s, fallback string) string { return localPath(s, fallback) }

// IsSecret is isSecret.
func IsSecret(s string) bool { return isSecret(s) }

// VerifyHash verifies a password against a stored hash.
func VerifyHash(stored, password string) (ok, outdated bool, err error) {
	return newHasher(1).verify(stored, password)
}

// ParsesHash reports whether a stored hash is one that would be computed.
func ParsesHash(stored string) bool {
	_, err := parseHash(stored)
	return err == nil
}

// EmailKey is emailKey.
func EmailKey(email string) string { return emailKey(email) }

// Subscriber is subscriber.
func Subscriber(address string) string { return subscriber(address) }
