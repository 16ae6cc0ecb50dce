// Package browser tests the node's clients in a real Chromium: EventSource, onsale.js, the demo page, and clients that were
// written for older systems. This file has the browser.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"onsale/cmd/onsale/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(mainWithBrowser{m}) }

// mainWithBrowser closes the browser after the tests.
type mainWithBrowser struct{ *testing.M }

func (m mainWithBrowser) Run() int {
	defer closeBrowser()
	return m.M.Run()
}

// browserNames are what Chromium is called on various systems.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

var (
	closeBrowser = func() {}
	openBrowser  = sync.OnceValues(startChromium) // one for all tests
)

var errNoBrowser = errors.New("no Chromium; Debian has it in the package chromium")

func startChromium() (context.Context, error) {
	path := ""
	for _, name := range browserNames {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		fmt.Fprintf(os.Stderr, "THE BROWSER TESTS DO NOT RUN: %v\n", errNoBrowser)
		return nil, errNoBrowser
	}
	dir, err := os.MkdirTemp("", "onsale-browser-")
	if err != nil {
		return nil, err
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	quiet := func(string, ...any) {} // it logs every message that it does not know
	ctx, end := chromedp.NewContext(allocator, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	closeBrowser = func() {
		end()
		stop()
		_ = os.RemoveAll(dir)
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return ctx, nil
}

// profile is a browser context: its tabs share storage and locks with each other only.
type profile struct {
	tb  testing.TB
	ctx context.Context // of a tab that stays open
}

// newProfile skips the test where there is no browser, but fails it in CI.
func newProfile(tb testing.TB) *profile {
	tb.Helper()
	browser, err := openBrowser()
	if errors.Is(err, errNoBrowser) && os.Getenv("CI") != "true" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	tb.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatal(err)
	}
	return &profile{tb, ctx}
}

type tab struct {
	tb    testing.TB
	ctx   context.Context
	close context.CancelFunc
}

func (p *profile) tab() *tab {
	p.tb.Helper()
	ctx, end := chromedp.NewContext(p.ctx, chromedp.WithListener(func(event any) {
		if thrown, ok := event.(*runtime.EventExceptionThrown); ok {
			p.tb.Errorf("the page threw %+v: %s", thrown.ExceptionDetails.Text, thrown.ExceptionDetails.Exception.Description)
		}
	}))
	p.tb.Cleanup(end)
	page := &tab{p.tb, ctx, end}
	if err := chromedp.Do(ctx); err != nil {
		p.tb.Fatal(err)
	}
	return page
}

func (page *tab) open(url string) {
	page.tb.Helper()
	if err := chromedp.Do(page.ctx, chromedp.Navigate(url)); err != nil {
		page.tb.Fatalf("%s: %v", url, err)
	}
}

// waitTimeout is how long a test waits for anything. It is reached in failures only: other packages are tested at the same time.
const waitTimeout = time.Minute

// click clicks an element as soon as it is visible, enabled and not covered. It looks and clicks in one step: between two, the page
// may draw the element again, or move it.
func (page *tab) click(selector string) {
	page.tb.Helper()
	page.waitFor(fmt.Sprintf(`(() => {
		const element = document.querySelector(%q);
		if (!element?.checkVisibility() || element.disabled) return false;
		element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
		const { x, y, width, height } = element.getBoundingClientRect();
		if (!element.contains(document.elementFromPoint(x + width / 2, y + height / 2))) return false;
		element.focus();
		element.click();
		return true;
	})()`, selector))
}

// run runs a script in the page, and awaits a promise.
func (page *tab) run(script string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, waitTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise)); err != nil {
		page.tb.Fatalf("%s\n%v", script, err)
	}
}

func (page *tab) eval(expression string, into any) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, waitTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify("+expression+")"))
	if err == nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		page.tb.Fatalf("%s\n%v", expression, err)
	}
}

// want compares the value of an expression.
func (page *tab) want(expression string, want any) {
	page.tb.Helper()
	var got any
	page.eval(expression, &got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		page.tb.Errorf("%s\ngot  %v\nwant %v", expression, got, want)
	}
}

// waitFor waits until an expression is true. It fails during navigation, which is retried. After waitTimeout the test fails with what
// the page received.
func (page *tab) waitFor(expression string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, waitTimeout)
	defer cancel()
	var ok bool
	var err error
	for ; ctx.Err() == nil; harness.Sleep(ctx, 20*time.Millisecond) {
		if ok, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+expression+`)`)); ok {
			return
		}
	}
	var received any
	page.eval(`[window.received ?? null, window.states ?? null]`, &received)
	page.tb.Fatalf("timeout: %s, %v\nheard %v", expression, err, received)
}
