// A real browser against a real node: what pages do that were written for older systems, what EventSource does when the node
// dies, what onsale.js adds, and the demo page as somebody clicks through it.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func TestBrowser(t *testing.T) {
	browser := startChromium(t)
	t.Run("pages of older systems", func(t *testing.T) {
		t.Parallel()
		testOlderPages(t, browser)
	})
	t.Run("kill -9", func(t *testing.T) {
		t.Parallel()
		testKilledUnderEventSource(t, browser)
	})
	t.Run("the demo page", func(t *testing.T) {
		t.Parallel()
		testDemoPage(t, browser)
	})
	t.Run("onsale.js", func(t *testing.T) {
		t.Parallel()
		b := newBox(t, "--demo", "--streams-user-heartbeat", "1s")
		b.start()
		waitForDemo(t, b.url())
		for name, test := range map[string]func(*testing.T, context.Context, *gate){
			"broken lines": testBrokenLines, "reload": testReload, "tabs": testTabs, "keys": testKeys,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, browser, newGate(t, b.url()))
			})
		}
	})
}

// --- the clients of older systems, word for word ---------------------------------------------------------------------------

const olderSeats = `
// EventSource 객체 생성 - 연결 시작
const eventSource = new EventSource('/api/schedules/demo/seats/events');

// 메시지 수신 핸들러
eventSource.onmessage = (event) => {
    const data = JSON.parse(event.data);

    // 하트비트는 무시
    if (data.isHeartbeat) {
        console.log('Heartbeat received');
        return;
    }

    // 좌석 상태 업데이트
    updateSeatUI(data.scheduleSeatId, data.status);
};

// 연결 성공
eventSource.onopen = () => {
    console.log('SSE connection established');
};

// 에러 처리
eventSource.onerror = (error) => {
    console.error('SSE error:', error);

    // 브라우저가 자동으로 재연결 시도함
    // 필요시 수동으로 연결 종료
    if (eventSource.readyState === EventSource.CLOSED) {
        console.log('Connection closed');
    }
};

// 페이지 이탈 시 연결 종료
window.addEventListener('beforeunload', () => {
    eventSource.close();
});
`

const olderSeatUI = `
function updateSeatUI(seatId, status) {
    const seatElement = document.querySelector(` + "`[data-seat-id=\"${seatId}\"]`" + `);
    if (!seatElement) return;

    // 기존 상태 클래스 제거
    seatElement.classList.remove('available', 'held', 'reserved');

    switch (status) {
        case 'AVAILABLE':
            seatElement.classList.add('available');
            seatElement.disabled = false;
            break;
        case 'HELD':
            seatElement.classList.add('held');
            seatElement.disabled = true;  // 다른 사람이 선택 중
            break;
        case 'RESERVED':
            seatElement.classList.add('reserved');
            seatElement.disabled = true;  // 예매 완료
            break;
    }
}
`

// olderPage is what stood around them: seats, first as a GET shows them, and a note of what was called.
const olderPage = `
window.heard = [];
window.log = [];
console.log = (text) => log.push(text);
document.body.innerHTML = [1, 2, 3, 4].map((id) => '<button data-seat-id="' + id + '"></button>').join('');
{
    const update = updateSeatUI;
    window.updateSeatUI = (id, status) => { heard.push(id + ' ' + status); update(id, status); };
    fetch('/api/schedules/demo/seats').then((res) => res.json())
        .then((data) => data.slice(0, 4).forEach((seat) => update(seat.id, seat.status)));
}
`

const olderOutcome = `
const eventSource = await new EventSource(` + "`http://${window.location.hostname}:${window.location.port}/subscribe/1`" + `);

eventSource.addEventListener("connect", event => {
    connected(event.data);
})

eventSource.addEventListener("issue-complete", event => {
    alert(event.data);
    eventSource.close();
})

eventSource.addEventListener("issue-failed", event => {
    alert(event.data);
    eventSource.close();
})
`

func testOlderPages(t *testing.T, browser context.Context) {
	b := newBox(t, "--demo", "--streams-heartbeat", "1s")
	b.start()
	waitForDemo(t, b.url())
	g := newGate(t, b.url())
	window := newProfile(t, browser)

	seats := window.tab()
	comeIn := func() {
		seats.open(g.URL + "/healthz")
		seats.run(olderSeatUI)
		seats.run(olderPage)
		seats.run(olderSeats)
		seats.until(`log.includes('SSE connection established')`)
	}
	comeIn()
	hold := command(t, b.url(), "kim", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[2,1]}`)
	seats.until(`document.querySelectorAll('.held').length === 2`)
	command(t, b.url(), "kim", "/api/schedules/demo/seats/reserve", fmt.Sprintf(`{"holdId":%q}`, hold.Result.HoldID))
	seats.until(`document.querySelectorAll('.reserved').length === 2 && document.querySelectorAll('[disabled]').length === 2`)
	seats.until(`log.includes('Heartbeat received')`)
	seats.want(`heard.join()`, "2 HELD,1 HELD,2 RESERVED,1 RESERVED")

	seats.open("about:blank") // the page closes its stream, as far as it can
	g.wait("no stream is open", func() bool { return g.open == 0 })
	command(t, b.url(), "lee", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[3]}`)
	comeIn()
	command(t, b.url(), "lee", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[4]}`)
	seats.until(`['reserved', 'reserved', 'held', 'held'].every((name, i) => document.querySelectorAll('button')[i].className === name)`)

	outcome := window.tab()
	outcome.open(g.URL + "/healthz")
	outcome.run(`window.alerts = []; window.alert = (text) => alerts.push(text); window.connected = (data) => { window.greeting = JSON.parse(data); }`)
	outcome.run(`(async () => {` + olderOutcome + `window.stream = eventSource; })()`)
	outcome.until(`window.greeting`)
	outcome.want(`greeting.status + ' ' + greeting.message`, "fresh SSE connected. userId=1")
	command(t, b.url(), "1", "/api/v1/promotions/demo/coupons", "")
	outcome.until(`alerts.length === 1`)
	outcome.want(`JSON.parse(alerts[0]).message`, "쿠폰 발급이 완료되었습니다. (프로모션 ID: demo)")
	outcome.until(`stream.readyState === EventSource.CLOSED`)
}

// --- EventSource as it is ---------------------------------------------------------------------------------------------------

// The node dies twice while people hold seats and give them back. What EventSource heard is what the log has.
func testKilledUnderEventSource(t *testing.T, browser context.Context) {
	b := newBox(t, "--demo")
	node := b.start()
	waitForDemo(t, b.url())
	page := newProfile(t, browser).tab()
	page.open(b.url() + "/healthz")
	page.run(`window.listen = (name, path, events) => {
		const heard = window[name] = { ids: [], greetings: [] }, stream = new EventSource(path);
		stream.addEventListener('connect', (e) => heard.greetings.push({ id: e.lastEventId, ...JSON.parse(e.data) }));
		for (const event of events) stream.addEventListener(event, (e) => heard.ids.push(e.lastEventId));
	};
	listen('seats', '/api/v1/schedules/demo/seats/events?rewind=0', ['message']);
	listen('user', '/subscribe/kim?rewind=0', ['hold-complete', 'hold-failed', 'hold-released']);`)
	page.until(`seats.greetings.length === 1 && user.greetings.length === 1`)

	ctx := within(t, time.Minute)
	rush, stop := context.WithCancel(ctx)
	var people sync.WaitGroup
	var granted atomic.Int64
	for i, name := range []string{"kim", "lee"} {
		people.Go(func() {
			for n := 0; rush.Err() == nil; n++ {
				seats := fmt.Sprintf(`{"scheduleSeatIds":[%d,%d]}`, 2*i+2, 2*i+1)
				verb := []string{"hold", "release"}[n%2]
				if status, _ := send(rush, b.url(), name, "/api/v1/schedules/demo/seats/"+verb, seats); status == http.StatusOK || status == http.StatusCreated {
					granted.Add(1)
				}
				pause(rush, 20*time.Millisecond)
			}
		})
	}
	more := func(n int64) {
		for want := granted.Load() + n; granted.Load() < want && pause(ctx, time.Millisecond); {
		}
	}
	more(12)
	node.kill()
	pause(ctx, 300*time.Millisecond) // somebody finds a closed door
	node = b.start()
	more(12)
	page.until(`user.greetings.length === 2`)
	node.kill()
	b.start()
	more(12)
	stop()
	people.Wait()
	last := command(t, b.url(), "kim", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[20]}`)

	for name, path := range map[string]string{"seats": "/api/v1/schedules/demo/seats/events", "user": "/subscribe/kim"} {
		page.until(fmt.Sprintf(`%s.ids.at(-1) === %q`, name, last.EventID))
		var heard struct {
			IDs       []string
			Greetings []struct{ ID, Status string }
		}
		page.value(name, &heard)
		want := told(t, b.url()+path, heard.Greetings[0].ID, last.EventID)
		if !slices.Equal(heard.IDs, want) {
			t.Errorf("%s: EventSource heard\n%v, and the log has\n%v", name, heard.IDs, want)
		}
		if len(want) < 20 || len(heard.Greetings) < 2 {
			t.Errorf("%s: %d frames over %d connections, which says nothing", name, len(want), len(heard.Greetings))
		}
		for _, g := range heard.Greetings[1:] {
			if g.Status != "complete" {
				t.Errorf("%s: came back and was told %q, want complete", name, g.Status)
			}
		}
	}
}

// --- onsale.js ---------------------------------------------------------------------------------------------------------------

// listening is a page that hears the stream of a user through onsale.js.
func (p *profile) listening(g *gate, user string) *tab {
	page := p.tab()
	page.open(g.URL + "/healthz")
	page.listen(user)
	return page
}

// listen opens the stream and notes everything that comes of it.
func (page *tab) listen(user string) {
	page.run(fmt.Sprintf(`import('/onsale.js').then(({ connect, request, issue, outcome }) => {
		window.onsale = { request, issue, outcome };
		window.heard = []; window.states = []; window.greetings = []; window.resets = []; window.polls = 0;
		window.stream = connect({
			path: '/subscribe/%[1]s', heartbeat: 1000, storageKey: '%[1]s',
			onEvent: (event) => heard.push(event.id),
			onState: (state, frame) => { states.push(state); if (frame?.name === 'connect') greetings.push(frame.data.status); },
			onReset: (snapshot) => resets.push(snapshot),
			poll: () => { polls++; },
		});
	})`, user))
	page.until(`states.includes('live')`)
}

// happen lets something happen to a user n times, and gives the ids of the events.
func (g *gate) happen(tb testing.TB, user string, n int) (ids []string) {
	tb.Helper()
	for range n {
		_, answer := send(tb.Context(), g.node, user, "/api/v1/schedules/demo/seats/release", `{"scheduleSeatIds":[600]}`)
		ids = append(ids, answer.EventID)
	}
	return ids
}

// heard wants a page to have heard these events, in this order, each once.
func (page *tab) heard(ids ...[]string) {
	page.tb.Helper()
	want := slices.Concat(ids...)
	page.until(fmt.Sprintf(`heard.at(-1) === %q`, want[len(want)-1]))
	page.want(`heard.join(' ')`, strings.Join(want, " "))
}

func testBrokenLines(t *testing.T, browser context.Context, g *gate) {
	page := newProfile(t, browser).listening(g, "broken")
	first := g.happen(t, "broken", 3)
	page.heard(first)

	g.silence() // the connection stands, and nothing comes any more
	silent := g.happen(t, "broken", 3)
	page.heard(first, silent)
	g.wait("it listens anew", func() bool { return g.opened == 2 })

	g.meet("refuse") // the browser gives up after one such answer
	g.cut()
	refused := g.happen(t, "broken", 3)
	page.until(`polls > 0`)
	g.meet("")
	page.heard(first, silent, refused)
	last := g.happen(t, "broken", 1)
	page.heard(first, silent, refused, last)
	page.want(`states.at(-1) === 'connecting'`, false)
	page.want(`new Set(greetings.slice(1)).size === 1 && greetings.at(-1)`, "complete")
}

func testReload(t *testing.T, browser context.Context, g *gate) {
	page := newProfile(t, browser).listening(g, "reload")
	page.heard(g.happen(t, "reload", 3))
	page.open("about:blank")
	g.wait("nobody listens", func() bool { return g.open == 0 })
	missed := g.happen(t, "reload", 3)
	page.open(g.URL + "/healthz")
	page.listen("reload")
	page.heard(missed, g.happen(t, "reload", 1))
	page.want(`greetings.join()`, "complete")

	page.run(`stream.close(); sessionStorage.setItem('onsale.last reload', 'another0-7')`) // an id of a log that was replaced
	page.listen("reload")
	page.want(`greetings.concat(resets).join()`, "reset,/api/v1/me/coupons")
	page.heard(g.happen(t, "reload", 2))
	page.run(`stream.close()`)
	g.wait("nobody listens", func() bool { return g.open == 0 })
}

func testTabs(t *testing.T, browser context.Context, g *gate) {
	window := newProfile(t, browser)
	one := window.listening(g, "tabs")
	before := g.happen(t, "tabs", 1)
	one.heard(before)
	two := window.listening(g, "tabs") // hears what was a moment ago, as from a stream of its own
	both := g.happen(t, "tabs", 5)
	one.heard(before, both)
	two.heard(before, both)
	g.wait("two tabs share one stream", func() bool { return g.opened == 1 && g.open == 1 })
	one.want(`stream.leading`, true)
	two.want(`stream.leading`, false)

	// The tab that listens is closed in the middle of it.
	halfway := make(chan struct{})
	during := make(chan []string)
	go func() {
		ids := g.happen(t, "tabs", 10)
		close(halfway)
		during <- append(ids, g.happen(t, "tabs", 30)...)
	}()
	<-halfway
	one.close()
	rest := <-during
	two.heard(before, both, rest)
	two.want(`stream.leading`, true)
	g.wait("the other tab listens now", func() bool { return g.opened == 2 && g.open == 1 })

	// A tab that knows less than the one that listens is told the rest, and the other hears nothing twice.
	three := window.tab()
	three.open(g.URL + "/healthz")
	three.run(fmt.Sprintf(`sessionStorage.setItem('onsale.last tabs', %q)`, before[0]))
	three.listen("tabs")
	three.heard(both, rest)
	last := g.happen(t, "tabs", 3)
	three.heard(both, rest, last)
	two.heard(before, both, rest, last)
	g.wait("three tabs share one stream", func() bool { return g.open == 1 })

	// The stream dies for good; the tab that listens makes it anew for both, and both are told so.
	two.want(`stream.leading`, true)
	g.silence()
	silent := g.happen(t, "tabs", 2)
	two.heard(before, both, rest, last, silent)
	three.heard(both, rest, last, silent)

	// Its lock is taken away, as another tab does when nothing comes from it any more.
	three.run(`new Promise((has) => navigator.locks.request('onsale tabs', { steal: true }, () => { has(); return new Promise((letGo) => { window.letGo = letGo; }); }))`)
	two.until(`!stream.leading`)
	g.wait("nobody listens", func() bool { return g.open == 0 })
	alone := g.happen(t, "tabs", 2)
	three.run(`letGo()`)
	two.heard(before, both, rest, last, silent, alone)
	three.heard(both, rest, last, silent, alone)
	three.run(`stream.close()`)
	two.until(`stream.leading`)
	two.heard(before, both, rest, last, silent, alone, g.happen(t, "tabs", 1))
}

func testKeys(t *testing.T, browser context.Context, g *gate) {
	page := newProfile(t, browser).listening(g, "keys")
	g.swallow(2) // the wish arrives, and its answer does not; after that the node is said to be busy
	page.run(`onsale.issue('demo', { user: 'keys' }).then((answer) => { window.answer = answer; })`)
	page.until(`window.answer`)
	if keys := g.keys(); len(keys) != 3 || keys[0] == "" || len(slices.Compact(keys)) != 1 {
		t.Errorf("asked with the keys %q, want one key three times", keys)
	}
	page.until(`heard.length === 1`)
	page.want(`Object.keys(sessionStorage).filter((name) => name.startsWith('onsale.key')).length`, 0)
	page.run(`onsale.issue('demo', { user: 'keys' }).then((answer) => onsale.outcome(answer.body, { user: 'keys' })).then((found) => { window.again = found; })`)
	page.until(`window.again`)
	page.want(`again.status + ' ' + again.code`, "REJECTED already_issued")

	g.swallow(2)
	page.run(`window.answer = undefined; onsale.issue('demo', { user: 'keys', attempts: 1 }).then((answer) => { window.answer = answer; })`)
	page.until(`window.answer`)
	page.want(`answer.status`, 0)
	g.swallow(0)
	page.open(g.URL + "/healthz") // nobody knows what came of it, and the page is loaded again
	page.listen("keys")
	page.run(`onsale.issue('demo', { user: 'keys' })`)
	keys := g.keys()
	if n := len(keys); keys[n-1] != keys[n-2] {
		t.Errorf("after a reload the same wish had another key: %q", keys[n-2:])
	}
}

// --- the demo page -----------------------------------------------------------------------------------------------------------

func testDemoPage(t *testing.T, browser context.Context) {
	b := newBox(t, "--demo")
	b.start()
	waitForDemo(t, b.url())
	page := newProfile(t, browser).tab()
	page.open(b.url() + "/")
	page.until(`document.querySelectorAll('#seats .seat').length === 600`)
	page.until(`document.querySelector('#live').dataset.on === 'yes'`)
	page.until(`document.querySelector('#remaining').textContent === '1,000'`)
	var user string
	page.value(`document.querySelector('#user').value`, &user)

	page.click("#issue")
	page.until(`document.querySelector('#coupon-state').dataset.kind === 'good'`)
	page.want(`document.querySelector('#coupon-state').textContent`, "쿠폰 발급이 완료되었습니다. (프로모션 ID: demo)")
	page.until(`document.querySelector('#remaining').textContent === '999'`)
	page.click("#issue")
	page.until(`document.querySelector('#coupon-state').dataset.kind === 'bad'`)

	page.click(`[data-seat-id="7"]`)
	page.click(`[data-seat-id="8"]`)
	page.want(`document.querySelector('#chosen').textContent`, "2석 선택, 300,000원")
	page.click("#hold")
	page.until(`['7', '8'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'mine')`)
	command(t, b.url(), "somebody", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[30,31,32]}`)
	page.until(`['30', '31', '32'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'held')`)
	page.click("#holds button") // reserve
	page.until(`['7', '8'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'bought')`)
	page.until(`document.querySelector('#holds').childElementCount === 0`)
	page.click(`[data-seat-id="9"]`)
	page.click("#hold")
	page.until(`document.querySelector('#holds .time')`)
	page.click(`[data-seat-id="50"]`)
	page.click(`[data-seat-id="51"]`)

	for name, width := range map[string]int64{"page.png": 1280, "phone.png": 400} {
		if err := chromedp.Do(page.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		png, err := chromedp.Run(page.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.ArtifactDir(), name)
		if err := os.WriteFile(file, png, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("as it looked: %s", file)
	}
	if got := couponsOf(t, b.url(), user); got != 1 {
		t.Errorf("%s has %d coupons, want 1", user, got)
	}
}

func couponsOf(t *testing.T, base, user string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/me/coupons", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-User-Id", user)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list struct{ Items []json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

// --- Chromium ----------------------------------------------------------------------------------------------------------------

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

func (page *tab) value(expression string, into any) {
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
	page.value(expression, &got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		page.tb.Errorf("%s\ngot  %v\nwant %v", expression, got, want)
	}
}

// until waits until an expression is true. What the page has heard is told when it never is.
func (page *tab) until(expression string) {
	page.tb.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); pause(page.ctx, 20*time.Millisecond) {
		var is bool
		if page.value(`!!(`+expression+`)`, &is); is {
			return
		}
	}
	var heard any
	page.value(`[window.heard ?? null, window.states ?? null]`, &heard)
	page.tb.Fatalf("it never was so: %s\nheard %v", expression, heard)
}

// --- the line between --------------------------------------------------------------------------------------------------------

// gate stands between a browser and a node, counts streams, and breaks them in the ways of networks.
type gate struct {
	*httptest.Server
	tb   testing.TB
	node string

	mu           sync.Mutex // guards what follows
	open, opened int        // streams
	fate         string     // what meets a new stream: "refuse" is 502
	silent       int        // streams up to this number give nothing any more
	cuts         map[int]context.CancelFunc
	asked        []string // the keys of commands
	swallowed    int      // the answers to so many commands break off, but the last one does not arrive and is told 503
}

func newGate(tb testing.TB, node string) *gate {
	tb.Helper()
	g := &gate{tb: tb, node: node, cuts: map[int]context.CancelFunc{}}
	to, err := url.Parse(node)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/subscribe/") || strings.HasSuffix(r.URL.Path, "/events"):
			g.stream(w, r, proxy)
		case r.Method == http.MethodPost:
			g.command(w, r, proxy)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(func() {
		g.cut()
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

func (g *gate) stream(w http.ResponseWriter, r *http.Request, on http.Handler) {
	g.mu.Lock()
	if g.fate == "refuse" {
		g.mu.Unlock()
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	ctx, cut := context.WithCancel(r.Context())
	defer cut()
	g.open++
	g.opened++
	number := g.opened
	g.cuts[number] = cut
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
		delete(g.cuts, number)
	}()
	on.ServeHTTP(&gatedWriter{w, g, number}, r.WithContext(ctx))
}

// gatedWriter keeps to itself what a silenced stream says.
type gatedWriter struct {
	http.ResponseWriter
	gate   *gate
	number int
}

func (w *gatedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *gatedWriter) Write(b []byte) (int, error) {
	w.gate.mu.Lock()
	silent := w.number <= w.gate.silent
	w.gate.mu.Unlock()
	if silent {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (g *gate) command(w http.ResponseWriter, r *http.Request, on http.Handler) {
	g.mu.Lock()
	g.asked = append(g.asked, r.Header.Get("Idempotency-Key"))
	left := g.swallowed
	g.swallowed = max(0, left-1)
	g.mu.Unlock()
	switch left {
	case 0:
		on.ServeHTTP(w, r)
	case 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		on.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // before the first byte Chromium would ask again by itself
		panic(http.ErrAbortHandler)
	}
}

// silence lets the streams that are open stand and say nothing more.
func (g *gate) silence() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent = g.opened
}

// cut breaks all streams.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cut := range g.cuts {
		cut()
	}
}

func (g *gate) meet(fate string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fate = fate
}

func (g *gate) swallow(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.swallowed = n
}

func (g *gate) keys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}

// wait waits until something is so, which is looked at under the lock.
func (g *gate) wait(what string, is func() bool) {
	g.tb.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		so := is()
		g.mu.Unlock()
		if so {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tb.Fatalf("it never was so: %s; %d streams are open, %d were opened", what, g.open, g.opened)
}

// --- the node, asked without a browser -----------------------------------------------------------------------------------------

type verdict struct {
	EventID string
	Result  struct{ HoldID string }
}

// send commands, and waits for the outcome.
func send(ctx context.Context, base, user, path, body string) (int, verdict) {
	var a verdict
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, a
	}
	r.Header.Set("X-User-Id", user)
	r.Header.Set("Prefer", "wait=10")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, a
	}
	defer response.Body.Close()
	if json.NewDecoder(response.Body).Decode(&a) != nil {
		return 0, a
	}
	return response.StatusCode, a
}

// command wants its wish to be granted.
func command(tb testing.TB, base, user, path, body string) verdict {
	tb.Helper()
	status, a := send(within(tb, 15*time.Second), base, user, path, body)
	if status != http.StatusOK && status != http.StatusCreated {
		tb.Fatalf("%s %s by %s: got %d", path, body, user, status)
	}
	return a
}

// waitForDemo waits until there is something to hold.
func waitForDemo(tb testing.TB, base string) {
	tb.Helper()
	for range 500 {
		if response, err := http.Get(base + "/api/v1/schedules/demo"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	tb.Fatal("there is no demo")
}

// told gives the ids that a stream tells behind from, up to and with the one that is the last.
func told(tb testing.TB, url, from, last string) (ids []string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(within(tb, 15*time.Second), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", from)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	event := ""
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); {
		case name == "":
			event = ""
		case name == "event":
			event = value
		case name == "id" && event != "connect":
			if ids = append(ids, value); value == last {
				return ids
			}
		}
	}
	tb.Fatalf("the stream ended before %s, after %v", last, ids)
	return nil
}
