package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The signing key is replaced while everything is under way: the file goes to one
// node after the other, each is started anew, and at every stage consent pages of
// one node are answered at another and refreshes of one are sent again to another.
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
		t.Logf("the nodes took %v to start again, longer than the new key was to wait", d)
	}
	late := c.open(t, a, shop, 0)
	pair := c.connected(t, a, shop)
	fresh := c.nodes[0].refreshing(shop, pair.RefreshToken).must(t)
	time.Sleep(time.Until(rotated.Add(publish + time.Second)))

	c.sameAgain(t, shop, pair, fresh) // the successor was derived from the key of before
	c.finish(t, a, shop, late, 1)
	c.finish(t, a, shop, early, 2) // opened before anything was rotated
	c.nodes[2].refreshing(shop, before.RefreshToken).must(t)
	for _, n := range c.nodes {
		if ids := c.keyIDs(t, n); len(ids) != len(signed)+1 {
			t.Errorf("%s publishes the keys %v, want the new one beside %v", n.name, ids, signed)
		}
		g := n.refreshing(shop, c.connected(t, a, shop).RefreshToken).must(t)
		if keyOf(g.AccessToken) == keyOf(before.AccessToken) {
			t.Errorf("%s still signs with the old key", n.name)
		}
		if got := n.guarded(userPath, before.AccessToken); got != http.StatusOK {
			t.Errorf("a token that the old key signed is answered %d beside %s", got, n.name)
		}
	}
}

// A node that goes on running reads the new file by itself.
func TestCluster_KeysReadWithoutRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute")
	}
	t.Parallel()
	database := freshDatabase(t, "postgres")
	c := startCluster(t, []string{database, database, database})
	c.account(t, "rotate@example.com")
	shop := c.nodes[0].server.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	a := c.nodes[0].signedIn(t, "rotate@example.com")
	before := c.connected(t, a, shop)
	// Every node reads the file each minute.
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
	t.Logf("measured: all nodes published a new key %.0f s after its file was there", time.Since(rotated).Seconds())
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

// opened is a consent page that waits for its answer.
type opened struct {
	asking
	page
}

// open shows the question at a node.
func (c *cluster) open(t *testing.T, a *agent, shop client, i int) opened {
	t.Helper()
	asking := c.ask(shop)
	p := a.at(c.nodes[i%3]).get(asking.url + "&prompt=consent")
	if p.Away != nil || p.status != http.StatusOK {
		t.Fatalf("%s shows no page but status %d, %v", c.nodes[i%3].name, p.status, p.Away)
	}
	return opened{asking, p}
}

// finish answers it at another node, and redeems the code at the third.
func (c *cluster) finish(t *testing.T, a *agent, shop client, o opened, i int) {
	t.Helper()
	p := a.at(c.nodes[i%3]).submit(o.page, "Allow", nil)
	if p.Away == nil || p.Away.Query().Get("code") == "" {
		t.Fatalf("a consent page of before is answered with status %d at %s: %s", p.status, c.nodes[i%3].name, p.text(t))
	}
	c.nodes[(i+1)%3].grant(shop, o.form(p)).must(t)
}

// sameAgain sends a refresh again, to every node: each gives the same pair.
func (c *cluster) sameAgain(t *testing.T, shop client, old, fresh *granted) {
	t.Helper()
	for _, n := range c.nodes {
		again := n.refreshing(shop, old.RefreshToken)
		if !again.ok() || again.RefreshToken != fresh.RefreshToken || tokenID(again.AccessToken) != tokenID(fresh.AccessToken) {
			t.Errorf("a refresh that is sent again to %s is answered %d %s (%v), want the same pair", n.name, again.status, again.Error, again.err)
		}
	}
}

// keyIDs are those of the keys that a node publishes.
func (c *cluster) keyIDs(t *testing.T, n *node) (ids []string) {
	t.Helper()
	answer, err := n.client.Get(c.issuer + "/oauth/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		ids = append(ids, key.ID)
	}
	return ids
}

// keyOf is the kid of an access token.
func keyOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		KeyID string `json:"kid"`
	}
	_ = json.Unmarshal(text, &header) // an empty one equals no other's
	return header.KeyID
}
