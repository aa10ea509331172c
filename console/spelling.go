package console

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-passport/passport/internal/page"
)

// synonyms are words that people write in place of words in the names of settings and
// options.
var synonyms = map[string]string{
	"db": "database", "dsn": "url", "uri": "url", "proxy": "proxies", "scope": "scopes", "secret": "secrets", "resource": "resources", "view": "views",
	"lifetime": "ttl", "expiry": "ttl", "expires": "ttl", "expiration": "ttl", "directory": "dir", "folder": "dir",
	"address": "listen", "addr": "listen", "bind": "listen", "templates": "views", "aud": "audience",
}

// meanings are names that other servers have for a setting.
var meanings = map[string]string{
	"url": "issuer", "base_url": "issuer", "public_url": "issuer", "external_url": "issuer", "app_url": "issuer", "hostname": "issuer", "domain": "issuer",
	"host": "listen", "port": "listen", "http_addr": "listen", "dsn": "database_url", "log": "log_level", "debug": "log_level",
}

// nameOf returns a name in lower case, with underscores between words and without the
// prefix of the environment.
func nameOf(written string) string {
	name := strings.ToLower(strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(written))
	return strings.TrimPrefix(strings.Trim(name, "_"), "passport_")
}

// nearestOf returns the known name that was probably meant, or "" if none is near.
func nearestOf(written string, known []string) string {
	name := nameOf(written)
	if len(name) > longestName {
		return ""
	}
	parts := strings.Split(name, "_")
	for i, word := range parts {
		if other, ok := synonyms[word]; ok && !slices.ContainsFunc(known, func(k string) bool { return slices.Contains(strings.Split(nameOf(k), "_"), word) }) {
			parts[i] = other
		}
	}
	best, least := "", 1+len(name)/3
	for _, k := range known {
		if meanings[name] == nameOf(k) {
			return k
		}
		if d := min(distance(name, nameOf(k)), distance(strings.Join(parts, "_"), nameOf(k))); d <= least {
			best, least = k, d-1
		}
	}
	if best == "" {
		best = containing(parts, known)
	}
	return best
}

// containing returns the only known name that has all of the words, or whose words are
// all among them, or "".
func containing(words []string, known []string) string {
	var found []string
	for _, k := range known {
		of := strings.Split(nameOf(k), "_")
		if within(words, of) || within(of, words) {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
}

// longestName is longer than the name of any setting or option.
const longestName = 60

// nearest returns the setting that was probably meant, or "" if none is near.
func nearest(key string) string {
	keys := make([]string, len(all))
	for i, s := range all {
		keys[i] = s.key
	}
	return nearestOf(key, keys)
}

// distance returns the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// shownName returns the part of a name that can be shown. A broken line of an env file
// may have a secret where its name should be.
func shownName(name string) string {
	end := strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	if end < 0 {
		return page.Text(name, longestName)
	}
	return page.Text(name[:end], longestName) + "…"
}

// kubernetes matches the variables that Kubernetes sets in each container for the
// services passport and passport-…, and those of our tests
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
var kubernetes = regexp.MustCompile(`^PASSPORT_(?:TEST_|PORT|SERVICE_)` +
	`|^PASSPORT_[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)=` +
	`|^PASSPORT_[A-Z0-9_]+_PORT=(?:tcp|udp|sctp)://`)

// ignored is a variable of the environment that looks like a setting and isn't one.
type ignored struct{ variable, meant string }

// ignored returns the variables that begin with PASSPORT_ and aren't settings, sorted
// by name, each with the setting that was probably meant, or "". They aren't an error,
// because other programs set such variables too.
func (p *program) ignored() (found []ignored) {
	seen := map[string]bool{}
	for _, entry := range p.Env {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(strings.ToUpper(name), "PASSPORT_") || seen[name] || set(name) || kubernetes.MatchString(entry) {
			continue
		}
		seen[name] = true
		meant := cmp.Or(nearest(name), nearestOf(name, []string{"config"}))
		if meant != "" {
			meant = setting{key: meant}.env()
		}
		found = append(found, ignored{shownName(name), meant})
	}
	slices.SortFunc(found, func(a, b ignored) int { return strings.Compare(a.variable, b.variable) })
	return found
}

// set reports whether the commands read a variable.
func set(name string) bool {
	return name == "PASSPORT_CONFIG" || slices.ContainsFunc(all, func(s setting) bool { return s.env() == name })
}
