// onsale.js for one page: broken lines, a reload, and wishes with their keys.

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

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
