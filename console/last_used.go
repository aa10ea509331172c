package console

import "time"

// lastUsed is the last use of an app or a token in a table; empty if it is not known.
func lastUsed(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04")
}

// lastUsedJSON is the last use as JSON. Its fields are absent if it is not known.
type lastUsedJSON struct {
	LastUsedAt      string `json:"last_used_at,omitempty"`
	LastUsedAddress string `json:"last_used_address,omitempty"`
	LastUsedAgent   string `json:"last_used_agent,omitempty"`
}

func describeUse(at time.Time, address, agent string) lastUsedJSON {
	if at.IsZero() {
		return lastUsedJSON{}
	}
	return lastUsedJSON{at.UTC().Format(time.RFC3339), address, agent}
}
