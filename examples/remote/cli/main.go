// Command cli calls an API. It knows only the address of the API and its own client ID: it
// finds the authorization server in the API's metadata (RFC 9728), and signs the user in
// with a browser on the same machine (RFC 8252), or with -device on another one (RFC 8628).
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"rsc.io/qr"
)

// maxDocument is the longest document that the client reads.
const maxDocument = 1 << 20

// get decodes a JSON document.
func get(ctx context.Context, address string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, maxDocument)).Decode(to)
}

var resourceMetadata = regexp.MustCompile(`resource_metadata="([^"]*)"`)

// discover returns the endpoints of the API's authorization server: the challenge of the
// API names its metadata, and that names the server.
func discover(ctx context.Context, api string) (*oauth2.Config, error) {
	res, err := http.Get(api + "/orders")
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	at := resourceMetadata.FindStringSubmatch(res.Header.Get("WWW-Authenticate"))
	if at == nil {
		return nil, fmt.Errorf("the response %s of the API has no resource_metadata", res.Status)
	}
	var resource struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
	}
	if err := get(ctx, at[1], &resource); err != nil {
		return nil, err
	}
	if resource.Resource != api || len(resource.Servers) == 0 {
		return nil, fmt.Errorf("the metadata is of %q: want %q", resource.Resource, api)
	}
	issuer := resource.Servers[0]
	var server struct {
		Issuer        string `json:"issuer"`
		Authorization string `json:"authorization_endpoint"`
		Device        string `json:"device_authorization_endpoint"`
		Token         string `json:"token_endpoint"`
	}
	if err := get(ctx, issuer+"/.well-known/oauth-authorization-server", &server); err != nil {
		return nil, err
	}
	if server.Issuer != issuer {
		return nil, fmt.Errorf("the metadata is of %q: want %q", server.Issuer, issuer)
	}
	return &oauth2.Config{
		ClientID: "orders-cli", Scopes: []string{"check-status"},
		Endpoint: oauth2.Endpoint{AuthURL: server.Authorization, DeviceAuthURL: server.Device, TokenURL: server.Token, AuthStyle: oauth2.AuthStyleInParams},
	}, nil
}

// signInHere sends the user to the server in a browser on this machine, and returns the
// token for the API.
func signInHere(ctx context.Context, config *oauth2.Config, api string) (*oauth2.Token, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	config.RedirectURL = "http://" + listener.Addr().String() + "/callback"
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	forAPI := oauth2.SetAuthURLParam("resource", api)
	fmt.Println("Open in your browser:", config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), forAPI))

	back := make(chan url.Values, 1)
	callback := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" || r.URL.Query().Get("state") != state {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintln(w, "You can close this window.")
		select {
		case back <- r.URL.Query():
		default:
		}
	})
	go func() { _ = http.Serve(listener, callback) }() // ends with the listener
	select {
	case q := <-back:
		if q.Get("code") == "" {
			return nil, errors.New(strings.TrimSpace(q.Get("error") + " " + q.Get("error_description")))
		}
		return config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier), forAPI)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// signInElsewhere shows a code and a QR code, with which the user signs in on a phone or on
// another computer, and returns the token for the API.
func signInElsewhere(ctx context.Context, config *oauth2.Config, api string) (*oauth2.Token, error) {
	host, _ := os.Hostname() // optional: the user sees it on the page
	device, err := config.DeviceAuth(ctx, oauth2.SetAuthURLParam("resource", api), oauth2.SetAuthURLParam("device_name", host))
	if err != nil {
		return nil, err
	}
	code, err := qr.Encode(device.VerificationURIComplete, qr.L)
	if err != nil {
		return nil, err
	}
	fmt.Printf("%s\nScan the QR code, or open %s and type %s\n", terminal(code), device.VerificationURI, device.UserCode)
	return config.DeviceAccessToken(ctx, device)
}

// terminal draws a QR code, two rows in a line, with a light border.
func terminal(code *qr.Code) string {
	const border = 2
	var b strings.Builder
	for y := -border; y < code.Size+border; y += 2 {
		for x := -border; x < code.Size+border; x++ {
			upper, lower := 0, 0
			if code.Black(x, y) {
				upper = 1
			}
			if code.Black(x, y+1) {
				lower = 1
			}
			b.WriteString([]string{"█", "▄", "▀", " "}[2*lower+upper])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func run(ctx context.Context, api string, elsewhere bool) error {
	config, err := discover(ctx, api)
	if err != nil {
		return err
	}
	signIn := signInHere
	if elsewhere {
		signIn = signInElsewhere
	}
	token, err := signIn(ctx, config, api)
	if err != nil {
		return err
	}
	res, err := config.Client(ctx, token).Get(api + "/orders")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	if err != nil {
		return err
	}
	fmt.Printf("%s %s", res.Status, body)
	return nil
}

func main() {
	api := flag.String("api", "http://127.0.0.1:8081", "the `URL` of the API")
	device := flag.Bool("device", false, "sign in on another device")
	flag.Parse()
	if err := run(context.Background(), *api, *device); err != nil {
		log.Fatal(err)
	}
}
