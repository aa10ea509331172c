package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The signing key is replaced in a running cluster: each node in turn gets the
// new file and restarts. At every stage, a decision on one node's consent page
// works at another node, and a refresh can be retried at another node.
func TestCluster_KeysRotatedNodeByNode(t *testing.T) {
	t.Parallel()
	database := freshDatabase(t, "postgres")
	c := startCluster(t, []string{database, database, database})
	c.account(t, "rotate@example.com")
	shop := c.nodes[0].server.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	a := c.nodes[0].signedIn(t, "rotate@example.com")

	const publish = 6 * time.Second
	early := c.open(t, a, shop, 1)
	before := c.connected(t, a, shop)
	signed := c.keyIDs(t, c.nodes[0])
	c.nodes[0].command(t, "", "keys", "rotate", "--publish", publish.String(), "--keys-dir", c.nodes[0].keysDir())
	rotated := time.Now()
	for i, n := range c.nodes {
		under := c.open(t, a, shop, i)
		pair := c.connected(t, a, shop)
		fresh := n.refreshing(shop, pair.RefreshToken).must(t)
		if i > 0 {
			n.takeKeys(t, c.nodes[0].keysDir())
		}
		n.restart(t)
		c.finish(t, a, shop, under, i+1)
		c.sameAgain(t, shop, pair, fresh)
		c.wantGuarded(t, fresh.AccessToken, http.StatusOK, "after "+n.name+" took the new key")
	}
	if d := time.Since(rotated); d > publish {
		t.Logf("the restarts took %v, longer than the new key waits", d)
	}
	late := c.open(t, a, shop, 0)
	pair := c.connected(t, a, shop)
	fresh := c.nodes[0].refreshing(shop, pair.RefreshToken).must(t)
	time.Sleep(time.Until(rotated.Add(publish + time.Second)))

	c.sameAgain(t, shop, pair, fresh) // the successor was derived from the old key
	c.finish(t, a, shop, late, 1)
	c.finish(t, a, shop, early, 2) // opened before the rotation
	c.nodes[2].refreshing(shop, before.RefreshToken).must(t)
	for _, n := range c.nodes {
		if ids := c.keyIDs(t, n); len(ids) != len(signed)+1 {
			t.Errorf("%s publishes the keys %v, want %v and a new one", n.name, ids, signed)
		}
		g := n.refreshing(shop, c.connected(t, a, shop).RefreshToken).must(t)
		if keyOf(g.AccessToken) == keyOf(before.AccessToken) {
			t.Errorf("%s still signs with the old key", n.name)
		}
		if got := n.guarded(userPath, before.AccessToken); got != http.StatusOK {
			t.Errorf("a token of the old key gets %d at the API beside %s", got, n.name)
		}
	}
}

// A running node reads the new file without a restart.
func TestCluster_KeysReadWithoutRestart(t *testing.T) {
	if testing.Short() && os.Getenv("PASSPORT_TEST_REQUIRE") != "1" {
		t.Skip("the test takes more than a minute")
	}
	t.Parallel()
	database := freshDatabase(t, "postgres")
	c := startCluster(t, []string{database, database, database})
	c.account(t, "rotate@example.com")
	shop := c.nodes[0].server.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	a := c.nodes[0].signedIn(t, "rotate@example.com")
	before := c.connected(t, a, shop)
	// Nodes read the file every minute.
	const publish = 66 * time.Second
	c.nodes[0].command(t, "", "keys", "rotate", "--publish", publish.String(), "--keys-dir", c.nodes[0].keysDir())
	rotated := time.Now()
	for _, n := range c.nodes[1:] {
		n.takeKeys(t, c.nodes[0].keysDir())
	}
	for _, n := range c.nodes {
		for len(c.keyIDs(t, n)) < 2 {
			if time.Since(rotated) > publish {
				t.Fatalf("%s does not publish the new key after %v", n.name, time.Since(rotated))
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	t.Logf("measured: all nodes published a new key %.0f s after its file was written", time.Since(rotated).Seconds())
	page := c.open(t, a, shop, 0)
	pair := c.connected(t, a, shop)
	wait := time.Until(rotated.Add(publish))
	time.Sleep(wait - 2*time.Second)
	fresh := c.nodes[0].refreshing(shop, pair.RefreshToken).must(t)
	time.Sleep(3 * time.Second)
	c.sameAgain(t, shop, pair, fresh)
	c.finish(t, a, shop, page, 1)
	for _, n := range c.nodes {
		g := n.grant(shop, c.code(t, a, shop)).must(t)
		if keyOf(g.AccessToken) == keyOf(before.AccessToken) {
			t.Errorf("%s still signs with the old key", n.name)
		}
		c.wantGuarded(t, g.AccessToken, http.StatusOK, "signed with the new key at "+n.name)
	}
	c.wantGuarded(t, before.AccessToken, http.StatusOK, "signed with the old key")
}

// opened is an open consent page.
type opened struct {
	codeRequest
	page
}

// open requests a consent page from a node.
func (c *cluster) open(t *testing.T, a *agent, shop client, i int) opened {
	t.Helper()
	req := c.codeRequest(shop)
	p := a.at(c.nodes[i%3]).get(req.url + "&prompt=consent")
	if p.Away != nil || p.status != http.StatusOK {
		t.Fatalf("the consent page of %s = status %d, %v, want a page", c.nodes[i%3].name, p.status, p.Away)
	}
	return opened{req, p}
}

// finish sends the decision to another node, and redeems the code at the third.
func (c *cluster) finish(t *testing.T, a *agent, shop client, o opened, i int) {
	t.Helper()
	p := a.at(c.nodes[i%3]).submit(o.page, "Allow", nil)
	if p.Away == nil || p.Away.Query().Get("code") == "" {
		t.Fatalf("response to a decision on an earlier consent page = status %d at %s: %s", p.status, c.nodes[i%3].name, p.text(t))
	}
	c.nodes[(i+1)%3].grant(shop, o.form(p)).must(t)
}

// sameAgain retries a refresh at every node. Each must return the same tokens.
func (c *cluster) sameAgain(t *testing.T, shop client, old, fresh *granted) {
	t.Helper()
	for _, n := range c.nodes {
		again := n.refreshing(shop, old.RefreshToken)
		if !again.ok() || again.RefreshToken != fresh.RefreshToken || tokenID(again.AccessToken) != tokenID(fresh.AccessToken) {
			t.Errorf("response to a retried refresh at %s = %d %s (%v), want the same tokens", n.name, again.status, again.Error, again.err)
		}
	}
}

// keyIDs returns the IDs of the keys that a node publishes.
func (c *cluster) keyIDs(t *testing.T, n *node) (ids []string) {
	t.Helper()
	res, err := n.client.Get(c.issuer + "/oauth/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		ids = append(ids, key.ID)
	}
	return ids
}

// keyOf returns the kid of an access token.
func keyOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		KeyID string `json:"kid"`
	}
	_ = json.Unmarshal(text, &header) // an empty kid differs from all others
	return header.KeyID
}
