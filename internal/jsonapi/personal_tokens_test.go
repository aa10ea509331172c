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

// Each response, byte by byte, as a front end for Laravel Passport expects it: behavior
// 1.8 of the contract. Only one response has the token.
func TestPersonalTokensAPI_NeverRepeat_C9_ResponsesByteByByte(t *testing.T) {
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		t.Run(string(format), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t, testkit.Numbers, func(c *passport.Config) { c.PersonalTokenFormat = format }).WithAccounts("1")
				b := s.Browser().SignIn("1")
				b.Ask("GET", personalPath).Want(200, `[]`)
				created := b.Ask("POST", personalPath, map[string]any{"name": " Token Name ", "scopes": []string{"write", "read"}})
				access, _ := created.JSON()["accessToken"].(string)
				if got := s.Call(s.Guard(), "Authorization", "Bearer "+access).Told(); got.User != "1" || strings.Join(got.Scopes, " ") != "write read" {
					t.Errorf("the guard returned %+v, want user 1 with write and read", got)
				}
				id := s.TokenIDs(testkit.Ref("1"))[0]
				token := `{"id":"` + id + `","user_id":1,"client_id":1,"name":"Token Name","scopes":["write","read"],"revoked":false,` +
					`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z","expires_at":"2000-12-31T00:00:00.000000Z"`
				created.Body = strings.Replace(created.Body, access, "ACCESS", 1)
				created.Want(200, `{"accessToken":"ACCESS","token":`+token+`}}`)

				b.Ask("GET", personalPath).Want(200, `[`+token+`,"client":{"id":1,"user_id":null,"name":"Personal Access Client","provider":"users","redirect":"",`+
					`"personal_access_client":true,"password_client":false,"revoked":false,`+
					`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z",`+
					`"redirect_uris":[],"grant_types":["personal_access"],"confidential":true}}]`)
				b.Ask("GET", "/oauth/tokens").Want(200, `[]`)
				b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
				b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
				b.Ask("GET", personalPath).Want(200, `[]`)
				if s.Admits(access) {
					t.Error("the guard admits a deleted personal token")
				}
			})
		})
	}
}

// Unregistered scopes and * are refused. Default scopes do not apply.
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

// The client for personal access tokens is limited to some scopes.
func TestPersonalTokensAPI_E13_LimitedClient(t *testing.T) {
	s := testkit.NewServer(t)
	created, err := s.CreateClient(t.Context(), passport.Registration{Name: "Personal", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	s = s.Restart(func(c *passport.Config) {
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = created.Client.ID, created.Secret
	})
	b := s.Browser().SignIn("alice")
	if got := b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": []string{"read"}}); got.Status != 200 {
		t.Errorf("POST with an allowed scope = %d %s", got.Status, got.Body)
	}
	b.Ask("POST", personalPath, map[string]any{"name": "x", "scopes": []string{"admin"}}).
		WantInvalid("The selected scopes is invalid.", "scopes", "The selected scopes is invalid.")
}

// Only the log names a refused scope and the nearest allowed scope.
func TestPersonalTokens_FR_23_LogNamesTheNearestScope(t *testing.T) {
	whole := testkit.NewServer(t)
	created := whole.Register(passport.Registration{Name: "Personal", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
	limited := func(c *passport.Config) {
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = created.ID, created.Secret
	}
	for name, tt := range map[string]struct {
		change func(*passport.Config)
		scopes any
		says   []string
	}{
		"a spelling mistake":      {nil, []string{"read", "wirte"}, []string{"the scope wirte does not exist", `the nearest registered value is "write"`}},
		"another case":            {nil, []string{"Admin"}, []string{"the scope Admin does not exist", `the nearest registered value is "admin", which differs in the case`}},
		"a string, not a list":    {nil, "wirte", []string{`the nearest registered value is "write"`}},
		"all scopes":              {nil, []string{"*"}, []string{"the scope * does not exist"}},
		"not of the client":       {limited, []string{"admin"}, []string{"the scope admin is not for personal access tokens", `the nearest registered value is "read"`}},
		"unknown, limited client": {limited, []string{"raed"}, []string{"the scope raed does not exist", `the nearest registered value is "read"`}},
		"longer than a log line":  {nil, []string{strings.Repeat("read", 10_000)}, []string{"the length (40000 bytes were sent)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := whole.In(t).Restart(func(c *passport.Config) {
				if tt.change != nil {
					tt.change(c)
				}
			})
			before := len(s.Log.String())
			refused := s.Browser().SignIn("alice").Ask("POST", personalPath, map[string]any{"name": "x", "scopes": tt.scopes})
			if refused.Status != 422 || strings.Contains(refused.Body, "nearest") || strings.Contains(refused.Body, "does not exist") {
				t.Errorf("the response is %d %s, want 422 without a scope", refused.Status, refused.Body)
			}
			lines := strings.ReplaceAll(s.Log.String()[before:], `\"`, `"`)
			lines = strings.ReplaceAll(lines, `"`, `"`)
			for _, text := range tt.says {
				if !strings.Contains(lines, text) {
					t.Errorf("the log does not contain %q: %.2000s", text, lines)
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
					t.Errorf("CreatePersonalToken() = %.2000v, want an error that contains %q", err, text)
				}
			}
			if e, ok := errors.AsType[*oauth.Error](err); !ok || strings.Contains(e.Description, "nearest") {
				t.Errorf("the text for the user is %v, want no other scope in it", e)
			}
		})
	}
}

// The user may choose the expiry, up to the server's limit.
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

		// An expired token is listed until it is purged, so that the user can see why
		// a script stopped working.
		for _, id := range b.Ask("GET", personalPath).IDsIn()[1:] {
			b.Ask("DELETE", personalPath+"/"+id).Want(204, "")
		}
		time.Sleep(40 * 24 * time.Hour)
		if got := b.Ask("GET", personalPath).List(); len(got) != 1 {
			t.Errorf("the list has %d tokens, want 1, the expired token", len(got))
		}
	})
}

// A user sees and removes only their own tokens, at their own provider.
func TestPersonalTokensAPI_NeverRepeat_E11_E12_ProvidersAreApart(t *testing.T) {
	s, staff := testkit.WithStaff(t, "1", "2")
	browsers := []*testkit.Browser{s.Browser().SignIn("1"), staff.Browser().SignIn("1"), s.Browser().SignIn("2")}
	var ids []string
	for i, b := range browsers {
		created := b.Ask("POST", personalPath, map[string]any{"name": "x"}).JSON()
		token, _ := created["token"].(map[string]any)
		ids = append(ids, testkit.AsText(token["id"]))
		if got := s.Call(s.Guard(), "Authorization", "Bearer "+testkit.AsText(created["accessToken"])); (got.Status == 200) != (i != 1) {
			t.Errorf("the default provider's guard responds %s to the token of browser %d", got, i)
		}
	}
	for i, b := range browsers {
		if got := b.Ask("GET", personalPath).IDsIn(); !slices.Equal(got, ids[i:i+1]) {
			t.Errorf("list of browser %d = %q, want %q", i, got, ids[i])
		}
		for j, id := range ids {
			if i != j {
				b.Ask("DELETE", personalPath+"/"+id).Want(404, "")
			}
		}
	}
	if left := append(s.TokenIDs(testkit.Ref("1")), s.TokenIDs(testkit.Ref("2"))...); len(left) != 2 {
		t.Errorf("tokens after refused deletions = %q, want 2", left)
	}
	for i, b := range browsers {
		b.Ask("DELETE", personalPath+"/"+ids[i]).Want(204, "")
	}
}

// As in Laravel Passport, each of the two paths can remove personal tokens and the tokens
// of apps.
func TestPersonalTokensAPI_D4_EitherPathRevokes(t *testing.T) {
	var w testkit.WatchedStore
	s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
	b := s.Browser().SignIn("alice")
	created := s.Personal("read")
	b.Ask("DELETE", "/oauth/tokens/"+created.Token.ID).Want(204, "")
	if n := w.Count("Consented"); n != 0 {
		t.Errorf("removing a personal token called Consented %d times, want none", n)
	}
	tokens := s.GrantTokens(s.Web())
	if got := b.Ask("GET", personalPath).List(); len(got) != 0 {
		t.Errorf("the list of personal tokens is %v, want no token of an app", got)
	}
	b.Ask("DELETE", personalPath+"/"+b.Ask("GET", "/oauth/tokens").IDsIn()[0]).Want(204, "")
	if s.Admits(created.AccessToken) || s.Admits(tokens.Access) {
		t.Error("the guard admits a deleted token")
	}
}

// An account that was deleted after the session check gets no token.
func TestPersonalTokensAPI_DeletedAccount(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	s.Users.With(func() {
		s.Users.Current = func(u *passport.User) (*passport.User, error) { delete(s.Users.ByID, u.ID); return u, nil }
	})
	b.Ask("POST", personalPath, map[string]any{"name": "x"}).Want(401, `{"message":"Unauthenticated."}`)
}

// If the client for personal access tokens is suspended, the log tells the operator what
// to do.
func TestPersonalTokensAPI_SuspendedClient(t *testing.T) {
	s := testkit.NewServer(t)
	created := s.Personal()
	testkit.Check(t, s.SuspendClient(t.Context(), created.Token.Client.ID))
	s.Browser().SignIn("alice").Ask("POST", personalPath, map[string]any{"name": "x"}).Want(500, `{"message":"Server Error"}`)
	if !strings.Contains(s.Log.String(), "is revoked or suspended: set another PersonalAccessClientID") {
		t.Error("the log does not name the suspended client")
	}
	testkit.Check(t, s.RevokeClient(t.Context(), created.Token.Client.ID)) // its tokens end too
	s.Browser().SignIn("alice").Ask("GET", personalPath).Want(200, `[]`)
}

// The audit log has the user as the actor, and not the token.
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
			t.Errorf("the audit log contains the token: %+v", record)
		}
	}
	if !found || strings.Contains(s.Log.String(), access) {
		t.Errorf("record of alice's new token found = %v, want true; or the log contains the token", found)
	}
}

// If the user is revoked during the session check, a token that is created for this
// request is invalid.
func TestPersonalTokensAPI_NeverRepeat_D10_RevokedDuringTheSessionCheck(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	s.Users.Current = func(u *passport.User) (*passport.User, error) {
		time.Sleep(time.Millisecond)
		defer time.Sleep(time.Millisecond)
		return u, s.RevokeUser(t.Context(), testkit.Ref(u.ID))
	}
	created := b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).JSON()
	token, _ := created["accessToken"].(string)
	if token == "" {
		t.Fatalf("no token was created: %v", created)
	}
	s.WantAdmits(token, false, "requested before the revocation")
	s.Users.Current = nil
	s.WantAdmits(b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI"}).JSON()["accessToken"].(string), true, "requested after the revocation")
}
