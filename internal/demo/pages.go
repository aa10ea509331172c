package demo

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// box is the application's own sign: it is not the server, and does not look it.
const box template.HTML = `<svg viewBox="0 0 24 24" focusable="false"><path d="M3 8l9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8"/></svg>`

// The pages of the application, in colours of its own.
var appPages = map[string]document{
	"start":     parse("start.html", box, "tour.css", "app.css"),
	"connected": parse("connected.html", box, "tour.css", "app.css"),
	"problem":   parse("problem.html", box, "tour.css", "app.css"),
}

// view is what the pages show.
type view struct {
	AppConfig
	styled
	RedirectURI string
	FormToken   string
	User        *profile
	Connected   bool
	Tokens      *tokens
	Token       *decoded
	Steps       []call
	Last        *call
	Ended       bool
	Problem     problem
	Error       url.Values
}

// Site is the name at the top of each page.
func (*view) Site() string { return "Order Tracker" }

func (a *App) render(w http.ResponseWriter, status int, name string, v view) {
	if err := appPages[name].render(w, status, &v); err != nil {
		a.config.Logger.Error("the tour cannot show a page", "err", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
	}
}

// problem is why no tokens came.
type problem struct {
	status      int
	Title, Text string
}

var (
	denied = problem{http.StatusOK, "You said no",
		"The server told this application that you did not allow it. It got no code and no token, and cannot do anything in your name. That is all that an application learns of a refusal."}
	refused = problem{http.StatusBadGateway, "The server refused",
		"No tokens came. What the server answered stands below; its log says more."}
	strangeAnswer = problem{http.StatusBadRequest, "This answer belongs to no question",
		"Order Tracker did not send this browser to the server, or has used the answer already. An answer that nobody asked for is thrown away: somebody may want to connect your session here to an account of theirs. The parameter state is what tells them apart."}
	wrongIssuer = problem{http.StatusBadRequest, "This answer is from somebody else",
		"The parameter iss names another server than the one that you were sent to, so the code in it goes nowhere (RFC 9207)."}
	noServer = problem{http.StatusBadGateway, "The server cannot be reached",
		"Order Tracker could not talk to it. Is the tour still running?"}
)

func (a *App) problem(w http.ResponseWriter, p problem, q url.Values) {
	a.render(w, p.status, "problem", view{AppConfig: a.config, Problem: p, Error: q})
}

// unreachable says that there is no talking to the server. The error may hold
// the address that was asked for and is logged without it.
func (a *App) unreachable(w http.ResponseWriter, err error) {
	a.config.Logger.Error("the tour's application cannot reach the server", "err", bare(err))
	a.problem(w, noServer, nil)
}

// bare takes the address, which may hold a secret, off an error of net/http.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// parseError reads a refusal (RFC 6749 §5.2).
func parseError(body string) url.Values {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal([]byte(body), &e) != nil || e.Error == "" {
		return nil
	}
	return url.Values{"error": {e.Error}, "error_description": {e.Description}}
}

// profile is what the API said of the user.
type profile struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Initial stands for the user's picture.
func (p profile) Initial() string {
	for _, r := range strings.TrimSpace(p.Name) {
		return string(unicode.ToUpper(r))
	}
	return "?"
}

func parseProfile(body string) *profile {
	var p profile
	if json.Unmarshal([]byte(body), &p) != nil || p.Name == "" {
		return nil
	}
	return &p
}
