package laravelimport_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/laravelimport"
)

const appKeyText = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func parsed(t testing.TB, text string) laravelimport.Env {
	t.Helper()
	env, err := laravelimport.ParseEnv(text)
	if err != nil {
		t.Fatalf("ParseEnv(%q) = %v", text, err)
	}
	return env
}

// Values have the meaning that they have for vlucas/phpdotenv 5 and Laravel's function env.
func TestParseEnv_LP_1_Values(t *testing.T) {
	for name, test := range map[string]struct{ line, want, fault string }{
		"plain":                       {line: `APP_TIMEZONE=Europe/Paris`, want: "Europe/Paris"},
		"spaces around":               {line: "  APP_TIMEZONE \t= Europe/Paris  ", want: "Europe/Paris"},
		"export":                      {line: `export APP_TIMEZONE=UTC`, want: "UTC"},
		"name in quotes":              {line: `"APP_TIMEZONE"=UTC`, want: "UTC"},
		"empty":                       {line: `APP_TIMEZONE=`},
		"comment":                     {line: `APP_TIMEZONE=UTC # local time`, want: "UTC"},
		"comment without space":       {line: `APP_TIMEZONE=UTC#local`, want: "UTC"},
		"only a comment":              {line: `APP_TIMEZONE=# none`},
		"commented out":               {line: `#APP_TIMEZONE=UTC`},
		"single quotes":               {line: `APP_TIMEZONE='a # $b ${APP_NAME} \n "c"' # d`, want: `a # $b ${APP_NAME} \n "c"`},
		"double quotes":               {line: `APP_TIMEZONE="a # 'b'"# c`, want: `a # 'b'`},
		"escapes":                     {line: `APP_TIMEZONE="a\"b\\c\$d\te"`, want: "a\"b\\c$d\te"},
		"an escaped reference":        {line: `APP_TIMEZONE="\${APP_NAME}"`, want: "${APP_NAME}"},
		"quotes inside":               {line: `APP_TIMEZONE=a"b'c`, want: `a"b'c`},
		"a backslash without quotes":  {line: `APP_TIMEZONE=a\nb`, want: `a\nb`},
		"several lines":               {line: "APP_TIMEZONE=\"a\nb=c\n# d\"", want: "a\nb=c\n# d"},
		"several lines, CRLF":         {line: "APP_TIMEZONE=\"a\r\nb\"\r\nX=Y", want: "a\nb"},
		"the quote on its own line":   {line: "APP_TIMEZONE=\"a\nb\n\"\nX=Y", want: "a\nb\n"},
		"a quote escaped in line two": {line: "APP_TIMEZONE=\"a\nb \\\" c\nd\"", want: "a\nb \" c\nd"},
		"several lines, CR":           {line: "APP_TIMEZONE=UTC\rX=Y", want: "UTC"},
		"reference":                   {line: `APP_TIMEZONE="${APP_NAME} and ${APP_NAME}"`, want: "Shop and Shop"},
		"reference without quotes":    {line: `APP_TIMEZONE=${APP_NAME}/x`, want: "Shop/x"},
		"a dollar without braces":     {line: `APP_TIMEZONE="$APP_NAME ${ x"`, want: "$APP_NAME ${ x"},
		"reference in a reference":    {line: "X='${APP_NAME}'\nAPP_TIMEZONE=${X}", want: "${APP_NAME}"},
		"the last of two":             {line: "APP_TIMEZONE=UTC\nAPP_TIMEZONE=Europe/Paris", want: "Europe/Paris"},
		"removed":                     {line: "APP_TIMEZONE=UTC\nAPP_TIMEZONE"},
		"a comment over lines":        {line: "# X=\"a\nAPP_TIMEZONE=UTC\n# b\""},
		"null":                        {line: `APP_TIMEZONE=null`},
		"(null)":                      {line: `APP_TIMEZONE=(NULL)`},
		"empty in words":              {line: `APP_TIMEZONE="(empty)"`},
		"true":                        {line: `APP_TIMEZONE=TRUE`, want: "1"},
		"false":                       {line: `APP_TIMEZONE=(false)`},
		"quotes in quotes":            {line: `APP_TIMEZONE='"UTC"'`, want: "UTC"},
		"no closing quote":            {line: `APP_TIMEZONE='UTC`, fault: "APP_TIMEZONE has no closing quote"},
		"no closing double quote":     {line: "APP_TIMEZONE=\"UTC\nX=Y", fault: "APP_TIMEZONE has no closing quote"},
		"a backslash at the end":      {line: `APP_TIMEZONE="UTC\`, fault: "APP_TIMEZONE has no closing quote"},
		"text after the quote":        {line: `APP_TIMEZONE="UTC" x`, fault: "APP_TIMEZONE has text after the closing quote"},
		"a space":                     {line: `APP_TIMEZONE=Europe Paris`, fault: "APP_TIMEZONE has a space outside of quotes"},
		"an unknown escape":           {line: `APP_TIMEZONE="Europe\Paris"`, fault: "APP_TIMEZONE has an unknown escape sequence"},
		"an unknown reference":        {line: `APP_TIMEZONE="${TZ}"`, fault: "APP_TIMEZONE refers with ${…}"},
		"a reference to a later line": {line: "APP_TIMEZONE=${X}\nX=UTC", fault: "APP_TIMEZONE refers with ${…}"},
		"a reference to a fault":      {line: "X='UTC\nAPP_TIMEZONE=${X}", fault: "APP_TIMEZONE refers with ${…}"},
		"a reference that grows":      {line: "X=" + strings.Repeat("x", 1<<19) + "\nAPP_TIMEZONE=${X}${X}${X}", fault: "APP_TIMEZONE is longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parsed(t, "APP_NAME=Shop\nMAIL_FROM=My Shop\n=\n"+test.line+"\n").TimeZone()
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) || !strings.Contains(err.Error(), ": ") {
					t.Errorf("the value of %.60q is %.60q, %v; want an error %q that says what to do", test.line, got, err, test.fault)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("the value of %.60q is %q, %v; want %q", test.line, got, err, test.want)
			}
		})
	}
	if _, err := laravelimport.ParseEnv(strings.Repeat("#", 1<<20+1)); err == nil {
		t.Error("ParseEnv() reads a file of more than 1 MiB, want an error")
	}
}

// An Env in a log or an error shows no value.
func TestEnv_LP_1_NeverPrintsItself(t *testing.T) {
	env := parsed(t, "APP_KEY=canary\n")
	if got := fmt.Sprintf("%v %+v %#v %s %v", env, env, env, env, env.LogValue()); strings.Contains(got, "canary") {
		t.Errorf("an Env prints %s, want no value of a variable", got)
	}
}

func TestEnv_LP_1_Keys(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		want  int
		fault string
	}{
		"one":                 {text: "APP_KEY=" + appKeyText, want: 1},
		"previous ones":       {text: "APP_KEY=\"" + appKeyText + "\"\nAPP_PREVIOUS_KEYS='" + appKeyText + ", " + appKeyText + ",'", want: 3},
		"none":                {text: "APP_NAME=Shop"},
		"empty":               {text: "APP_KEY="},
		"null":                {text: "APP_KEY=null"},
		"a wrong key":         {text: "APP_KEY=base64:canary!", fault: "APP_KEY: the application key is not valid base64"},
		"a wrong earlier key": {text: "APP_KEY=" + appKeyText + "\nAPP_PREVIOUS_KEYS=canary", fault: "APP_PREVIOUS_KEYS: the application key has 6 bytes"},
		"no closing quote":    {text: "APP_KEY='canary", fault: "APP_KEY has no closing quote"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := parsed(t, test.text).Keys()
			checkFault(t, err, test.fault)
			if len(keys) != test.want {
				t.Errorf("Keys() = %d keys, want %d", len(keys), test.want)
			}
		})
	}
}

// checkFault fails unless an error has a text, and no secret.
func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Fatalf("the error is %v, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Fatalf("the error is %v, want %q", err, want)
	case err != nil && strings.Contains(err.Error(), "canary"):
		t.Fatalf("the error shows a secret: %v", err)
	}
}

func TestEnv_LP_1_PublicKey(t *testing.T) {
	public, private := pemPair(t)
	_, other := pemPair(t)
	oneLine := func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }
	for name, test := range map[string]struct {
		text, fault string
		none        bool
	}{
		"over lines":              {text: "PASSPORT_PUBLIC_KEY=\"" + public + "\"\nX=Y"},
		"over lines, CRLF":        {text: strings.ReplaceAll("PASSPORT_PUBLIC_KEY=\""+public+"\"\nX=Y", "\n", "\r\n")},
		"the private key":         {text: "PASSPORT_PRIVATE_KEY=\"" + private + "\""},
		"both":                    {text: "PASSPORT_PRIVATE_KEY=\"" + private + "\"\nPASSPORT_PUBLIC_KEY=\"" + public + "\""},
		"escaped":                 {text: `PASSPORT_PUBLIC_KEY="` + oneLine(public) + `"`},
		"escaped, single quotes":  {text: `PASSPORT_PUBLIC_KEY='` + oneLine(public) + `'`},
		"none":                    {text: "APP_NAME=Shop", none: true},
		"not a pair":              {text: "PASSPORT_PRIVATE_KEY=\"" + other + "\"\nPASSPORT_PUBLIC_KEY=\"" + public + "\"", fault: "are not a pair"},
		"not a key":               {text: "PASSPORT_PUBLIC_KEY=canary", fault: "PASSPORT_PUBLIC_KEY: the key is not PEM text"},
		"over lines, in no quote": {text: "PASSPORT_PUBLIC_KEY=" + public, fault: "PASSPORT_PUBLIC_KEY has a space outside of quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := parsed(t, test.text).PublicKey()
			checkFault(t, err, test.fault)
			if want := test.fault == "" && !test.none; (key != nil) != want {
				t.Errorf("PublicKey() = %v, want a key: %v", key, want)
			}
		})
	}
}

func pemPair(t *testing.T) (public, private string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("PUBLIC KEY", der), text("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

// The variables of the database mean what config/database.php of Laravel makes of them.
func TestEnv_LP_1_DatabaseURL(t *testing.T) {
	const mysql = "DB_CONNECTION=mysql\nDB_DATABASE=shop\nDB_USERNAME=reader\n"
	const pgsql = "DB_CONNECTION=pgsql\nDB_DATABASE=shop\nDB_USERNAME=reader\n"
	app := t.TempDir()
	if err := os.WriteFile(filepath.Join(app, "artisan"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	absolute := filepath.Join(t.TempDir(), "shop.sqlite")
	for name, test := range map[string]struct{ text, want, fault string }{
		"MySQL":                       {text: mysql + "DB_HOST=db.internal\nDB_PORT=3307\nDB_PASSWORD=canary", want: "mysql://reader:canary@db.internal:3307/shop"},
		"MariaDB":                     {text: "DB_CONNECTION=mariadb\nDB_DATABASE=shop\nDB_USERNAME=reader", want: "mysql://reader@127.0.0.1:3306/shop"},
		"PostgreSQL":                  {text: pgsql + "DB_PASSWORD=canary", want: "postgres://reader:canary@127.0.0.1:5432/shop"},
		"null":                        {text: mysql + "DB_HOST=null\nDB_PORT=null\nDB_PASSWORD=null\nDB_SOCKET=(empty)\nDB_URL=", want: "mysql://reader@127.0.0.1:3306/shop"},
		"a password of true":          {text: mysql + "DB_PASSWORD=true", want: "mysql://reader:1@127.0.0.1:3306/shop"},
		"a password with everything":  {text: mysql + `DB_PASSWORD='p@ss:w/rd?#% +&"é'`, want: "mysql://reader:p%40ss%3Aw%2Frd%3F%23%25%20%2B%26%22%C3%A9@127.0.0.1:3306/shop"},
		"a password by reference":     {text: "SECRET=canary\n" + mysql + "DB_PASSWORD=\"${SECRET}\"", want: "mysql://reader:canary@127.0.0.1:3306/shop"},
		"an IPv6 address":             {text: pgsql + "DB_HOST=::1", want: "postgres://reader@[::1]:5432/shop"},
		"a socket of MySQL":           {text: mysql + "DB_HOST=localhost\nDB_SOCKET=/run/mysqld/mysqld.sock", want: "mysql://reader@/shop?socket=%2Frun%2Fmysqld%2Fmysqld.sock"},
		"a socket of PostgreSQL":      {text: pgsql + "DB_HOST=/var/run/postgresql\nDB_SOCKET=/x", want: "postgres://reader@/shop?host=%2Fvar%2Frun%2Fpostgresql&port=5432"},
		"a schema":                    {text: pgsql + "DB_SCHEMA='oauth, public'", want: "postgres://reader@127.0.0.1:5432/shop?search_path=oauth%2C%20public"},
		"TLS of PostgreSQL":           {text: pgsql + "DB_SSLMODE=require\nDB_CHARSET=utf8", want: "postgres://reader@127.0.0.1:5432/shop?sslmode=require"},
		"TLS of MySQL":                {text: mysql + "MYSQL_ATTR_SSL_CA=/etc/ssl/cert.pem\nDB_SCHEMA=x", want: "mysql://reader@127.0.0.1:3306/shop?tls=true"},
		"a character set of MySQL":    {text: mysql + "DB_CHARSET=latin1\nDB_COLLATION=latin1_swedish_ci", want: "mysql://reader@127.0.0.1:3306/shop?charset=latin1"},
		"DB_URL":                      {text: "DB_URL=mysql://reader:p@ss%2Fcanary@db:3307/shop?charset=latin1&ssl=1", want: "mysql://reader:p%40ss%2Fcanary@db:3307/shop?charset=latin1"},
		"DB_URL with other variables": {text: "DB_CONNECTION=pgsql\nDB_USERNAME=reader\nDB_PASSWORD=canary\nDB_URL='pgsql://[::1]/shop?sslmode=require&search_path=a'", want: "postgres://reader:canary@[::1]:5432/shop?search_path=a&sslmode=require"},
		"DB_URL before DATABASE_URL":  {text: "DATABASE_URL=postgres://a:canary@b/c\nDB_URL=mariadb://reader@db/shop", want: "mysql://reader@db:3306/shop"},
		"DB_URL of MySQL's socket":    {text: "DB_URL=mysql://reader@localhost/shop?unix_socket=/run/my.sock", want: "mysql://reader@/shop?socket=%2Frun%2Fmy.sock"},
		"DB_URL of SQLite":            {text: "DB_URL=sqlite:////srv/shop.sqlite?foreign_keys=1", want: "sqlite:/srv/shop.sqlite"},
		"DB_URL of a relative file":   {text: "DB_URL=sqlite:///database/shop.sqlite", want: "sqlite:" + filepath.Join(app, "database", "shop.sqlite")},
		"DATABASE_URL":                {text: "DATABASE_URL=postgres://reader:canary@db/shop#x", want: "postgres://reader:canary@db:5432/shop"},
		"the same in DATABASE_URL":    {text: mysql + "DB_HOST=db\nDATABASE_URL=mysql://reader@db/shop", want: "mysql://reader@db:3306/shop"},
		"SQLite by default":           {text: "DB_CONNECTION=sqlite", want: "sqlite:" + filepath.Join(app, "database", "database.sqlite")},
		"SQLite, relative":            {text: "DB_CONNECTION=sqlite\nDB_DATABASE=database/shop.sqlite", want: "sqlite:" + filepath.Join(app, "database", "shop.sqlite")},
		"SQLite, absolute":            {text: "DB_CONNECTION=sqlite\nDB_DATABASE=" + absolute, want: "sqlite:" + absolute},
		"SQLite in memory":            {text: "DB_CONNECTION=sqlite\nDB_DATABASE=:memory:", fault: "DB_DATABASE is :memory:"},
		"SQLite with a parameter":     {text: "DB_CONNECTION=sqlite\nDB_DATABASE=a?mode=memory", fault: "DB_DATABASE has a question mark"},
		"nothing":                     {text: "APP_NAME=Shop", fault: "DB_CONNECTION is missing"},
		"an unknown connection":       {text: "DB_CONNECTION=tenant\nDB_DATABASE=shop\nDB_URL=mysql://a@b/c", fault: "DB_CONNECTION is not mysql, mariadb, pgsql or sqlite"},
		"a connection like a scheme":  {text: "DB_CONNECTION=postgres\nDB_DATABASE=shop\nDB_USERNAME=reader", fault: "DB_CONNECTION is not mysql, mariadb, pgsql or sqlite"},
		"SQL Server":                  {text: "DB_CONNECTION=sqlsrv", fault: "DB_CONNECTION is not mysql, mariadb, pgsql or sqlite"},
		"no database":                 {text: "DB_CONNECTION=mysql\nDB_USERNAME=reader", fault: "DB_DATABASE or DB_USERNAME is missing"},
		"no user":                     {text: "DB_CONNECTION=pgsql\nDB_DATABASE=shop", fault: "DB_DATABASE or DB_USERNAME is missing"},
		"a port in words":             {text: mysql + "DB_PORT=canary", fault: "DB_PORT is not a port"},
		"port zero":                   {text: mysql + "DB_PORT=0", fault: "DB_PORT is not a port"},
		"a host with a password":      {text: mysql + "DB_HOST=canary@db", fault: "DB_HOST is not the name or the address of one server"},
		"several hosts":               {text: mysql + "DB_HOST=a,b", fault: "DB_HOST is not the name or the address of one server"},
		"a user with a colon":         {text: "DB_CONNECTION=mysql\nDB_DATABASE=shop\nDB_USERNAME=a:canary", fault: "DB_USERNAME has a colon"},
		"a wrong character set":       {text: mysql + "DB_CHARSET='utf8;canary'", fault: "DB_CHARSET is not the name of a character set"},
		"a password with a space":     {text: mysql + "DB_PASSWORD=canary b", fault: "DB_PASSWORD has a space outside of quotes"},
		"a password elsewhere":        {text: mysql + "DB_PASSWORD=${canary}", fault: "DB_PASSWORD refers with ${…}"},
		"DB_URL without a scheme":     {text: "DB_URL=canary@db/shop", fault: "DB_URL is not the URL of a database"},
		"DB_URL of SQL Server":        {text: "DB_URL=sqlsrv://a:canary@db/shop", fault: "DB_URL is not the URL of a database"},
		"DB_URL with parameters":      {text: "DB_URL='mysql://a:b@db/shop?canary=%zz'", fault: "DB_URL has parameters that are not valid"},
		"another DATABASE_URL":        {text: mysql + "DATABASE_URL=postgres://a:canary@db/other", fault: "DATABASE_URL and the other variables DB_…"},
		"another than the default":    {text: "DB_CONNECTION=sqlite\nDATABASE_URL=postgres://a:canary@db/other", fault: "DATABASE_URL and the other variables DB_…"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parsed(t, test.text).DatabaseURL(app)
			checkFault(t, err, test.fault)
			if got != test.want {
				t.Fatalf("DatabaseURL() = %q, want %q", got, test.want)
			}
			if err == nil {
				if _, err := dburl.Read(got); err != nil {
					t.Errorf("DatabaseURL() = %q, which no command accepts: %v", got, err)
				}
			} else if !strings.Contains(err.Error(), ": ") && !strings.Contains(err.Error(), "; ") {
				t.Errorf("the error %q does not say what to do", err)
			}
		})
	}
}

// Outside of Laravel's folder only a file with a name is found.
func TestEnv_LP_1_DatabaseOfACopy(t *testing.T) {
	folder := t.TempDir()
	_, err := parsed(t, "DB_CONNECTION=sqlite\n").DatabaseURL(folder)
	checkFault(t, err, "the file .env is not in the folder of a Laravel application: name the SQLite file")
	got, err := parsed(t, "DB_CONNECTION=sqlite\nDB_DATABASE=shop.sqlite\n").DatabaseURL(folder)
	if want := "sqlite:" + filepath.Join(folder, "shop.sqlite"); err != nil || got != want {
		t.Errorf("DatabaseURL() = %q, %v, want %q", got, err, want)
	}
}
