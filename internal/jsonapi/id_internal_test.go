package passport

import (
	"encoding/json"
	"testing"
)

// An ID is a number in JSON only where that was asked for, and only if it can be
// read back as it was: 007 and 7 are two clients.
func TestJSONID_OnlyWhatReadsBackIsANumber(t *testing.T) {
	numbers := &Server{config: Config{ClientIDs: Integers, NumericUserIDs: true}}
	texts := &Server{config: Config{ClientIDs: UUIDs}}
	for id, want := range map[string]string{
		"1": `1`, "42": `42`, "9007199254740991": `9007199254740991`,
		"9007199254740992": `"9007199254740992"`, "99999999999999999999": `"99999999999999999999"`,
		"0": `"0"`, "-1": `"-1"`, "+1": `"+1"`, "007": `"007"`, " 7": `" 7"`, "1e3": `"1e3"`, "0x10": `"0x10"`, "1_0": `"1_0"`, "٣": `"٣"`,
		"": `""`, "a": `"a"`, "01a20b37-a7be-7a73-9340-0f2b3db7b09c": `"01a20b37-a7be-7a73-9340-0f2b3db7b09c"`,
	} {
		for what, got := range map[string]any{"clientIDJSON": numbers.clientIDJSON(id), "userIDJSON": numbers.userIDJSON(UserRef{ID: id})} {
			if text, err := json.Marshal(got); err != nil || string(text) != want {
				t.Errorf("%s(%q) is %s in JSON, %v, want %s", what, id, text, err, want)
			}
		}
		for what, got := range map[string]any{"clientIDJSON": texts.clientIDJSON(id), "userIDJSON": texts.userIDJSON(UserRef{ID: id})} {
			if got != any(id) {
				t.Errorf("%s(%q) = %v where no numbers were asked for, want the text", what, id, got)
			}
		}
	}
}
