package console

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/go-passport/passport"
)

// idTokenAlg is the algorithm of the key that every OpenID provider has.
const idTokenAlg = "RS256"

// issuesIDTokens reports whether OpenID Connect is on.
func (s *settings) issuesIDTokens() bool {
	return slices.ContainsFunc(s.Features, func(f passport.Feature) bool {
		_, ok := f.(passport.OpenID)
		return ok
	})
}

// generatedKeys returns new keys for the settings. They are for a server that ends with
// the process, or that signs nothing.
func (s *settings) generatedKeys() (*passport.Keys, error) {
	if !s.issuesIDTokens() {
		return passport.GenerateKeys()
	}
	return passport.GenerateKeys(defaultAlg, idTokenAlg)
}

// withIDTokenKey adds the key for ID tokens to the keys in keys_dir if the server needs
// it and it is missing.
func (s *settings) withIDTokenKey(keys *passport.Keys, logger *slog.Logger) (*passport.Keys, error) {
	if !s.issuesIDTokens() || slices.Contains(keys.Algorithms(), idTokenAlg) {
		return keys, nil
	}
	_, err := passport.AddKeyToFiles(s.KeysDir, idTokenAlg, addedBits)
	if errors.Is(err, passport.ErrKeyExists) { // another server was faster
		return passport.LoadKeys(s.KeysDir)
	}
	if err != nil {
		return nil, fmt.Errorf("add the %[1]s key that ID tokens need: %[2]w; run `passport keys add --alg %[1]s` as a user that can write to the folder %[3]s", idTokenAlg, err, s.KeysDir)
	}
	s.reportGenerated(logger, idTokenAlg)
	return passport.LoadKeys(s.KeysDir)
}

// reportGenerated logs that the folder has a new key. Servers that share a database need
// the same keys.
func (s *settings) reportGenerated(logger *slog.Logger, alg string) {
	if s.ownDatabase() {
		logger.Info("generated the signing keys", "folder", s.KeysDir, "alg", alg)
	} else {
		logger.Warn("generated the signing keys: every server on this database needs the same keys; keep a copy of them", "folder", s.KeysDir, "alg", alg)
	}
}
