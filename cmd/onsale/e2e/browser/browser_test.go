// A real browser against a real node: what pages do that were written for older systems, what EventSource does when the node
// dies, what onsale.js adds, and the demo page as somebody clicks through it. Here is the browser; the stories are beside it.

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"onsale/cmd/onsale/e2e/harness"
)

func TestBrowser(t *testing.T) {
	browser := startChromium(t)
	t.Run("pages of older systems", func(t *testing.T) {
		t.Parallel()
		testLegacyPages(t, browser)
	})
	t.Run("kill -9", func(t *testing.T) {
		t.Parallel()
		testRestartUnderEventSource(t, browser)
	})
	t.Run("the demo page", func(t *testing.T) {
		t.Parallel()
		testDemoPage(t, browser)
	})
	t.Run("a burst, frame by frame", func(t *testing.T) {
		t.Parallel()
		testConflation(t, browser)
	})
	t.Run("present states", func(t *testing.T) {
		t.Parallel()
		b := harness.NewNode(t, "--demo", "--streams-ring-events", "1024")
		b.StartDemo()
		for name, test := range map[string]func(*testing.T, context.Context, *flakyProxy){"stalled": testStalledReader, "progress": testPromotionProgress} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, browser, newFlakyProxy(t, b.URL()))
			})
		}
	})
	t.Run("onsale.js", func(t *testing.T) {
		t.Parallel()
		b := harness.NewNode(t, "--demo", "--streams-user-heartbeat", "1s")
		b.StartDemo()
		for name, test := range map[string]func(*testing.T, context.Context, *flakyProxy){
			"broken lines": testReconnect, "reload": testReload, "tabs": testTabs, "keys": testIdempotencyKeys,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, browser, newFlakyProxy(t, b.URL()))
			})
		}
	})
}

// startChromium starts one browser for the whole test. Where there is none the test is skipped, but not in CI.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no browser: ", err)
		}
		t.Skip("no browser (Debian has it in the package chromium): ", err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	quiet := func(string, ...any) {} // it tells of every message that is newer than it
	ctx, end := chromedp.NewContext(allocator, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	t.Cleanup(func() {
		end()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return ctx
}

// profile is a browser as one person has it: its tabs share storage and locks, and nothing with other profiles.
type profile struct {
	tb  testing.TB
	ctx context.Context // of a tab that stays
}

func newProfile(tb testing.TB, browser context.Context) *profile {
	tb.Helper()
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

func (page *tab) click(selector string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 10*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible, chromedp.NodeEnabled)); err != nil {
		page.tb.Fatalf("click %s: %v", selector, err)
	}
}

// run lets the page run a script, and waits for it when it is a promise.
func (page *tab) run(script string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise)); err != nil {
		page.tb.Fatalf("%s\n%v", script, err)
	}
}

func (page *tab) eval(expression string, into any) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 20*time.Second)
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

// waitFor waits until an expression is true. While one page goes and another comes, there is nothing to be true of. What the
// page has heard is told when it never is.
func (page *tab) waitFor(expression string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 20*time.Second)
	defer cancel()
	var ok bool
	var err error
	for ; ctx.Err() == nil; harness.Sleep(ctx, 20*time.Millisecond) {
		if ok, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+expression+`)`)); ok {
			return
		}
	}
	var heard any
	page.eval(`[window.heard ?? null, window.states ?? null]`, &heard)
	page.tb.Fatalf("it never was so: %s, %v\nheard %v", expression, err, heard)
}
