package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is the maximum time for a page to show an expected text.
const patience = 30 * time.Second

// clientHost is a name that only Chromium resolves to this machine, so that a
// test's client is at another site than the server.
const clientHost = "client.test"

var chromium struct {
	once  sync.Once
	ctx   context.Context
	close func()
	err   error
}

// startBrowser starts Chromium, once for all tests.
func startBrowser() error {
	chromium.once.Do(func() {
		path := ""
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if found, err := exec.LookPath(name); err == nil {
				path = found
				break
			}
		}
		if path == "" {
			chromium.err = fmt.Errorf("chromium is not installed: apt-get install chromium")
			return
		}
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
			chromedp.ExecPath(path),
			chromedp.Flag("headless", "new"),
			chromedp.Flag("no-sandbox", os.Geteuid() == 0), // Chromium has no sandbox as root
			chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("host-resolver-rules", "MAP "+clientHost+" 127.0.0.1"),
			chromedp.WindowSize(1200, 900),
		)
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stop := chromedp.NewContext(allocator)
		chromium.ctx, chromium.close = ctx, func() { stop(); stopAllocator() }
		if err := chromedp.Do(ctx); err != nil {
			chromium.err = fmt.Errorf("start chromium: %w", err)
		}
	})
	return chromium.err
}

func closeBrowser() {
	if chromium.close != nil {
		chromium.close()
	}
}

// A person has a browser. Only its tabs share their cookies.
type person struct {
	t      *testing.T
	server *server
	ctx    context.Context
}

func newPerson(t *testing.T, s *server) *person {
	t.Helper()
	if err := startBrowser(); err != nil {
		require(t, false, err.Error())
	}
	ctx, stop := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a browser context: %v", err)
	}
	return &person{t, s, ctx}
}

// A tab is a tab of a person's browser.
type tab struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	problems []string // that the browser reports
	visited  []string // every URL of a frame, including redirects
	loaded   received // the page that is open
}

// received is what the browser received for a page.
type received struct {
	policy string  // Content-Security-Policy
	size   float64 // bytes of the page and its images, with headers
}

func (p *person) tab() *tab {
	p.t.Helper()
	ctx, stop := chromedp.NewContext(p.ctx)
	p.t.Cleanup(stop)
	b := &tab{t: p.t, ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) { b.observe(p.server.canaries, event) }); err != nil {
		p.t.Fatalf("open a tab: %v", err)
	}
	b.do("open a tab",
		command(network.Enable, network.EnableParams{}),
		command(log.Enable, cdp.Empty{}),
		command(runtime.Enable, cdp.Empty{}))
	return b
}

// observe records the browser's requests, responses and problems.
func (b *tab) observe(secrets *canaries, event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		secrets.url(e.Request.URL)
		if e.Type == network.ResourceTypeDocument {
			b.mu.Lock()
			b.visited = append(b.visited, e.Request.URL)
			b.mu.Unlock()
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument && e.Response.Status != http.StatusNoContent {
			b.mu.Lock()
			b.loaded = received{policy: header(e.Response.Headers, "Content-Security-Policy")}
			b.mu.Unlock()
		}
	case *network.EventLoadingFinished:
		b.mu.Lock()
		b.loaded.size += e.EncodedDataLength
		b.mu.Unlock()
	case *network.EventResponseReceivedExtraInfo:
		secrets.cookies(strings.Split(header(e.Headers, "Set-Cookie"), "\n"))
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelInfo { // informational, such as typing before autofocus
			b.complain(string(e.Entry.Level), e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.complain("console."+string(e.Type), fmt.Sprint(e.Args))
	case *runtime.EventExceptionThrown:
		b.complain("exception", e.ExceptionDetails.Text)
	}
}

// header returns a header of a response, or "".
func header(headers network.Headers, name string) string {
	for key, value := range headers {
		if strings.EqualFold(key, name) {
			return fmt.Sprint(value)
		}
	}
	return ""
}

// response returns what the browser received for the page that is open.
func (b *tab) response() received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loaded
}

func (b *tab) complain(kind, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, kind+": "+text)
}

// do runs actions. If they do not succeed in time, it fails the test and prints
// the page.
func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\nThe tab is at %s and shows:\n%s\nThe browser reports: %q", what, err, b.url(), b.text(), b.complaints())
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

// fill types into the field with a name.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	field := chromedp.CSS(fmt.Sprintf(`input[name=%q]`, name))
	b.do("fill in "+name, chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// press clicks the button or link whose text begins with text.
func (b *tab) press(text string) {
	b.t.Helper()
	b.click(text, 1)
}

// click clicks a button or link n times in a row, as fast as a user can. It waits
// until the tab shows one: a page that is being left may show the same text elsewhere.
// It gets the position from the page, because the protocol has no nodes of a page from
// the browser's cache.
func (b *tab) click(text string, n int) {
	b.t.Helper()
	find := chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => {
		const it = [...document.querySelectorAll("button, a")].find(e => e.innerText.replace(/\s+/g, " ").trim().startsWith(%q))
		if (!it) return []
		it.scrollIntoView({block: "center", behavior: "instant"})
		const r = it.getBoundingClientRect()
		return [r.x + r.width / 2, r.y + r.height / 2]
	})()`, text))
	at := ask(b, find)
	for deadline := time.Now().Add(patience); len(at) != 2; at = ask(b, find) {
		if time.Now().After(deadline) {
			b.t.Fatalf("no button or link begins with %q. The tab is at %s and shows:\n%s\nThe browser reports: %q", text, b.url(), b.text(), b.complaints())
		}
		time.Sleep(50 * time.Millisecond)
	}
	for i := range n {
		b.do("press "+text, chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(i+1)))
	}
}

// see waits until the current page shows the texts.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		deadline := time.Now().Add(patience)
		for !strings.Contains(strings.Join(strings.Fields(b.text()), " "), text) {
			if time.Now().After(deadline) {
				b.t.Fatalf("%q does not appear. The tab is at %s and shows:\n%s\nThe browser reports: %q", text, b.url(), b.text(), b.complaints())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// signIn waits for the sign-in page and signs in.
func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.fill("email", email)
	b.fill("password", password)
	b.press("Sign in")
}

// ask returns a property of the page, or a zero value during navigation.
func ask[T any](b *tab, action chromedp.Action[T]) T {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		var nothing T
		return nothing
	}
	return value
}

func (b *tab) url() string   { return ask(b, chromedp.Location()) }
func (b *tab) title() string { return ask(b, chromedp.Title()) }
func (b *tab) html() string  { return ask(b, chromedp.OuterHTML(chromedp.CSS("html"))) }

func (b *tab) text() string {
	return ask(b, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.problems)
}

// been returns the visited addresses that begin with prefix.
func (b *tab) been(prefix string) (addresses []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.visited {
		if strings.HasPrefix(address, prefix) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// clean fails the test if the browser reported a problem, such as a violated
// policy, a missing file or an error in a script.
func (b *tab) clean() {
	b.t.Helper()
	for _, problem := range b.complaints() {
		b.t.Errorf("the browser reports: %s", problem)
	}
}

// style returns a computed style of an element.
func (b *tab) style(selector, property string) string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string](fmt.Sprintf("getComputedStyle(document.querySelector(%q))[%q]", selector, property)))
}

// picture saves screenshots of the page in PASSPORT_E2E_SHOTS, in the width of a
// desktop and of a phone.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("PASSPORT_E2E_SHOTS")
	if dir == "" {
		return
	}
	for _, view := range []struct {
		suffix        string
		width, height int64
	}{{"", 1200, 900}, {"-phone", 390, 844}} {
		b.do("change the size", chromedp.EmulateViewport(view.width, view.height))
		image := ask(b, chromedp.FullScreenshot(100))
		if err := os.WriteFile(filepath.Join(dir, name+view.suffix+".png"), image, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do("go back to the desktop", chromedp.EmulateViewport(1200, 900))
}

// frames returns the page's frames, divided by whether the browser shows or blocks
// them.
func (b *tab) frames() (shown, blocked []string) {
	b.t.Helper()
	tree := ask(b, func(ctx context.Context, t *chromedp.Target) (cdppage.GetFrameTreeResult, error) {
		return cdp.Call(ctx, t, cdppage.GetFrameTree, cdp.Empty{})
	})
	if tree.FrameTree == nil {
		b.t.Fatal("the browser does not list its frames")
	}
	for _, child := range tree.FrameTree.ChildFrames {
		if child.Frame.UnreachableURL != "" {
			blocked = append(blocked, child.Frame.UnreachableURL)
		} else {
			shown = append(shown, child.Frame.URL)
		}
	}
	return shown, blocked
}

// command returns an action that sends one command of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, c, params)
		return chromedp.Void{}, err
	}
}

// backTo presses the back button until the tab is at an address.
func (b *tab) backTo(address string) {
	b.t.Helper()
	for range 6 {
		from := b.url()
		// Delayed, because an evaluation has no result if the page is being left.
		b.do("go back", chromedp.Evaluate[chromedp.Void](`void setTimeout(() => history.back(), 50)`))
		for range 100 {
			if b.url() != from {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if b.url() == address {
			return
		}
	}
	b.t.Fatalf("going back ends at %s, want %s", b.url(), address)
}
