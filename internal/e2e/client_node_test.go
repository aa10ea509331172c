package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A nodeClient is a program of testdata that signs a user in with a package of npm.
type nodeClient struct {
	t   *testing.T
	s   *server
	in  *json.Encoder
	out *bufio.Scanner
}

// signedIn is what a program prints at the end.
type signedIn struct {
	Claims, User, Fresh map[string]any
	IDToken, Goodbye    string
}

// requireNode skips the test without node or a package of npm.
func requireNode(t *testing.T, name string) {
	t.Helper()
	_, err := os.Stat(filepath.Join("node_modules", name))
	require(t, err == nil, name+" is not installed: npm ci --ignore-scripts, in internal/e2e")
	_, err = exec.LookPath("node")
	require(t, err == nil, "node is not installed")
}

// node starts a program and writes its first line.
func (s *server) node(t *testing.T, program string, settings map[string]string) *nodeClient {
	t.Helper()
	var log output
	// The context of a test ends before its cleanups, which wait for the program to end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	cmd := exec.CommandContext(ctx, "node", filepath.Join("testdata", program))
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("%s ended with %v:\n%s", program, err, log.String())
		}
	})
	c := &nodeClient{t: t, s: s, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	c.out.Buffer(nil, 1<<20)
	settings["issuer"] = s.URL
	c.write(settings)
	return c
}

func (c *nodeClient) write(value any) {
	c.t.Helper()
	if err := c.in.Encode(value); err != nil {
		c.t.Fatalf("write to the program: %v", err)
	}
}

func (c *nodeClient) read(into any) {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("the program printed no further line: %v", c.out.Err())
	}
	if err := json.Unmarshal(c.out.Bytes(), into); err != nil {
		c.t.Fatalf("the program printed %q: %v", c.out.Text(), err)
	}
}

// signIn takes a browser through the flow.
func (c *nodeClient) signIn(a *agent, mode string) (got signedIn) {
	c.t.Helper()
	var address string
	c.read(&address)
	r := a.answer(address)
	message := map[string]any{"url": r.url.String(), "form": nil}
	if r.form != nil {
		message["form"] = r.form.Encode()
	}
	if (mode == "form_post") != (r.form != nil) || r.form != nil && r.url.RawQuery != "" {
		c.t.Errorf("the response for response_mode=%s is a form: %t, to %s", mode, r.form != nil, r.url)
	}
	c.write(message)
	c.read(&got)
	c.s.canaries.add("id_token", got.IDToken)
	return got
}

// wantAda checks the claims of Ada.
func (got signedIn) wantAda(t *testing.T, s *server) {
	t.Helper()
	ada := s.subjectOf(t, userEmail)
	if got.Claims["sub"] != ada || got.Claims["auth_time"] == nil {
		t.Errorf("the ID token has %v, want sub %s and auth_time", got.Claims, ada)
	}
	if got.User["sub"] != ada || got.User["name"] != userName || got.User["email"] != userEmail {
		t.Errorf("UserInfo has %v, want Ada", got.User)
	}
	if got.Fresh["sub"] != ada || got.Fresh["auth_time"] != got.Claims["auth_time"] || got.Fresh["nonce"] != nil {
		t.Errorf("the ID token of a refresh has %v, want sub and auth_time of the first, and no nonce", got.Fresh)
	}
}

// Sign-in by query and by form_post, UserInfo, refresh and sign-out with openid-client, a
// certified client. It verifies every signature.
func TestClients_OpenIDClient_OI_51_LO_09_SignIn(t *testing.T) {
	t.Parallel()
	requireNode(t, "openid-client")
	s := startProvider(t)
	for _, mode := range []string{"", "form_post"} {
		t.Run("mode "+mode, func(t *testing.T) {
			a := newAgent(t, s)
			const callback, goodbye = "https://app.example.com/callback", "https://app.example.com/goodbye"
			c := s.client(t, "--name", "Wiki", "--redirect-uri", callback, "--post-logout-redirect-uri", goodbye)
			got := s.node(t, "openid-client-sign-in.mjs", map[string]string{
				"id": c.ID, "secret": c.Secret, "redirect": callback, "mode": mode, "goodbye": goodbye,
			}).signIn(a, mode)
			got.wantAda(t, s)
			left := a.get(got.Goodbye)
			if left.Away == nil || left.Away.String() != goodbye+"?state=bye" {
				t.Errorf("the sign-out leads to %v, want %s with the state:\n%s", left.Away, goodbye, left.text(t))
			}
		})
	}
}

// The same with oauth4webapi, which refuses every response that is not as the standards
// say.
func TestFurther_OAuth4WebAPI_SignIn(t *testing.T) {
	t.Parallel()
	requireNode(t, "oauth4webapi")
	s := startProvider(t)
	for _, mode := range []string{"", "form_post"} {
		t.Run("mode "+mode, func(t *testing.T) {
			const callback = "https://app.example.com/callback"
			c := s.client(t, "--name", "Wiki", "--redirect-uri", callback)
			s.node(t, "oauth4webapi-sign-in.mjs", map[string]string{
				"id": c.ID, "secret": c.Secret, "redirect": callback, "mode": mode,
			}).signIn(newAgent(t, s), mode).wantAda(t, s)
		})
	}
}
