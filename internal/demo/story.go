package demo

import "net/url"

// story returns the steps between the button and the tokens.
func story(p pending, answer url.Values, exchange, user call) []call {
	asked, _ := url.Parse(p.URL)
	exchange.Title = "Order Tracker exchanged the code for tokens"
	exchange.Note = "From its own server, not through the browser. `code_verifier` is the secret whose hash was sent as `code_challenge`. It proves that the same application sent both requests, so an attacker can't use a code that leaked (PKCE, RFC 7636)."
	verified := call{
		Title: "Order Tracker verified the ID token",
		Note:  "With the public keys at `jwks_uri`. It compared `iss`, `aud` and `nonce` with what it had sent, so the token is for this application and this sign-in. Now it knows who you are (OpenID Connect).",
	}
	user.Title = "Order Tracker asked the API who you are"
	user.Note = "With the access token in the header `Authorization`. The API looks up the token and returns your account."
	return []call{
		{
			Title:   "Order Tracker sent your browser to Passport",
			Note:    "With its client ID, the scopes that it requests, and three random values: `state` binds the response to this browser, `nonce` comes back in the ID token, and `code_challenge` is the hash of a secret that Order Tracker keeps.",
			Request: "GET " + asked.Path + "\n?" + parameters(asked.Query()),
		},
		{
			Title: "You signed in and allowed the request",
			Note:  "On Passport’s pages. Order Tracker saw neither them nor your password.",
		},
		{
			Title:   "Passport sent your browser back with a code",
			Note:    "The code works once, for a minute. Order Tracker compared `state` with the value that it had sent, and `iss` with the server that it had sent you to.",
			Request: "GET " + CallbackPath + "\n?" + parameters(answer),
		},
		exchange,
		verified,
		user,
	}
}
