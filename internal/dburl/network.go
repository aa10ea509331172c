package dburl

import (
	"cmp"
	"fmt"
	"iter"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// network is the URL of a database server. Its parts are not decoded.
type network struct {
	scheme   string // in lower case
	userinfo string
	hosts    string // with their ports
	path     string
	query    string
	parsed   *url.URL
}

// errAmbiguous is for every URL that two parsers could read differently. Its text is
// always the same, so that it reveals nothing about the password.
var errAmbiguous = fmt.Errorf("%w: this URL is not valid; in USER and PASSWORD write %% as %%25, @ as %%40, / as %%2F, : as %%3A, ? as %%3F, "+
	"# as %%23 and a space as %%20, and percent-encode other special characters; PORT is a number", ErrURL)

var (
	userinfoForm = regexp.MustCompile(`^[A-Za-z0-9\-._~!$&'()*+,;=:%]*$`)
	hostForm     = regexp.MustCompile(`^(\[[0-9A-Za-z:.%]*\]|[^\s:@/?#\[\]"<>\\^{|}` + "`" + `]*)(:[0-9]*)?$`)
)

// readNetwork parses the part of a URL after the scheme's colon. It is stricter than
// net/url and the drivers, which disagree about where the password of
// postgres://u:p@ssword@h/d ends. It allows a single @, which ends the user
// information, and no delimiter has two meanings.
func readNetwork(scheme, rest string) (*network, error) {
	rest, found := strings.CutPrefix(rest, "//")
	if !found {
		return nil, fmt.Errorf("%w: // is missing after the scheme", ErrURL)
	}
	n := &network{scheme: scheme}
	before, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(before, "/")
	n.path, n.query = path, query
	if user, hosts, found := strings.Cut(authority, "@"); found {
		n.userinfo, n.hosts = user, hosts
	} else {
		n.hosts = authority
	}
	if strings.Contains(rest, "#") || strings.ContainsRune(n.hosts+n.path+n.query, '@') || !userinfoForm.MatchString(n.userinfo) {
		return nil, errAmbiguous
	}
	for host := range strings.SplitSeq(n.hosts, ",") {
		m := hostForm.FindStringSubmatch(host)
		if m == nil {
			return nil, errAmbiguous
		}
		if port := strings.TrimPrefix(m[2], ":"); port != "" {
			if _, err := strconv.ParseUint(port, 10, 16); err != nil {
				return nil, errAmbiguous
			}
		}
	}
	var err error
	if n.parsed, err = url.Parse(scheme + "://" + rest); err != nil { // the error quotes the URL
		return nil, errAmbiguous
	}
	return n, n.checkQuery()
}

// checkQuery refuses parameters that net/url and the drivers read differently.
func (n *network) checkQuery() error {
	for name, value := range n.parameters() {
		_, nameErr := url.PathUnescape(name)
		_, valueErr := url.PathUnescape(value)
		if nameErr != nil || valueErr != nil || name == "" {
			return fmt.Errorf("%w: the parameters are not valid; in a value write %% as %%25, & as %%26, = as %%3D, @ as %%40, # as %%23 and a space as %%20", ErrURL)
		}
	}
	return nil
}

// parameters yields the name and value of each parameter, not decoded. A parameter
// without an equals sign has an empty name: it may be the end of the value before it.
func (n *network) parameters() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for part := range strings.SplitSeq(n.query, "&") {
			name, value, found := strings.Cut(part, "=")
			if !found {
				name, value = "", part
			}
			if part != "" && !yield(name, value) {
				return
			}
		}
	}
}

// String returns the URL without the password and the parameters.
func (n *network) String() string {
	u := *n.parsed
	u.RawQuery, u.ForceQuery = "", false
	return u.Redacted()
}

// written returns the URL as it was written, with xxxxx for the password and … for each
// parameter that may hold a secret.
func (n *network) written() string {
	var parts []string
	for name, value := range n.parameters() {
		part := name + "=" + value
		if decoded, _ := url.PathUnescape(name); !slices.Contains(harmless, strings.ToLower(decoded)) || strings.Contains(value, "-----BEGIN") {
			part = "…"
		}
		parts = append(parts, part)
	}
	if parts == nil {
		return n.String()
	}
	return n.String() + "?" + strings.Join(parts, "&")
}

// mysql returns the DSN of go-sql-driver/mysql. It is not a URL: user and password are
// not encoded.
func (n *network) mysql() (string, error) {
	u := n.parsed
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("%w: the parameters are not valid", ErrURL)
	}
	for name := range query {
		if secretName(name) { // the driver would send SET password = … to the server
			return "", fmt.Errorf("%w: the password is not a parameter; write it before the @", ErrURL)
		}
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		return "", fmt.Errorf("%w: the database name is missing", ErrURL)
	}
	address := "tcp(" + net.JoinHostPort(cmp.Or(u.Hostname(), "127.0.0.1"), cmp.Or(u.Port(), "3306")) + ")"
	if socket := query.Get("socket"); socket != "" {
		address = "unix(" + socket + ")"
		query.Del("socket")
	}
	user, password := u.User.Username(), ""
	if p, ok := u.User.Password(); ok {
		password = ":" + p
	}
	if strings.Contains(user, ":") {
		return "", fmt.Errorf("%w: MySQL does not support a colon in the user name", ErrURL)
	}
	dsn := user + password + "@" + address + "/" + url.PathEscape(name)
	if len(query) > 0 {
		dsn += "?" + query.Encode()
	}
	return dsn, nil
}
