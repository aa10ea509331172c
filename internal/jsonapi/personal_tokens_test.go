package jsonapi_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const personalPath = "/oauth/personal-access-tokens"

// Each answer byte by byte, as a front end that was written for Laravel Passport
// reads it: behaviour 1.8 of its contract. The token stands in one answer alone.
func TestPersonalTokensAPI_NeverRepeat_C9_AnswersByteByByte(t *testing.T) {
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		t.Run(string(format), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t, testkit.Numbers, func(c *passport.Config) { c.PersonalTokenFormat = format }).WithAccounts("1")
				b := s.Browser().SignIn("1")
				b.Ask("GET", personalPath).Want(200, `[]`)
				made := b.Ask("POST", personalPath, map[string]any{"name": " Token Name ", "scopes": []string{"write", "read"}})
				access, _ := made.JSON()["accessToken"].(string)
				if got := s.Call(s.Guard(), "Authorization", "Bearer "+access).Told(); got.User != "1" || strings.Join(got.Scopes, " ") != "write read" {
					t.Errorf("the API is told %+v, want user 1 with write and read", got)
				}
				id := s.TokenIDs(testkit.Ref("1"))[0]
				token := `{"id":"` + id + `","user_id":1,"client_id":1,"name":"Token Name","scopes":["write","read"],"revoked":false,` +
					`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z","expires_at":"2000-12-31T00:00:00.000000Z"`
				made.Body = strings.Replace(made.Body, access, "ACCESS", 1)
				made.Want(200, `{"accessToken":"ACCESS","token":`+token+`}}`)

				b.Ask("GET", personalPath).Want(200, `[`+token+`,"client":{"id":1,"user_id":null,"name":"Personal Access Client","provider":"users","redirect":"",`+
					`"personal_access_client":true,"password_client":false,"revoked":false,`+
					`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z",`+
					`"redirect_uris":[],"grant_types":["personal_access"],"confidential":true}}]`)
				b.Ask("GET", "/oauth/tokens").Want(200, `[]`)
				b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
				b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
				b.Ask("GET", personalPath).Want(200, `[]`)
				if s.Admits(access) {
					t.Error("a deleted personal token is admitted")
				}
			})
		})
	}
}

// Scopes that are not registered, and the one that stands for all, are refused;
// the defaults never apply.
func TestPersonalTokensAPI_E13_Scopes(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.DefaultScopes = []string{"admin"} })
	b := s.Browser().SignIn("alice")
	for _, scopes := range []any{nil, []string{}, "", "absent"} {
		body := map[string]any{"name": "x", "scopes": scopes}
		if scopes == "absent" {
			delete(body, "scopes")
		}
		got := b.Ask("POST", personalPath, body)
		token, _ := got.JSON()["token"].(map[string]any)
		if list, ok := token["scopes"].([]any); got.Status != 200 || !ok || len(list) != 0 {
			t.Errorf("scopes %#v: %d %s, want a token without scopes", scopes, got.Status, got.Body)
		}
	}
	for _, scopes := range []any{[]string{"*"}, []string{"read", "*"}, []string{"nonsense"}, []any{1}, []any{nil}, []any{[]string{"read"}}, []string{""}, []string{"read write"}} {
		b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": scopes}).WantInvalid("The selected scopes is invalid.", "scopes", "The selected scopes is invalid.")
	}
	for _, scopes := range []any{"read", map[string]string{"a": "read"}} {
		b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": scopes}).WantInvalid("The scopes field must be an array.", "scopes", "The scopes field must be an array.")
	}
	b.Ask("POST", personalPath, map[string]any{"scopes": "read"}).Want(422,
		`{"message":"The name field is required. (and 1 more error)","errors":{"name":["The name field is required."],"scopes":["The scopes field must be an array."]}}`)
	b.Ask("POST", personalPath, map[string]any{"name": strings.Repeat("x", 192)}).
		WantInvalid("The name field must not be greater than 191 characters.", "name", "The name field must not be greater than 191 characters.")
}

// A client of personal access tokens that is limited to some scopes.
func TestPersonalTokensAPI_E13_ClientThatIsLimited(t *testing.T) {
	s := testkit.NewServer(t)
	made, err := s.CreateClient(t.Context(), passport.Registration{Name: "Personal", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	s = s.Restart(func(c *passport.Config) {
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = made.Client.ID, made.Secret
	})
	b := s.Browser().SignIn("alice")
	if got := b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": []string{"read"}}); got.Status != 200 {
		t.Errorf("a scope that it may have: %d %s", got.Status, got.Body)
	}
	b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": []string{"admin"}}).
		WantInvalid("The selected scopes is invalid.", "scopes", "The selected scopes is invalid.")
}

// Only the log names a refused scope and the nearest one that the user could choose.
func TestPersonalTokens_FR_23_LogNamesTheNearestScope(t *testing.T) {
	whole := testkit.NewServer(t)
	made := whole.Register(passport.Registration{Name: "Personal", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
	limited := func(c *passport.Config) {
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = made.ID, made.Secret
	}
	for name, tt := range map[string]struct {
		change func(*passport.Config)
		scopes any
		says   []string
	}{
		"a spelling mistake":       {nil, []string{"read", "wirte"}, []string{"the scope wirte does not exist", `the nearest registered value is "write"`}},
		"another case":             {nil, []string{"Admin"}, []string{"the scope Admin does not exist", `the nearest registered value is "admin", with another case`}},
		"a scope beside an error":  {nil, "wirte", []string{`the nearest registered value is "write"`}},
		"all scopes":               {nil, []string{"*"}, []string{"the scope * does not exist"}},
		"not of the client":        {limited, []string{"admin"}, []string{"the scope admin is not for personal access tokens", `the nearest registered value is "read"`}},
		"unknown, limited client":  {limited, []string{"raed"}, []string{"the scope raed does not exist", `the nearest registered value is "read"`}},
		"longer than a log's line": {nil, []string{strings.Repeat("read", 10_000)}, []string{"another length (40000 bytes were sent)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := whole.In(t).Restart(func(c *passport.Config) {
				if tt.change != nil {
					tt.change(c)
				}
			})
			before := len(s.Log.String())
			told := s.Browser().SignIn("alice").Ask("POST", personalPath, map[string]any{"name": "x", "scopes": tt.scopes})
			if told.Status != 422 || strings.Contains(told.Body, "nearest") || strings.Contains(told.Body, "does not exist") {
				t.Errorf("the response is %d %s, want 422 that names no scope", told.Status, told.Body)
			}
			lines := strings.ReplaceAll(s.Log.String()[before:], `\"`, `"`)
			lines = strings.ReplaceAll(lines, `"`, `"`)
			for _, text := range tt.says {
				if !strings.Contains(lines, text) {
					t.Errorf("the log of the API doesn't say %q: %.2000s", text, lines)
				}
			}
			scopes, ok := tt.scopes.([]string)
			if !ok {
				return
			}
			_, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref("alice"), Name: "x", Scopes: scopes})
			if !errors.Is(err, oauth.InvalidScope) {
				t.Fatalf("CreatePersonalToken() = %v, want invalid_scope", err)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("CreatePersonalToken() = %.2000v, want an error that says %q", err, text)
				}
			}
			if e, ok := errors.AsType[*oauth.Error](err); !ok || strings.Contains(e.Description, "nearest") {
				t.Errorf("the text for a user is %v, want one that names no other scope", e)
			}
		})
	}
}

// The user may choose when it ends, but not later than the server allows.
func TestPersonalTokensAPI_ExpiresAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenTTL = 30 * 24 * time.Hour })
		b := s.Browser().SignIn("alice")
		for at, want := range map[any]string{
			"2000-01-10":                    "2000-01-10T00:00:00.000000Z",
			"2000-01-10T12:00:00Z":          "2000-01-10T12:00:00.000000Z",
			"2000-01-10T12:00:00.123+02:00": "2000-01-10T10:00:00.123000Z",
			"2000-01-31T00:00:00Z":          "2000-01-31T00:00:00.000000Z",
			nil:                             "2000-01-31T00:00:00.000000Z",
			" ":                             "2000-01-31T00:00:00.000000Z",
		} {
			got := b.Ask("POST", personalPath, map[string]any{"name": "x", "expires_at": at})
			if token, _ := got.JSON()["token"].(map[string]any); got.Status != 200 || token["expires_at"] != want {
				t.Errorf("expires_at %#v: %d %s, want %s", at, got.Status, got.Body, want)
			}
		}
		const late, past, noDate = "The expires at field must not be a date after 2000-01-31T00:00:00Z.", "The expires at field must be a date after now.",
			"The expires at field must be a valid date, such as 2026-12-31 or 2026-12-31T23:59:59Z."
		for at, want := range map[any]string{
			"2000-02-01": late, "2000-01-31T00:00:00.000001Z": late, "9999-12-31": late,
			"2000-01-01": past, "1999-12-31T23:59:59Z": past,
			"tomorrow": noDate, "2000-13-01": noDate, "2000-01-10T12:00": noDate, 7: noDate, true: noDate,
		} {
			b.Ask("POST", personalPath, map[string]any{"name": "x", "expires_at": at}).WantInvalid(want, "expires_at", want)
		}
		b.Ask("POST", personalPath, map[string]any{"name": "x", "expires_at": []string{"2000-01-10"}}).WantInvalid(noDate, "expires_at", noDate)

		// An expired one is listed until it is purged, so that its user sees why the
		// script has stopped.
		for _, id := range b.Ask("GET", personalPath).IDsIn()[1:] {
			b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
		}
		time.Sleep(40 * 24 * time.Hour)
		if got := b.Ask("GET", personalPath).List(); len(got) != 1 {
			t.Errorf("the list has %d tokens, want the expired one", len(got))
		}
	})
}

// A user sees and removes his own alone, of his own provider.
func TestPersonalTokensAPI_NeverRepeat_E11_E12_ProvidersAreApart(t *testing.T) {
	s, staff := testkit.WithStaff(t, "1", "2")
	browsers := []*testkit.Browser{s.Browser().SignIn("1"), staff.Browser().SignIn("1"), s.Browser().SignIn("2")}
	var ids []string
	for i, b := range browsers {
		made := b.Ask("POST", personalPath, map[string]any{"name": "x"}).JSON()
		token, _ := made["token"].(map[string]any)
		ids = append(ids, testkit.AsText(token["id"]))
		if got := s.Call(s.Guard(), "Authorization", "Bearer "+testkit.AsText(made["accessToken"])); (got.Status == 200) != (i != 1) {
			t.Errorf("the default provider's guard answers %s to the token of browser %d", got, i)
		}
	}
	for i, b := range browsers {
		if got := b.Ask("GET", personalPath).IDsIn(); !slices.Equal(got, ids[i:i+1]) {
			t.Errorf("browser %d sees %q, want %q", i, got, ids[i])
		}
		for j, id := range ids {
			if i != j {
				b.Ask("DELETE", personalPath+"/"+id).Want(404, "")
			}
		}
	}
	if left := append(s.TokenIDs(testkit.Ref("1")), s.TokenIDs(testkit.Ref("2"))...); len(left) != 2 {
		t.Errorf("left are %q", left)
	}
	for i, b := range browsers {
		b.Ask("DELETE", personalPath+"/"+ids[i]).Want(204, "")
	}
}

// A personal token can be removed by the other path too, as in Passport, and an
// app's by this one.
func TestPersonalTokensAPI_D4_EitherPathRevokes(t *testing.T) {
	var w testkit.WatchedStore
	s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
	b := s.Browser().SignIn("alice")
	made := s.Personal("read")
	b.Ask("DELETE", "/oauth/tokens/"+made.Token.ID).Want(204, "")
	if n := w.Count("Consented"); n != 0 {
		t.Errorf("removing a personal token asks %d times for consents, which it has none of", n)
	}
	tokens := s.GrantTokens(s.Web())
	if got := b.Ask("GET", personalPath).List(); len(got) != 0 {
		t.Errorf("the list of personal tokens is %v, want none of an app's", got)
	}
	b.Ask("DELETE", personalPath+"/"+b.Ask("GET", "/oauth/tokens").IDsIn()[0]).Want(204, "")
	if s.Admits(made.AccessToken) || s.Admits(tokens.Access) {
		t.Error("a deleted token is admitted")
	}
}

// Somebody who has gone since the browser was asked gets no token.
func TestPersonalTokensAPI_AccountThatHasGone(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	s.Users.With(func() {
		s.Users.Current = func(u *passport.User) (*passport.User, error) { delete(s.Users.ByID, u.ID); return u, nil }
	})
	b.Ask("POST", personalPath, map[string]any{"name": "x"}).Want(401, `{"message":"Unauthenticated."}`)
}

// A client of personal access tokens that has been suspended is the operator's
// fault, and he is told what to do.
func TestPersonalTokensAPI_ClientThatIsSuspended(t *testing.T) {
	s := testkit.NewServer(t)
	made := s.Personal()
	testkit.Check(t, s.SuspendClient(t.Context(), made.Token.Client.ID))
	s.Browser().SignIn("alice").Ask("POST", personalPath, map[string]any{"name": "x"}).Want(500, `{"message":"Server Error"}`)
	if !strings.Contains(s.Log.String(), "is revoked or suspended: set another PersonalAccessClientID") {
		t.Error("the log does not say what is wrong")
	}
	testkit.Check(t, s.RevokeClient(t.Context(), made.Token.Client.ID)) // and with it its tokens
	s.Browser().SignIn("alice").Ask("GET", personalPath).Want(200, `[]`)
}

// The audit log says who made it, and nothing that works.
func TestPersonalTokensAPI_AuditLogNamesTheUser(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit)
	b := s.Browser().SignIn("alice")
	access := testkit.AsText(b.Ask("POST", personalPath, map[string]any{"name": "x"}).JSON()["accessToken"])
	log, _ := oauth.StoreAs[oauth.AuditStore](s.Store)
	found := false
	for record, err := range log.AuditLog(t.Context(), time.Time{}) {
		testkit.Check(t, err)
		found = found || record.Actor == "users:alice" && record.Action == "token.issued" && record.RequestID != ""
		if strings.Contains(testkit.AsText(*record), access) {
			t.Errorf("the token stands in the audit log: %+v", record)
		}
	}
	if !found || strings.Contains(s.Log.String(), access) {
		t.Errorf("alice's new token is in the audit log: %v; or the token is in the log", found)
	}
}

// Everything of the user is revoked while the request is asked whose it is: the
// session that it came with is worth nothing by then, and no token outlives it.
func TestPersonalTokensAPI_NeverRepeat_D10_RevokedWhileItIsAskedWhoIsSignedIn(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) {
		time.Sleep(time.Millisecond)
		defer time.Sleep(time.Millisecond)
		return u, s.RevokeUser(t.Context(), testkit.Ref(u.ID))
	}
	made := b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).JSON()
	token, _ := made["accessToken"].(string)
	if token == "" {
		t.Fatalf("no token was made: %v", made)
	}
	s.WantAdmits(token, false, "asked for before everything of alice was revoked")
	s.Users.Current = nil
	s.WantAdmits(b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).JSON()["accessToken"].(string), true, "asked for afterwards")
}
