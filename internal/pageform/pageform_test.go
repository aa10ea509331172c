package pageform_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

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
		reader := pageform.Reader{Origin: sameorigin.New("https://app.example"), Fields: []string{"client", pageform.Token}, Others: test.others}
		_, err := reader.Read(r, func() bool { return false })
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: Read() = %v, want %v", test.name, err, test.want)
		}
	}
}
