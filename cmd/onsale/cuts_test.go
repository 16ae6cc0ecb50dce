package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	httpd "onsale/http"
)

// The cuts: a hundred listeners on connections that break all the time, at any byte, in all the ways in which connections
// break, while people buy; and in the middle of it the node ends and another one begins. Afterwards the log is read with
// the tools that everybody has, and every connection of every listener is held against it.
func TestCuts(t *testing.T) {
	if !long() {
		cuts(t, 2_500)
		return
	}
	left := 100_000
	for began := time.Now(); left > 0 && time.Since(began) < 5*time.Minute && !t.Failed(); {
		t.Run(fmt.Sprint("left=", left), func(t *testing.T) { left -= cuts(t, 20_000) })
	}
}

// atTheEnd is what happens to who reads when the node ends.
const atTheEnd = "sent away at the node's end"

// cutting is one node under people and under listeners that are cut off.
type cutting struct {
	*chaos
	ctx       context.Context
	listeners []*listener
	cuts      atomic.Int64
	ending    atomic.Bool     // the node was told to end, and its next life has not begun
	storm     context.Context // until nobody is cut any more, and nothing is asked for
	issued    int             // coupons, after it

	mu    sync.Mutex // guards what follows
	count map[string]int
}

// saw counts what happened, for whoever reads the test's log.
func (c *cutting) saw(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[what]++
}

// cuts is one run; it gives how often a listener was cut.
func cuts(t *testing.T, wanted int64) int {
	patience := time.Minute
	if long() {
		patience = 4 * time.Minute
	}
	c := &cutting{chaos: &chaos{t: t, dice: dice(t), client: wire(t, 64)}, ctx: within(t, patience), count: map[string]int{}}
	// A small ring that is soon left behind, few places at the log, short lives, and fewer streams than listeners.
	c.box = newBox(t, "--streams-ring-events", "1024", "--streams-catch-ups", "24", "--streams-max-connections", "95",
		"--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s", "--streams-max-life", "3s", "--streams-user-max-life", "3s",
		"--streams-drain-window", "1s", "--logging-level", "warn")
	c.admin = httpd.Client{URL: c.box.url(), User: "admin", HTTP: c.client}
	c.life = c.box.start()
	c.open()
	c.gather()
	idle := c.held()

	var busy sync.WaitGroup
	var calm context.CancelFunc
	c.storm, calm = context.WithCancel(c.ctx)
	defer calm()
	for _, l := range c.listeners {
		busy.Go(l.live)
	}
	c.trade(&busy)
	began := time.Now()
	c.until(wanted / 3)
	c.add()
	c.ending.Store(true)
	c.life.end(t)
	c.life = c.box.start()
	c.ending.Store(false)
	c.until(wanted)
	t.Logf("%d cuts in %s", c.cuts.Load(), time.Since(began).Round(time.Millisecond))
	calm()
	busy.Wait()

	if a, err := c.alarm("u0"); err != nil || a.Status != "SUCCEEDED" { // it stands behind everything else
		t.Fatalf("the last command got %+v %v", a, err)
	}
	head := (&crowd{chaos: c.chaos, ctx: c.ctx}).head()
	if err := c.admin.Get(c.ctx, "/api/v1/promotions/rush", &struct{ Issued *int }{&c.issued}); err != nil {
		t.Fatal(err)
	}
	for _, l := range c.listeners {
		busy.Go(func() { l.settle(head) })
	}
	busy.Wait()
	c.nothingStays(idle)
	c.add()
	c.client.CloseIdleConnections()
	c.life.end(t)
	c.box.audit()
	past := c.box.replayed()
	c.judge(past, head)
	if c.count[atTheEnd] == 0 {
		t.Error("nobody was told that the node ends")
	}
	t.Logf("%d commands in line", len(past))
	for _, what := range slices.Sorted(maps.Keys(c.count)) {
		t.Logf("%7d %s", c.count[what], what)
	}
	return int(c.cuts.Load())
}

// until waits for so many cuts.
func (c *cutting) until(wanted int64) {
	c.t.Helper()
	for c.cuts.Load() < wanted {
		if !pause(c.ctx, time.Millisecond) {
			c.t.Fatalf("there were only %d cuts", c.cuts.Load())
		}
	}
}

// gather makes the listeners, who know the log from its beginning.
func (c *cutting) gather() {
	epoch, _, _ := strings.Cut((&crowd{chaos: c.chaos, ctx: c.ctx}).head(), "-")
	for i := range 100 {
		user, path := fmt.Sprint("u", i%buyers), ""
		switch {
		case i < 30:
			path = "/subscribe/" + user
		case i < 40:
			path = "/api/v1/me/events?lang=en"
		case i < 50:
			path = "/api/v1/users/alarm/subscribe"
		case i < 56:
			path = "/api/v1/schedules/lobby/seats/events"
		case i < 90:
			path = []string{"/api/v1", "/api"}[i%2] + "/schedules/hall/seats/events" + []string{"", "?events=named"}[i/2%2]
		default:
			path = "/api/v1/promotions/rush/events"
		}
		c.listeners = append(c.listeners, &listener{
			cutting: c, path: path, user: user, dice: c.sibling(), epoch: epoch, last: epoch + "-0", screen: map[string]string{},
		})
	}
}
