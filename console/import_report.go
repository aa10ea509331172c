package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/laravelimport"
)

// importReport is what an import did, or would do, and what it says about this server.
type importReport struct {
	*laravelimport.Report
	settings  *settings
	publicKey string                      // the file with Laravel's key; empty if it is not known
	again     func(more ...string) string // this command line with other options
}

func (r importReport) show(out *screen) {
	title := "Imported from Laravel Passport " + r.Version
	if r.DryRun {
		title = "Dry run: nothing was written. An import from Laravel Passport " + r.Version + " would bring"
	}
	out.Printf("%s\n", bold(title))
	if taken := optionsOf(r.Taken); taken != "" {
		out.Printf("As in the last import: %s\n", taken)
	}
	out.details([]detail{
		about("Clients", grouped(r.Imported.Clients)),
		about("Access tokens of users", grouped(r.Imported.AccessTokens-r.OfClients-r.Refreshable)),
		about("Access tokens of clients", grouped(r.OfClients)),
		about("Personal access tokens", grouped(r.Imported.PersonalTokens)),
		about("Refresh tokens", grouped(r.Imported.RefreshTokens)+orphaned(r.Unowned)),
		about("Ended access tokens", countedIf(r.Refreshable, "kept for a live refresh token")),
		about("Authorization codes", grouped(r.Imported.Codes)),
		about("Tokens with a consent", grouped(r.Imported.Consents)),
		about("Kept to detect a replay", countIf(r.KeptForReplay)),
		about("Accounts", countIf(r.Imported.Accounts)),
		about("Accounts with a second factor", countedIf(r.AccountsWithSecondFactor, "which this server does not ask for")),
		about("Accounts disabled", countedIf(r.AccountsDisabled, "because Laravel has deleted the user")),
		about("Ended since the last import", countIf(r.Ended)),
	})
	r.showLeftOut(out)
	r.showCheck(out)
	r.showSettings(out)
	r.showScopes(out)
	r.showProviders(out)
	r.showAccounts(out)
	r.showPasswordGrant(out)
	warnCompat(out, r.settings, r.publicKey)
	switch {
	case r.DryRun:
		writeNext(out, "\nNext: import.\n  "+r.again()+"\n")
	case r.Switched:
		writeNext(out, "\nNext: route /oauth to this server, and start it. Laravel must not issue tokens any more.\n")
	default:
		writeNext(out, "\nNext: repeat the import at any time. The last one, with Laravel's /oauth stopped, is:\n  "+r.again("--switch")+"\n")
	}
}

// optionsOf returns the options that are not the default, as a command line has them.
func optionsOf(o laravelimport.Options) string {
	var all []string
	for name, value := range o.All() {
		all = append(all, "--"+name+" "+shellWord(value))
	}
	return strings.Join(all, ", ")
}

func orphaned(unowned int) string {
	if unowned == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of them without an access token", grouped(unowned))
}

func countIf(n int) string {
	if n == 0 {
		return ""
	}
	return grouped(n)
}

// countedIf is countIf with a reason.
func countedIf(n int, why string) string {
	if n == 0 {
		return ""
	}
	return grouped(n) + ", " + why
}

func (r importReport) showLeftOut(out *screen) {
	if len(r.LeftOut) > 0 {
		out.Printf("\n%s\n", bold("Left out"))
		var all []detail
		for _, l := range r.LeftOut {
			all = append(all, about(grouped(l.Count), l.What+": "+l.Why))
		}
		out.details(all)
	}
	if len(r.Notes) > 0 {
		out.Printf("\n%s\n", bold("Look at these"))
		for _, note := range r.Notes {
			out.Printf("  %s\n", note)
		}
		if r.MoreNotes > 0 {
			out.Printf("  and %s more\n", grouped(r.MoreNotes))
		}
	}
}

// showCheck shows whether the key is right, and the newest token beside the current time. If
// the zone is wrong, they differ by hours.
func (r importReport) showCheck(out *screen) {
	out.Printf("\n%s\n", bold("Check"))
	newest := "none"
	if !r.NewestCreatedAt.IsZero() {
		newest = r.NewestCreatedAt.UTC().Format(time.RFC3339)
	}
	key := detail{"Application key", []string{"NOT CHECKED: nothing in the database is encrypted with it"}, yellowStyle}
	if r.CheckedBy != "" {
		key = about("Application key", "right: it opens "+r.CheckedBy)
	}
	out.details([]detail{about("Newest token issued", newest), about("Time of the import", r.At.UTC().Format(time.RFC3339)), key})
	if r.CheckedBy == "" && !r.Switched { // after the switch, there is no import that could check it
		out.Printf("%s\n  %s\n", yellow("With a wrong key, each refresh token of Laravel is refused after the switch. Put a refresh token, or the cookie\n"+
			"XSRF-TOKEN that Laravel has set in your browser, into a file, and check the key:"), r.again("--dry-run", "--verify FILE"))
	}
	const skew = time.Minute
	if r.NewestCreatedAt.After(r.At.Add(skew)) {
		out.Printf("%s\n", yellow("The newest token is from the future: is --timezone right?"))
	}
}

func (r importReport) showSettings(out *screen) {
	var lines []string
	if r.Settings.NumericUserIDs && !r.settings.NumericUserIDs {
		lines = append(lines, `numeric_user_ids = true`)
	}
	if r.Settings.NumericClientIDs && r.settings.ClientIDs != passport.Integers {
		line := `client_ids = "integer"`
		if !r.Switched {
			line += " # after the switch: until then, Laravel gives the next numbers"
		}
		lines = append(lines, line)
	}
	if id := r.Settings.PersonalAccessClientID; id != r.settings.PersonalAccessClientID {
		from := "# the secret of that client in Laravel"
		switch {
		case r.Settings.PersonalSecretHashed && r.Version == laravelimport.Version13:
			from = "# a new one: passport client rotate-secret " + id
		case r.Settings.PersonalSecretHashed:
			from = "# PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET in .env of Laravel"
		}
		lines = append(lines, fmt.Sprintf("personal_access_client_id = %q", id), `personal_access_client_secret = "…" `+from)
	}
	for _, one := range []struct {
		name   string
		values []string
	}{{"allowed_redirect_schemes", r.Settings.AllowedRedirectSchemes}, {"allowed_redirect_uris", r.Settings.AllowedRedirectURIs}} {
		if len(one.values) > 0 {
			lines = append(lines, fmt.Sprintf("%s = [%s]", one.name, quotedList(one.values)))
		}
	}
	if len(lines) > 0 {
		out.Printf("\n%s\n  %s\n", bold("Settings that keep the IDs and redirect URIs as clients know them"), strings.Join(lines, "\n  "))
	}
}

// quotedList returns texts as the elements of a list in passport.toml.
func quotedList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, ", ")
}

// showScopes names the scopes of tokens that the server doesn't define.
func (r importReport) showScopes(out *screen) {
	var missing []string
	for _, name := range r.Settings.Scopes {
		if !slices.ContainsFunc(r.settings.Scopes, func(s passport.Scope) bool { return s.ID == name }) {
			missing = append(missing, name)
		}
	}
	more := ""
	if r.Settings.MoreScopes {
		more = " and more, which the report has no room for"
	}
	if len(missing) > 0 {
		out.Printf("\n%s\n  %s\n%s\n", bold("Scopes of tokens that are not in the settings"), quotedList(missing)+more,
			yellow("A token loses them at its first refresh: define them as [[scopes]] in passport.toml, or in Config.Scopes."))
	}
}

// showProviders names the user providers of clients that the server doesn't have.
func (r importReport) showProviders(out *screen) {
	var unknown []detail
	for _, p := range r.Providers {
		if _, known := r.settings.Providers[p.Name]; !known {
			unknown = append(unknown, about(p.Name, plural(p.Clients, "client", "clients")+", "+plural(p.AccessTokens, "access token of users", "access tokens of users")))
		}
	}
	if len(unknown) > 0 {
		out.Printf("\n%s\n", bold("Clients of providers that this server doesn't have"))
		out.details(unknown)
		out.Printf("%s\n", yellow("The users' tokens of these clients are refused. passport serve has only its own accounts; in a Go application,\n"+
			"add the providers to Config.Providers."))
	}
}

// showAccounts warns if an import brings the tokens of users without their accounts.
func (r importReport) showAccounts(out *screen) {
	if r.Options.UsersTable != "" || r.Imported.AccessTokens+r.Imported.PersonalTokens == r.OfClients {
		return
	}
	out.Printf("\n%s\n", yellow("passport serve refuses the tokens of a user who has no account here."))
	if !r.Switched { // the switch is the last import
		out.Printf("%s\n  %s\n", yellow("Import the accounts, too:"), r.again("--users-table users"))
	}
	out.Printf("%s\n", yellow("A Go application finds its users with Config.Users instead."))
}

// showPasswordGrant warns if clients have the password grant, and the server does not.
func (r importReport) showPasswordGrant(out *screen) {
	if n := r.Settings.PasswordClients; n > 0 && !r.settings.EnablePasswordGrant {
		out.Printf("\n%s\n  enable_password_grant = true\n", yellow("Password grant: "+plural(n, "client has", "clients have")+" it, and this server refuses it. To admit it, set:"))
	}
}
