package authorize_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// PG-15: scopes are in groups and have marks; IDs are only in the details for
// developers.
func TestConsent_PG_15_GroupsAndMarks(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Scopes = []passport.Scope{
			{ID: "orders:read", Description: "See your orders"}, {ID: "cards", Description: "See your cards", Group: "Pay\u202ement", Sensitive: true},
			{ID: "profile", Description: "See your name"}, {ID: "orders:write", Description: "Place orders", CanChange: true}, {ID: "bare"},
		}
	})
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "orders:read orders:write cards profile bare")
	want := "It will be able to See your name bare Orders See your orders Place orders can change Payment See your cards sensitive You’ll return to"
	if text := page.String(); !strings.Contains(text, want) {
		t.Errorf("the page is %s, want %s", text, want)
	}
	before, after, ok := strings.Cut(page.Body, "Details for developers")
	if !ok || strings.Contains(before, "orders:write") || !strings.Contains(after, "orders:write") || !strings.Contains(after, c.ID) {
		t.Errorf("the IDs of the client and the scopes are not only in the details for developers:\n%s", page.Body)
	}
	page.Allow().Code()
	again := b.Authorize(c, "scope", "orders:read cards", "prompt", "consent")
	if text, want := again.String(), "Already allowed Orders See your orders Payment See your cards sensitive You’ll return to"; !strings.Contains(text, want) {
		t.Errorf("the page is %s, want %s", text, want)
	}
}

// PG-15: a page with more than three groups shows only their names and marks at first.
func TestConsent_PG_15_FoldedBeyondThreeGroups(t *testing.T) {
	folded := regexp.MustCompile(`(?s)<details class="group"><summary><span>(.*?)</span> <span class="muted">(\d+)</span>(.*?)</summary>`)
	for groups := 1; groups <= 5; groups++ {
		var scopes []passport.Scope
		for i := range groups * 2 {
			scopes = append(scopes, passport.Scope{ID: fmt.Sprintf("g%d:s%d", i%groups, i), Description: fmt.Sprintf("Scope %d", i), CanChange: i == 0})
		}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Scopes = scopes })
		ids := make([]string, len(scopes))
		for i, scope := range scopes {
			ids[i] = scope.ID
		}
		page := s.Browser().SignIn("alice").Authorize(s.Web(), "scope", strings.Join(ids, " "))
		found := folded.FindAllStringSubmatch(page.Body, -1)
		if groups <= 3 {
			if len(found) != 0 {
				t.Errorf("%d groups: %d are folded, want none", groups, len(found))
			}
			continue
		}
		if len(found) != groups || found[0][1] != "G0" || found[0][2] != "2" || !strings.Contains(found[0][3], "can change") || strings.Contains(found[1][3], "can change") {
			t.Errorf("%d groups: the page folds %q, want all groups, with number and marks", groups, found)
		}
		page.Allow().Code()
	}
}
