package formdata_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/formdata"
)

func knows(name string) bool { return name == "scope" || name == "state" }

func TestParse_FR_33(t *testing.T) {
	for _, tt := range []struct{ text, want, malformed string }{
		{"", "", ""},
		{"scope=a+b&scope=%26&x", "scope=a+b&scope=%26&x=", ""},
		{"&&scope=a&", "scope=a", ""},
		{"scope=a&utm=x;y&utm=%zz&%zz=1&a;b&;=&%=&=%", "scope=a", ""},
		{"utm=x;scope=b", "", ""},
		{"scope=a;b", "", "scope"},
		{"sc%6Fpe=a;b", "", "scope"},
		{"scope=a&scope=%zz", "scope=a", "scope"},
		{"state=%&scope=%", "", "state"},
	} {
		got, err := formdata.Parse(tt.text, knows)
		var bad *formdata.Malformed
		errors.As(err, &bad)
		if got.Encode() != tt.want || (bad == nil) != (tt.malformed == "") || bad != nil && bad.Name != tt.malformed {
			t.Errorf("Parse(%q) = %q, %v; want %q with the malformed parameter %q", tt.text, got.Encode(), err, tt.want, tt.malformed)
		}
	}
	if _, err := formdata.Parse(strings.Repeat("a&", formdata.MaxParameters), knows); !errors.Is(err, formdata.ErrTooMany) {
		t.Errorf("Parse of %d parameters = %v, want ErrTooMany", formdata.MaxParameters+1, err)
	}
}

// A middleware may have read the body before.
func TestParseForm_FR_33_AfterAMiddleware(t *testing.T) {
	for _, early := range []bool{false, true} {
		r := httptest.NewRequest("POST", "/?utm=a;b&scope=query", strings.NewReader("scope=body&x=%zz"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if early {
			_ = r.ParseForm()
		}
		if err := formdata.ParseForm(r, knows); err != nil || r.PostForm.Encode() != "scope=body" || r.Form.Encode() != "scope=body&scope=query" {
			t.Errorf("with an early ParseForm %t: Form %v, PostForm %v, %v", early, r.Form, r.PostForm, err)
		}
		if err := r.ParseForm(); err != nil || r.FormValue("scope") != "body" {
			t.Errorf("a later ParseForm = %v with the scope %q, want the one in the body", err, r.FormValue("scope"))
		}
	}
}

// A middleware may have restored the body. Then ParseForm finds a malformed
// parameter. It finds a malformed parameter of the query in any case.
func TestParseForm_FR_33_MalformedAfterAMiddleware(t *testing.T) {
	const good = "scope=read&x=1"
	for name, middleware := range map[string]func(r *http.Request, body string){
		"none":                     func(*http.Request, string) {},
		"ParseForm, then restored": func(r *http.Request, body string) { _ = r.ParseForm(); r.Body = io.NopCloser(strings.NewReader(body)) },
		"read, then restored": func(r *http.Request, body string) {
			_, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(body))
		},
		"FormValue of a copy": func(r *http.Request, _ string) {
			c := r.Clone(r.Context())
			c.Body = http.NoBody
			_ = c.FormValue("csrf")
		},
		"ParseForm":           nil,
		"ParseForm and Close": nil,
	} {
		for _, tt := range []struct{ query, body, malformed string }{
			{"", good, ""}, {"utm=a;b", good + "&utm=%zz", ""},
			{"", "x=1&scope=read;x", "scope"}, {"", "scope=%zz", "scope"}, {"", "state=%&x=1", "state"},
			{"scope=%zz", good, "scope"}, {"state=a;b", good, "state"},
		} {
			r := httptest.NewRequest("POST", "/?"+tt.query, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			want := tt.malformed
			if middleware != nil {
				middleware(r, tt.body)
			} else { // the body was consumed
				_ = r.ParseForm()
				if name == "ParseForm and Close" {
					r.Body = closed{}
				}
				if tt.query == "" {
					want = ""
				}
			}
			err := formdata.ParseForm(r, knows)
			bad, _ := errors.AsType[*formdata.Malformed](err)
			if (bad == nil) != (want == "") || bad != nil && bad.Name != want || bad == nil && err != nil {
				t.Errorf("middleware %q: ParseForm of query %q and body %q = %v, want the malformed parameter %q", name, tt.query, tt.body, err, want)
			}
			if tt.body == good && r.PostForm.Encode() != good {
				t.Errorf("middleware %q: PostForm of body %q = %v", name, tt.body, r.PostForm)
			}
		}
	}
}

// closed is the body of net/http after Close.
type closed struct{}

func (closed) Read([]byte) (int, error) { return 0, http.ErrBodyReadAfterClose }
func (closed) Close() error             { return nil }

// Parse returns the same as net/url for every text that net/url reads without an
// error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"a=b&c=d", "scope=a;b", "%zz=%", "a=%41+&a=", "=&=&;", "\xff=\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := url.ParseQuery(text)
		got, err := formdata.Parse(text, func(string) bool { return true })
		if wantErr == nil && (err != nil || got.Encode() != want.Encode()) && !errors.Is(err, formdata.ErrTooMany) {
			t.Errorf("Parse(%q) = %v, %v; want %v as net/url reads it", text, got, err, want)
		}
		if lenient, err := formdata.Parse(text, func(string) bool { return false }); err == nil && lenient.Encode() != want.Encode() {
			t.Errorf("Parse(%q) = %v, want %v: as net/url accepts", text, lenient, want)
		}
	})
}
