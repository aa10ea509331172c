package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/secret"
)

// Display is a device without a browser: a display in the user's kitchen, which shows
// their orders. Its page is the screen of the device.
type Display struct {
	config   AppConfig
	client   *client
	sessions sessions
	forms    *sameorigin.Guard
}

// deviceGrant is the grant type of a device (RFC 8628 §3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// NewDisplay returns the device.
func NewDisplay(c AppConfig) *Display {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	client := newClient(c.Issuer, c.ClientID, "", c.Scopes)
	client.agent = "KitchenDisplay/1.0"
	return &Display{
		config: c, client: client,
		sessions: sessions{cookie: cookie.Of(c.Issuer).Plain("kitchen_display"), all: map[string]*session{}},
		forms:    sameorigin.New(c.Issuer),
	}
}

// Mount adds the device's page to a mux.
func (d *Display) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	mux.Handle("GET /demo/device", http.HandlerFunc(d.show))
	mux.Handle("POST /demo/device", http.HandlerFunc(d.turnOn))
}

// screen is what the device knows and shows.
type screen struct {
	code     deviceResponse
	QR       template.HTML
	interval time.Duration
	polled   time.Time
	orders   string // of the API, once there is a token
	error    string // of the last poll, if it is final
	Steps    []call
}

// deviceResponse is the response with a device code (RFC 8628 §3.2).
type deviceResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	Interval                int    `json:"interval"`
}

// displayView is what the page shows.
type displayView struct {
	AppConfig
	styled
	FormToken               string
	Screen                  *screen // nil while the device is off
	UserCode, Link, Address string
	Waiting, Manual         bool // Manual: the page does not change by itself
	Declined                bool
	Orders                  string
}

// Site is the name at the top of the page.
func (*displayView) Site() string { return "Kitchen Display" }

var displayPage = parse("display.html", box, "tour.css", "app.css", "display.css")

// show shows the screen. It polls first, if it is time.
func (d *Display) show(w http.ResponseWriter, r *http.Request) {
	s := d.sessions.start(w, r)
	s.Lock()
	defer s.Unlock()
	v := displayView{AppConfig: d.config, FormToken: s.token, Screen: s.screen}
	if p := s.screen; p != nil {
		if err := d.poll(r.Context(), p); err != nil {
			d.config.Logger.Error("the device of the tour can't reach the server", "err", bare(err))
		}
		v.UserCode, v.Link, v.Address = p.code.UserCode, p.code.VerificationURIComplete, p.code.VerificationURI
		v.Waiting, v.Declined, v.Orders = p.orders == "" && p.error == "", p.error == "access_denied", p.orders
		v.Manual = r.URL.Query().Has("manual")
		if v.Waiting && !v.Manual { // as the screen of a device changes by itself
			w.Header().Set("Refresh", strconv.Itoa(int(p.interval/time.Second)))
		}
	}
	if err := displayPage.render(w, http.StatusOK, &v); err != nil {
		d.config.Logger.Error("the tour can't show a page", "err", err)
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
	}
}

// turnOn requests a new code, or turns the device off.
func (d *Display) turnOn(w http.ResponseWriter, r *http.Request) {
	s := d.sessions.start(w, r)
	s.Lock()
	defer s.Unlock()
	if d.forms.CheckForm(r, func() bool { return secret.Equal(s.token, r.PostFormValue("form_token")) }) != nil {
		http.Error(w, "This form was sent by another site.", http.StatusForbidden)
		return
	}
	s.screen = nil
	if r.PostFormValue("off") == "" {
		p, err := d.begin(r.Context())
		if err != nil {
			d.config.Logger.Error("the device of the tour can't get a code", "err", bare(err))
			http.Error(w, "The server doesn't respond. Is the tour still running?", http.StatusBadGateway)
			return
		}
		s.screen = p
	}
	http.Redirect(w, r, "/demo/device", http.StatusSeeOther)
}

// begin requests a device code (RFC 8628 §3.1).
func (d *Display) begin(ctx context.Context) (*screen, error) {
	m, err := d.client.discover(ctx)
	if err != nil {
		return nil, err
	}
	made, body, err := d.client.post(ctx, m.DeviceAuthorizationEndpoint, url.Values{
		"client_id": {d.config.ClientID}, "scope": {strings.Join(d.config.Scopes, " ")}, "device_name": {"Display in the kitchen"},
	})
	if err != nil {
		return nil, err
	}
	p := new(screen)
	if err := json.Unmarshal(body, &p.code); err != nil || made.Status != http.StatusOK {
		return nil, fmt.Errorf("the server refused to give a code: status %d", made.Status)
	}
	if p.QR, err = picture(p.code.VerificationURIComplete); err != nil {
		return nil, err
	}
	p.interval, p.polled = time.Duration(max(p.code.Interval, 1))*time.Second, time.Now()
	made.Title, made.Note = "The device requested a code", "It shows user_code, and keeps device_code. The name is shown to the user, so that they recognize the device."
	p.Steps = []call{made}
	return p, nil
}

// poll asks for the tokens (RFC 8628 §3.4), and calls the API with the first one.
func (d *Display) poll(ctx context.Context, p *screen) error {
	if p.orders != "" || p.error != "" || time.Since(p.polled) < p.interval {
		return nil
	}
	p.polled = time.Now()
	made, tokens, err := d.client.token(ctx, url.Values{"grant_type": {deviceGrant}, "device_code": {p.code.DeviceCode}, "client_id": {d.config.ClientID}})
	if err != nil {
		return err
	}
	made.Title, made.Note = "The device asked for its tokens", "Every few seconds. Until you decide, the response is authorization_pending."
	p.Steps = append(p.Steps[:1:1], made)
	if tokens == nil {
		switch code := errorOf(made).Get("error"); code {
		case "authorization_pending":
		case "slow_down":
			p.interval += 5 * time.Second
		default:
			p.error = cmp.Or(code, "unknown")
		}
		return nil
	}
	orders, err := d.client.get(ctx, "/api/orders", tokens.AccessToken)
	if err != nil {
		return err
	}
	orders.Title, orders.Note = "The device called the API", "With the access token, as any other application does."
	p.Steps, p.orders = append(p.Steps, orders), orders.Response
	return nil
}
