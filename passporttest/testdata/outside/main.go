// Command outside calls functions that only tests may call, from a binary.
package main

import (
	"net/http"
	"os"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

func main() {
	r, _ := http.NewRequest("GET", "/", nil)
	switch os.Args[1] {
	case "ActingAs":
		passporttest.ActingAs(r, &passport.User{ID: "42"})
	case "ActingAsUserOf":
		passporttest.ActingAsUserOf(r, "staff", &passport.User{ID: "42"})
	case "ActingAsClient":
		passporttest.ActingAsClient(r, &oauth.Client{ID: "robot"})
	case "NewServer":
		passporttest.NewServer(nil, passport.Config{})
	}
}
