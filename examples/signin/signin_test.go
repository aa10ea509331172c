// Package signin_test does what docs/tutorial-sign-in.md tells the reader to do.
package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-passport/passport/examples/internal/walkthrough"
)

// The files of the steps, and what the reader has before each.
var steps = []struct{ before, file string }{
	{"../tutorial/step2/main.go", "shop1/main.go"},
	{"", "wiki2/main.go"},
	{"shop1/main.go", "shop3/main.go"},
	{"wiki2/main.go", "wiki4/main.go"},
}

// A reader who copies the blocks of a step gets the file of that step.
func TestPageShowsTheSteps_PG_12(t *testing.T) {
	page := walkthrough.Sections(t, "../../docs/tutorial-sign-in.md", len(steps))
	for i, step := range steps {
		walkthrough.Shows(t, page[i+1], step.before, step.file)
	}
}

// A customer signs in at the wiki with the account at the shop.
func TestSignIn_OI_60(t *testing.T) {
	_, wiki := run(t, "shop1", "wiki2")
	browser := walkthrough.Browser(t)
	if got := walkthrough.Arrive(t, browser, wiki); !strings.Contains(got, "Sign in with The Shop") {
		t.Errorf("without a sign-in, the wiki shows %s", got)
	}
	const want = "You are Ada (users:1)."
	if got := walkthrough.Arrive(t, browser, wiki+"/sign-in"); strings.TrimSpace(got) != want {
		t.Errorf("after the sign-in, the wiki shows %s, want %s", got, want)
	}
}

// A customer who signs out of the wiki is signed out of the shop, too.
func TestSignOut_XL08(t *testing.T) {
	shop, wiki := run(t, "shop3", "wiki4")
	browser := walkthrough.Browser(t)
	if got := walkthrough.Arrive(t, browser, wiki+"/sign-in"); !strings.HasPrefix(got, "You are Ada (users:1). To sign out") {
		t.Errorf("after the sign-in, the wiki shows %s", got)
	}
	if got := walkthrough.Arrive(t, browser, wiki+"/sign-out"); !strings.Contains(got, "Sign in with The Shop") {
		t.Errorf("after the sign-out, the browser shows %s, want the wiki's first page", got)
	}
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := browser.Get(shop + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if to := response.Header.Get("Location"); to != "/login" {
		t.Errorf("after the sign-out, the shop's orders lead to %q, want the sign-in page", to)
	}
}

// run runs the two programs of a step, and returns their addresses.
func run(t *testing.T, shopFolder, wikiFolder string) (shop, wiki string) {
	t.Helper()
	shopAddress, wikiAddress := walkthrough.FreeAddress(t), walkthrough.FreeAddress(t)
	shop, wiki = "http://"+shopAddress, "http://"+wikiAddress
	binary := walkthrough.Build(t, shopFolder, "main.address="+shopAddress, "main.wiki="+wiki)
	secret := walkthrough.Start(t, binary, t.TempDir(), shopAddress).After("The secret of the wiki is ")
	binary = walkthrough.Build(t, wikiFolder, "main.address="+wikiAddress, "main.issuer="+shop)
	walkthrough.Start(t, binary, t.TempDir(), wikiAddress, "SECRET="+secret)
	return shop, wiki
}
