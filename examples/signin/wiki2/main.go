// Command wiki is a site where users sign in with their account at the shop.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var (
	address = "127.0.0.1:8081"
	issuer  = "http://127.0.0.1:8080"
)

// User is the user of a browser.
type User struct{ Subject, Name, IDToken string }

var users sync.Map // of *User, by cookie

// userOf returns the user of the browser that sent r, or nil.
func userOf(r *http.Request) *User {
	cookie, err := r.Cookie("wiki")
	if err != nil {
		return nil
	}
	user, ok := users.Load(cookie.Value)
	if !ok {
		return nil
	}
	return user.(*User)
}

// Wiki signs users in.
type Wiki struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	config   *oauth2.Config
}

// newWiki reads the configuration of the shop.
func newWiki(ctx context.Context, secret string) (*Wiki, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &Wiki{provider, provider.Verifier(&oidc.Config{ClientID: "wiki"}), &oauth2.Config{
		ClientID: "wiki", ClientSecret: secret, RedirectURL: "http://" + address + "/callback",
		Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile"},
	}}, nil
}

// home shows who is signed in.
func (k *Wiki) home(w http.ResponseWriter, r *http.Request) {
	if user := userOf(r); user != nil {
		fmt.Fprintf(w, "You are %s (%s).\n", user.Name, user.Subject)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<!doctype html><title>Wiki</title><a href="/sign-in">Sign in with The Shop</a>`)
}

// signIn sends the browser to the shop. A cookie keeps the values that the callback
// compares.
func (k *Wiki) signIn(w http.ResponseWriter, r *http.Request) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	for name, value := range map[string]string{"state": state, "nonce": nonce, "verifier": verifier} {
		http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/callback", MaxAge: 600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	http.Redirect(w, r, k.config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
}

// callback receives the browser from the shop.
func (k *Wiki) callback(w http.ResponseWriter, r *http.Request) {
	user, err := k.user(r)
	if err != nil {
		log.Print("sign-in: ", err)
		http.Error(w, "The sign-in failed. Start again at /.", http.StatusBadRequest)
		return
	}
	cookie := rand.Text()
	users.Store(cookie, user)
	http.SetCookie(w, &http.Cookie{Name: "wiki", Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusFound)
}

// user redeems the code and verifies the ID token.
func (k *Wiki) user(r *http.Request) (*User, error) {
	sent := map[string]string{}
	for _, cookie := range r.Cookies() {
		sent[cookie.Name] = cookie.Value
	}
	if sent["state"] == "" || r.FormValue("state") != sent["state"] {
		return nil, fmt.Errorf("the response is not for this browser")
	}
	if problem := r.FormValue("error"); problem != "" {
		return nil, fmt.Errorf("the shop refused: %s", problem)
	}
	token, err := k.config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(sent["verifier"]))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := k.verifier.Verify(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != sent["nonce"] {
		return nil, fmt.Errorf("the ID token is for another sign-in")
	}
	info, err := k.provider.UserInfo(r.Context(), k.config.TokenSource(r.Context(), token))
	if err != nil {
		return nil, err
	}
	var profile struct{ Name string }
	if err := info.Claims(&profile); err != nil {
		return nil, err
	}
	return &User{idToken.Subject, profile.Name, raw}, nil
}

func main() {
	wiki, err := newWiki(context.Background(), os.Getenv("SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", wiki.home)
	mux.HandleFunc("GET /sign-in", wiki.signIn)
	mux.HandleFunc("GET /callback", wiki.callback)
	log.Print("The wiki runs at http://", address)
	log.Fatal(http.ListenAndServe(address, mux))
}
