package laravel

import (
	"context"
	"errors"
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
		_, err := f.slow.do(ctx, derivation{
			key: f.digest("secret", []byte(s.Digest), []byte(secret)), at: at, may: may,
			derive: func() ([]byte, error) { return nil, compare(s.Digest, secret) },
		})
		switch {
		case errors.Is(err, errWrong):
			return false, nil
		case err != nil:
			return false, err
		}
		if err := f.imports.ReplaceSecret(ctx, c.ID, s.Digest, oauth.DigestOf(secret)); err != nil {
			return false, fmt.Errorf("replace the hash of a secret: %w", err)
		}
		return true, nil
	}
	return false, nil
}

var errWrong = errors.New("the secret is wrong")

func compare(hash oauth.Digest, secret string) error {
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret)) != nil {
		return errWrong
	}
	return nil
}
