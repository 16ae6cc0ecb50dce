// onsale.js: reconnecting, reloading, idempotency keys, and one stream for several tabs.

package browser

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

// openListening opens a page that reads a user's stream through onsale.js.
func (p *profile) openListening(g *flakyProxy, user string) *tab {
	page := p.tab()
	page.open(g.URL + "/healthz")
	page.subscribe(user)
	return page
}

// subscribe opens the stream and records everything from it.
func (page *tab) subscribe(user string) {
	page.run(fmt.Sprintf(`import('/onsale.js').then(({ connect, request, issue, outcome }) => {
		window.onsale = { request, issue, outcome };
		window.received = []; window.states = []; window.connects = []; window.resets = []; window.polls = 0;
		window.stream = connect({
			path: '/subscribe/%[1]s', heartbeat: 1000, storageKey: '%[1]s',
			onEvent: (event) => received.push(event.id),
			onState: (state, frame) => { states.push(state); if (frame?.name === 'connect') connects.push(frame.data.status); },
			onReset: (snapshot) => resets.push(snapshot),
			poll: () => { polls++; },
		});
	})`, user))
	page.waitFor(`states.includes('live')`)
}

// produceEvents makes n events of a user, and returns their ids.
func (g *flakyProxy) produceEvents(tb testing.TB, user string, n int) (ids []string) {
	tb.Helper()
	for range n {
		_, result := harness.SendCommand(tb.Context(), g.node, user, "/api/v1/schedules/demo/seats/release", `{"scheduleSeatIds":[600]}`)
		ids = append(ids, result.EventID)
	}
	return ids
}

// wantEvents requires that the page received these events, in this order, each once.
func (page *tab) wantEvents(ids ...[]string) {
	page.tb.Helper()
	want := slices.Concat(ids...)
	page.waitFor(fmt.Sprintf(`received.at(-1) === %q`, want[len(want)-1]))
	page.want(`received.join(' ')`, strings.Join(want, " "))
}

// startProxied starts a demo node behind a flaky proxy.
func startProxied(t *testing.T, args ...string) *flakyProxy {
	t.Helper()
	node := harness.NewNode(t, append([]string{"--demo"}, args...)...)
	node.StartDemo()
	return newFlakyProxy(t, node.URL())
}

func TestOnsaleJS_Reconnects(t *testing.T) {
	t.Parallel()
	g := startProxied(t, "--streams-user-heartbeat", "1s")
	page := newProfile(t).openListening(g, "broken")
	first := g.produceEvents(t, "broken", 3)
	page.wantEvents(first)

	g.muteStreams() // the connection stays open, and nothing comes
	silent := g.produceEvents(t, "broken", 3)
	page.wantEvents(first, silent)
	g.waitFor("it reconnects", func() bool { return g.opened == 2 })

	g.setStreamFault("refuse") // the browser gives up after one such answer
	g.cutStreams()
	refused := g.produceEvents(t, "broken", 3)
	page.waitFor(`polls > 0`)
	g.setStreamFault("")
	page.wantEvents(first, silent, refused)
	last := g.produceEvents(t, "broken", 1)
	page.wantEvents(first, silent, refused, last)
	page.want(`states.at(-1) === 'connecting'`, false)
	page.want(`new Set(connects.slice(1)).size === 1 && connects.at(-1)`, "complete")
}

func TestOnsaleJS_ResumesAfterReload(t *testing.T) {
	t.Parallel()
	g := startProxied(t, "--streams-user-heartbeat", "1s")
	page := newProfile(t).openListening(g, "reload")
	page.wantEvents(g.produceEvents(t, "reload", 3))
	page.open("about:blank")
	g.waitFor("no stream is open", func() bool { return g.open == 0 })
	missed := g.produceEvents(t, "reload", 3)
	page.open(g.URL + "/healthz")
	page.subscribe("reload")
	page.wantEvents(missed, g.produceEvents(t, "reload", 1))
	page.want(`connects.join()`, "complete")

	page.run(`stream.close(); sessionStorage.setItem('onsale.last reload', 'another0-7')`) // an id of another log
	page.subscribe("reload")
	page.want(`connects.concat(resets).join()`, "reset,/api/v1/me/coupons")
	page.wantEvents(g.produceEvents(t, "reload", 2))
	page.run(`stream.close()`)
	g.waitFor("no stream is open", func() bool { return g.open == 0 })
}

func TestOnsaleJS_RepeatsIdempotencyKeys(t *testing.T) {
	t.Parallel()
	g := startProxied(t, "--streams-user-heartbeat", "1s")
	page := newProfile(t).openListening(g, "keys")
	g.dropResponses(2) // the command arrives, and its response does not; the next request gets 503
	page.run(`onsale.issue('demo', { user: 'keys' }).then((answer) => { window.answer = answer; })`)
	page.waitFor(`window.answer`)
	if keys := g.keys(); len(keys) != 3 || keys[0] == "" || len(slices.Compact(keys)) != 1 {
		t.Errorf("asked with the keys %q, want one key three times", keys)
	}
	page.waitFor(`received.length === 1`)
	page.want(`Object.keys(sessionStorage).filter((name) => name.startsWith('onsale.key')).length`, 0)
	page.run(`onsale.issue('demo', { user: 'keys' }).then((answer) => onsale.outcome(answer.body, { user: 'keys' })).then((found) => { window.again = found; })`)
	page.waitFor(`window.again`)
	page.want(`again.status + ' ' + again.code`, "REJECTED already_issued")

	g.dropResponses(2)
	page.run(`window.answer = undefined; onsale.issue('demo', { user: 'keys', attempts: 1 }).then((answer) => { window.answer = answer; })`)
	page.waitFor(`window.answer`)
	page.want(`answer.status`, 0)
	g.dropResponses(0)
	page.open(g.URL + "/healthz") // the outcome is unknown, and the page is reloaded
	page.subscribe("keys")
	page.run(`onsale.issue('demo', { user: 'keys' })`)
	keys := g.keys()
	if n := len(keys); keys[n-1] != keys[n-2] {
		t.Errorf("after a reload the same command had another key: %q", keys[n-2:])
	}
}

// Tabs of one browser share a stream: one of them, the leader, reads it for all.
func TestOnsaleJS_SharesStreamBetweenTabs(t *testing.T) {
	t.Parallel()
	g := startProxied(t, "--streams-user-heartbeat", "1s")
	window := newProfile(t)
	one := window.openListening(g, "tabs")
	before := g.produceEvents(t, "tabs", 1)
	one.wantEvents(before)
	two := window.openListening(g, "tabs") // gets the latest events too, as from a stream of its own
	both := g.produceEvents(t, "tabs", 5)
	one.wantEvents(before, both)
	two.wantEvents(before, both)
	g.waitFor("two tabs share one stream", func() bool { return g.opened == 1 && g.open == 1 })
	one.want(`stream.leading`, true)
	two.want(`stream.leading`, false)

	// The leader is closed while events come.
	halfway := make(chan struct{})
	duringClose := make(chan []string)
	go func() {
		ids := g.produceEvents(t, "tabs", 10)
		close(halfway)
		duringClose <- append(ids, g.produceEvents(t, "tabs", 30)...)
	}()
	<-halfway
	one.close()
	rest := <-duringClose
	two.wantEvents(before, both, rest)
	two.want(`stream.leading`, true)
	g.waitFor("the other tab leads", func() bool { return g.opened == 2 && g.open == 1 })

	// A tab that resumes from an older event gets the rest, and the leader gets nothing twice.
	three := window.tab()
	three.open(g.URL + "/healthz")
	three.run(fmt.Sprintf(`sessionStorage.setItem('onsale.last tabs', %q)`, before[0]))
	three.subscribe("tabs")
	three.wantEvents(both, rest)
	last := g.produceEvents(t, "tabs", 3)
	three.wantEvents(both, rest, last)
	two.wantEvents(before, both, rest, last)
	g.waitFor("three tabs share one stream", func() bool { return g.open == 1 })

	// The stream goes silent; the leader reconnects for both.
	two.want(`stream.leading`, true)
	g.muteStreams()
	silent := g.produceEvents(t, "tabs", 2)
	two.wantEvents(before, both, rest, last, silent)
	three.wantEvents(both, rest, last, silent)

	// The leader's lock is stolen, as another tab does when the leader does not answer.
	three.run(`new Promise((has) => navigator.locks.request('onsale tabs', { steal: true }, () => { has(); return new Promise((letGo) => { window.letGo = letGo; }); }))`)
	two.waitFor(`!stream.leading`)
	g.waitFor("no stream is open", func() bool { return g.open == 0 })
	alone := g.produceEvents(t, "tabs", 2)
	three.run(`letGo()`)
	two.wantEvents(before, both, rest, last, silent, alone)
	three.wantEvents(both, rest, last, silent, alone)
	three.run(`stream.close()`)
	two.waitFor(`stream.leading`)
	two.wantEvents(before, both, rest, last, silent, alone, g.produceEvents(t, "tabs", 1))
}

// A stream with tickets gets a new one for each connection, also when the browser would have reconnected by itself. When the login
// ends, the page is warned, renews it, and the stream goes on where it was.
func TestOnsaleJS_RenewsLogin(t *testing.T) {
	t.Parallel()
	s, page := newScriptedServer(t), newProfile(t).tab()
	page.open(s.URL + "/healthz")
	page.run(`import('/onsale.js').then(({ connect }) => {
		window.received = []; window.renewed = []; let tickets = 0;
		window.stream = connect({
			path: '/events', onEvent: (event) => received.push(event.id),
			ticket: async () => { if (++tickets === 2) throw new Error('offline'); return 'ticket-' + tickets; },
			renew: async (state) => { renewed.push(state); },
		});
	})`)
	expect := func(from, ticket string) *scriptedStream {
		t.Helper()
		stream := s.nextStream(from)
		if stream.ticket != ticket {
			t.Fatalf("the stream from %q shows %q, want %q", from, stream.ticket, ticket)
		}
		stream.write("event: connect\ndata: {\"status\":\"complete\"}\nid: " + cmp.Or(from, "log-1") + "\n\n")
		return stream
	}
	first := expect("", "ticket-1")
	first.write("event: alarm\ndata: {}\nid: log-2\n\n")
	page.waitFor(`received.at(-1) === 'log-2'`)
	first.end() // and the second ticket cannot be had
	second := expect("log-2", "ticket-3")
	second.write("event: auth-expiring\ndata: {\"expiresAt\":\"2030-01-01T00:00:00.000Z\"}\n\n")
	page.waitFor(`renewed.join() === 'expiring'`)
	second.write("event: auth-expired\ndata: {\"code\":\"unauthenticated\"}\n\nretry: 30000\n")
	second.end()
	third := expect("log-2", "ticket-4")
	page.want(`renewed.join()`, "expiring,expired")
	third.write("event: alarm\ndata: {}\nid: log-3\n\n")
	page.waitFor(`received.at(-1) === 'log-3'`)
	page.want(`received.join(' ')`, "log-2 log-3")
	page.run(`stream.close()`)
}
