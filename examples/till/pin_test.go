package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

// tillTest is the shop with a till, for tests.
type tillTest struct {
	*passporttest.Server
	t     *testing.T
	staff *Staff
	till  *passporttest.Client
}

// newTill returns the shop with the employees 7 and 8.
func newTill(t *testing.T, change ...func(*passport.Config)) *tillTest {
	t.Helper()
	staff := NewStaff()
	staff.Hire("7", "Ada", "4711")
	staff.Hire("8", "Grace", "0815")
	config := settings(staff)
	for _, f := range change {
		f(&config)
	}
	auth := passporttest.NewServer(t, config)
	auth.Serve(application(auth.Server))
	s := &tillTest{Server: auth, t: t, staff: staff}
	s.till = s.register(PINGrantType, "refresh_token")
	return s
}

// register creates a client without a redirect URI.
func (s *tillTest) register(grantTypes ...string) *passporttest.Client {
	s.t.Helper()
	return s.NewClient(passport.Registration{Name: "Till", GrantTypes: grantTypes, RedirectURIs: []string{}})
}

// response is a response of the token endpoint.
type response struct {
	Status           int    `json:"-"`
	RetryAfter       string `json:"-"`
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token"`
	Scope            string `json:"scope"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

// send sends a form to the token endpoint, for a client.
func (s *tillTest) send(client *passporttest.Client, pairs ...string) response {
	s.t.Helper()
	form := url.Values{"grant_type": {PINGrantType}}
	for pair := range slices.Chunk(pairs, 2) {
		form.Set(pair[0], pair[1])
	}
	r, err := http.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(client.ID), url.QueryEscape(client.Secret))
	res, err := s.HTTPClient().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	got := response{Status: res.StatusCode, RetryAfter: res.Header.Get("Retry-After")}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		s.t.Fatalf("the token response %s isn't JSON: %v", res.Status, err)
	}
	return got
}

// open opens the till for employee 7 with a new slip.
func (s *tillTest) open(pairs ...string) response {
	s.t.Helper()
	got := s.send(s.till, append([]string{"employee", "7", "pin", "4711", "slip", s.staff.Print("7", time.Hour).Number}, pairs...)...)
	if got.Status != http.StatusOK {
		s.t.Fatalf("response to the PIN = %+v, want tokens", got)
	}
	return got
}

// renew sends a refresh token with a PIN.
func (s *tillTest) renew(token, employee, pin string) response {
	s.t.Helper()
	return s.send(s.till, "employee", employee, "pin", pin, "refresh_token", token)
}

// refused checks the error of a response.
func (s *tillTest) refused(what string, got response, code oauth.ErrorCode) {
	s.t.Helper()
	if got.Status != http.StatusBadRequest || got.Error != string(code) || got.AccessToken != "" {
		s.t.Errorf("%s: response %+v, want 400 and %s", what, got, code)
	}
}

// call sends a request with a token to the shop and returns the status and body.
func (s *tillTest) call(client *http.Client, method, path, token string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// wantStatus checks the status of a shop's endpoint for a token.
func (s *tillTest) wantStatus(path, token string, want int) {
	s.t.Helper()
	if status, body := s.call(s.HTTPClient(), http.MethodPost, path, token); status != want {
		s.t.Errorf("POST %s = %d %s, want %d", path, status, body, want)
	}
}

func TestPIN_BeginsAFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTill(t)
		first := s.open("scope", "sell")
		if first.RefreshToken == "" || first.Scope != "sell" {
			t.Fatalf("the till got %+v, want a refresh token and the scope sell", first)
		}
		if status, body := s.call(s.HTTPClient(), http.MethodPost, "/api/sales", first.AccessToken); status != http.StatusOK || body != "booked by 7\n" {
			t.Errorf("POST /api/sales = %d %s, want 200 and the employee", status, body)
		}
		s.wantStatus("/api/refunds", first.AccessToken, http.StatusForbidden)
		next := s.send(s.till, "grant_type", "refresh_token", "refresh_token", first.RefreshToken)
		s.wantStatus("/api/sales", next.AccessToken, http.StatusOK) // the built-in grant refreshes this grant's tokens

		second := s.open("scope", "sell")
		if err := s.RevokeUser(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "7"}); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{first.AccessToken, next.AccessToken, second.AccessToken} {
			s.wantStatus("/api/sales", token, http.StatusUnauthorized)
		}
		s.refused("a refresh after the employee was revoked", s.renew(second.RefreshToken, "7", "4711"), oauth.InvalidGrant)

		time.Sleep(time.Second)
		last := s.open()
		time.Sleep(shift)
		s.wantStatus("/api/sales", last.AccessToken, http.StatusUnauthorized)
		s.refused("a renewal after the shift", s.renew(last.RefreshToken, "7", "4711"), oauth.InvalidGrant)
	})
}

// A route may require a fresh PIN. A plain refresh does not count as one.
func TestPIN_AttributesHaveTheTimeOfThePIN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTill(t)
		got := s.open("scope", "sell refund")
		s.wantStatus("/api/refunds", got.AccessToken, http.StatusOK)
		time.Sleep(6 * time.Minute)
		s.wantStatus("/api/refunds", got.AccessToken, http.StatusForbidden)
		got = s.send(s.till, "grant_type", "refresh_token", "refresh_token", got.RefreshToken)
		s.wantStatus("/api/refunds", got.AccessToken, http.StatusForbidden)
		got = s.renew(got.RefreshToken, "7", "4711")
		s.wantStatus("/api/refunds", got.AccessToken, http.StatusOK)
	})
}

func TestPIN_SpendsASlipOnce(t *testing.T) {
	s := newTill(t)
	slip := s.staff.Print("7", time.Hour).Number
	responses := make([]response, 64)
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range responses {
		done.Go(func() {
			ready.Wait()
			responses[i] = s.send(s.till, "employee", "7", "pin", "4711", "slip", slip, "scope", "sell")
		})
	}
	ready.Done()
	done.Wait()
	opened := 0
	for _, got := range responses {
		if got.Status == http.StatusOK {
			opened++
			s.wantStatus("/api/sales", got.AccessToken, http.StatusOK)
			continue
		}
		s.refused("a slip that was used", got, oauth.InvalidGrant)
	}
	if opened != 1 {
		t.Errorf("%d of %d requests opened the till with one slip, want 1", opened, len(responses))
	}
}

// A till that lost the response retries the request, also several times
// concurrently.
func TestPIN_Retry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTill(t)
		spent := s.open("scope", "sell").RefreshToken
		responses := make([]response, 16)
		var done sync.WaitGroup
		for i := range responses {
			done.Go(func() { responses[i] = s.renew(spent, "7", "4711") })
		}
		done.Wait()
		time.Sleep(9 * time.Second)
		for _, got := range slices.Concat(responses, []response{s.renew(spent, "7", "4711")}) {
			if got.Status != http.StatusOK || got.RefreshToken != responses[0].RefreshToken {
				t.Fatalf("response to a retry = %+v, want the refresh token of the first response %+v", got, responses[0])
			}
			s.wantStatus("/api/sales", got.AccessToken, http.StatusOK)
		}
		s.refused("a retry with a wrong PIN", s.renew(spent, "7", "0000"), oauth.InvalidGrant)

		time.Sleep(2 * time.Second)
		s.refused("a replay", s.renew(spent, "7", "4711"), oauth.InvalidGrant)
		s.wantStatus("/api/sales", responses[0].AccessToken, http.StatusUnauthorized)
		s.refused("a renewal after a replay", s.renew(responses[0].RefreshToken, "7", "4711"), oauth.InvalidGrant)
	})
}

func TestPIN_GuessesAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTill(t)
		guess := func(pin string) response {
			return s.send(s.till, "employee", "7", "pin", pin, "slip", s.staff.Print("7", time.Hour).Number)
		}
		s.refused("a request without a PIN", s.send(s.till, "employee", "7", "slip", "x"), oauth.InvalidRequest)
		failures := 0
		for ; failures < 20 && guess("0000").Status == http.StatusBadRequest; failures++ {
		}
		if failures != passport.PasswordFailures {
			t.Errorf("the server throttles after %d wrong PINs, want %d", failures, passport.PasswordFailures)
		}
		if got := guess("4711"); got.Status != http.StatusTooManyRequests || got.RetryAfter == "" || got.Error != "invalid_grant" {
			t.Errorf("response to the right PIN after too many wrong ones = %+v, want 429 with Retry-After", got)
		}
		if got := s.send(s.till, "employee", "8", "pin", "0815", "slip", s.staff.Print("8", time.Hour).Number); got.Status != http.StatusOK {
			t.Errorf("response to another employee at the same till = %+v, want tokens", got)
		}
		time.Sleep(time.Hour)
		if got := guess("4711"); got.Status != http.StatusOK {
			t.Errorf("response to the right PIN an hour later = %+v, want tokens", got)
		}
	})
}

func TestPIN_TokensMayCarryAllScopes(t *testing.T) {
	s := newTill(t)
	got := s.open("scope", oauth.AllScopes)
	if got.Scope != oauth.AllScopes {
		t.Errorf("the till got the scope %q, want %q", got.Scope, oauth.AllScopes)
	}
	s.wantStatus("/api/refunds", got.AccessToken, http.StatusOK)
	got = s.renew(got.RefreshToken, "7", "4711")
	s.wantStatus("/api/refunds", got.AccessToken, http.StatusOK)
}

// Lists of connected apps omit tills.
func TestPIN_ATillIsFirstParty(t *testing.T) {
	s := newTill(t)
	s.open()
	app := s.NewClient(passport.Registration{Name: "Rota"})
	app.Token(s.User("7"), "sell")
	status, body := s.call(s.SignedIn(s.User("7")), http.MethodGet, "/oauth/tokens", "")
	if status != http.StatusOK || !strings.Contains(body, "Rota") || strings.Contains(body, "Till") {
		t.Errorf("the connected apps are %d %s, want only Rota", status, body)
	}
}

// redirecting is the grant with the trait Redirects.
type redirecting struct{ PIN }

func (g redirecting) Traits() oauth.GrantTraits {
	traits := g.PIN.Traits()
	traits.Redirects = true
	return traits
}

func TestPIN_ClientsAreChecked(t *testing.T) {
	create := func(s *tillTest, method oauth.AuthMethod) error {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: "Another till", AuthMethod: method, GrantTypes: []string{PINGrantType}})
		return err
	}
	s := newTill(t)
	if err := create(s, oauth.AuthNone); err == nil || !strings.Contains(err.Error(), "a till needs a secret") {
		t.Errorf("a public client = %v, want the error of CheckClient", err)
	}
	if err := create(s, oauth.AuthBasic); err != nil {
		t.Errorf("a client without a redirect URI = %v, want nil", err)
	}

	redirects := passporttest.NewServer(t, passport.Config{Grants: []oauth.Grant{redirecting{PIN{Staff: s.staff}}}})
	if err := create(&tillTest{Server: redirects}, oauth.AuthBasic); err == nil || !strings.Contains(err.Error(), "a redirect URI is missing") {
		t.Errorf("a client without a redirect URI for a grant that redirects = %v, want an error", err)
	}
}

func TestPIN_IsInTheMetadata(t *testing.T) {
	s := newTill(t)
	status, body := s.call(s.HTTPClient(), http.MethodGet, "/.well-known/oauth-authorization-server", "")
	var metadata struct {
		GrantTypes []string `json:"grant_types_supported"`
	}
	if err := json.Unmarshal([]byte(body), &metadata); err != nil || status != http.StatusOK || !slices.Contains(metadata.GrantTypes, PINGrantType) {
		t.Errorf("the metadata is %d %s, %v, want it to list %s", status, body, err, PINGrantType)
	}
}

func TestPIN_Refusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTill(t)
		slip := s.staff.Print("7", time.Hour).Number
		other := s.register("client_credentials", "refresh_token")
		s.refused("a client that is not registered for the grant", s.send(other, "employee", "7", "pin", "4711", "slip", slip), oauth.UnauthorizedClient)
		s.refused("an unknown slip", s.send(s.till, "employee", "7", "pin", "4711", "slip", "x"), oauth.InvalidGrant)
		s.refused("another employee's slip", s.send(s.till, "employee", "8", "pin", "0815", "slip", slip), oauth.InvalidGrant)
		s.refused("a scope that does not exist", s.send(s.till, "employee", "7", "pin", "4711", "slip", slip, "scope", "fly"), oauth.InvalidScope)

		token := s.open().RefreshToken
		second := s.register(PINGrantType, "refresh_token")
		s.refused("another till's refresh token", s.send(second, "employee", "7", "pin", "4711", "refresh_token", token), oauth.InvalidGrant)
		s.refused("another employee's refresh token", s.renew(token, "8", "0815"), oauth.InvalidGrant)
		if got := s.renew(token, "7", "4711"); got.Status != http.StatusOK {
			t.Errorf("response to the till's own renewal after the refusals = %+v, want tokens", got)
		}
		time.Sleep(time.Hour)
		s.refused("an expired slip", s.send(s.till, "employee", "7", "pin", "4711", "slip", slip), oauth.InvalidGrant)
	})
}

// An employee who left gets the same response as for a wrong PIN.
func TestPIN_EmployeesWhoLeft(t *testing.T) {
	s := newTill(t)
	got := s.open("scope", "sell")
	slip := s.staff.Print("7", time.Hour).Number
	wrong := s.send(s.till, "employee", "7", "pin", "0000", "slip", slip)
	s.staff.Leave("7")
	if left := s.send(s.till, "employee", "7", "pin", "4711", "slip", slip); left != wrong || left.Error != "invalid_grant" {
		t.Errorf("response to the right PIN of an employee who left = %+v, want %+v as for a wrong PIN", left, wrong)
	}
	s.refused("a renewal by an employee who left", s.renew(got.RefreshToken, "7", "4711"), oauth.InvalidGrant)
	s.wantStatus("/api/sales", got.AccessToken, http.StatusUnauthorized)
}

// The server loads the account again after the grant's decision.
func TestPIN_EmployeeWhoLeavesMeanwhile(t *testing.T) {
	calls := 0
	s := newTill(t, func(c *passport.Config) {
		users := c.Users.(passport.UserFuncs)
		byID := users.ByID
		users.ByID = func(ctx context.Context, id string) (*passport.User, error) {
			if calls++; calls > 1 {
				return nil, oauth.ErrNotFound
			}
			return byID(ctx, id)
		}
		c.Users = users
	})
	got := s.send(s.till, "employee", "7", "pin", "4711", "slip", s.staff.Print("7", time.Hour).Number)
	s.refused("an employee who leaves between decision and response", got, oauth.InvalidGrant)
	if got.ErrorDescription != "the account may no longer act" {
		t.Errorf("error_description = %q, want that the account may no longer act", got.ErrorDescription)
	}
}
