package keyring_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
)

// algsOf returns the algorithms of keys, in their order.
func algsOf(keys any) string {
	var algs []string
	for _, found := range regexp.MustCompile(`(ES256|EdDSA|RS256|PS256) `).FindAllStringSubmatch(fmt.Sprint(keys), -1) {
		algs = append(algs, found[1])
	}
	return strings.Join(algs, " ")
}

// A further key is published, and the first key goes on signing and deriving secrets.
func TestAddKey_SignsNoAccessTokens(t *testing.T) {
	dir := keyFolder(t)
	s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
	before := s.Kids()
	c := s.Web()
	page := s.Browser().SignIn("alice").Authorize(c)
	held := s.MachineToken(s.Machine())
	id, err := passport.AddKeyToFiles(dir, "RS256", 2048)
	if err != nil {
		t.Fatal(err)
	}
	again := s.Restart(func(c *passport.Config) { c.Keys = loadKeys(t, dir) })
	if got, want := again.Kids(), append(before, id); !slices.Equal(got, want) {
		t.Errorf("the server publishes %v, want the first key and the added one, %v", got, want)
	}
	again.WantAdmits(held, true, "a token from before")
	again.WantAdmits(s.MachineToken(s.Machine()), true, "a token of a node without the added key")
	s.WantAdmits(again.MachineToken(again.Machine()), true, "a token of the node with the added key, at a node without it")
	page.From.At(again).Post("/oauth/authorize", map[string][]string{"ticket": {page.Ticket()}, "decision": {"allow"}}).Code()

	if _, err := passport.AddKeyToFiles(dir, "RS256", 0); !errors.Is(err, passport.ErrKeyExists) || !strings.Contains(err.Error(), "passport keys rotate --alg RS256") {
		t.Errorf("a second key of the algorithm: %v, want ErrKeyExists and the command that replaces a key", err)
	}
	if _, err := passport.AddKeyToFiles(dir, "HS256", 0); err == nil || !strings.Contains(err.Error(), "unknown algorithm") {
		t.Errorf("AddKeyToFiles(HS256) = %v, want an unknown algorithm", err)
	}
}

func TestStoredKeys_Add(t *testing.T) {
	keys := storedIn(new(memstore.Store))
	if _, err := keys.Add(t.Context(), "RS256", 2048); err == nil {
		t.Error("Add() without keys = nil, want an error")
	}
	if _, err := keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Add(t.Context(), "RS256", 2048); err != nil {
		t.Fatal(err)
	}
	loaded, err := keys.Load(t.Context())
	if got := algsOf(loaded); err != nil || got != "ES256 RS256" {
		t.Errorf("the stored keys have the algorithms %q, %v, want ES256 RS256", got, err)
	}
	if _, err := keys.Add(t.Context(), "ES256", 0); !errors.Is(err, passport.ErrKeyExists) {
		t.Errorf("Add() of an algorithm that exists = %v, want ErrKeyExists", err)
	}
}

// Each algorithm has its own schedule. Two rotations of one never end the key of the
// other, and the first algorithm signs access tokens at every time.
func TestRotateKeys_EachAlgorithmByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := pemOf(t)
		text, rsa, err := passport.AddKey(text, "RS256", 2048)
		if err != nil {
			t.Fatal(err)
		}
		plan := func(alg string) passport.Rotation {
			return passport.Rotation{Alg: alg, Publish: time.Hour, Overlap: 2 * time.Hour}
		}
		rotate := func(alg string) *passport.Rotated {
			t.Helper()
			out, done, err := passport.RotateKeys(text, plan(alg))
			if err != nil {
				t.Fatal(err)
			}
			text = out
			return done
		}
		signs := func(when string) {
			t.Helper()
			keys, err := passport.ParseKeys(text)
			if err != nil {
				t.Fatal(err)
			}
			s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = keys })
			if alg := headerOf(t, s.MachineToken(s.Machine())); alg != "ES256" {
				t.Errorf("%s, an access token has the algorithm %s, want ES256", when, alg)
			}
		}
		rotate("") // the key that signs access tokens
		if _, _, err := passport.RotateKeys(text, plan("ES256")); !errors.Is(err, passport.ErrRotating) {
			t.Errorf("a second rotation of ES256 = %v, want ErrRotating", err)
		}
		second := rotate("RS256") // at the same time
		signs("while both new keys wait")
		if len(second.Retired) != 0 {
			t.Errorf("the rotation of RS256 removed %v", second.Retired)
		}
		time.Sleep(4 * time.Hour)
		signs("after both old keys have ended")
		third := rotate("ES256")
		if len(third.Retired) != 2 || !slices.Contains(third.Retired, rsa) {
			t.Errorf("the third rotation removed %v, want both ended keys", third.Retired)
		}
		time.Sleep(4 * time.Hour)
		rotate("RS256")
		signs("after two rotations of each")
		if got := strings.Count(string(text), "BEGIN PRIVATE KEY"); got != 3 {
			t.Errorf("the text has %d keys, want the ES256 key and two RS256 keys", got)
		}
		time.Sleep(4 * time.Hour)
		keys, err := passport.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		if kids := testkit.NewServer(t, func(c *passport.Config) { c.Keys = keys }).Kids(); len(kids) != 2 {
			t.Errorf("at the end the server publishes %v, want a key of each algorithm", kids)
		}
	})
}

// The algorithm of access tokens changes only if the operator names both algorithms.
func TestRotateKeys_ChangesTheAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := pemOf(t)
		plan := passport.Rotation{Alg: "EdDSA", Publish: time.Hour, Overlap: 2 * time.Hour}
		if _, _, err := passport.RotateKeys(text, plan); err == nil || !strings.Contains(err.Error(), "passport keys rotate --alg EdDSA --replace ES256") || !strings.Contains(err.Error(), "passport keys add --alg EdDSA") {
			t.Errorf("RotateKeys() without a key of the algorithm = %v, want an error with both commands", err)
		}
		plan.Replaces = "ES256"
		text, _, err := passport.RotateKeys(text, plan)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := passport.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Keys = keys })
		for _, step := range []struct {
			after time.Duration
			alg   string
			kids  int
		}{{0, "ES256", 2}, {time.Hour - time.Second, "ES256", 2}, {time.Second, "EdDSA", 2}, {2 * time.Hour, "EdDSA", 1}} {
			time.Sleep(step.after)
			if alg, kids := headerOf(t, s.MachineToken(s.Machine())), s.Kids(); alg != step.alg || len(kids) != step.kids {
				t.Errorf("%v later an access token has the algorithm %s and %d keys are published, want %s and %d", step.after, alg, len(kids), step.alg, step.kids)
			}
		}
	})
}

// pemOf returns one ES256 key in PEM.
func pemOf(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(keyFolder(t), "oauth-private.key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// headerOf returns the algorithm of a JWT.
func headerOf(t *testing.T, token string) string {
	t.Helper()
	part, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(part)
	var header struct{ Alg string }
	if err := errors.Join(err, json.Unmarshal(text, &header)); err != nil {
		t.Fatalf("the token %q has no JOSE header: %v", token, err)
	}
	return header.Alg
}

// brokenSigner is a key that can't be reached, such as that of a KMS.
type brokenSigner struct{ ed25519.PrivateKey }

func (s brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the KMS does not respond")
}

// New refuses a key that cannot sign, also if another algorithm signs access tokens.
func TestNew_TriesTheKeyOfEachAlgorithm(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(first, brokenSigner{private})
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.NewServer(t).Config
	c.Keys = keys
	if _, err := passport.New(c); err == nil || !strings.Contains(err.Error(), "cannot sign") {
		t.Errorf("New() with an EdDSA key that cannot sign = %v, want an error", err)
	}
}
