package laravelimport

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strings"
)

// Env are the variables of a file .env of Laravel.
type Env map[string]string

// maxEnv is the largest file .env, in bytes.
const maxEnv = 1 << 20

// ParseEnv reads the text of a file .env: lines NAME=value, the value with or without
// quotes. It does not replace ${NAME} in values. It ignores lines that it can't read,
// because only a few variables matter.
func ParseEnv(text string) (Env, error) {
	if len(text) > maxEnv {
		return nil, errors.New("the file is larger than 1 MiB: want the file .env of the Laravel application")
	}
	env := Env{}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !found || name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		env[name] = envValue(strings.TrimSpace(value))
	}
	return env, nil
}

// envValue removes quotes, and a comment after the value.
func envValue(s string) string {
	if s == "" {
		return ""
	}
	if quote := s[0]; quote == '"' || quote == '\'' {
		if end := strings.IndexByte(s[1:], quote); end >= 0 {
			return s[1 : end+1]
		}
	}
	if before, _, found := strings.Cut(s, " #"); found {
		return strings.TrimSpace(before)
	}
	return s
}

// Keys returns the values of APP_KEY and APP_PREVIOUS_KEYS.
func (e Env) Keys() (keys []string) {
	if e["APP_KEY"] != "" {
		keys = append(keys, e["APP_KEY"])
	}
	for key := range strings.SplitSeq(e["APP_PREVIOUS_KEYS"], ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// PublicKey returns the PEM text of the key that signs access tokens, or "".
func (e Env) PublicKey() string {
	return cmp.Or(e["PASSPORT_PUBLIC_KEY"], e["PASSPORT_PRIVATE_KEY"])
}

// DatabaseURL returns the URL of the application's database, or "" if the variables don't
// name one.
func (e Env) DatabaseURL() string {
	if u := cmp.Or(e["DATABASE_URL"], e["DB_URL"]); u != "" {
		return strings.Replace(strings.Replace(u, "pgsql://", "postgres://", 1), "mariadb://", "mysql://", 1)
	}
	scheme := map[string]string{"mysql": "mysql", "mariadb": "mysql", "pgsql": "postgres"}[e["DB_CONNECTION"]]
	switch {
	case e["DB_CONNECTION"] == "sqlite" && e["DB_DATABASE"] != "":
		return "sqlite:" + e["DB_DATABASE"]
	case scheme == "" || e["DB_DATABASE"] == "":
		return ""
	}
	host := cmp.Or(e["DB_HOST"], "127.0.0.1")
	if e["DB_PORT"] != "" {
		host = net.JoinHostPort(host, e["DB_PORT"])
	}
	user := encoded(e["DB_USERNAME"])
	if e["DB_PASSWORD"] != "" {
		user += ":" + encoded(e["DB_PASSWORD"])
	}
	return scheme + "://" + user + "@" + host + "/" + encoded(e["DB_DATABASE"])
}

// encoded percent-encodes a part of a URL. Letters, digits and hyphens stay.
func encoded(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
