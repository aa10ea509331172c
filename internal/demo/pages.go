package demo

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
)

// box is the logo of the application, which looks different from the server.
const box template.HTML = `<svg viewBox="0 0 24 24" focusable="false"><path d="M3 8l9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8"/></svg>`

// The pages of the application, in its own colors.
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
	Who         *identity
	Connected   bool
	Tokens      *tokens
	Token       *decoded // the access token
	IDToken     *decoded
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
		a.config.Logger.Error("the tour can't show a page", "err", err)
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
	}
}

// problem is the reason why the application got no tokens.
type problem struct {
	status int
	Title  string
	Text   note
}

var (
	denied = problem{http.StatusOK, "You declined",
		"The server told this application that you did not allow it, and nothing else. The application has no code and no token, so it can’t act for you."}
	refused = problem{http.StatusBadGateway, "The server refused",
		"The application got no tokens. The response of the server is below. Its log has the details."}
	unexpectedResponse = problem{http.StatusBadRequest, "We weren’t expecting this response",
		"Order Tracker did not send this browser to the server, or it has used this response already. The parameter `state` shows that. An attacker could send you such a response to connect your session to the attacker’s account, so Order Tracker ignores it."}
	wrongIssuer = problem{http.StatusBadRequest, "This response is from another server",
		"The parameter `iss` names another server than Order Tracker sent you to. So it doesn’t use the code (RFC 9207)."}
	wrongIDToken = problem{http.StatusBadGateway, "The ID token doesn’t verify",
		"Order Tracker can’t tell who signed in, so it signs no user in. The terminal has the details."}
	noServer = problem{http.StatusBadGateway, "The server doesn’t respond",
		"Order Tracker can’t reach it. Is the tour still running?"}
)

func (a *App) problem(w http.ResponseWriter, p problem, q url.Values) {
	a.render(w, p.status, "problem", view{AppConfig: a.config, Problem: p, Error: q})
}

// unreachable shows that the server doesn’t respond. It logs the error without its URL,
// which may have a secret.
func (a *App) unreachable(w http.ResponseWriter, err error) {
	a.config.Logger.Error("the application of the tour can't reach the server", "err", bare(err))
	a.problem(w, noServer, nil)
}

// bare removes the URL from an error of net/http.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// parseError reads an error response (RFC 6749 §5.2).
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
