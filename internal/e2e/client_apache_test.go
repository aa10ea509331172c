package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// apacheModules is the folder of the modules of Debian's Apache.
const apacheModules = "/usr/lib/apache2/modules"

// httpdConf is the configuration of a site that signs users in with mod_auth_openidc.
const httpdConf = `ServerRoot %[1]s
ServerName 127.0.0.1
PidFile %[1]s/httpd.pid
DefaultRuntimeDir %[1]s
Mutex posixsem
Listen %[2]s
ErrorLog /dev/stderr
LogLevel warn
%[3]s
DocumentRoot %[1]s/htdocs
TypesConfig /dev/null
AddOutputFilter INCLUDES .html
AddType text/html .html
<Directory %[1]s/htdocs>
  Options +Includes
  Require all granted
</Directory>
OIDCProviderMetadataURL %[4]s/.well-known/openid-configuration
OIDCClientID %[5]s
OIDCClientSecret %[6]s
OIDCRedirectURI http://%[2]s/secure/cb
OIDCCryptoPassphrase a-passphrase-of-the-test
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCResponseMode %[7]s
<Location /secure>
  AuthType openid-connect
  Require valid-user
</Location>
`

// An apache is a site behind mod_auth_openidc, the certified module of Debian.
type apache struct{ url string }

// startApache registers the site as a client and starts it.
func startApache(t *testing.T, s *server, address, mode string) *apache {
	t.Helper()
	program := program(t, "apache2", "/usr/sbin/apache2")
	_, err := os.Stat(filepath.Join(apacheModules, "mod_auth_openidc.so"))
	require(t, err == nil, "mod_auth_openidc is not installed: apt-get install libapache2-mod-auth-openidc")
	a := &apache{"http://" + address}
	c := s.client(t, "--name", "Intranet", "--redirect-uri", a.url+"/secure/cb",
		"--post-logout-redirect-uri", a.url+"/goodbye.html", "--backchannel-logout-uri", a.url+"/secure/cb?logout=backchannel")
	dir := t.TempDir()
	modules := ""
	for _, name := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "include", "auth_openidc"} {
		modules += fmt.Sprintf("LoadModule %s_module %s/mod_%s.so\n", name, apacheModules, name)
	}
	if os.Geteuid() == 0 {
		modules += "User daemon\nGroup daemon\n"
	}
	for name, text := range map[string]string{
		"htdocs/secure/index.html": `<!doctype html><link rel="icon" href="data:,"><title>Intranet</title><p>Inside: <!--#echo var="REMOTE_USER" --> <!--#echo var="OIDC_CLAIM_email" --> <!--#echo var="OIDC_CLAIM_name" -->`,
		"htdocs/goodbye.html":      `<!doctype html><link rel="icon" href="data:,"><title>Goodbye</title><p>Goodbye from the intranet`,
		"httpd.conf":               fmt.Sprintf(httpdConf, dir, address, modules, s.URL, c.ID, c.Secret, mode),
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for folder := dir; folder != filepath.Dir(folder) && folder != os.TempDir(); folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil { // for the user of Apache
			t.Fatal(err)
		}
	}
	var log output
	cmd := exec.Command(program, "-f", filepath.Join(dir, "httpd.conf"), "-D", "FOREGROUND")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // the exit status after a signal differs
		if t.Failed() {
			t.Logf("Apache's log:\n%s", log.String())
		}
	})
	await(t, s, func() bool {
		res, err := http.Get(a.url + "/goodbye.html")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return a
}

// Sign-in by query and by form_post, sign-out at the site, and sign-out at the server,
// which tells the site, with mod_auth_openidc in Chromium.
func TestClients_ModAuthOpenIDC_OI_51_XL02_XK02(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"query", "form_post"} {
		t.Run(mode, func(t *testing.T) {
			address := freeAddress(t)
			s := startProvider(t, "PASSPORT_OPENID_BACKCHANNEL_ALLOWED_HOSTS="+address)
			a := startApache(t, s, address, mode)
			inside := strings.Join([]string{"Inside:", s.subjectOf(t, userEmail) + "@" + s.URL, userEmail, userName}, " ")
			b := newPerson(t, s).tab()
			b.open(a.url + "/secure/")
			b.signIn(userEmail, userPassword)
			b.press("Allow")
			b.see(inside)

			b.open(a.url + "/secure/cb?logout=" + url.QueryEscape(a.url+"/goodbye.html"))
			b.see("Goodbye from the intranet")
			b.open(a.url + "/secure/")
			b.see("Sign in") // the site's session and the server's are over
			b.signIn(userEmail, userPassword)
			b.see(inside)

			b.open(s.URL + "/sign-out")
			b.press("Sign out")
			b.see("You are signed out")
			await(t, s, func() bool {
				b.open(a.url + "/secure/")
				return !strings.Contains(b.text(), "Inside:")
			})
			b.see("Sign in")
		})
	}
}
