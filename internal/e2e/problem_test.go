package e2e_test

import "testing"

// A browser at an address without a page sees a page with a way out.
func TestE2E_PG_08_PageNotFound(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/nothing/here")
	b.see("Page not found", "Go to the home page")
	b.wellMade("the page of a 404")
	b.press("Go to the home page")
	b.see("Sign in")
}
