// What a node holds for those who listen, and that nothing of it stays when they have left.

package disconnect

import (
	"fmt"
	"os"
	"strings"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// nodeResources is what the node's process has open, and what runs in it.
type nodeResources struct {
	sockets, pollers int
	goroutines       float64
}

// idleResources is asked for when nobody listens. One stream comes before, since the node makes some things for the first.
func (c *disconnectTest) idleResources() nodeResources {
	c.t.Helper()
	first := *c.clients[0]
	first.connect(connPlan{bytes: 1 << 20, time: 10 * time.Second, status: "complete", lastEventID: first.lastID}, func() bool { return true })
	for h := c.resources(); ; {
		harness.Sleep(c.ctx, 100*time.Millisecond)
		if next := c.resources(); next == h || c.ctx.Err() != nil {
			return h
		} else {
			h = next
		}
	}
}

func (c *disconnectTest) resources() (h nodeResources) {
	c.t.Helper()
	h.goroutines = c.scrape()["go_goroutines"]
	c.client.CloseIdleConnections()
	harness.Sleep(c.ctx, 20*time.Millisecond)
	directory := fmt.Sprintf("/proc/%d/fd", c.process.PID())
	entries, err := os.ReadDir(directory)
	if err != nil {
		c.t.Logf("descriptors are not looked at: %v", err)
	}
	for _, e := range entries {
		what, _ := os.Readlink(directory + "/" + e.Name()) // "" when it is gone meanwhile
		switch kind, _, _ := strings.Cut(what, ":["); {
		case kind == "socket":
			h.sockets++
		case kind == "anon_inode":
			h.pollers++
		}
	}
	return h
}

// scrape are those of /metrics.
func (c *disconnectTest) scrape() map[string]float64 {
	c.t.Helper()
	found := map[string]float64{}
	for line := range strings.Lines(c.node.MustDo(c.ctx, c.client, "GET", "/metrics", "").Body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		var f float64
		if _, err := fmt.Sscan(value, &f); err == nil {
			found[name] = f
		}
	}
	return found
}

// addNodeCounters takes over what the node has counted in this life.
func (c *disconnectTest) addNodeCounters() {
	c.t.Helper()
	metrics := c.scrape()
	for name, what := range map[string]string{
		"onsale_streams_demoted_total":                        "fell out of the ring",
		"onsale_streams_conflations_total":                    "bursts",
		"onsale_streams_replayed_events_total":                "events read from the log",
		"onsale_frames_written_total":                         "frames written",
		`onsale_streams_rejected_by_limit_total{limit="all"}`: "turned away by the limit",
	} {
		c.mu.Lock()
		c.count["counted by the node: "+what] += int(metrics[name])
		c.mu.Unlock()
	}
}

// checkNoLeaks wants the node to be as it was before anybody came, within a moment.
func (c *disconnectTest) checkNoLeaks(idle nodeResources) {
	c.t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; harness.Sleep(c.ctx, 50*time.Millisecond) {
		h, metrics := c.resources(), c.scrape()
		open := 0.0
		for name, value := range metrics {
			if strings.HasPrefix(name, "onsale_streams_open{") || strings.HasPrefix(name, "onsale_streams_catching_up{") {
				open += value
			}
		}
		if open == 0 && h.sockets <= idle.sockets && h.pollers <= idle.pollers && h.goroutines <= idle.goroutines {
			c.t.Logf("all have left: %+v, before they came %+v", h, idle)
			return
		}
		if time.Now().After(limit) {
			c.t.Errorf("all have left, and there are %v streams and %+v; before they came, %+v", open, h, idle)
			return
		}
	}
}
