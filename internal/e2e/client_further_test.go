package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// Sign-in, UserInfo and refresh with the relying party of zitadel/oidc.
func TestFurther_Zitadel_SignIn(t *testing.T) {
	t.Parallel()
	s := startProvider(t)
	const callback, goodbye = "https://app.example.com/callback", "https://app.example.com/goodbye"
	c := s.client(t, "--name", "Wiki", "--redirect-uri", callback, "--post-logout-redirect-uri", goodbye)
	client := &http.Client{Transport: transport{s.canaries, http.DefaultTransport}, Timeout: 30 * time.Second}
	nonce := oauth2.GenerateVerifier()
	expected := nonce // the verifier of the package also compares it on a refresh
	party, err := rp.NewRelyingPartyOIDC(t.Context(), s.URL, c.ID, c.Secret, callback, []string{"openid", "profile", "email"},
		rp.WithHTTPClient(client), rp.WithSigningAlgsFromDiscovery(),
		rp.WithVerifierOpts(rp.WithNonce(func(context.Context) string { return expected })))
	if err != nil {
		t.Fatalf("NewRelyingPartyOIDC() = %v", err)
	}
	verifier := oauth2.GenerateVerifier()
	address := rp.AuthURL("a-state-that-comes-back", party, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", nonce)))
	got := newAgent(t, s).answer(address).parameters()
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](t.Context(), got.Get("code"), party, rp.WithCodeVerifier(verifier))
	if err != nil {
		t.Fatalf("CodeExchange() = %v", err)
	}
	ada := s.subjectOf(t, userEmail)
	if claims := tokens.IDTokenClaims; claims.Subject != ada || claims.Nonce != nonce || claims.SessionID == "" || claims.AccessTokenHash == "" {
		t.Errorf("the ID token has sub %q, nonce %q, sid %q and at_hash %q, want %s, %s and two values", claims.Subject, claims.Nonce, claims.SessionID, claims.AccessTokenHash, ada, nonce)
	}
	user, err := rp.Userinfo[*oidc.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, ada, party)
	if err != nil || user.Email != userEmail || user.Name != userName {
		t.Errorf("Userinfo() = %+v, %v, want Ada", user, err)
	}
	expected = ""
	fresh, err := rp.RefreshTokens[*oidc.IDTokenClaims](t.Context(), party, tokens.RefreshToken, "", "")
	if err != nil || fresh.IDTokenClaims.Subject != ada || fresh.IDTokenClaims.GetAuthTime() != tokens.IDTokenClaims.GetAuthTime() {
		t.Errorf("RefreshTokens() = %+v, %v, want an ID token with the same sub and auth_time", fresh, err)
	}
}

// oauth2ProxyConf is the configuration of an oauth2-proxy.
const oauth2ProxyConf = `provider = "oidc"
oidc_issuer_url = "%[1]s"
client_id = "%[2]s"
client_secret = "%[3]s"
redirect_url = "http://%[4]s/oauth2/callback"
http_address = "%[4]s"
upstreams = ["file://%[5]s/#/"]
email_domains = ["*"]
cookie_secret = "0123456789abcdef0123456789abcdef"
cookie_secure = false
code_challenge_method = "S256"
scope = "openid email profile"
skip_provider_button = true
insecure_oidc_allow_unverified_email = true
set_xauthrequest = true
backend_logout_url = "%[1]s/oauth/logout?id_token_hint={id_token}"
`

// A user reaches a site behind oauth2-proxy, which shows who it is.
func TestFurther_OAuth2Proxy_SignIn(t *testing.T) {
	t.Parallel()
	proxy := program(t, "oauth2-proxy")
	s := startProvider(t)
	address := freeAddress(t)
	c := s.client(t, "--name", "Metrics", "--redirect-uri", "http://"+address+"/oauth2/callback")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html": `<!doctype html><link rel="icon" href="data:,"><title>Metrics</title><p>Inside the proxy`,
		"proxy.conf": fmt.Sprintf(oauth2ProxyConf, s.URL, c.ID, c.Secret, address, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runUntilEnd(t, s, address, exec.Command(proxy, "--config", filepath.Join(dir, "proxy.conf")))
	b := newPerson(t, s).tab()
	b.open("http://" + address + "/index.html")
	b.signIn(userEmail, userPassword)
	b.press("Allow")
	b.see("Inside the proxy")
	b.open("http://" + address + "/oauth2/userinfo")
	b.see(s.subjectOf(t, userEmail), userEmail)
}

// runUntilEnd starts a program that listens, and stops it at the end of the test.
func runUntilEnd(t *testing.T, s *server, address string, cmd *exec.Cmd) {
	t.Helper()
	var log output
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // the exit status after an interrupt differs
		if t.Failed() {
			t.Logf("the log of %s:\n%s", filepath.Base(cmd.Path), log.String())
		}
	})
	await(t, s, func() bool {
		res, err := http.Get("http://" + address + "/ping")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
}

// oidcAgentScript sets an account of oidc-agent up with the device flow, and prints an
// access token.
const oidcAgentScript = `set -e
eval "$(oidc-agent)" >/dev/null
trap 'oidc-agent -k >/dev/null' EXIT
timeout 50 oidc-gen --iss "$ISSUER" --client-id "$ID" --client-secret "" --scope "openid offline_access email" --flow device \
  --pw-cmd "echo x" --prompt none --confirm-yes --no-url-call --redirect-uri http://localhost:4242 passport </dev/null 2>&1
echo "token: $(oidc-token passport)"
`

// The device flow of oidc-agent, with a client that an operator registered.
func TestFurther_OIDCAgent_OI_75_Device(t *testing.T) {
	t.Parallel()
	program(t, "oidc-agent")
	s := startProvider(t, "PASSPORT_DEVICE_ENABLED=true")
	c := s.client(t, "--device", "--name", "Cluster Login")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", oidcAgentScript)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir(), "ISSUER="+s.URL, "ID="+c.ID)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`enter the code: ([A-Z]{4}-[A-Z]{4})`)
	token, printed := "", ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed += lines.Text() + "\n"
		if found := code.FindStringSubmatch(lines.Text()); found != nil {
			a := newAgent(t, s)
			a.submit(a.signIn(a.get(s.URL+"/oauth/device?user_code="+found[1]), userEmail, userPassword), "Allow", nil)
		}
		if value, ok := strings.CutPrefix(lines.Text(), "token: "); ok {
			token = value
		}
	}
	if err := cmd.Wait(); err != nil || token == "" {
		t.Fatalf("oidc-gen: %v\n%s%s", err, printed, log.String())
	}
	if info := s.call(t, token, "/oauth/userinfo", http.StatusOK); !bytes.Contains(info, []byte(userEmail)) {
		t.Errorf("UserInfo = %s, want Ada's address", info)
	}
}
