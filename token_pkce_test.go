package passport_test

import (
	"net/url"
	"strings"
	"testing"
)

// RFC 7636 §4.1: 43 to 128 unreserved characters.
func TestToken_PK_04_FormOfTheVerifier(t *testing.T) {
	s := newServer(t)
	c := s.spa()
	for verifier, ok := range map[string]bool{
		strings.Repeat("v", 43): true, strings.Repeat("v", 128): true, strings.Repeat("aZ09-._~", 6): true,
		strings.Repeat("v", 42): false, strings.Repeat("v", 129): false, "v": false,
		strings.Repeat("v", 42) + "+": false, strings.Repeat("v", 42) + "=": false, strings.Repeat("v", 42) + "é": false, strings.Repeat("v", 42) + " ": false,
	} {
		c.verifier = verifier // the challenge is that of the verifier, however it looks
		code := s.code(c, "prompt", "consent")
		a := s.exchange(c, c.codeForm(code)...)
		if ok {
			a.tokens()
			continue
		}
		a.wantJSONError(400, "invalid_grant")
	}
}

// Whoever has merely seen a code must not be able to end somebody's login.
func TestNeverRepeat_A6_PK_05_WrongVerifierLeavesTheCode(t *testing.T) {
	s := newServer(t)
	c, thief := s.spa(), s.spa()
	code := s.code(c)
	for range 3 {
		s.exchange(c, append(c.codeForm(code), "code_verifier", strings.Repeat("x", 43))...).wantJSONError(400, "invalid_grant")
		s.exchange(thief, thief.codeForm(code)...).wantJSONError(400, "invalid_grant")
	}
	tok := s.redeem(c, code)
	// Nor to revoke what came of it: only who passes all that binds it can.
	s.exchange(c, append(c.codeForm(code), "code_verifier", strings.Repeat("x", 43))...).wantJSONError(400, "invalid_grant")
	s.exchange(thief, thief.codeForm(code)...).wantJSONError(400, "invalid_grant")
	s.wantAdmits(tok.Access, true, "after a stranger tried the spent code")
}

// RFC 9700 §2.1.1: a verifier without a challenge tells of a downgrade.
func TestNeverRepeat_A7_PK_06_VerifierWithoutChallenge(t *testing.T) {
	s := newServer(t)
	c := s.web()
	code := s.code(c, "code_challenge", "", "code_challenge_method", "")
	s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_request")
	s.exchange(c, append(c.codeForm(code), "code_verifier", "")...).tokens()
}

// A challenge that was stored is always verified, whatever the client.
func TestNeverRepeat_A7_A9_PK_07_ChallengeWithoutVerifier(t *testing.T) {
	s := newServer(t)
	for name, c := range map[string]*client{"confidential": s.web(), "public": s.spa(), "native": s.native()} {
		code := s.code(c)
		s.exchange(c, append(c.codeForm(code), "code_verifier", "")...).wantJSONError(400, "invalid_grant")
		s.exchange(c, append(c.codeForm(code), "code_verifier", strings.Repeat("w", 43))...).wantJSONError(400, "invalid_grant")
		s.redeem(c, code)
		if name == "confidential" && c.secret == "" {
			t.Fatal("the confidential client has no secret: the test proves nothing")
		}
	}
}

// Code and challenge belong together: one request's verifier does not open
// another's code.
func TestToken_PK_05_AnotherRequestsVerifier(t *testing.T) {
	s := newServer(t)
	c := s.spa()
	mine := *c
	mine.verifier = strings.Repeat("another-", 6)
	code := s.code(c)
	s.exchange(&mine, mine.codeForm(code)...).wantJSONError(400, "invalid_grant")
	s.redeem(c, code)
}

// A client's code is no other client's, whoever of the two is public.
func TestNeverRepeat_A2_CodeOfAnotherClient(t *testing.T) {
	s := newServer(t)
	clients := map[string]*client{"web": s.web(), "web 2": s.web(), "spa": s.spa(), "spa 2": s.spa()}
	for ownerName, owner := range clients {
		code := s.code(owner)
		for name, c := range clients {
			if name != ownerName {
				stolen := *c
				stolen.verifier = owner.verifier
				s.exchange(&stolen, owner.codeForm(code)...).wantJSONError(400, "invalid_grant")
			}
		}
		tok := s.redeem(owner, code)
		for name, c := range clients {
			if name != ownerName {
				s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
			}
		}
		next := s.refresh(owner, tok.Refresh).tokens()
		for name, c := range clients { // the spent one neither
			if name != ownerName {
				s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
			}
		}
		s.wantAdmits(next.Access, true, "after other clients tried the refresh token")
	}
}

// Codes hold nothing that could be edited: any other is unknown.
func TestNeverRepeat_A13_D13_EditedCode(t *testing.T) {
	s := newServer(t)
	c := s.web()
	code := s.code(c)
	for edited := range edits(code) {
		s.exchange(c, c.codeForm(edited)...).wantJSONError(400, "invalid_grant")
	}
	s.redeem(c, code)
	s.wantBlameless()
}

func TestNeverRepeat_D13_EditedRefreshToken(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	for edited := range edits(tok.Refresh) {
		s.refresh(c, edited).wantJSONError(400, "invalid_grant")
	}
	s.wantAdmits(tok.Access, true, "after edited refresh tokens were tried")
	s.refresh(c, tok.Refresh).tokens()
}

// edits yields a text with each bit flipped, each truncation, and extensions.
func edits(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(text) {
			for bit := range 7 {
				b := []byte(text)
				b[i] ^= 1 << bit
				if b[i] >= ' ' && b[i] < 0x7f && !yield(string(b)) {
					return
				}
			}
			if i > 0 && (!yield(text[:i]) || !yield(text[i:])) {
				return
			}
		}
		for _, more := range []string{"A", "=", ".", " ", text, "\t", "%00", url.QueryEscape(text)[:1]} {
			if !yield(text+more) || !yield(more+text) {
				return
			}
		}
	}
}
