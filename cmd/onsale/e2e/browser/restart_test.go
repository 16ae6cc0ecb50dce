package browser

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// The node is killed twice while seats are held and released. Plain EventSource receives exactly what the log has.
func TestEventSource_SurvivesKills(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	page := newProfile(t).tab()
	page.open(node.URL() + "/healthz")
	page.run(`window.listen = (name, path, events) => {
		const stream = new EventSource(path), received = { ids: [], connects: [], get state() { return stream.readyState; } };
		window.received = { ...window.received, [name]: window[name] = received };
		stream.addEventListener('connect', (e) => received.connects.push({ id: e.lastEventId, ...JSON.parse(e.data) }));
		for (const event of events) stream.addEventListener(event, (e) => received.ids.push(e.lastEventId));
	};
	listen('seats', '/api/v1/schedules/demo/seats/events?rewind=0', ['message']);
	listen('user', '/subscribe/kim?rewind=0', ['hold-complete', 'hold-failed', 'hold-released']);`)
	page.waitFor(`seats.connects.length === 1 && user.connects.length === 1`)

	ctx := harness.TimeoutContext(t, time.Minute)
	trafficCtx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	var granted atomic.Int64
	for i, name := range []string{"kim", "lee"} {
		group.Go(func() {
			for n := 0; trafficCtx.Err() == nil; n++ {
				seats := fmt.Sprintf(`{"scheduleSeatIds":[%d,%d]}`, 2*i+2, 2*i+1)
				verb := []string{"hold", "release"}[n%2]
				// Not cancelled: a command in flight would be decided after the last one.
				if status, _ := harness.SendCommand(ctx, node.URL(), name, "/api/v1/schedules/demo/seats/"+verb, seats); status == http.StatusOK || status == http.StatusCreated {
					granted.Add(1)
				}
				harness.Sleep(trafficCtx, 20*time.Millisecond)
			}
		})
	}
	waitForMore := func(n int64) {
		for want := granted.Load() + n; granted.Load() < want && harness.Sleep(ctx, time.Millisecond); {
		}
	}
	waitForMore(12)
	process.Kill()
	harness.Sleep(ctx, 300*time.Millisecond) // a reconnect is refused
	process = node.Start()
	waitForMore(12)
	page.waitFor(`user.connects.length === 2`)
	process.Kill()
	node.Start()
	waitForMore(12)
	stop()
	group.Wait()
	last := harness.MustCommand(t, node.URL(), "kim", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[20]}`)

	for name, path := range map[string]string{"seats": "/api/v1/schedules/demo/seats/events", "user": "/subscribe/kim"} {
		page.waitFor(fmt.Sprintf(`%s.ids.at(-1) === %q`, name, last.EventID))
		var received struct {
			IDs      []string
			Connects []struct{ ID, Status string }
		}
		page.eval(name, &received)
		want := streamIDs(t, node.URL()+path, received.Connects[0].ID, last.EventID)
		if !slices.Equal(received.IDs, want) {
			t.Errorf("%s: EventSource received\n%v, and the log has\n%v", name, received.IDs, want)
		}
		if len(want) < 20 || len(received.Connects) < 2 {
			t.Errorf("%s: %d frames over %d connections are too few", name, len(want), len(received.Connects))
		}
		for _, g := range received.Connects[1:] {
			if g.Status != "complete" {
				t.Errorf("%s: resumed with %q, want complete", name, g.Status)
			}
		}
	}
}

// streamIDs are the ids of a stream after from, up to and including last.
func streamIDs(tb testing.TB, url, from, last string) (ids []string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(harness.TimeoutContext(tb, waitTimeout), http.MethodGet, url, nil)
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
