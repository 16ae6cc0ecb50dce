// What is told as it stands, and not step by step: the seats of a page that was slow, which come as a burst, and the progress
// of a promotion. onsale.js tells them to all tabs, and nothing twice.

package browser

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

const (
	seatEvents     = "/api/v1/schedules/demo/seats/events"
	progressEvents = "/api/v1/promotions/demo/events"
)

// openWatching is a page that hears a stream behind position from.
func (p *profile) openWatching(base, path, from string) *tab {
	page := p.tab()
	page.open(base + "/healthz")
	page.run(watchScript(path, from))
	page.waitFor(`states.includes('live')`)
	return page
}

func watchScript(path, from string) string {
	return fmt.Sprintf(`import('/onsale.js').then(({ connect }) => {
		window.heard = []; window.states = []; window.greetings = [];
		window.stream = connect({
			path: %q, from: %q, onEvent: (event) => heard.push(event),
			onState: (state, frame) => { states.push(state); if (frame?.name === 'connect') greetings.push(frame.data.status); },
		});
	})`, path, from)
}

// A browser does not take anything while people hold seats and give them back. Then both its tabs see the seats as they are,
// and were not told every step.
func testStalledReader(t *testing.T, browser context.Context, g *flakyProxy) {
	window := newProfile(t, browser)
	tabs := []*tab{window.openWatching(g.URL, seatEvents, ""), window.openWatching(g.URL, seatEvents, "")}
	resume := g.stallStreams()
	ctx, steps := harness.TimeoutContext(t, time.Minute), 1
	changeSeats := func(first, users, rounds int) {
		var group sync.WaitGroup
		for i := first; i < first+users; i++ {
			group.Go(func() {
				user, seats := fmt.Sprint("person-", i), fmt.Sprintf(`{"scheduleSeatIds":[%d,%d,%d,%d]}`, 4*i+1, 4*i+2, 4*i+3, 4*i+4)
				for n := range rounds {
					verb := []string{"hold", "release"}[n%2]
					if status, _ := harness.SendCommand(ctx, g.node, user, "/api/v1/schedules/demo/seats/"+verb, seats); status != http.StatusOK && status != http.StatusCreated {
						t.Errorf("%s %s: got %d", user, verb, status)
						return
					}
				}
			})
		}
		group.Wait()
		steps += 4 * users * rounds
	}
	changeSeats(0, 60, 20) // more than lies on the way
	changeSeats(60, 60, 1) // only the burst tells of these
	changeSeats(0, 60, 31) // more than the ring holds
	last := harness.MustCommand(t, g.node, "lee", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[600]}`)
	resume()
	for _, page := range tabs {
		page.waitFor(fmt.Sprintf(`heard.at(-1)?.id === %q`, last.EventID))
		page.run(`fetch('/api/schedules/demo/seats').then((answer) => answer.json()).then((list) => {
			const held = (seats) => seats.filter(([, status]) => status === 'HELD').map(([id]) => id).sort((a, b) => a - b);
			window.seen = held([...new Map(heard.map(({ data }) => [data.scheduleSeatId, data.status]))]);
			window.there = held(list.map(({ id, status }) => [id, status]));
		})`)
		page.want(`there.length`, 4*120+1)
		page.want(`seen.filter((id) => !there.includes(id)).concat(there.filter((id) => !seen.includes(id))).join()`, "")
		var frames int
		page.eval(`heard.length`, &frames)
		if frames >= steps {
			t.Errorf("%d frames were heard for %d steps: there was no burst", frames, steps)
		}
	}
	g.waitFor("two tabs share one stream that stood", func() bool { return g.opened == 1 && g.open == 1 })
}

// A promotion stands as it stands: its state may have the id of the one before, and comes again with every connection.
func testPromotionProgress(t *testing.T, browser context.Context, g *flakyProxy) {
	window := newProfile(t, browser)
	one := window.openWatching(g.URL, progressEvents, "")
	one.waitFor(`heard.length === 2`)
	one.want(`heard.map(({ name, data }) => [name, data.issued ?? data.status].join(' ')).join()`, "progress 0,status OPEN")
	one.open(g.URL + "/healthz") // loaded again, it shows nothing yet
	one.run(watchScript(progressEvents, ""))
	two := window.openWatching(g.URL, progressEvents, "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`heard.length === 2`)
	}
	harness.MustCommand(t, g.node, "kim", "/api/v1/promotions/demo/coupons", "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`heard.at(-1).data.issued === 1 && heard.at(-1).data.rate === 0`) // the rate falls without an event
	}
	g.cutStreams()
	g.waitFor("it comes back", func() bool { return g.opened == 3 && g.open == 1 })
	harness.MustCommand(t, g.node, "lee", "/api/v1/promotions/demo/coupons", "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`heard.at(-1).data.issued === 2`)
		page.want(`heard.filter(({ name }) => name === 'status').length`, 1)
		page.want(`heard.map(({ data }) => JSON.stringify(data)).filter((text, i, all) => text === all[i - 1]).length`, 0)
	}
}

// Tabs come in before a burst, in the middle of it and after it. Then one breaks off, and one tab has heard less than the rest.
func testConflation(t *testing.T, browser context.Context) {
	id := func(n int) string { return fmt.Sprintf("k3v9x2ab-%d", n) }
	seat := func(n int, status string) string {
		return fmt.Sprintf("data: {\"scheduleSeatId\":%d,\"status\":%q,\"timestamp\":\"2026-01-02T03:04:05Z\",\"isHeartbeat\":false}\n\n", n, status)
	}
	at := func(n int, frame string) string { return "id: " + id(n) + "\n" + frame }
	heartbeat := "data: {\"scheduleSeatId\":-1,\"status\":null,\"timestamp\":\"2026-01-02T03:04:05Z\",\"isHeartbeat\":true}\n\n"
	connectFrame := func(n int, status string) string {
		return at(n, fmt.Sprintf("event: connect\nretry: 10\ndata: {\"status\":%q}\n\n", status))
	}
	s := newScriptedServer(t)
	window := newProfile(t, browser)
	one := window.tab()
	one.open(s.URL + "/healthz")
	one.run(watchScript("/events", ""))
	stream := s.nextStream("")
	stream.write(connectFrame(5, "fresh") + at(6, seat(1, "HELD")) + at(6, heartbeat))
	heard := func(page *tab, want ...string) {
		t.Helper()
		page.waitFor(fmt.Sprintf(`heard.length >= %d`, len(want)))
		page.want(`heard.map(({ id, data }) => [id.split('-')[1], data.scheduleSeatId, data.status].join(' ')).join()`, strings.Join(want, ","))
	}
	first := []string{"6 1 HELD"}
	heard(one, first...)

	stream.write(seat(1, "AVAILABLE") + ":\n\n" + seat(2, "HELD"))
	two, three := window.openWatching(s.URL, "/events", id(6)), window.openWatching(s.URL, "/events", id(8)) // read the seats a moment ago
	stream.write(seat(4, "BLOCKED") + at(9, seat(3, "HELD")) + at(9, heartbeat))
	conflated := []string{"9 1 AVAILABLE", "9 2 HELD", "9 4 BLOCKED", "9 3 HELD"}
	heard(one, slices.Concat(first, conflated)...)
	four := window.openWatching(s.URL, "/events", id(8))
	for _, page := range []*tab{two, three, four} {
		heard(page, conflated...)
	}

	// Of the one that breaks off nobody is told anything: every step comes instead.
	stream.write(seat(1, "RESERVED") + seat(2, "AVAILABLE"))
	stream.end()
	stream = s.nextStream(id(9))
	stream.write(connectFrame(9, "complete") + at(10, seat(1, "HELD")) + at(11, seat(1, "RESERVED")) + at(12, seat(2, "AVAILABLE")))
	steps := []string{"10 1 HELD", "11 1 RESERVED", "12 2 AVAILABLE"}
	heard(one, slices.Concat(first, conflated, steps)...)
	one.want(`greetings.join()`, "fresh,complete")

	// For a tab that has heard less the stream goes back; the others pass over what they have heard, as it comes again.
	five := window.tab()
	five.open(s.URL + "/healthz")
	five.run(watchScript("/events", id(4)))
	stream = s.nextStream(id(4))
	stream.write(connectFrame(4, "complete") + at(6, seat(1, "HELD")) + at(7, seat(1, "AVAILABLE")) + seat(2, "HELD") + seat(4, "BLOCKED") +
		at(9, seat(3, "HELD")) + at(10, seat(1, "HELD")) + at(11, seat(1, "RESERVED")) + at(12, seat(2, "AVAILABLE")) + at(13, seat(5, "HELD")))
	last := []string{"13 5 HELD"}
	heard(five, slices.Concat(first, []string{"7 1 AVAILABLE", "9 2 HELD", "9 4 BLOCKED", "9 3 HELD"}, steps, last)...)
	heard(one, slices.Concat(first, conflated, steps, last)...)
	for _, page := range []*tab{two, three, four} {
		heard(page, slices.Concat(conflated, steps, last)...)
	}
}
