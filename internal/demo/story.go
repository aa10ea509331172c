package demo

import "net/url"

// story tells what happened between the button and the tokens.
func story(p pending, answer url.Values, exchange, user call) []call {
	asked, _ := url.Parse(p.URL)
	exchange.Title = "Order Tracker exchanged the code for tokens"
	exchange.Note = "From its own server, not through the browser. code_verifier is the secret whose hash went along as code_challenge. It proves that this is the application that asked, so a code that was seen in passing is of no use to anybody else (PKCE, RFC 7636)."
	user.Title = "Order Tracker asked the API who you are"
	user.Note = "With the access token in the Authorization header. The API looks the token up and answers for your account."
	return []call{
		{
			Title:   "Order Tracker sent your browser to Passport",
			Note:    "With its name, the scopes that it wants, and two random values: state ties the answer to this browser, code_challenge is the hash of a secret that it keeps to itself.",
			Request: "GET " + asked.Path + "\n?" + parameters(asked.Query()),
		},
		{
			Title: "You signed in and said yes",
			Note:  "On Passport’s own pages. Order Tracker saw neither them nor your password.",
		},
		{
			Title:   "Passport sent your browser back with a code",
			Note:    "The code works once, for a minute. Order Tracker compared state with what it had made, and iss with the server that it had sent you to.",
			Request: "GET " + CallbackPath + "\n?" + parameters(answer),
		},
		exchange,
		user,
	}
}
