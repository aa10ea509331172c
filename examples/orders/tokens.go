package main

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// home shows a customer's tokens and a form to create one.
func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	user, err := s.currentUser(r)
	if errors.Is(err, oauth.ErrNotFound) {
		http.Redirect(w, r, "/login?return_to=%2F", http.StatusSeeOther)
		return
	}
	if err != nil {
		fail(w, r, "find the signed-in customer", err)
		return
	}
	s.showTokens(w, r, user, "")
}

func (s *Shop) showTokens(w http.ResponseWriter, r *http.Request, user *passport.User, created string) {
	var tokens []*oauth.AccessToken
	for token, err := range s.auth.Tokens(r.Context(), ref(user)) {
		if err != nil {
			fail(w, r, "list tokens", err)
			return
		}
		tokens = append(tokens, token)
	}
	render(w, tokensPage, map[string]any{"User": user.Name, "Tokens": tokens, "Scopes": s.auth.Scopes(), "Made": created})
}

// createToken creates a token for the signed-in customer's own scripts, without an
// app and without consent.
func (s *Shop) createToken(w http.ResponseWriter, r *http.Request) {
	user, err := s.currentUser(r)
	if errors.Is(err, oauth.ErrNotFound) {
		http.Error(w, "Please sign in.", http.StatusUnauthorized)
		return
	}
	if err != nil {
		fail(w, r, "find the signed-in customer", err)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The request is not a form.", http.StatusBadRequest)
		return
	}
	created, err := s.auth.CreateToken(r.Context(), ref(user), r.PostForm.Get("name"), r.PostForm["scope"]...)
	if refusal, ok := errors.AsType[*oauth.Error](err); ok {
		http.Error(w, refusal.Description, http.StatusUnprocessableEntity)
		return
	}
	if err != nil {
		fail(w, r, "create token", err)
		return
	}
	s.showTokens(w, r, user, created.AccessToken) // not shown again
}

var tokensPage = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Your tokens</title>
<h1>Hello, {{.User}}</h1>{{with .Made}}<p>Your new token, shown this once: <code>{{.}}</code></p>{{end}}
<ul>{{range .Tokens}}<li>{{or .Name .Client.Name}}, until {{.ExpiresAt.Format "2 January 2006"}}</li>{{else}}<li>no tokens yet</li>{{end}}</ul>
<form method="post" action="/settings/tokens"><label>Name <input name="name" required></label>
{{range .Scopes}}<label><input type="checkbox" name="scope" value="{{.ID}}"> {{.Description}}</label> {{end}}
<button>Create a token</button></form>
<form method="post" action="/logout"><button>Sign out</button></form></html>`))
