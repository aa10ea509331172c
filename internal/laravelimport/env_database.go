package laravelimport

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// errNoDatabase is the error without a variable of the database.
var errNoDatabase = errors.New("DB_CONNECTION is missing, and its default depends on the version of Laravel: name the database with --from")

var (
	// drivers are the schemes of our database URLs, by the names of Laravel's connections.
	drivers = map[string]string{"mysql": "mysql", "mariadb": "mysql", "pgsql": "postgres", "sqlite": "sqlite"}

	// aliases are other schemes of Laravel's database URLs.
	aliases = map[string]string{"mysql2": "mysql", "postgres": "pgsql", "postgresql": "pgsql", "sqlite3": "sqlite"}
)

// connection is a connection of Laravel's config/database.php, as the skeleton of Laravel
// fills it from the variables.
type connection struct {
	driver, host, port, database, user, password, socket, schema, charset, sslmode, caFile string
}

// DatabaseURL returns the URL of the application's database. folder is where the file .env
// is: a relative path of a SQLite file begins there. No error has the value of a variable.
func (e Env) DatabaseURL(folder string) (string, error) {
	c, err := e.connection()
	if err != nil {
		return "", err
	}
	switch c.driver {
	case "":
		return "", errNoDatabase
	case "sqlite":
		return c.fileURL(folder)
	}
	return c.serverURL()
}

// connection reads the variables. Parts of DB_URL replace those of the other variables, as
// in Laravel.
func (e Env) connection() (c connection, err error) {
	var kind, dbURL, databaseURL string
	for _, v := range []struct {
		name  string
		field *string
	}{
		{"DB_CONNECTION", &kind}, {"DB_HOST", &c.host}, {"DB_PORT", &c.port}, {"DB_DATABASE", &c.database}, {"DB_USERNAME", &c.user}, {"DB_PASSWORD", &c.password},
		{"DB_SOCKET", &c.socket}, {"DB_SCHEMA", &c.schema}, {"DB_CHARSET", &c.charset}, {"DB_SSLMODE", &c.sslmode}, {"MYSQL_ATTR_SSL_CA", &c.caFile},
		{"DB_URL", &dbURL}, {"DATABASE_URL", &databaseURL},
	} {
		if *v.field, err = e.get(v.name); err != nil {
			return c, err
		}
	}
	if c.driver = drivers[kind]; kind != "" && c.driver == "" {
		return c, errors.New("DB_CONNECTION is not mysql, mariadb, pgsql or sqlite, so only config/database.php describes the database: name it with --from")
	}
	if dbURL != "" {
		return c.with("DB_URL", dbURL)
	}
	if databaseURL == "" {
		return c, nil
	}
	old, err := c.with("DATABASE_URL", databaseURL)
	if err == nil && (c.driver == "sqlite" || c.driver != "" && c.database != "") && c != old {
		err = errors.New("DATABASE_URL and the other variables DB_… name different databases: Laravel 9 and 10 read DATABASE_URL, and later versions DB_URL; name the database with --from")
	}
	return old, err
}

// with returns the connection with the parts that a URL has, in the form of PHP's parse_url.
func (c connection) with(name, text string) (connection, error) {
	scheme, rest, found := strings.Cut(text, "://")
	driver := drivers[cmp.Or(aliases[scheme], scheme)]
	if !found || driver == "" {
		return c, fmt.Errorf("%s is not the URL of a database: want mysql://USER:PASSWORD@HOST/DATABASE, mariadb://…, pgsql://… or sqlite:////FILE, or name the database with --from", name)
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	authority, database, _ := strings.Cut(rest, "/")
	userinfo, host := "", authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		userinfo, host = authority[:i], authority[i+1:]
	}
	user, password, _ := strings.Cut(userinfo, ":")
	port := ""
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return c, fmt.Errorf("%s has parameters that are not valid: percent-encode them, or name the database with --from", name)
	}
	c.driver = driver
	for _, part := range []struct {
		field *string
		value string
	}{
		{&c.host, decoded(host)}, {&c.port, port}, {&c.database, decoded(database)}, {&c.user, decoded(user)}, {&c.password, decoded(password)},
		{&c.socket, options.Get("unix_socket")}, {&c.schema, cmp.Or(options.Get("search_path"), options.Get("schema"))},
		{&c.charset, options.Get("charset")}, {&c.sslmode, options.Get("sslmode")},
	} {
		*part.field = cmp.Or(part.value, *part.field)
	}
	return c, nil
}

// fileURL returns the URL of a SQLite database.
func (c connection) fileURL(folder string) (string, error) {
	file := c.database
	switch {
	case file == ":memory:":
		return "", errors.New("DB_DATABASE is :memory:, a database that ends with its process: name a file with --from sqlite:FILE")
	case strings.ContainsAny(file, "?\x00"):
		return "", errors.New("DB_DATABASE has a question mark or a null character: copy the database to a file with another name, and name that with --from sqlite:FILE")
	case file == "" && !IsApplication(folder):
		return "", errors.New("DB_DATABASE is missing, and the file .env is not in the folder of a Laravel application: name the SQLite file, by default database/database.sqlite there, with --from sqlite:FILE")
	}
	file = cmp.Or(file, filepath.Join("database", "database.sqlite"))
	if !filepath.IsAbs(file) {
		file = filepath.Join(folder, file)
	}
	if file = filepath.Clean(file); strings.HasPrefix(file, "~") {
		file = "." + string(filepath.Separator) + file
	}
	return "sqlite:" + file, nil
}

var (
	hostForm    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	charsetForm = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

// serverURL returns the URL of a database of a server.
func (c connection) serverURL() (string, error) {
	options := url.Values{}
	host, err := c.address(options)
	switch {
	case err != nil:
		return "", err
	case c.database == "" || c.user == "":
		return "", errors.New("DB_DATABASE or DB_USERNAME is missing, and its default depends on the version of Laravel: name the database with --from")
	case c.driver == "mysql" && strings.Contains(c.user, ":"):
		return "", errors.New("DB_USERNAME has a colon, which the MySQL driver does not support: create another user that can read the database")
	case c.charset != "" && !charsetForm.MatchString(c.charset):
		return "", errors.New("DB_CHARSET is not the name of a character set: correct it, or name the database with --from")
	}
	if c.driver == "mysql" {
		set(options, "charset", c.charset) // text may have been written in this encoding into columns of another
		if c.caFile != "" {
			options.Set("tls", "true")
		}
	} else {
		set(options, "search_path", c.schema)
		set(options, "sslmode", c.sslmode)
	}
	userinfo := encoded(c.user)
	if c.password != "" {
		userinfo += ":" + encoded(c.password)
	}
	u := c.driver + "://" + userinfo + "@" + host + "/" + encoded(c.database)
	if len(options) > 0 {
		u += "?" + strings.ReplaceAll(options.Encode(), "+", "%20")
	}
	return u, nil
}

// address returns the host and port of the server. A socket is a parameter instead: of
// MySQL in DB_SOCKET, and of PostgreSQL as a folder in DB_HOST.
func (c connection) address(options url.Values) (string, error) {
	port := cmp.Or(c.port, map[string]string{"mysql": "3306", "postgres": "5432"}[c.driver])
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("DB_PORT is not a port: correct it, or name the database with --from")
	}
	host := strings.Trim(cmp.Or(c.host, "127.0.0.1"), "[]")
	switch {
	case c.driver == "mysql" && c.socket != "":
		options.Set("socket", c.socket)
		return "", nil
	case c.driver == "postgres" && strings.HasPrefix(host, "/"):
		options.Set("host", host)
		options.Set("port", port)
		return "", nil
	}
	if ip, err := netip.ParseAddr(host); !hostForm.MatchString(host) && (err != nil || ip.Zone() != "") {
		return "", errors.New("DB_HOST is not the name or the address of one server: correct it, or name the database with --from")
	}
	return net.JoinHostPort(host, port), nil
}

func set(options url.Values, name, value string) {
	if value != "" {
		options.Set(name, value)
	}
}

// encoded percent-encodes a part of a URL. Letters, digits and hyphens stay.
func encoded(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// decoded decodes a part of a URL. Like PHP, it keeps a text that is not percent-encoded.
func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}
