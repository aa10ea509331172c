package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"
)

// The three lists on an application's page, in the style of front ends for
// Laravel Passport: a component keeps the data that axios gets, sends its form
// with the right method, and shows all texts of error.response.data.errors.
const components = `
window.texts = error => Object.values(error.response.data.errors).flat();
window.component = uri => ({
	items: [], errors: [], shown: null,
	list() { return axios.get(uri).then(r => { this.items = r.data }) },
	send(method, id, form) {
		this.errors = []; this.shown = null;
		return axios[method](id ? uri + '/' + id : uri, form)
			.then(r => { this.shown = r.data; return this.list() })
			.catch(error => { this.errors = texts(error) });
	},
});
window.clients = component('/oauth/clients');
window.tokens = component('/oauth/tokens');
window.personal = component('/oauth/personal-access-tokens');
undefined`

// eval runs a script on the page and returns the text of its promise.
func (b *tab) eval(script string) string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
}

func (b *tab) wantEval(script, want string) {
	b.t.Helper()
	if got := b.eval(script); got != want {
		b.t.Errorf("%s\nis %q, want %q", script, got, want)
	}
}

// A user manages their own clients: list, create, edit, delete, and the texts for
// invalid input.
func TestE2E_JSONAPI_ClientsWithAxios(t *testing.T) {
	_, b := newShop(t)
	b.do("build the page", chromedp.Evaluate[chromedp.Void](components))
	b.wantEval(`clients.list().then(() => String(clients.items.length))`, "0")
	b.wantEval(`clients.send('post', '', {name: '', redirect: 'nonsense', confidential: true}).then(() => clients.errors.slice(0, 2).join(' '))`,
		"The name field is required. One or more redirects have an invalid URI format.")
	secret := b.eval(`clients.send('post', '', {name: 'My App', redirect: 'https://app.example.com/callback', confidential: true}).then(() => clients.shown.plainSecret)`)
	if len(secret) < 40 {
		t.Errorf("the page shows the secret %q, want a secret", secret)
	}
	b.wantEval(`clients.list().then(() => { const c = clients.items[0]; return [clients.items.length, c.name, c.redirect, c.user_id, c.revoked, 'secret' in c].join(' ') })`,
		"1 My App https://app.example.com/callback 1 false false")
	b.wantEval(`clients.send('put', clients.items[0].id, {name: 'Your App', redirect: clients.items[0].redirect}).then(() => clients.items[0].name)`, "Your App")
	b.wantEval(`clients.send('put', clients.items[0].id, {name: ['a'], redirect: ''}).then(() => clients.errors.join(' '))`,
		"The name field must be a string. The redirect field is required.")
	b.wantEval(`Promise.resolve(String(new Date(clients.items[0].created_at) > new Date(Date.now() - 60000)))`, "true")
	b.wantRun("another's", `axios.put('/oauth/clients/unknown', {name: 'x', redirect: 'https://x.example/'})`, 404, "")
	b.wantEval(`clients.send('delete', clients.items[0].id).then(() => String(clients.items.length))`, "0")
}

// A user registers their own app, connects it, sees it in the list, and removes
// it.
func TestE2E_JSONAPI_TokensWithAxios(t *testing.T) {
	a, b := newShop(t)
	c := newThirdParty(t, "tcp4", "127.0.0.1:0")
	b.do("build the page", chromedp.Evaluate[chromedp.Void](components))
	created := strings.Fields(b.eval(fmt.Sprintf(`clients.send('post', '', {name: 'Tracker', redirect: 'http://127.0.0.1:%s/callback'})
		.then(() => clients.shown.id + ' ' + clients.shown.secret)`, c.port)))
	if len(created) != 2 {
		t.Fatalf("the page shows %q, want ID and secret", created)
	}
	a.canaries.add("client secret", created[1])
	config := &oauth2.Config{
		ClientID: created[0], ClientSecret: created[1], Scopes: []string{"place-orders"},
		RedirectURL: "http://127.0.0.1:" + c.port + "/callback", Endpoint: endpoint(&a.server, oauth2.AuthStyleInHeader),
	}
	verifier := oauth2.GenerateVerifier()
	b.open(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	b.see("Tracker", "Place orders")
	b.press("Allow")
	b.see("You are in.")
	token, err := config.Exchange(a.context(t), c.received()[0].Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	a.call(t, token.AccessToken, "/api/user", http.StatusOK)

	b.open(a.URL + "/")
	b.do("build the page", chromedp.Evaluate[chromedp.Void](components))
	b.wantEval(`tokens.list().then(() => { const t = tokens.items[0]; return [tokens.items.length, t.client.name, t.scopes.join(), 'secret' in t.client].join(' ') })`,
		"1 Tracker place-orders false")
	b.wantEval(`tokens.send('delete', tokens.items[0].id).then(() => String(tokens.items.length))`, "0")
	a.call(t, token.AccessToken, "/api/user", http.StatusUnauthorized)
	b.open(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	b.see("Place orders") // after a removal the server asks again
}

// A user creates personal access tokens, sees each once, and removes them.
func TestE2E_JSONAPI_PersonalTokensWithAxios(t *testing.T) {
	a, b := newShop(t)
	b.do("build the page", chromedp.Evaluate[chromedp.Void](components))
	b.wantRun("the scopes to choose from", `axios.get('/oauth/scopes')`, 200, `[{"id":"place-orders","description":"Place orders"}]`)
	b.wantEval(`personal.send('post', '', {name: '', scopes: ['*'], errors: []}).then(() => personal.errors.join(' '))`,
		"The name field is required. The selected scopes is invalid.")
	access := b.eval(`personal.send('post', '', {name: 'My script', scopes: ['place-orders'], errors: []}).then(() => personal.shown.accessToken)`)
	a.canaries.add("personal access token", access)
	b.wantRun("the new token", fmt.Sprintf(`fetch('/api/user', {credentials: 'omit', headers: {Authorization: 'Bearer %s'}})`, access), 200, "Ada")
	if got := b.eval(`personal.list().then(() => JSON.stringify(personal.items))`); strings.Contains(got, access) || !strings.Contains(got, `"name":"My script"`) {
		t.Errorf("the list is %s, want the new token without its value", got)
	}
	b.wantEval(`personal.send('delete', personal.items[0].id).then(() => String(personal.items.length))`, "0")
	b.wantRun("the removed token", fmt.Sprintf(`fetch('/api/user', {credentials: 'omit', headers: {Authorization: 'Bearer %s'}})`, access), 401, "")

	a.signOutEverywhere()
	for _, call := range []string{`axios.get('/oauth/clients')`, `axios.post('/oauth/personal-access-tokens', {name: 'x'})`, `axios.delete('/oauth/tokens/x')`} {
		b.wantRun("signed out", call, 401, `{"message":"Unauthenticated."}`)
	}
}
