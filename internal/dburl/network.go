package dburl

import (
	"cmp"
	"fmt"
	"iter"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// network is the URL of a database server. Its parts are as written.
type network struct {
	scheme   string // in lower case
	userinfo string
	hosts    string // with their ports
	path     string
	query    string
	parsed   *url.URL
}

// errAmbiguous is one text for every URL that two programs might read differently,
// so that it says nothing about the password.
var errAmbiguous = fmt.Errorf("%w: this one cannot be read; in USER and PASSWORD write %% as %%25, @ as %%40, / as %%2F, : as %%3A, ? as %%3F, "+
	"# as %%23 and a space as %%20, and percent-encode other special characters; PORT is a number", ErrURL)

var (
	userinfoForm = regexp.MustCompile(`^[A-Za-z0-9\-._~!$&'()*+,;=:%]*$`)
	hostForm     = regexp.MustCompile(`^(\[[0-9A-Za-z:.%]*\]|[^\s:@/?#\[\]"<>\\^{|}` + "`" + `]*)(:[0-9]*)?$`)
)

// readNetwork reads what follows the colon of the scheme. It is stricter than
// net/url and the drivers, which disagree about where the password of
// postgres://u:p@ssword@h/d ends: the one @ ends the user information, and no
// delimiter has two meanings.
func readNetwork(scheme, rest string) (*network, error) {
	rest, found := strings.CutPrefix(rest, "//")
	if !found {
		return nil, fmt.Errorf("%w: // is missing after its scheme", ErrURL)
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
	if n.parsed, err = url.Parse(scheme + "://" + rest); err != nil { // it quotes the URL
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
			return fmt.Errorf("%w: its parameters cannot be read; in a value write %% as %%25, & as %%26, = as %%3D, @ as %%40, # as %%23 and a space as %%20", ErrURL)
		}
	}
	return nil
}

// parameters yields name and value of each parameter, as written. One without an
// equals sign has an empty name: it may be the tail of a value before it.
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

// String returns the URL to be shown.
func (n *network) String() string {
	u := *n.parsed
	u.RawQuery, u.ForceQuery = "", false
	return u.Redacted()
}

// mysql writes the DSN of go-sql-driver/mysql, which is no URL: user and
// password stand there as they are.
func (n *network) mysql() (string, error) {
	u := n.parsed
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("%w: its parameters cannot be read", ErrURL)
	}
	for name := range query {
		if secretName(name) { // the driver would have the server run SET password = …
			return "", fmt.Errorf("%w: PASSWORD is no parameter, it stands before the @", ErrURL)
		}
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		return "", fmt.Errorf("%w: it names no database", ErrURL)
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
		return "", fmt.Errorf("%w: a user name with a colon in it does not work with MySQL", ErrURL)
	}
	dsn := user + password + "@" + address + "/" + url.PathEscape(name)
	if len(query) > 0 {
		dsn += "?" + query.Encode()
	}
	return dsn, nil
}
