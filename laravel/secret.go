package laravel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/oauth"
)

// The length of a hash of bcrypt, and of the longest secret that it covers.
const (
	hashLength   = 60
	longestInput = 72
)

func isHash(d oauth.Digest) bool {
	return len(d) == hashLength && (strings.HasPrefix(string(d), "$2y$") || strings.HasPrefix(string(d), "$2b$") || strings.HasPrefix(string(d), "$2a$"))
}

// HasSecret implements [feature.Foreign].
func (f *foreign) HasSecret(c *oauth.Client, secret string) bool {
	return secret != "" && len(secret) <= longestInput && slices.ContainsFunc(c.Secrets, func(s oauth.Secret) bool { return isHash(s.Digest) })
}

// Secret implements [feature.Foreign]. A client has one hash at most.
func (f *foreign) Secret(ctx context.Context, c *oauth.Client, secret string, at time.Time, may func() error) (bool, error) {
	for _, s := range c.Secrets {
		if !isHash(s.Digest) || !s.ExpiresAt.IsZero() && !at.Before(s.ExpiresAt) {
			continue
		}
		right := false
		err := f.slowly(ctx, may, func() { right = bcrypt.CompareHashAndPassword([]byte(s.Digest), []byte(secret)) == nil })
		if err != nil || !right {
			return false, err
		}
		if err := f.imports.ReplaceSecret(ctx, c.ID, s.Digest, oauth.DigestOf(secret)); err != nil {
			return false, fmt.Errorf("replace the hash of a secret: %w", err)
		}
		return true, nil
	}
	return false, nil
}
