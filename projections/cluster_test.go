package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/projections"
	"onsale/projections/store"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// clusterNode is one of several nodes on the same logs, with its own store, durable consumer and recorder.
type clusterNode struct {
	tb           testing.TB
	config       streams.Config
	path         string
	log          *streams.Log
	projectorLog projections.Log // log, with injected failures
	beforeAppend func(*streams.Log, []domain.Record)
	appends      atomic.Int64 // calls of AppendEvents
	lostRaces    atomic.Int64 // appends that were fenced
	p            *projections.Projector
	recorder     *eventRecorder
	earlier      []projections.ConfirmedEvent // of earlier runs
	halted       chan string
	resumed      chan struct{}
	stop         func()
}

func newClusterNode(tb testing.TB, name string, servers *streamtest.Servers) *clusterNode {
	return &clusterNode{
		tb: tb, path: filepath.Join(tb.TempDir(), name+".db"), halted: make(chan string, 8), resumed: make(chan struct{}, 8),
		config: streams.Config{
			URLs: servers.URLs, Node: name, Replicas: len(servers.URLs), CommandsMaxBytes: 1 << 30, EventsMaxBytes: 1 << 30,
			Logger: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError})).With("node", name),
		},
	}
}

// countingLog counts and delays a node's appends to EVENTS.
type countingLog struct {
	*streams.Log
	node *clusterNode
}

func (l countingLog) AppendEvents(ctx context.Context, records []domain.Record) error {
	l.node.appends.Add(1)
	if l.node.beforeAppend != nil {
		l.node.beforeAppend(l.Log, records)
	}
	err := l.Log.AppendEvents(ctx, records)
	if errors.Is(err, domain.ErrFenced) {
		l.node.lostRaces.Add(1)
	}
	return err
}

// start starts the node.
func (cn *clusterNode) start() {
	cn.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	log, err := streams.Open(ctx, cn.config)
	if err != nil {
		cn.tb.Fatal(err)
	}
	cn.log, cn.projectorLog = log, countingLog{log, cn}
	if err := cn.startProjector(nil); err != nil {
		cn.tb.Fatal(err)
	}
}

// startProjector opens and runs a projector on the node's log. change may alter its configuration.
func (cn *clusterNode) startProjector(change func(*projections.Config)) error {
	cn.recorder = &eventRecorder{tb: cn.tb}
	c := projections.Config{
		Path: cn.path, Log: cn.projectorLog, ConsumeCommands: commandsOf(cn.log), Epoch: cn.log.Epoch(), OnConfirmed: cn.recorder.onConfirmed,
		OnHalt: func(reason string, _ bool) { cn.halted <- reason }, OnResume: func() { cn.resumed <- struct{}{} }, OutboxRetention: 2 * time.Second, Logger: cn.config.Logger,
	}
	if change != nil {
		change(&c)
	}
	p, _, err := projections.Open(context.Background(), c)
	if err != nil {
		return err
	}
	cn.p, cn.recorder.next = p, p.Confirmed()+1
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	cn.stop = func() {
		cancel()
		<-done
		if err := p.Close(); err != nil {
			cn.tb.Error(err)
		}
	}
	return nil
}

// shutdown stops the node.
func (cn *clusterNode) shutdown() {
	if cn.stop == nil {
		return
	}
	cn.stop()
	_ = cn.log.Close()
	cn.stop, cn.earlier = nil, append(cn.earlier, cn.recorder.events...)
}

// appendRetrying appends a command, retrying until it is acknowledged.
func (cn *clusterNode) appendRetrying(ctx context.Context, c domain.Command) {
	cn.tb.Helper()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := cn.log.Append(attempt, c)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			cn.tb.Errorf("%+v was not appended: %v", c, err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// waitConfirmed waits until every command in COMMANDS is decided and its events are confirmed on this node.
func (cn *clusterNode) waitConfirmed(ctx context.Context) domain.LogState {
	cn.tb.Helper()
	for {
		state, err := cn.log.State(ctx)
		if err == nil && state.Commands.Last > 0 {
			err = cn.p.WaitDecided(ctx, state.Commands.Last*domain.SequencesPerMessage)
		}
		if err == nil {
			return state
		}
		if ctx.Err() != nil || errors.Is(err, projections.ErrHalted) {
			cn.tb.Fatalf("node %s has not decided everything: %v, %+v", cn.config.Node, err, cn.p.Status())
		}
	}
}

// Two nodes decide the same commands on three servers. While nodes and servers are stopped, every event is appended once, both
// nodes confirm all of them in order, and both stores are equal.
func TestCluster_AgreesThroughFailures(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	servers := streamtest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	a, b := newClusterNode(t, "a", servers), newClusterNode(t, "b", servers)
	for _, cn := range []*clusterNode{a, b} {
		cn.start()
		defer cn.shutdown()
	}
	sendRound := func(round, users int, nodes ...*clusterNode) {
		t.Helper()
		var group sync.WaitGroup
		for i := range users {
			user := fmt.Sprintf("u%d-%d", round, i)
			group.Go(func() {
				cn := nodes[i%len(nodes)]
				cn.appendRetrying(ctx, command(user, "coupon", "demo", coupons.Issue{}))
				cn.appendRetrying(ctx, command(user, "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{1 + i%40, 2 + i%40}}))
				nodes[(i+1)%len(nodes)].appendRetrying(ctx, command(user, "coupon", "demo", coupons.Issue{})) // repeated on another node
			})
		}
		group.Wait()
	}

	t.Log("both nodes run")
	a.appendRetrying(ctx, command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 100, PerUserLimit: 1}))
	a.appendRetrying(ctx, command("admin", "hall", "demo", seats.Create{Title: "demo", HoldSeconds: 1, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 50}}}}}))
	sendRound(1, 100, a, b)
	a.waitConfirmed(ctx)
	b.waitConfirmed(ctx)

	t.Log("b stops, and starts again")
	b.shutdown()
	sendRound(2, 100, a)
	a.waitConfirmed(ctx)
	b.start()
	appends := b.appends.Load()
	b.waitConfirmed(ctx)
	if got := b.appends.Load(); got != appends {
		t.Errorf("while catching up, b appended %d times; it should only compare", got-appends)
	}

	t.Log("the leader of EVENTS stops, and starts again")
	leader := max(0, servers.LeaderOf("EVENTS"))
	var group sync.WaitGroup
	group.Go(func() { sendRound(3, 100, a, b) })
	servers.Stop(leader)
	group.Wait()
	sendRound(4, 20, b, a)
	servers.Restart(leader)
	sendRound(5, 20, a, b)

	deadline := time.Now().Add(20 * time.Second) // active holds expire by ticks
	for {
		a.waitConfirmed(ctx)
		if heldSeats(t, a.p) == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	state := a.waitConfirmed(ctx)
	b.waitConfirmed(ctx)
	if err := errors.Join(state.Commands.CheckContiguous(), state.Events.CheckContiguous()); err != nil {
		t.Error(err)
	}
	t.Logf("%d events; a appended %d times and lost %d races, b appended %d times and lost %d", state.Events.Last, a.appends.Load(), a.lostRaces.Load(), b.appends.Load(), b.lostRaces.Load())
	a.shutdown()
	b.shutdown()

	// Over all their runs both have confirmed the same events, all of them, once.
	compareEvents(t, a, b)
	for _, cn := range []*clusterNode{a, b} {
		verifyShared(t, servers, cn)
	}
	compareStores(t, a, b)
}

// heldSeats counts the held seats of the schedule.
func heldSeats(t *testing.T, p *projections.Projector) int {
	t.Helper()
	n := 0
	err := p.Read("", func(v *store.View) error {
		s, _, err := v.Schedule("demo")
		n = s.Held
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// allEvents are the events that a node has confirmed over all its runs. A new run starts at the last checkpoint, so it may confirm a
// few events again; the ring of a real node skips those.
func (cn *clusterNode) allEvents() []projections.ConfirmedEvent {
	var all []projections.ConfirmedEvent
	for _, e := range cn.earlier {
		switch next := uint64(len(all)) + 1; {
		case e.Number == next:
			all = append(all, e)
		case e.Number > next:
			cn.tb.Errorf("node %s: event %d was confirmed without event %d", cn.config.Node, e.Number, next)
			return all
		case !reflect.DeepEqual(all[e.Number-1], e):
			cn.tb.Errorf("node %s: event %d was confirmed as\n%+v and as\n%+v", cn.config.Node, e.Number, all[e.Number-1], e)
		}
	}
	return all
}

func compareEvents(t *testing.T, a, b *clusterNode) {
	t.Helper()
	eventsA, eventsB := a.allEvents(), b.allEvents()
	if len(eventsA) != len(eventsB) {
		t.Errorf("a confirmed %d events, b %d", len(eventsA), len(eventsB))
	}
	for i := range min(len(eventsA), len(eventsB)) {
		if !reflect.DeepEqual(eventsA[i], eventsB[i]) {
			t.Fatalf("a confirmed\n%+v, b\n%+v", eventsA[i], eventsB[i])
		}
	}
}

// verifyShared runs verify on a log that other nodes use.
func verifyShared(t *testing.T, servers *streamtest.Servers, cn *clusterNode) {
	t.Helper()
	c := cn.config
	c.Node, c.ReadOnly = "auditor", true
	log := streamtest.Open(t, c)
	verify(t, log, cn.path, log.Epoch())
	_ = log.Close()
}

func compareStores(t *testing.T, a, b *clusterNode) {
	t.Helper()
	var stores [2]*store.Store
	for i, cn := range []*clusterNode{a, b} {
		s, _, err := store.Open(cn.path, cn.log.Epoch(), cn.log)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores[i] = s
	}
	if difference, err := store.Difference(stores[0], stores[1]); err != nil || difference != "" {
		t.Errorf("the stores differ: %s %v", difference, err)
	}
}

// A node whose append is fenced compares what EVENTS has, and both nodes agree. The second node always loses the race here: it waits
// until EVENTS has the events of the first.
func TestCluster_YieldsLostRace(t *testing.T) {
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	servers := streamtest.Cluster(t, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	first, second := newClusterNode(t, "first", servers), newClusterNode(t, "second", servers)
	second.beforeAppend = func(log *streams.Log, records []domain.Record) {
		for ctx.Err() == nil {
			if state, err := log.State(ctx); err == nil && state.Events.Last >= records[0].Number {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	for _, cn := range []*clusterNode{first, second} {
		cn.start()
		defer cn.shutdown()
	}
	second.appendRetrying(ctx, command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	for i := range 20 {
		second.appendRetrying(ctx, command(fmt.Sprint("u", i), "k", "demo", coupons.Issue{}))
		second.waitConfirmed(ctx)
	}
	first.waitConfirmed(ctx)
	if second.lostRaces.Load() == 0 || first.lostRaces.Load() != 0 {
		t.Errorf("the second lost %d races, the first %d; want some and none", second.lostRaces.Load(), first.lostRaces.Load())
	}
	first.shutdown()
	second.shutdown()
	compareEvents(t, first, second)
	verifyShared(t, servers, first)
	compareStores(t, first, second)
}
