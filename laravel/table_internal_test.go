package laravel

import (
	"slices"
	"testing"
)

// The scopes of a row are the same before the import and after it.
func TestParseScopes_LP_3_Forms(t *testing.T) {
	for raw, want := range map[string][]string{
		``: nil, `null`: nil, `[]`: nil, `["a","b"]`: {"a", "b"}, `{"1":"a","3":"b"}`: {"a", "b"}, `[1,"b"]`: {"1", "b"}, `["not admin","*"]`: {"*"},
	} {
		if got, err := parseScopes(raw); err != nil || !slices.Equal(got, want) {
			t.Errorf("parseScopes(%s) = %v, %v, want %v", raw, got, err, want)
		}
	}
	for _, raw := range []string{`"a"`, `{`, `[["a"]]`, `1`} {
		if got, err := parseScopes(raw); err == nil {
			t.Errorf("parseScopes(%s) = %v, want an error", raw, got)
		}
	}
}
