package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

// A cluster is three processes of the binary with one issuer, as behind a load
// balancer. A test chooses the node for each request.
type cluster struct {
	issuer   string
	nodes    []*node
	canaries *canaries
}

// A node is a process of the cluster.
type node struct {
	*server // its URL is the issuer
	name    string
	address string
	app     *beside
	galera  bool
	client  *http.Client // sends requests for the issuer to this node
}

// startCluster starts the processes concurrently. Each has its own database URL,
// and its own folder with the same keys.
func startCluster(t *testing.T, databases []string, settings ...string) *cluster {
	t.Helper()
	c := &cluster{issuer: "http://" + freeAddress(t), canaries: &canaries{}}
	keys := t.TempDir()
	if err := passport.WriteKeys(keys, "", 0, false); err != nil {
		t.Fatal(err)
	}
	for i, database := range databases {
		n := &node{server: newServer(t), name: "node " + strconv.Itoa(i), address: freeAddress(t)}
		n.canaries = c.canaries
		n.galera = strings.HasPrefix(database, "mysql") && databases[0] != databases[len(databases)-1]
		n.env = append(n.env, "PASSPORT_DATABASE_URL="+database, "PASSPORT_ISSUER="+c.issuer, "PASSPORT_KEYS_DIR="+n.keysDir(),
			"PASSPORT_SCOPES=check-status=Check order status,place-orders=Place orders", "PASSPORT_ENABLE_PASSWORD_GRANT=true")
		n.env = append(n.env, settings...)
		n.takeKeys(t, keys)
		c.nodes = append(c.nodes, n)
		t.Cleanup(func() { n.stopIfRunning(t) })
	}
	for _, n := range c.nodes {
		n.begin(t, c.issuer)
	}
	for i, n := range c.nodes {
		n.awaitReadiness(t, startTimeout)
		n.app = startBeside(t, n, databases[i])
		n.client = &http.Client{Timeout: 30 * time.Second, Transport: transport{c.canaries, n}, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	}
	return c
}

// begin starts the process.
func (n *node) begin(t *testing.T, issuer string) {
	t.Helper()
	n.run(t, "serve", "--listen", n.address)
	n.URL = issuer
}

// restart stops the process gracefully and starts it again.
func (n *node) restart(t *testing.T) {
	t.Helper()
	n.stop(t)
	n.begin(t, n.URL)
	n.awaitReadiness(t, startTimeout)
}

func (n *node) stopIfRunning(t *testing.T) {
	if n.cmd == nil {
		return
	}
	select {
	case <-n.ended:
	default:
		n.stop(t)
	}
}

// ready reports whether the process is ready for requests.
func (n *node) ready() bool {
	res, err := http.Get("http://" + n.address + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// awaitReadiness waits until the node is ready and returns the duration.
func (n *node) awaitReadiness(t *testing.T, patience time.Duration) time.Duration {
	t.Helper()
	begun := time.Now()
	for !n.ready() {
		select {
		case <-n.ended:
			t.Fatalf("%s ended before it was ready: %v\n%s%s", n.name, n.err, n.out, n.log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(begun) > patience {
			t.Fatalf("%s is not ready after %v\n%s%s", n.name, patience, n.out, n.log)
		}
	}
	return time.Since(begun)
}

// RoundTrip sends a request for the issuer to this node: to its process, or to the
// application beside it if its path begins with /app/.
func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r
	r = r.Clone(r.Context())
	if r.URL.Host != strings.TrimPrefix(n.URL, "http://") {
		return nil, fmt.Errorf("%s is not a URL of this server", r.URL)
	}
	r.Host, r.URL.Host = r.URL.Host, n.address
	if strings.HasPrefix(r.URL.Path, "/app/") {
		r.URL.Host = n.app.address
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		res.Request = sent // with the issuer's URL, for redirects
	}
	return res, err
}

func (n *node) keysDir() string { return filepath.Join(n.dir, "keys") }

// takeKeys copies the key files from a folder, as an operator does.
func (n *node) takeKeys(t *testing.T, from string) {
	t.Helper()
	if err := os.MkdirAll(n.keysDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"oauth-private.key", "oauth-public.key"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		// Atomically, because the server may be reading the file.
		next := filepath.Join(n.keysDir(), "."+name)
		if err := os.WriteFile(next, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(n.keysDir(), name)); err != nil {
			t.Fatal(err)
		}
	}
}
