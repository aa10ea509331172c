package jsonid_test

import (
	"encoding/json"
	"testing"

	"github.com/go-passport/passport/internal/jsonid"
)

// An ID is a number in JSON only on request, and only if it converts back to the
// same text: 007 and 7 are two clients.
func TestJSONID_OnlyReversibleIDsAreNumbers(t *testing.T) {
	for id, want := range map[string]string{
		"1": `1`, "42": `42`, "9007199254740991": `9007199254740991`,
		"9007199254740992": `"9007199254740992"`, "99999999999999999999": `"99999999999999999999"`,
		"0": `"0"`, "-1": `"-1"`, "+1": `"+1"`, "007": `"007"`, " 7": `" 7"`, "1e3": `"1e3"`, "0x10": `"0x10"`, "1_0": `"1_0"`, "٣": `"٣"`,
		"": `""`, "a": `"a"`, "01a20b37-a7be-7a73-9340-0f2b3db7b09c": `"01a20b37-a7be-7a73-9340-0f2b3db7b09c"`,
	} {
		if text, err := json.Marshal(jsonid.Value(id, true)); err != nil || string(text) != want {
			t.Errorf("Value(%q, true) is %s in JSON, %v, want %s", id, text, err, want)
		}
		if got := jsonid.Value(id, false); got != any(id) {
			t.Errorf("Value(%q, false) = %v, want the text", id, got)
		}
	}
}
