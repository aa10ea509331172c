package pageform_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/sameorigin"
)

func TestRead(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, media, body, site string
		others                  bool
		want                    error
	}{
		{"a form of ours", form, "client=a&form_token=b", "same-origin", false, nil},
		{"without fields", form, "", "same-origin", false, nil},
		{"a repeated field", form, "client=a&client=b", "same-origin", true, pageform.ErrForm},
		{"a field that is not text", form, "client=%00", "same-origin", true, pageform.ErrForm},
		{"a malformed field", form, "client=%zz", "same-origin", true, pageform.ErrForm},
		{"a malformed field of a link", form, "utm=%zz&client=a", "same-origin", false, nil},
		{"a repeated field of a middleware", form, "csrf=a&csrf=b", "same-origin", true, nil},
		{"a repeated field, without a middleware", form, "csrf=a&csrf=b", "same-origin", false, pageform.ErrForm},
		{"JSON", "application/json", "{}", "same-origin", false, pageform.ErrForm},
		{"a form of another site", form, "client=a", "cross-site", false, pageform.ErrForeign},
	} {
		r := httptest.NewRequest("POST", "https://app.example/remove", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.media)
		r.Header.Set("Origin", map[string]string{"same-origin": "https://app.example", "cross-site": "https://evil.example"}[test.site])
		r.Header.Set("Sec-Fetch-Site", test.site)
		reader := pageform.Reader{Origin: sameorigin.New("https://app.example"), Fields: []string{"client", pageform.TokenField}, Others: test.others}
		_, err := reader.Read(r)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: Read() = %v, want %v", test.name, err, test.want)
		}
	}
}

// A form from a browser that does not say where it comes from needs the token that its
// page and its cookie have.
func TestToken(t *testing.T) {
	const issuer = "https://app.example"
	names := cookie.Of(issuer)
	reader := pageform.Reader{
		Origin: sameorigin.New(issuer), Cookies: names, Name: names.Host("form"),
		Fields: []string{pageform.TokenField},
	}
	show := func(c *http.Cookie, header ...string) (string, []*http.Cookie) {
		r := httptest.NewRequest("GET", issuer+"/remove", nil)
		if c != nil {
			r.AddCookie(c)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		return reader.Token(w, r), w.Result().Cookies()
	}

	if token, set := show(nil, "Sec-Fetch-Site", "none"); token != "" || len(set) != 0 {
		t.Errorf("Token() = %q with the cookies %v, want none for a browser that says where a form comes from", token, set)
	}
	token, set := show(nil)
	if token == "" || len(set) != 1 || set[0].Value != token {
		t.Fatalf("Token() = %q with the cookies %v, want a token and its cookie", token, set)
	}
	if again, more := show(set[0]); again != token || len(more) != 0 {
		t.Errorf("Token() in a second tab = %q with the cookies %v, want %q and no cookie", again, more, token)
	}
	if other, more := show(&http.Cookie{Name: set[0].Name, Value: "chosen"}); other == "chosen" || len(more) != 1 {
		t.Errorf("Token() = %q with the cookies %v, want a new token instead of a value that we did not set", other, more)
	}

	for _, test := range []struct {
		name, token string
		cookies     []*http.Cookie
		checked     bool
		want        error
	}{
		{"with both", token, set, false, nil},
		{"without the cookie", token, nil, false, pageform.ErrForeign},
		{"without the field", "", set, false, pageform.ErrForeign},
		{"with two cookies", token, []*http.Cookie{set[0], set[0]}, false, pageform.ErrForeign},
		{"checked by the application", "", nil, true, nil},
	} {
		r := httptest.NewRequest("POST", issuer+"/remove", strings.NewReader(url.Values{pageform.TokenField: {test.token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "null")
		for _, c := range test.cookies {
			r.AddCookie(c)
		}
		reader.Checked = test.checked
		if _, err := reader.Read(r); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: Read() = %v, want %v", test.name, err, test.want)
		}
	}
}
