package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	api "onsale/http/client"
	"onsale/projections/store"
	"onsale/streams"
)

const (
	recoverWithin = 60 * time.Second // until every node is ready again
)

// A disturbance begins, lasts for a while, and is undone.
type disturbance struct {
	name   string
	lasts  func(*rand.Rand) time.Duration
	begin  func(c *clusterTest, target int)
	undo   func(c *clusterTest, target int)
	ofNode bool // the target is a node, not the server that leads a log
}

// stopped is long enough for the other servers to elect a leader, which takes 4 to 9 s.
func stopped(rng *rand.Rand) time.Duration {
	return 7*time.Second + harness.RandomDuration(rng, 4*time.Second)
}

var (
	stopLeader = disturbance{
		name: "stop", lasts: stopped,
		begin: func(c *clusterTest, i int) { c.servers.signal(i, syscall.SIGSTOP) },
		undo:  func(c *clusterTest, i int) { c.servers.signal(i, syscall.SIGCONT) },
	}
	isolateLeader = disturbance{
		// After about 10 s an isolated leader notices that it leads nobody.
		name:  "isolate",
		lasts: func(rng *rand.Rand) time.Duration { return 8*time.Second + harness.RandomDuration(rng, 6*time.Second) },
		begin: func(c *clusterTest, i int) { c.network.unplug(serverName(i), routeNet) },
		undo:  func(c *clusterTest, i int) { c.network.plug(serverName(i), routeNet) },
	}
	killLeader = disturbance{
		name:  "kill",
		lasts: func(rng *rand.Rand) time.Duration { return harness.RandomDuration(rng, 8*time.Second) },
		begin: func(c *clusterTest, i int) { c.servers.kill(i) },
		undo:  func(c *clusterTest, i int) { c.servers.start(i) },
	}
	isolateNode = disturbance{
		name: "isolate node", ofNode: true,
		lasts: func(rng *rand.Rand) time.Duration { return 9*time.Second + harness.RandomDuration(rng, 6*time.Second) },
		begin: func(c *clusterTest, i int) { c.network.unplug(nodeName(i), natsNet) },
		undo:  func(c *clusterTest, i int) { c.network.plug(nodeName(i), natsNet) },
	}
)

// plan is 12 stops, 9 isolations and 4 kills of a leader and 5 isolations of a node, in random order; the first are one of each.
func plan(rng *rand.Rand, n int) (all []disturbance) {
	for range 5 {
		all = append(all, isolateNode, isolateLeader, stopLeader, stopLeader, isolateLeader, killLeader)
	}
	all[17], all[29] = stopLeader, stopLeader
	all[23] = killLeader
	rng.Shuffle(len(all)-2, func(i, j int) { all[i+2], all[j+2] = all[j+2], all[i+2] })
	all[0], all[1] = isolateLeader, stopLeader
	for len(all) < n {
		all = append(all, all...)
	}
	return all[:n]
}

// clusterTest is the servers, the nodes and their load.
type clusterTest struct {
	t       *testing.T
	ctx     context.Context
	rng     *rand.Rand
	network network
	servers *natsCluster
	nodes   []*clusterNode
	load    *load
	sampler *sampler
	start   time.Time

	staying, lies int // halts that did not heal, and untrue readiness
}

// After each disturbance all nodes are ready again, nothing accepted was called unknown, readiness was true within seconds, and
// the nodes agree. At the end every accepted request has the one outcome that every node reported, and the stores are equal.
func TestCluster_SurvivesDisturbances(t *testing.T) {
	if !runInNamespaces(t) {
		return
	}
	n := *disturbancesFlag
	if n == 0 {
		n = map[bool]int{false: 2, true: 30}[harness.Long()]
	}
	c := newClusterTest(t, time.Duration(n+2)*(recoverWithin+60*time.Second))
	loadCtx, stopLoad := context.WithCancel(c.ctx)
	defer stopLoad()
	c.load.startRush(c.ctx)
	c.load.start(loadCtx, c.rng)
	var sampling sync.WaitGroup
	sampling.Go(func() { c.sampler.run(loadCtx) })
	harness.Sleep(c.ctx, 2*time.Second)

	for i, d := range plan(c.rng, n) {
		c.disturb(i, d)
	}
	c.load.pause(c.ctx)
	c.waitHoldsExpired()
	c.waitEqual()
	streamsCtx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	c.load.waitStreams(streamsCtx, c.nodes[0].Head(c.ctx, c.nodes[0].client))
	stopLoad()
	for _, work := range []*sync.WaitGroup{&c.load.running, &c.load.asking, &c.load.streams, &sampling} {
		work.Wait()
	}
	c.waitEqual()
	t.Logf("%d disturbances: %d halts, %d of which stayed; %d false 404 in %d answers about %d accepted requests; %d times readiness was untrue",
		n, c.sampler.haltCount(), c.staying, c.load.false404Count(), c.load.answers.Load(), len(c.load.requests), c.lies)
	for _, answer := range c.load.false404 {
		t.Error("a false 404: ", answer)
	}
	for _, n := range c.nodes {
		n.stopped.Store(true)
		n.client.CloseIdleConnections()
		n.asking.CloseIdleConnections()
		n.process.Terminate(t)
	}
	c.nodes[0].MustAudit()
	history := c.nodes[0].History()
	c.checkHistory(history)
	c.load.checkStreams(history)
	c.checkStores()
}

func newClusterTest(t *testing.T, limit time.Duration) *clusterTest {
	c := &clusterTest{t: t, ctx: harness.TimeoutContext(t, limit), rng: harness.NewRNG(t), network: newNetwork(t), start: time.Now()}
	c.servers = newNATSCluster(t, c.network)
	if err := c.servers.waitHealthy(harness.TimeoutContext(t, 60*time.Second)); err != nil {
		t.Fatal("the servers form no cluster: ", err)
	}
	for i := range nodeCount {
		n := newClusterNode(t, c.network, i, c.servers.urls())
		n.launch()
		c.nodes = append(c.nodes, n)
	}
	client := c.nodes[0].client
	for id, limit := range map[string]int{"open": 1000, "probe": 1} {
		c.nodes[0].MustCreate(c.ctx, client, "/api/v1/admin/promotions",
			map[string]any{"promotionId": id, "name": id, "stock": 1_000_000, "perUserLimit": limit})
	}
	c.nodes[0].MustCreate(c.ctx, client, "/api/v1/admin/schedules", map[string]any{
		"scheduleId": "hall", "title": "hall", "holdSeconds": 3, "maxSeatsPerUser": 10,
		"sections": []any{map[string]any{"name": "A", "price": 1000, "rows": []any{map[string]any{"name": "1", "seats": hallSeats}}}},
	})
	c.load = newLoad(t, c.nodes)
	c.sampler = &sampler{nodes: c.nodes}
	c.waitEqual() // all nodes know the sales
	return c
}

func (c *clusterTest) logf(format string, args ...any) {
	c.t.Logf("%6.1fs  %s", time.Since(c.start).Seconds(), fmt.Sprintf(format, args...))
}

// disturb stages one disturbance and compares what the nodes said with the truth.
func (c *clusterTest) disturb(number int, d disturbance) {
	c.load.startRush(c.ctx)
	target, what := c.rng.IntN(nodeCount), ""
	if d.ofNode {
		what = nodeName(target)
	} else {
		stream := harness.Pick(c.rng, "COMMANDS", "EVENTS")
		if target = c.servers.leaderWithClients(c.ctx, stream); target < 0 {
			c.t.Fatalf("%s has no leader", stream)
		}
		what = fmt.Sprintf("%s, which leads %s and serves %v", serverName(target), stream, c.servers.clients(target))
	}
	false404, halts, lasts := c.load.false404Count(), c.sampler.haltCount(), d.lasts(c.rng)
	c.logf("%d. %s for %s: %s", number+1, d.name, lasts.Round(time.Second/10), what)
	d.begin(c, target)
	harness.Sleep(c.ctx, lasts)
	d.undo(c, target)
	undone := time.Now()
	c.waitReady()
	recovered := time.Since(undone)
	c.load.pause(c.ctx)
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	missing := c.load.waitAnswered(ctx)
	cancel()
	for _, m := range missing[:min(len(missing), 5)] {
		c.t.Errorf("no outcome within 30 s: %s (and %d more)", m, len(missing)-1)
	}
	c.waitEqual()
	c.nodes[0].MustAudit()
	c.load.resume()
	for _, n := range c.nodes {
		for _, l := range n.takeLies() {
			c.lies++
			report, took := c.t.Errorf, (l.last.Sub(l.first) + sampleEvery).Round(time.Second/10)
			tolerated := time.Second // where a processor is not had at once, a node and its observer are late by some samples
			if !harness.Long() {
				tolerated = 5 * time.Second // other packages' tests share the processors
			}
			if took < tolerated {
				report = c.t.Logf
			}
			report("disturbance %d, %s: %s %s, for %s", number+1, d.name, n.name, l.what, took)
		}
	}
	c.logf("   ready after %s; %d halts, %d false 404", recovered.Round(time.Second/10), c.sampler.haltCount()-halts, c.load.false404Count()-false404)
}

// waitReady waits until all servers are healthy and all nodes ready. A node that stays halted is a failure, and is restarted so
// that the run goes on.
func (c *clusterTest) waitReady() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, recoverWithin)
	defer cancel()
	if err := c.servers.waitHealthy(ctx); err != nil {
		c.t.Errorf("the servers do not recover: %v", err)
	}
	for _, n := range c.nodes {
		for {
			ready, reasons, err := n.readiness(c.ctx)
			if ready {
				break
			}
			if !harness.Sleep(ctx, 100*time.Millisecond) {
				c.t.Errorf("%s is not ready %s after the end of the disturbance: %v %v", n.name, recoverWithin, reasons, err)
				c.restart(n, reasons)
				break
			}
		}
	}
}

func (c *clusterTest) restart(n *clusterNode, reasons []string) {
	if strings.HasPrefix(strings.Join(reasons, ""), "halted") {
		c.staying++
	}
	n.stopped.Store(true)
	n.process.Kill()
	n.launch()
	for ctx := harness.TimeoutContext(c.t, recoverWithin); ; {
		ready, reasons, err := n.readiness(ctx)
		if ready {
			return
		}
		if !harness.Sleep(ctx, 100*time.Millisecond) {
			c.t.Fatalf("%s is not ready after a restart: %v %v", n.name, reasons, err)
		}
	}
}

// waitHoldsExpired waits until no seat is held: nothing more happens then.
func (c *clusterTest) waitHoldsExpired() {
	c.t.Helper()
	admin := api.Client{URL: c.nodes[0].URL(), User: "admin", HTTP: c.nodes[0].client, Attempts: 1}
	for {
		var left struct{ Held int }
		err := admin.Get(c.ctx, "/api/v1/schedules/hall/seats/summary", &left)
		if err == nil && left.Held == 0 {
			return
		}
		if !harness.Sleep(c.ctx, 50*time.Millisecond) {
			c.t.Fatalf("%d seats are held: %v", left.Held, err)
		}
	}
}

// waitEqual waits until the exports of all nodes are equal.
func (c *clusterTest) waitEqual() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
	defer cancel()
	var different string
	for {
		if different = c.differentExport(ctx); different == "" {
			return
		}
		if !harness.Sleep(ctx, 200*time.Millisecond) {
			c.t.Errorf("the nodes' exports differ: %s", different)
			return
		}
	}
}

func (c *clusterTest) differentExport(ctx context.Context) string {
	for _, file := range []string{"promotions.csv", "coupons.csv", "seats.csv", "reservations.csv"} {
		var texts []string
		for _, n := range c.nodes {
			response, err := n.Do(ctx, n.client, "GET", "/api/v1/admin/export/"+file, "")
			if err != nil || response.Status != 200 {
				return fmt.Sprint(file, " of ", n.name, ": ", response.Status, " ", err)
			}
			texts = append(texts, response.Body)
		}
		if len(slices.Compact(texts)) > 1 {
			return file
		}
	}
	return ""
}

// checkHistory compares the log with everything that the nodes reported.
func (c *clusterTest) checkHistory(history []harness.LogCommand) {
	c.t.Helper()
	decided := harness.OutcomesByRequest(c.t, history)
	for _, r := range c.load.requests {
		o, ok := decided[r.id]
		if !ok {
			c.t.Errorf("request %s of %s was accepted by %s, and is not in the log", r.id, r.user, r.acceptedBy)
		}
		for node, reported := range r.outcomes {
			if reported.Sequence != o.Sequence || reported.EventID != o.Event.EventID || reported.Code != o.Event.Data.Code {
				c.t.Errorf("%s reported %+v, the log has %+v", node, reported, o)
			}
		}
	}
	numbers := map[string]int{} // of issued coupons, by promotion
	for _, command := range history {
		for _, e := range command.Events {
			if e.Type != "coupons.issued" {
				continue
			}
			if numbers[e.Entity]++; e.Data.Number != numbers[e.Entity] {
				c.t.Errorf("%s: %s issues number %d after %d", e.EventID, e.Entity, e.Data.Number, numbers[e.Entity]-1)
			}
			if strings.HasPrefix(e.Entity, "rush-") && numbers[e.Entity] > rushStock {
				c.t.Errorf("%s: %s is oversold", e.EventID, e.Entity)
			}
		}
	}
	holds := harness.CheckSeatOwners(c.t, history)
	c.t.Logf("%d commands, %d requests decided, %d seats held", len(history), len(decided), holds)
}

// checkStores compares the stores of the stopped nodes with one that is rebuilt from EVENTS.
func (c *clusterTest) checkStores() {
	c.t.Helper()
	log, err := streams.Open(c.ctx, streams.Config{URLs: strings.Split(c.servers.urls(), ","), Node: "check", ReadOnly: true, Logger: slog.New(slog.NewTextHandler(c.t.Output(), nil))})
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	state, err := log.State(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	rebuilt, _, err := store.Rebuild(c.ctx, filepath.Join(c.t.TempDir(), "store.db"), log.Epoch(), log, state.Events.Last)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rebuilt.Close()
	for _, n := range c.nodes {
		s, _, err := store.Open(filepath.Join(n.Data, "store-"+n.name+".db"), log.Epoch(), log)
		if err != nil {
			c.t.Errorf("%s: %v", n.name, err)
			continue
		}
		defer s.Close()
		if difference, err := store.Difference(s, rebuilt); err != nil || difference != "" {
			c.t.Errorf("the store of %s differs from EVENTS: %v\n%s", n.name, err, difference)
		}
	}
}
