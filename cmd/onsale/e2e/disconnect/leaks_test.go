package disconnect

import (
	"fmt"
	"os"
	"strings"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// nodeResources are the node's descriptors and goroutines.
type nodeResources struct {
	sockets, pollers int
	goroutines       float64
}

// idleResources are the node's without streams, after a first one, for which it allocates some that it keeps.
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
		c.t.Logf("descriptors are not checked: %v", err)
	}
	for _, e := range entries {
		what, _ := os.Readlink(directory + "/" + e.Name()) // "" when it was closed meanwhile
		switch kind, _, _ := strings.Cut(what, ":["); {
		case kind == "socket":
			h.sockets++
		case kind == "anon_inode":
			h.pollers++
		}
	}
	return h
}

// scrape returns /metrics, by name and labels.
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

// addNodeCounters adds the counters of this process.
func (c *disconnectTest) addNodeCounters() {
	c.t.Helper()
	metrics := c.scrape()
	for name, what := range map[string]string{
		"onsale_streams_demoted_total":                        "demoted",
		"onsale_streams_conflations_total":                    "conflations",
		"onsale_streams_replayed_events_total":                "events read from the journal",
		"onsale_frames_written_total":                         "frames written",
		`onsale_streams_rejected_by_limit_total{limit="all"}`: "rejected by the limit",
	} {
		value, ok := metrics[name]
		if !ok {
			c.t.Errorf("the node has no metric %s", name)
		}
		c.mu.Lock()
		c.count["counted by the node: "+what] += int(value)
		c.mu.Unlock()
	}
}

// checkNoLeaks requires that the node soon uses no more than before the first client.
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
			c.t.Logf("without clients: %+v, before them %+v", h, idle)
			return
		}
		if time.Now().After(limit) {
			c.t.Errorf("without clients there are %v streams and %+v; before them, %+v", open, h, idle)
			return
		}
	}
}
