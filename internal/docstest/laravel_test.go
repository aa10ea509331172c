package docstest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// headings are those of the documentation that this project implements.
var headings = []string{
	"Introduction",
	"Passport or Sanctum?",
	"Installation",
	"Deploying Passport",
	"Loading Keys From the Environment",
	"Upgrading Passport",
	"Configuration",
	"Client Secret Hashing",
	"Token Lifetimes",
	"Overriding Default Models",
	"Overriding Routes",
	"Issuing Access Tokens",
	"Managing Clients",
	"The `passport:client` Command",
	"Managing Clients: JSON API",
	"`GET /oauth/clients`",
	"`POST /oauth/clients`",
	"`PUT /oauth/clients/{client-id}`",
	"`DELETE /oauth/clients/{client-id}`",
	"Requesting Tokens",
	"Redirecting for Authorization",
	"Approving the Request",
	"Converting Authorization Codes to Access Tokens",
	"Requesting Tokens: JSON API",
	"`GET /oauth/tokens`",
	"`DELETE /oauth/tokens/{token-id}`",
	"Refreshing Tokens",
	"Revoking Tokens",
	"Purging Tokens",
	"Authorization Code Grant With PKCE",
	"PKCE: Creating the Client",
	"PKCE: Requesting Tokens",
	"Code Verifier and Code Challenge",
	"PKCE: Redirecting for Authorization",
	"PKCE: Converting Authorization Codes to Access Tokens",
	"Password Grant Tokens",
	"Creating a Password Grant Client",
	"Password Grant: Requesting Tokens",
	"Requesting All Scopes",
	"Customizing the User Provider",
	"Customizing the Username Field",
	"Customizing the Password Validation",
	"Implicit Grant Tokens",
	"Client Credentials Grant Tokens",
	"Retrieving Tokens",
	"Personal Access Tokens",
	"Creating a Personal Access Client",
	"Managing Personal Access Tokens",
	"Personal Access Tokens: JSON API",
	"`GET /oauth/scopes`",
	"`GET /oauth/personal-access-tokens`",
	"`POST /oauth/personal-access-tokens`",
	"`DELETE /oauth/personal-access-tokens/{token-id}`",
	"Protecting Routes",
	"Via Middleware",
	"Multiple Authentication Guards",
	"Passing the Access Token",
	"Token Scopes",
	"Defining Scopes",
	"Default Scope",
	"Assigning Scopes to Tokens",
	"When Requesting Authorization Codes",
	"When Issuing Personal Access Tokens",
	"Checking Scopes",
	"Check For All Scopes",
	"Check for Any Scopes",
	"Checking Scopes on a Token Instance",
	"Additional Scope Methods",
	"Consuming Your API With JavaScript",
	"Customizing the Cookie Name",
	"CSRF Protection",
	"Events",
	"Testing",
}

var headingRow = regexp.MustCompile(`(?m)^\| (.+) \| \[([^\]]+)\]\(([^)]+)\) \|$`)

// docs/laravel.md links each heading of the Laravel page. [TestLinksLeadSomewhere]
// checks the links.
func TestLaravelHeadingsAreHere(t *testing.T) {
	text := read(t, top+"/docs/laravel.md")
	_, table, found := strings.Cut(text, "## Heading by heading\n")
	if !found {
		t.Fatal("docs/laravel.md has no table of the headings")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	here := map[string]string{}
	for _, row := range headingRow.FindAllStringSubmatch(table, -1) {
		here[row[1]] = row[3]
	}
	for _, heading := range headings {
		target, ok := here[heading]
		if !ok {
			t.Errorf("docs/laravel.md does not say where %q is", heading)
			continue
		}
		name, _, _ := strings.Cut(target, "#")
		if _, err := os.Stat(filepath.Join(top, "docs", name)); err != nil {
			t.Errorf("%q is said to be in %s: %v", heading, target, err)
		}
	}
	if len(headings) < 70 {
		t.Errorf("only %d headings are looked for", len(headings))
	}
}
