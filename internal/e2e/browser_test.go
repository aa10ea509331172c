package e2e_test

import (
	"context"
	"fmt"
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

// patience is how long a page may take to show what a test waits for.
const patience = 30 * time.Second

// clientHost is a name that Chromium, and nobody else, finds on this machine:
// the client of a test stands at another site than the server.
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
			chromedp.Flag("no-sandbox", os.Geteuid() == 0), // Chromium refuses to have one as root
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

// A person is somebody with a browser of their own: cookies are shared by their
// tabs and by nobody else.
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

// A tab is one of a person's.
type tab struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	problems []string // what the browser complains about
	visited  []string // every address that a frame was sent to, redirects too
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

// observe notes what the browser sends, gets and complains about.
func (b *tab) observe(secrets *canaries, event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		secrets.url(e.Request.URL)
		if e.Type == network.ResourceTypeDocument {
			b.mu.Lock()
			b.visited = append(b.visited, e.Request.URL)
			b.mu.Unlock()
		}
	case *network.EventResponseReceivedExtraInfo:
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Set-Cookie") {
				secrets.cookies(strings.Split(fmt.Sprint(value), "\n"))
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelInfo { // news, such as that somebody typed before autofocus
			b.complain(string(e.Entry.Level), e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.complain("console."+string(e.Type), fmt.Sprint(e.Args))
	case *runtime.EventExceptionThrown:
		b.complain("exception", e.ExceptionDetails.Text)
	}
}

func (b *tab) complain(kind, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, kind+": "+text)
}

// do runs actions and fails the test, with what the page shows, when they do
// not succeed in time.
func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\nThe tab is at %s and shows:\n%s\nThe browser says: %q", what, err, b.url(), b.text(), b.complaints())
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

// fill types into the field of a name.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	field := chromedp.CSS(fmt.Sprintf(`input[name=%q]`, name))
	b.do("fill in "+name, chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// press clicks on the button or link that begins with a text.
func (b *tab) press(text string) {
	b.t.Helper()
	b.click(text, 1)
}

// click clicks n times in a row, as fast as a hand does, in the middle of a
// button or link. It asks the page where that is: a page that came back from
// the browser's cache has no nodes that its protocol knows.
func (b *tab) click(text string, n int) {
	b.t.Helper()
	b.see(text)
	at := ask(b, chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => {
		const it = [...document.querySelectorAll("button, a")].find(e => e.innerText.replace(/\s+/g, " ").trim().startsWith(%q))
		if (!it) return []
		it.scrollIntoView({block: "center", behavior: "instant"})
		const r = it.getBoundingClientRect()
		return [r.x + r.width / 2, r.y + r.height / 2]
	})()`, text)))
	if len(at) != 2 {
		b.t.Fatalf("no button or link begins with %q. The tab is at %s and shows:\n%s", text, b.url(), b.text())
	}
	for i := range n {
		b.do("press "+text, chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(i+1)))
	}
}

// see waits for texts on the page, whichever page that is by then.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		deadline := time.Now().Add(patience)
		for !strings.Contains(strings.Join(strings.Fields(b.text()), " "), text) {
			if time.Now().After(deadline) {
				b.t.Fatalf("%q does not appear. The tab is at %s and shows:\n%s\nThe browser says: %q", text, b.url(), b.text(), b.complaints())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// signIn signs in on the sign-in page, which it waits for.
func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.fill("email", email)
	b.fill("password", password)
	b.press("Sign in")
}

// ask returns what the browser says of the page, or nothing while it is on its
// way to another.
func ask[T any](b *tab, action chromedp.Action[T]) T {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	answer, err := chromedp.Run(ctx, action)
	if err != nil {
		var nothing T
		return nothing
	}
	return answer
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

// been reports whether the tab was sent to an address that begins with prefix.
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

// clean fails the test if the browser had anything to complain about: a policy
// that the page breaks itself, a missing file, a script.
func (b *tab) clean() {
	b.t.Helper()
	for _, problem := range b.complaints() {
		b.t.Errorf("the browser complains: %s", problem)
	}
}

// style returns how the browser shows an element.
func (b *tab) style(selector, property string) string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string](fmt.Sprintf("getComputedStyle(document.querySelector(%q))[%q]", selector, property)))
}

// picture keeps what the page looks like in PASSPORT_E2E_SHOTS, at the width of
// a desktop and of a phone.
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

// frames returns the frames of the page: those that show what they were to
// show, and those that the browser has put an error in.
func (b *tab) frames() (shown, blocked []string) {
	b.t.Helper()
	tree := ask(b, func(ctx context.Context, t *chromedp.Target) (cdppage.GetFrameTreeResult, error) {
		return cdp.Call(ctx, t, cdppage.GetFrameTree, cdp.Empty{})
	})
	if tree.FrameTree == nil {
		b.t.Fatal("the browser does not tell of its frames")
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

// command is an action that sends one command of the browser's protocol.
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
		// Later: what evaluates in a page that is being left has no answer.
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
	b.t.Fatalf("going back leads to %s and never to %s", b.url(), address)
}
