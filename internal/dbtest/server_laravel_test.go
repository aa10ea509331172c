package dbtest_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/oauth"
)

// answered is what the installation in testdata has issued, and how Laravel responds.
type answered struct {
	Clients map[string]struct {
		ID     int
		Secret string
	}
	AccessTokens map[string]struct {
		Token   string
		Claims  struct{ Sub string }
		Answers map[string]struct{ Status int } `json:"oracle_answers"`
	} `json:"access_tokens"`
	RefreshTokens map[string]redeemed `json:"refresh_tokens"`
	AuthCodes     map[string]redeemed `json:"auth_codes"`
}

// redeemed is a refresh token or code, and the responses of Laravel's token endpoint.
type redeemed struct {
	Token, Code string
	Request     map[string]any
	Answer      struct {
		Status int
		Error  string
		Claims struct {
			Scopes []string
			Sub    string
		} `json:"access_token_claims"`
	} `json:"oracle_answer"`
	Second struct{ Status int } `json:"oracle_answer_second_time"`
}

// form returns the request, with changes.
func (r redeemed) form(pairs ...string) url.Values {
	form := url.Values{}
	for name, value := range r.Request {
		text := fmt.Sprint(value)
		if strings.HasPrefix(text, "<") {
			text = r.Token + r.Code // one of them is empty
		}
		form.Set(name, text)
	}
	return testkit.Set(form, pairs...)
}

func readAnswers(t testing.TB) (a answered) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(laravel12, "manifest.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &a))
	return a
}

func readText(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(laravel12, name))
	must(t, err)
	return string(text)
}

// laravelServer returns a server of the users of the installation in testdata, for a
// store into which it was imported.
func laravelServer(t *testing.T, store oauth.Store, compat laravel.Compat, change ...func(*passport.Config)) *passport.Server {
	t.Helper()
	keys, err := passport.GenerateKeys()
	must(t, err)
	compat.PublicKeys = append(compat.PublicKeys, readText(t, "oauth-public.key"))
	compat.AppKeys = append(compat.AppKeys, readManifest(t).Config.AppKey)
	config := passport.Config{
		Issuer: testkit.Issuer, Store: store, Keys: keys, Users: testkit.NewAccounts("1", "2", "3"),
		Providers: map[string]passport.UserProvider{"admins": testkit.NewAccounts("1", "2")},
		Scopes: []passport.Scope{
			{ID: "place-orders", Description: "Place orders"}, {ID: "check-status", Description: "Check order status"},
		},
		EnablePasswordGrant: true, EnableImplicitGrant: true, RefreshTokenGrace: -1,
		Features: []passport.Feature{compat}, Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&config)
	}
	s, err := passport.New(config)
	must(t, err)
	return s
}

// guardStatus returns the status of a guarded route for a token.
func guardStatus(protect func(http.Handler) http.Handler, token string) int {
	r := httptest.NewRequest("GET", testkit.Issuer+"/api", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}

// formStatus sends a form to an endpoint, and returns the status.
func formStatus(s http.Handler, path string, form url.Values) int {
	r := httptest.NewRequest("POST", testkit.Issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

// tokenRequest sends a token request, and returns the status and the response.
func tokenRequest(t testing.TB, s http.Handler, form url.Values) (status int, body map[string]any) {
	t.Helper()
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	must(t, json.Unmarshal(w.Body.Bytes(), &body))
	return w.Code, body
}

// eachTarget runs a test with a copy of the installation in testdata, imported into each
// kind of database from the same kind.
func eachTarget(t *testing.T, test func(t *testing.T, i *imported)) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			i := newImported(t, d, d)
			i.at = time.Now()
			i.run()
			test(t, i)
		})
	}
}

// Exceptions of a guarded route: what Laravel admits wrongly, with its reason. They are in
// docs/laravel.md.
const (
	anotherProvider = "the token of a user at the API of another provider: user 1 is not admin 1"
	userAtMachines  = "the token of a user at an API for clients"
	revokedClient   = "the token of a revoked client at an API for clients"
	deletedUser     = "the token of a deleted user"
)

// doSwitch notes the switch without another import.
func (i *imported) doSwitch() {
	i.Helper()
	must(i.T, i.store.SetImportNote(i.Context(), oauth.ImportSwitched, time.Now().Format(time.RFC3339Nano)))
}

// exception returns why Laravel's response to a token is wrong; empty if it is right.
func exception(route, token, subject string) string {
	switch {
	case token == "client_revoked_by_hand":
		return revokedClient
	case token == "user_deleted":
		return deletedUser
	case route == "/api/admin" && token != "password_admin_provider":
		return anotherProvider
	case strings.HasPrefix(route, "/api/client") && subject != "":
		return userAtMachines
	}
	return ""
}

// Every access token of a real installation is admitted where Laravel admits it, and
// refused where Laravel refuses it, but for the exceptions.
func TestServer_LP_4_AccessTokensOfLaravel(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		s := laravelServer(t, i.store, laravel.Compat{})
		both := []string{"check-status", "place-orders"}
		routes := map[string]func(http.Handler) http.Handler{
			"/api/user": s.Guard(), "/api/admin": s.Guard(guard.Provider("admins")),
			"/api/scopes-all": s.Guard(guard.Scopes(both...)), "/api/scope-any": s.Guard(guard.AnyScope(both...)), "/api/scope-place": s.Guard(guard.Scopes("place-orders")),
			"/api/client": s.GuardClient(), "/api/client-scopes": s.GuardClient(guard.Scopes(both...)), "/api/client-any": s.GuardClient(guard.AnyScope(both...)),
		}
		tokens := readAnswers(t).AccessTokens
		if len(tokens) != 24 {
			t.Fatalf("the manifest has %d access tokens, want 24", len(tokens))
		}
		for name, token := range tokens {
			for route, protect := range routes {
				want, got := token.Answers[route].Status, guardStatus(protect, token.Token)
				why := exception(route, name, token.Claims.Sub)
				switch {
				case why != "" && want == http.StatusOK && got/100 != 4:
					t.Errorf("%s at %s gets %d, want a refusal: %s", name, route, got, why)
				case why == "" && want == http.StatusOK && got != http.StatusOK, why == "" && want/100 == 4 && got/100 != 4:
					t.Errorf("%s at %s gets %d, and %d from Laravel", name, route, got, want)
				}
			}
		}
	})
}

// Every refresh token and every code of a real installation is redeemed where Laravel
// redeems it, once, and refused where Laravel refuses it, with our error codes.
func TestServer_LP_4_RefreshTokensAndCodesOfLaravel(t *testing.T) {
	wrong := map[string]string{ // accepted by Laravel
		"refresh token user_deleted": deletedUser,
		"code row_missing":           "a code without a row, which Laravel accepts even twice",
	}
	eachTarget(t, func(t *testing.T, i *imported) {
		i.doSwitch()
		s := laravelServer(t, i.store, laravel.Compat{})
		answers := readAnswers(t)
		all := map[string]redeemed{}
		for name, r := range answers.RefreshTokens {
			all["refresh token "+name] = r
		}
		for name, r := range answers.AuthCodes {
			all["code "+name] = r
		}
		if len(all) != 27 {
			t.Fatalf("the manifest has %d refresh tokens and codes, want 27", len(all))
		}
		narrow := answers.RefreshTokens["code_check"]
		if status, body := tokenRequest(t, s, narrow.form("scope", "place-orders")); status != 400 || body["error"] != "invalid_scope" {
			t.Errorf("a refresh for a scope that was not granted = %d %v, want invalid_scope", status, body)
		}
		for name, r := range all {
			if r.Request["code_verifier"] != nil {
				for _, pairs := range [][]string{{"code_verifier", ""}, {"code_verifier", strings.Repeat("x", 43)}} {
					if status, body := tokenRequest(t, s, r.form(pairs...)); status != 400 || body["error"] != "invalid_grant" {
						t.Errorf("%s with the verifier %q = %d %v, want invalid_grant", name, pairs[1], status, body)
					}
				}
			}
			status, body := tokenRequest(t, s, r.form())
			code := "invalid_grant"
			if r.Answer.Error == "invalid_client" {
				code = "invalid_client"
			}
			switch {
			case wrong[name] != "" || r.Answer.Status != http.StatusOK:
				if status/100 != 4 || body["error"] != code {
					t.Errorf("%s = %d %v, want %s (Laravel: %d %s) %s", name, status, body, code, r.Answer.Status, r.Answer.Error, wrong[name])
				}
				continue
			case status != http.StatusOK:
				t.Errorf("%s = %d %v, want tokens", name, status, body)
				continue
			}
			scopes := strings.Fields(fmt.Sprint(body["scope"]))
			if body["scope"] == nil {
				scopes = nil
			}
			if !slices.Equal(scopes, r.Answer.Claims.Scopes) && len(scopes)+len(r.Answer.Claims.Scopes) > 0 {
				t.Errorf("%s gets the scopes %q, and %q from Laravel", name, scopes, r.Answer.Claims.Scopes)
			}
			access := fmt.Sprint(body["access_token"])
			if got := max(min(guardStatus(s.Guard(), access), guardStatus(s.Guard(guard.Provider("admins")), access)), 0); got != http.StatusOK {
				t.Errorf("%s: the new access token gets %d, want 200", name, got)
			}
			if status, body := tokenRequest(t, s, r.form()); status != 400 || body["error"] != "invalid_grant" {
				t.Errorf("%s for the second time = %d %v, want invalid_grant", name, status, body)
			}
			if got := min(guardStatus(s.Guard(), access), guardStatus(s.Guard(guard.Provider("admins")), access)); got != http.StatusUnauthorized {
				t.Errorf("%s: the access token gets %d after a replay, want 401", name, got)
			}
		}
	})
}

// Every client of a real installation authenticates with its secret, and revoked ones
// don't.
func TestServer_LP_4_ClientsOfLaravel(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		i.doSwitch()
		s := laravelServer(t, i.store, laravel.Compat{})
		clients := readAnswers(t).Clients
		if len(clients) != 13 {
			t.Fatalf("the manifest has %d clients, want 13", len(clients))
		}
		for name, c := range clients {
			if c.Secret == "" {
				continue
			}
			// The grant exists, and the code does not: the error shows whether the client is
			// authenticated.
			form := testkit.Set(url.Values{}, "grant_type", "authorization_code", "code", "x", "client_id", fmt.Sprint(c.ID), "client_secret", c.Secret)
			_, body := tokenRequest(t, s, form)
			ended := slices.Contains([]string{"revoked", "first", "query"}, name)
			if got := body["error"] == "invalid_client"; got != ended {
				t.Errorf("client %s (%d) is refused = %v, want %v: %v", name, c.ID, got, ended, body)
			}
			form.Set("client_secret", c.Secret[1:]+"x")
			if _, body := tokenRequest(t, s, form); body["error"] != "invalid_client" {
				t.Errorf("client %s with a wrong secret gets %v, want invalid_client", name, body)
			}
		}
		machine := clients["cc"]
		status, body := tokenRequest(t, s, testkit.Set(url.Values{}, "grant_type", "client_credentials", "client_id", fmt.Sprint(machine.ID), "client_secret", machine.Secret))
		if status != http.StatusOK {
			t.Errorf("the machine gets %d %v, want a token", status, body)
		}
		c, err := s.CreateClient(t.Context(), passport.Registration{Name: "New", RedirectURIs: []string{"https://new.example/cb"}})
		must(t, err)
		if _, err := i.store.Client(t.Context(), c.Client.ID); err != nil {
			t.Errorf("a new client beside the imported ones: %v", err)
		}
	})
}

// Until the switch, Laravel's rows decide, and nothing is redeemed here. Afterwards a token
// that was revoked and purged here stays dead, although Laravel's row is live.
func TestServer_LP_3_UntilTheSwitch(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		log := new(testkit.LockedBuffer)
		s := laravelServer(t, i.store, laravel.Compat{DB: i.laravel, Dialect: i.config.Source.Dialect}, func(c *passport.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
		answers := readAnswers(t)
		full := answers.AccessTokens["code_full"].Token
		want := func(when, token string, status int) {
			t.Helper()
			if got := guardStatus(s.Guard(), token); got != status {
				t.Errorf("%s the guard responds with %d, want %d", when, got, status)
			}
		}
		want("before the switch", full, http.StatusOK)
		for _, r := range []redeemed{answers.RefreshTokens["code_full"], answers.AuthCodes["live_conf"]} {
			if status, body := tokenRequest(t, s, r.form()); status != http.StatusServiceUnavailable || body["error"] != "temporarily_unavailable" {
				t.Errorf("before the switch a redemption = %d %v, want temporarily_unavailable", status, body)
			}
		}
		o := newOldServer(t, i)
		o.issue()
		must(t, o.fail)
		other, _ := o.some()
		conf := answers.Clients["conf"]
		for name, token := range map[string]string{"an imported token": full, "a token that is not imported yet": other} {
			if got := formStatus(s, "/oauth/revoke", testkit.Set(url.Values{}, "token", token, "client_id", fmt.Sprint(conf.ID), "client_secret", conf.Secret)); got != http.StatusServiceUnavailable {
				t.Errorf("before the switch the revocation of %s = %d, want 503: Laravel's row stays live", name, got)
			}
			want("after a refused revocation of "+name, token, http.StatusOK)
		}
		if text := log.String(); strings.Contains(text, "level=ERROR") || !strings.Contains(text, `level=WARN msg="request refused"`) || !strings.Contains(text, "passport import laravel … --switch") {
			t.Errorf("before the switch a redemption is logged as:\n%s\nwant a warning with the command that switches, and no error", text)
		}
		i.sql(`UPDATE oauth_access_tokens SET revoked = TRUE WHERE id = '` + i.jti("code_full") + `'`)
		want("after Laravel revoked an imported token", full, http.StatusUnauthorized)
		i.sql(`UPDATE oauth_access_tokens SET revoked = FALSE WHERE id = '` + i.jti("code_full") + `'`)
		want("after Laravel's row is live again", full, http.StatusOK)
		i.sql(`UPDATE oauth_clients SET revoked = TRUE WHERE id = 4`)
		want("after Laravel revoked the client", full, http.StatusUnauthorized)
		i.sql(`UPDATE oauth_clients SET revoked = FALSE WHERE id = 4`)

		want("a token that is not imported yet", other, http.StatusOK)
		must(t, s.RevokeToken(t.Context(), i.jti("code_full")))
		want("after a revocation here", full, http.StatusUnauthorized)

		i.doSwitch()
		want("after the switch, a token that was never imported", other, http.StatusUnauthorized)
		want("after the switch, a token that was revoked here", full, http.StatusUnauthorized)
		_, err := s.Purge(t.Context(), oauth.PurgeBefore{Revoked: time.Now().Add(2 * time.Hour)})
		must(t, err)
		if _, err := i.store.AccessToken(t.Context(), i.jti("code_full")); !testkit.IsNotFound(err) {
			t.Fatalf("AccessToken() of a token that was revoked, after a purge that follows the switch = %v, want ErrNotFound", err)
		}
		want("after the switch, a token that was revoked and purged here", full, http.StatusUnauthorized)
		if status, body := tokenRequest(t, s, answers.RefreshTokens["rotated_new"].form()); status != http.StatusOK {
			t.Errorf("after the switch a refresh = %d %v, want tokens", status, body)
		}
		must(t, i.laravel.Close())
		want("without Laravel's database", answers.AccessTokens["code_check"].Token, http.StatusOK)
	})
}

// redeemedWith is the outcome of a redemption that got tokens.
const redeemedWith = "200 with tokens"

// redeem sends a token request, and describes the response. It sends the request again
// while the server has too many slow derivations to do, as a client does: on a machine
// that runs many tests under -race, one derivation takes seconds. Before the switch it sends
// the request once.
func redeem(t *testing.T, s http.Handler, form url.Values) string {
	t.Helper()
	for attempt := 1; ; attempt++ {
		status, body := tokenRequest(t, s, form)
		switch {
		case status == http.StatusOK:
			return redeemedWith
		case status != http.StatusServiceUnavailable || attempt == 20 || body["error_description"] == stillLaravel:
			return fmt.Sprintf("%d %v: %v", status, body["error"], body["error_description"])
		}
	}
}

// 64 requests on two nodes redeem one refresh token and one code of Laravel: each is
// redeemed once.
func TestServer_LP_2_A1_OneRedemption(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		i.doSwitch()
		nodes := []*passport.Server{laravelServer(t, i.store, laravel.Compat{}), laravelServer(t, i.store, laravel.Compat{})}
		answers := readAnswers(t)
		for what, r := range map[string]redeemed{
			"a refresh token": answers.RefreshTokens["code_full"], "a refresh token without an access token": answers.RefreshTokens["access_row_missing"],
			"a code": answers.AuthCodes["live_conf"],
		} {
			next := make(chan int, 64)
			for n := range 64 {
				next <- n
			}
			outcomes := map[string]int{}
			for _, outcome := range testkit.Parallel(64, func() string { return redeem(t, nodes[<-next%2], r.form()) }) {
				outcomes[outcome]++
			}
			if outcomes[redeemedWith] != 1 {
				t.Errorf("%d of 64 redemptions of %s got tokens, want 1; the last responses to all 64, with their counts: %v", outcomes[redeemedWith], what, outcomes)
			}
		}
	})
}

// tooEarly is the outcome of a request before the switch, with its description.
const (
	stillLaravel = "another server still issues and revokes the tokens of this client"
	tooEarly     = "503 temporarily_unavailable: " + stillLaravel
)

// The switch happens while 64 requests at two nodes redeem one refresh token, and as many
// ask for a client's own token. Each of these is refused until the switch and succeeds after
// it. The refresh token is redeemed at most once.
func TestServer_LP_3_A1_SwitchDuringRequests(t *testing.T) {
	eachTarget(t, func(t *testing.T, i *imported) {
		nodes := []*passport.Server{laravelServer(t, i.store, laravel.Compat{}), laravelServer(t, i.store, laravel.Compat{DB: i.laravel, Dialect: i.config.Source.Dialect})}
		answers := readAnswers(t)
		refresh, cc := answers.RefreshTokens["code_full"], answers.Clients["cc"]
		machine := testkit.Set(url.Values{}, "grant_type", "client_credentials", "client_id", fmt.Sprint(cc.ID), "client_secret", cc.Secret)
		var begun atomic.Int32
		var switched atomic.Bool
		type outcome struct {
			late             bool // the switch was before the request
			machine, refresh string
			err              error
		}
		all := testkit.Parallel(64, func() (o outcome) {
			n := begun.Add(1)
			if n == 32 {
				o.err = i.store.SetImportNote(t.Context(), oauth.ImportSwitched, time.Now().Format(time.RFC3339Nano))
				switched.Store(true)
			}
			o.late = switched.Load()
			o.machine, o.refresh = redeem(t, nodes[n%2], machine), redeem(t, nodes[n%2], refresh.form())
			return o
		})
		redeemed := 0
		for _, o := range all {
			must(t, o.err)
			if o.machine != redeemedWith && (o.late || o.machine != tooEarly) {
				t.Errorf("a client's request that began after the switch = %v gets %q, want tokens, or 503 before the switch", o.late, o.machine)
			}
			switch {
			case o.refresh == redeemedWith:
				redeemed++
			case o.refresh == tooEarly && !o.late, strings.HasPrefix(o.refresh, "400 invalid_grant"):
			default:
				t.Errorf("a refresh that began after the switch = %v gets %q, want tokens once, and 503 before the switch", o.late, o.refresh)
			}
		}
		if last := redeem(t, nodes[0], refresh.form()); last == redeemedWith {
			redeemed++
		}
		if redeemed != 1 {
			t.Errorf("the refresh token was redeemed %d times by 65 requests, want once", redeemed)
		}
	})
}
