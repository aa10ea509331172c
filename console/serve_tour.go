package console

import "github.com/go-passport/passport/internal/demo"

// describeTour says what the tour made, and how to try it in a browser and with curl.
// Every line fits 80 columns, so that a terminal doesn't break what is copied.
func describeTour(out *screen, made *demo.Made) {
	out.Printf("\n%s %s\n\n", bold("Passport is running at"), cyan(made.Issuer))
	out.details([]detail{
		{"Open", []string{made.Issuer + "/demo"}, cyanStyle},
		about("Email", demo.Email),
		about("Password", demo.Password),
	})
	out.Printf("\n%s\n\n", bold("Clients"))
	out.details([]detail{
		about(made.Web.ID, "public, redirects to "+made.Web.RedirectURIs[0]),
		about(made.Service.ID, "confidential, redirects to "+made.Service.RedirectURIs[0]),
		about(made.Device.ID, "public, a device: open "+made.Issuer+"/demo/device"),
	})
	out.Printf("\n%s\n\n", bold("API"))
	out.details([]detail{
		about("GET /api/user", "any user's token"),
		about("GET /api/orders", "a user's token with the scope check-status"),
		about("GET /api/service", "a client's own token"),
	})
	out.Printf("\n%s\n\n", bold("Get a token for demo-service and call the API"))
	out.Printf("  export SECRET=%s\n  export URL=%s\n", made.Secret, made.Issuer)
	out.Printf("%s", `  export TOKEN=$(curl -s -u demo-service:$SECRET $URL/oauth/token \
    -d grant_type=client_credentials |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -H "Authorization: Bearer $TOKEN" $URL/api/service
`)
	out.Printf("\n%s\n\n", bold("Introspect the token, revoke it, and introspect it again"))
	out.Printf("%s", `  curl -u demo-service:$SECRET -d token=$TOKEN $URL/oauth/introspect
  curl -u demo-service:$SECRET -d token=$TOKEN $URL/oauth/revoke
  curl -u demo-service:$SECRET -d token=$TOKEN $URL/oauth/introspect
`)
	out.Printf("\n%s\n\n", dim("Press Ctrl-C to stop. Everything in the tour is deleted then."))
}
