package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// The recipes for nginx and Caddy work as they are in deploy/: a user allows a
// client through the proxy, at a separate host and below a path, and the server
// sees the address of the browser.
func TestE2E_Recipes_Proxies(t *testing.T) {
	tests := []struct {
		name, file, issuer string
		start              func(t *testing.T, config string, p *proxy)
	}{
		{"nginx", "nginx/auth.example.com.conf", "https://auth.example.com", startNginx},
		{"nginx below a path", "nginx/app.example.com.conf", "https://app.example.com/auth", startNginx},
		{"Caddy", "caddy/auth.example.com.Caddyfile", "https://auth.example.com", startCaddy},
		{"Caddy below a path", "caddy/app.example.com.Caddyfile", "https://app.example.com/auth", startCaddy},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(test.file)))
			if err != nil {
				t.Fatal(err)
			}
			s, address := startBehindProxy(t, test.issuer)
			p := newProxy(t, s, address)
			test.start(t, string(config), p)
			p.walk(t)
		})
	}
}

// startBehindProxy starts the server that the recipes describe, and returns it with
// the address where it listens. Its URL is the issuer.
func startBehindProxy(t *testing.T, issuer string) (s *server, address string) {
	t.Helper()
	s = newServer(t)
	s.env = append(s.env, "PASSPORT_ISSUER="+issuer, "PASSPORT_TRUSTED_PROXIES=127.0.0.1", "PASSPORT_SCOPES=orders:read=Read your orders")
	s.run(t, "serve", "--listen", freeAddress(t))
	t.Cleanup(func() { s.stop(t) })
	address, s.URL = strings.TrimPrefix(s.URL, "http://"), issuer
	await(t, s, func() bool {
		response, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return s, address
}

// await waits until ready returns true.
func await(t *testing.T, s *server, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not ready after %v; the server's log:\n%s", startTimeout, s.log)
		}
	}
}

// A proxy is nginx or Caddy in front of a server.
type proxy struct {
	server        *server
	upstream      string // where the server listens
	host          string
	address, http string // where it listens for https and http
	app           string // the address of the application beside Passport
	dir           string // its files: fullchain.pem, privkey.pem
	roots         *x509.CertPool
}

func newProxy(t *testing.T, s *server, upstream string) *proxy {
	t.Helper()
	issuer, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the application at "+r.URL.Path)
	}))
	t.Cleanup(app.Close)
	p := &proxy{server: s, upstream: upstream, host: issuer.Host, address: freeAddress(t), http: freeAddress(t), app: app.Listener.Addr().String(), dir: t.TempDir(), roots: x509.NewCertPool()}
	p.certify(t)
	return p
}

// certify makes a certificate for the host, which only this test trusts.
func (p *proxy) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{p.host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "fullchain.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	p.write(t, "privkey.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	p.roots.AddCert(parsed)
}

func (p *proxy) write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// replace replaces texts of a recipe that differ on each machine: old, new, old,
// new. Each old text must be there.
func replace(t *testing.T, config string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(config, pairs[i]) {
			t.Fatalf("the recipe does not have %q:\n%s", pairs[i], config)
		}
		config = strings.ReplaceAll(config, pairs[i], pairs[i+1])
	}
	return config
}

func startNginx(t *testing.T, config string, p *proxy) {
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	config = replace(t, config,
		"listen 443 ssl;", "listen "+p.address+" ssl;",
		"listen [::]:443 ssl;", "",
		"/etc/letsencrypt/live/"+p.host, p.dir,
		"127.0.0.1:8000", p.upstream)
	if strings.Contains(config, "listen 80;") {
		config = replace(t, config, "listen 80;", "listen "+p.http+";", "listen [::]:80;", "")
	} else {
		config, p.http = replace(t, config, "127.0.0.1:3000", p.app), ""
	}
	p.write(t, "site.conf", config)
	main := "daemon off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n    access_log off;\n    include site.conf;\n"
	if os.Geteuid() == 0 {
		main = "user root;\n" + main
	}
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += "    " + kind + "_temp_path " + kind + ";\n"
	}
	file := p.write(t, "nginx.conf", main+"}\n")
	arguments := []string{"-e", "stderr", "-p", p.dir, "-c", file}
	if out, err := exec.CommandContext(t.Context(), nginx, append(arguments, "-t")...).CombinedOutput(); err != nil || strings.Contains(string(out), "[warn]") {
		t.Fatalf("nginx -t: %v\n%s", err, out)
	}
	p.run(t, exec.Command(nginx, arguments...))
}

func startCaddy(t *testing.T, config string, p *proxy) {
	caddy := program(t, "caddy")
	_, port, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	config = replace(t, config,
		"127.0.0.1:8000", p.upstream,
		p.host+" {\n", p.host+":"+port+" {\n\tbind 127.0.0.1\n\ttls "+filepath.Join(p.dir, "fullchain.pem")+" "+filepath.Join(p.dir, "privkey.pem")+"\n")
	if strings.Contains(config, "127.0.0.1:3000") {
		config = replace(t, config, "127.0.0.1:3000", p.app)
	}
	p.http = "" // Caddy's own redirect from http needs port 80
	file := p.write(t, "Caddyfile", "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+config)
	environment := append(os.Environ(), "HOME="+p.dir, "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	validate := exec.CommandContext(t.Context(), caddy, "validate", "--adapter", "caddyfile", "--config", file)
	validate.Env = environment
	if out, err := validate.CombinedOutput(); err != nil {
		t.Fatalf("caddy validate: %v\n%s", err, out)
	}
	run := exec.Command(caddy, "run", "--adapter", "caddyfile", "--config", file)
	run.Env = environment
	p.run(t, run)
}

// program returns the path of an installed program.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require(t, false, names[0]+" is not installed")
	return ""
}

// run starts the proxy, and stops it at the end of the test.
func (p *proxy) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var log output
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // the exit status after an interrupt differs
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", log.String())
		}
	})
	await(t, p.server, func() bool {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", p.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// browserAddress is the browser's address. It is not the proxy's, which the server
// trusts.
const browserAddress = "127.0.0.2"

// browser returns an agent whose requests go through the proxy, with a forged
// X-Forwarded-For.
func (p *proxy) browser(t *testing.T) *agent {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(browserAddress)}}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":80") {
				return dialer.DialContext(ctx, network, p.http)
			}
			return dialer.DialContext(ctx, network, p.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &agent{t, p.server, &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: forging{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// forging sends the header with which a client pretends to have another address.
type forging struct{ next http.RoundTripper }

func (f forging) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	return f.next.RoundTrip(r)
}

// walk has a user allow a client through the proxy, and uses the tokens.
func (p *proxy) walk(t *testing.T) {
	t.Helper()
	s, a := p.server, p.browser(t)
	s.user(t, "ada@example.com", "Ada Lovelace")
	c := s.client(t, "--name", "Order Tracker", "--redirect-uri", "https://tracker.example.com/callback")
	config := &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: "https://tracker.example.com/callback",
		Scopes: []string{"orders:read"}, Endpoint: endpoint(s, oauth2.AuthStyleInHeader),
	}
	verifier := oauth2.GenerateVerifier()
	page := a.get(config.AuthCodeURL(strings.Repeat("s", 1200), oauth2.S256ChallengeOption(verifier)))
	page = a.signIn(page, "ada@example.com", userPassword)
	if text := page.text(t); !strings.Contains(text, "Order Tracker") || !strings.Contains(text, "Read your orders") {
		t.Fatalf("this is not the consent page:\n%s", text)
	}
	page = a.submit(page, "Allow", nil)
	if page.Away == nil {
		t.Fatalf("allowing leads to a page with status %d:\n%s", page.status, page.text(t))
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, a.http)
	token, err := config.Exchange(ctx, page.Away.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	if _, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err != nil {
		t.Errorf("refresh: %v", err)
	}
	p.checkPaths(t, a)
	log := s.log.String()
	if !strings.Contains(log, "address="+browserAddress) || strings.Contains(log, "203.0.113.9") {
		t.Errorf("the server does not log the browser's address %s, or believes a forged one:\n%s", browserAddress, log)
	}
}

// checkPaths requests what is not part of a flow.
func (p *proxy) checkPaths(t *testing.T, a *agent) {
	t.Helper()
	issuer, err := url.Parse(p.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	origin := "https://" + issuer.Host
	metadata := a.get(origin + "/.well-known/oauth-authorization-server" + issuer.Path)
	if metadata.status != http.StatusOK || !strings.Contains(string(metadata.body), `"`+p.server.URL+`"`) {
		t.Errorf("the metadata is %d %s, want the issuer %s", metadata.status, metadata.body, p.server.URL)
	}
	if hsts := metadata.header.Get("Strict-Transport-Security"); hsts == "" {
		t.Error("Strict-Transport-Security is missing")
	}
	if issuer.Path != "" {
		if home := a.get(origin + "/orders"); string(home.body) != "the application at /orders" {
			t.Errorf("/orders is %d %s, want the application", home.status, home.body)
		}
		return
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if probe := a.get(origin + path); probe.status != http.StatusNotFound {
			t.Errorf("%s is %d through the proxy, want 404", path, probe.status)
		}
	}
	if p.http != "" {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+issuer.Host+"/login?a=b", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := a.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if to := response.Header.Get("Location"); response.StatusCode != http.StatusMovedPermanently || to != origin+"/login?a=b" {
			t.Errorf("http leads to %d %q, want 301 to https", response.StatusCode, to)
		}
	}
}
