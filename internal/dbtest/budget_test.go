package dbtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// The store's part of the statement budget for requests. A lower number fails too: then
// lower the number here.
func TestStore_StatementBudget(t *testing.T) {
	budget := map[string]dbtest.Counts{
		"Client":                     {Statements: 1},
		"Clients":                    {Statements: 1},
		"ClientsOf":                  {Statements: 1},
		"UnrevokedClientsOf":         {Statements: 1},
		"Code":                       {Statements: 1},
		"ClientWithCode":             {Statements: 1},
		"ClientWithRefreshToken":     {Statements: 1},
		"Consented":                  {Statements: 1},
		"ConsentsOf":                 {Statements: 1},
		"Issue from a code":          {Statements: 3, Transactions: 1},
		"RefreshToken":               {Statements: 1},
		"Issue from a refresh token": {Statements: 3, Transactions: 1},
		"Issue to a client":          {Statements: 1},
		"Issue of an opaque token":   {Statements: 2, Transactions: 1},
		"Issue that begins a family": {Statements: 3 + 2, Transactions: 1}, // two scopes to remember
		"OpaqueToken":                {Statements: 1},
		"AccessToken":                {Statements: 1},
		"TokensOfClient":             {Statements: 2}, // the client and a page
		"TokensOf":                   {Statements: 2}, // families, and their tokens
		"Connections":                {Statements: 1},
		"PersonalTokens":             {Statements: 1},
		"SaveUses":                   {Statements: 1 + 2, Transactions: 1}, // which families exist, and an upsert for each of two rows; 1 for 10 or 100
		"Begin after a page":         {Statements: 3 + 2, Transactions: 1}, // two new scopes
		"Begin without a page":       {Statements: 2, Transactions: 1},
		"Begin with declined scopes": {Statements: 3 + 1 + 2*2, Transactions: 1}, // each replaces older rows
		"UseOnce":                    {Statements: 1},
		"CreateClient":               {Statements: 2, Transactions: 1}, // one secret
		"CreateClientWithin":         {Statements: 2, Transactions: 1}, // one secret
		"Issue of a personal token within a limit": {Statements: 2, Transactions: 1},
		"CreateClient with a key":                  {Statements: 2, Transactions: 1}, // one secret
		"ClientByKey":                              {Statements: 1},
		"CreateClient that is numbered":            {Statements: 2 + 2, Transactions: 1}, // counts up and reads the number
		"UpdateClient":                             {Statements: 1 + 1, Transactions: 1}, // reads what is compared
		"RotateSecret":                             {Statements: 3, Transactions: 1},     // lock, add, end the others
		"CreateDeviceCode":                         {Statements: 1},
		"CreateDeviceCode of another":              {Statements: 1},
		"DeviceCode":                               {Statements: 1},
		"DeviceCodeOfUser":                         {Statements: 1},
		"PollDeviceCode in time":                   {Statements: 1},
		"PollDeviceCode that is early":             {Statements: 2},
		"ApproveDeviceCode":                        {Statements: 3, Transactions: 1},
		"DenyDeviceCode":                           {Statements: 1, Transactions: 1},
		"Issue from a device code":                 {Statements: 3, Transactions: 1},
		"DevicesOf":                                {Statements: 1},
		"LastImport":                               {Statements: 1},
		"BeginImport":                              {Statements: 2, Transactions: 1},
		"Import":                                   {Statements: 1 + 6 + 1, Transactions: 1}, // the client of a consent, an upsert for each kind, and the owners
		"ImportedRefreshToken":                     {Statements: 1},
		"BeginImported":                            {Statements: 4, Transactions: 1}, // marks and reads the row, adds family and token
		"Issue that replaces an imported token":    {Statements: 4, Transactions: 1}, // also ends the old access token
		"ReplaceSecret":                            {Statements: 1},
		"SetImportNote":                            {Statements: 1},
		"ImportNote":                               {Statements: 1},
		"ImportedClient":                           {Statements: 1},
		"RevokeToken of a client":                  {Statements: 2, Transactions: 1},
		"RevokeToken of a user":                    {Statements: 1, Transactions: 1},
		"Disconnect":                               {Statements: 3 + 3, Transactions: 1},     // three keep removals apart
		"Disconnect of the last one":               {Statements: 6 + 3 + 2, Transactions: 1}, // looks twice for consents; ends client sessions
		"EndSession":                               {Statements: 4 + 2, Transactions: 1},     // notices, and client sessions
		"EndSession that tells a client":           {Statements: 4 + 4, Transactions: 1},     // it revokes the families twice: see endSessions
		"Begin in a session":                       {Statements: 2 + 1, Transactions: 1},     // the client session
		"SID":                                      {Statements: 1},
		"LeaseLogouts of none":                     {Statements: 1},
		"LeaseLogouts":                             {Statements: 3}, // find, lease, read
		"LeaseLogouts again":                       {Statements: 3},
		"SettleLogout":                             {Statements: 2, Transactions: 1}, // the notice, and the result for the client
		"SettleLogout to try again":                {Statements: 2, Transactions: 1},
		"LogoutStatus":                             {Statements: 1},
		"TellsClients":                             {Statements: 1},
		"LimitFamilies":                            {Statements: 1},
		"AboveFamilyLimit":                         {Statements: 2}, // clients, and the users at them
		"RevokeFamily":                             {Statements: 1, Transactions: 1},
		"RevokeFamilies":                           {Statements: 2 + 2, Transactions: 1}, // ends client sessions
		"Withdraw":                                 {Statements: 3 + 2, Transactions: 1}, // ends client sessions
		"RevokeTokensOfClient":                     {Statements: 3, Transactions: 1},
		"RevokeClient":                             {Statements: 1, Transactions: 1},
		"AuditLog":                                 {Statements: 1},
	}
	for _, audit := range []*oauth.AuditRecord{nil, {Time: now, Action: "test"}} {
		name := map[bool]string{true: "without a log", false: "with a log"}[audit == nil]
		t.Run(name, func(t *testing.T) {
			everyStore(t, func(t *testing.T, d sqldb.Dialect) {
				db, counter := dbtest.Count(t, dbtest.URL(t, d))
				s := migrated(t, db, d)
				c, f := populated(t, s)
				for _, verb := range verbs(t, s, c, f, audit) {
					counter.Take()
					must(t, verb.call())
					got, want := counter.Take(), budget[verb.name]
					atOnce := strings.HasPrefix(verb.name, "Issue from") || verb.name == "Issue of an opaque token" || strings.HasPrefix(verb.name, "Issue of a personal token")
					if atOnce && d.Name == sqldb.Postgres.Name {
						want = dbtest.Counts{Statements: 1} // a single statement
						if audit != nil {
							want = dbtest.Counts{Statements: 2, Transactions: 1}
						}
					} else if audit != nil && verb.name == "LimitFamilies" {
						want.Transactions = 1 // it ends no family, so it writes no record
					} else if audit != nil && !slices.Contains([]string{"SaveUses", "BeginImport", "Import", "BeginImported"}, verb.name) && !strings.HasPrefix(verb.name, "SettleLogout") && (want.Transactions > 0 || verb.name == "Issue to a client") {
						want.Statements, want.Transactions = want.Statements+1, 1
					}
					if verb.name != "Purge" && (got.Statements != want.Statements || got.Transactions != want.Transactions) {
						t.Errorf("%s: %d statements in %d transactions, want %d in %d: %q",
							verb.name, got.Statements, got.Transactions, want.Statements, want.Transactions, got.Texts)
					}
				}
			})
		})
	}
}

// A long list takes one statement per page.
func TestStore_ListsReadPages(t *testing.T) {
	db, counter := dbtest.Count(t, dbtest.URL(t, sqlstore.SQLite))
	s := migrated(t, db, sqlstore.SQLite)
	c, f := populated(t, s)
	for n := range 1050 {
		must(t, s.Issue(t.Context(), newIssuance(c, f, string(rune('a'+n)), oauth.Spend{})))
	}
	counter.Take()
	must(t, all(s.TokensOf(t.Context(), alice)))
	if got := counter.Take(); got.Statements != 2+11 {
		t.Errorf("TokensOf() of 1050 tokens in a family = %d statements, want 2 and 11 pages", got.Statements)
	}
}
