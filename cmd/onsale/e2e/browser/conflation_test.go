// onsale.js with conflated frames: the seats of a slow reader, and the progress of a promotion. They reach all tabs, and nothing
// comes twice.

package browser

import (
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

// openWatching opens a page that reads a stream from after an id.
func (p *profile) openWatching(base, path, from string) *tab {
	page := p.tab()
	page.open(base + "/healthz")
	page.run(watchScript(path, from))
	page.waitFor(`states.includes('live')`)
	return page
}

func watchScript(path, from string) string {
	return fmt.Sprintf(`import('/onsale.js').then(({ connect }) => {
		window.received = []; window.states = []; window.connects = [];
		window.stream = connect({
			path: %q, from: %q, onEvent: (event) => received.push(event),
			onState: (state, frame) => { states.push(state); if (frame?.name === 'connect') connects.push(frame.data.status); },
		});
	})`, path, from)
}

// A browser reads nothing while seats are held and released. Then both its tabs show the current seats, with fewer frames than
// there were changes.
func TestOnsaleJS_ShowsSeatsAfterStall(t *testing.T) {
	t.Parallel()
	g := startProxied(t, "--streams-ring-events", "1024")
	window := newProfile(t)
	tabs := []*tab{window.openWatching(g.URL, seatEvents, ""), window.openWatching(g.URL, seatEvents, "")}
	resume := g.stallStreams()
	ctx, steps := harness.TimeoutContext(t, time.Minute), 1
	changeSeats := func(first, users, rounds int) {
		var group sync.WaitGroup
		for i := first; i < first+users; i++ {
			group.Go(func() {
				user, seats := fmt.Sprint("user-", i), fmt.Sprintf(`{"scheduleSeatIds":[%d,%d,%d,%d]}`, 4*i+1, 4*i+2, 4*i+3, 4*i+4)
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
	changeSeats(0, 60, 20) // more than the buffers hold
	changeSeats(60, 60, 1) // only in the conflated frames
	changeSeats(0, 60, 31) // more than the ring holds
	last := harness.MustCommand(t, g.node, "lee", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[600]}`)
	resume()
	for _, page := range tabs {
		page.waitFor(fmt.Sprintf(`received.at(-1)?.id === %q`, last.EventID))
		page.run(`fetch('/api/schedules/demo/seats').then((answer) => answer.json()).then((list) => {
			const held = (seats) => seats.filter(([, status]) => status === 'HELD').map(([id]) => id).sort((a, b) => a - b);
			window.seen = held([...new Map(received.map(({ data }) => [data.scheduleSeatId, data.status]))]);
			window.there = held(list.map(({ id, status }) => [id, status]));
		})`)
		page.want(`there.length`, 4*120+1)
		page.want(`seen.filter((id) => !there.includes(id)).concat(there.filter((id) => !seen.includes(id))).join()`, "")
		var frames int
		page.eval(`received.length`, &frames)
		if frames >= steps {
			t.Errorf("%d frames for %d changes: nothing was conflated", frames, steps)
		}
	}
	g.waitFor("two tabs share one stream that stayed open", func() bool { return g.opened == 1 && g.open == 1 })
}

// Progress frames may repeat an id, and come again with every connection.
func TestOnsaleJS_ShowsPromotionProgress(t *testing.T) {
	t.Parallel()
	g := startProxied(t)
	window := newProfile(t)
	one := window.openWatching(g.URL, progressEvents, "")
	one.waitFor(`received.length === 2`)
	one.want(`received.map(({ name, data }) => [name, data.issued ?? data.status].join(' ')).join()`, "progress 0,status OPEN")
	one.open(g.URL + "/healthz") // reloaded, it shows nothing yet
	one.run(watchScript(progressEvents, ""))
	two := window.openWatching(g.URL, progressEvents, "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`received.length === 2`)
	}
	harness.MustCommand(t, g.node, "kim", "/api/v1/promotions/demo/coupons", "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`received.at(-1).data.issued === 1 && received.at(-1).data.rate === 0`) // the rate falls without an event
	}
	g.cutStreams()
	g.waitFor("it reconnects", func() bool { return g.opened == 3 && g.open == 1 })
	harness.MustCommand(t, g.node, "lee", "/api/v1/promotions/demo/coupons", "")
	for _, page := range []*tab{one, two} {
		page.waitFor(`received.at(-1).data.issued === 2`)
		page.want(`received.filter(({ name }) => name === 'status').length`, 1)
		page.want(`received.map(({ data }) => JSON.stringify(data)).filter((text, i, all) => text === all[i - 1]).length`, 0)
	}
}

// Tabs join before, during and after conflated frames. Then conflated frames break off, and a tab resumes from an older event.
func TestOnsaleJS_SharesConflatedFrames(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return fmt.Sprintf("k3v9x2ab-%d", n) }
	seat := func(n int, status string) string {
		return fmt.Sprintf("data: {\"scheduleSeatId\":%d,\"status\":%q,\"timestamp\":\"2026-01-02T03:04:05Z\",\"isHeartbeat\":false}\n\n", n, status)
	}
	at := func(n int, frame string) string { return strings.TrimSuffix(frame, "\n") + "id: " + id(n) + "\n\n" }
	heartbeat := "data: {\"scheduleSeatId\":-1,\"status\":null,\"timestamp\":\"2026-01-02T03:04:05Z\",\"isHeartbeat\":true}\n\n"
	connectFrame := func(n int, status string) string {
		return at(n, fmt.Sprintf("event: connect\nretry: 10\ndata: {\"status\":%q}\n\n", status))
	}
	s := newScriptedServer(t)
	window := newProfile(t)
	one := window.tab()
	one.open(s.URL + "/healthz")
	one.run(watchScript("/events", ""))
	stream := s.nextStream("")
	stream.write(connectFrame(5, "fresh") + at(6, seat(1, "HELD")) + at(6, heartbeat))
	received := func(page *tab, want ...string) {
		t.Helper()
		page.waitFor(fmt.Sprintf(`received.length >= %d`, len(want)))
		page.want(`received.map(({ id, data }) => [id.split('-')[1], data.scheduleSeatId, data.status].join(' ')).join()`, strings.Join(want, ","))
	}
	first := []string{"6 1 HELD"}
	received(one, first...)

	stream.write(seat(1, "AVAILABLE") + ":\n" + seat(2, "HELD"))
	two, three := window.openWatching(s.URL, "/events", id(6)), window.openWatching(s.URL, "/events", id(8)) // with the seats as of then
	stream.write(seat(4, "BLOCKED") + at(9, seat(3, "HELD")) + at(9, heartbeat))
	conflated := []string{"9 1 AVAILABLE", "9 2 HELD", "9 4 BLOCKED", "9 3 HELD"}
	received(one, slices.Concat(first, conflated)...)
	four := window.openWatching(s.URL, "/events", id(8))
	for _, page := range []*tab{two, three, four} {
		received(page, conflated...)
	}

	// Frames that break off are dropped in all tabs: every change comes instead.
	stream.write(seat(1, "RESERVED") + seat(2, "AVAILABLE"))
	stream.end()
	stream = s.nextStream(id(9))
	stream.write(connectFrame(9, "complete") + at(10, seat(1, "HELD")) + at(11, seat(1, "RESERVED")) + at(12, seat(2, "AVAILABLE")))
	steps := []string{"10 1 HELD", "11 1 RESERVED", "12 2 AVAILABLE"}
	received(one, slices.Concat(first, conflated, steps)...)
	one.want(`connects.join()`, "fresh,complete")

	// For a tab with an older id the stream goes back; the other tabs skip what they had.
	five := window.tab()
	five.open(s.URL + "/healthz")
	five.run(watchScript("/events", id(4)))
	stream = s.nextStream(id(4))
	stream.write(connectFrame(4, "complete") + at(6, seat(1, "HELD")) + at(7, seat(1, "AVAILABLE")) + seat(2, "HELD") + seat(4, "BLOCKED") +
		at(9, seat(3, "HELD")) + at(10, seat(1, "HELD")) + at(11, seat(1, "RESERVED")) + at(12, seat(2, "AVAILABLE")) + at(13, seat(5, "HELD")))
	last := []string{"13 5 HELD"}
	received(five, slices.Concat(first, []string{"7 1 AVAILABLE", "9 2 HELD", "9 4 BLOCKED", "9 3 HELD"}, steps, last)...)
	received(one, slices.Concat(first, conflated, steps, last)...)
	for _, page := range []*tab{two, three, four} {
		received(page, slices.Concat(conflated, steps, last)...)
	}
}
