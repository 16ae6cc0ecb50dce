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
	"onsale/streams"
	"onsale/streams/streamtest"
)

// member is one node of several on the same logs: its own store, its own durable, its own place to tell.
type member struct {
	tb      testing.TB
	config  streams.Config
	path    string
	log     *streams.Log
	wrapped projections.Log // what the projector sees of it
	before  func(*streams.Log, []domain.Record)
	emits   atomic.Int64 // calls of Emit
	lost    atomic.Int64 // those that met somebody else's events
	p       *projections.Projector
	told    *ledger
	past    []projections.Told // told in earlier lives
	halted  chan string
	stop    func()
}

func newMember(tb testing.TB, name string, servers *streamtest.Servers) *member {
	return &member{
		tb: tb, path: filepath.Join(tb.TempDir(), name+".db"), halted: make(chan string, 8),
		config: streams.Config{
			URLs: servers.URLs, Node: name, Replicas: len(servers.URLs), CommandsMaxBytes: 1 << 30, EventsMaxBytes: 1 << 30,
			Log: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError})).With("node", name),
		},
	}
}

// watchedLog counts and delays what a member sends to EVENTS.
type watchedLog struct {
	*streams.Log
	m *member
}

func (l watchedLog) Emit(ctx context.Context, records []domain.Record) error {
	l.m.emits.Add(1)
	if l.m.before != nil {
		l.m.before(l.Log, records)
	}
	err := l.Log.Emit(ctx, records)
	if errors.Is(err, domain.ErrFenced) {
		l.m.lost.Add(1)
	}
	return err
}

// start begins a life of the member.
func (m *member) start() {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	log, err := streams.Open(ctx, m.config)
	if err != nil {
		m.tb.Fatal(err)
	}
	m.log, m.wrapped = log, watchedLog{log, m}
	if err := m.project(nil); err != nil {
		m.tb.Fatal(err)
	}
}

// project makes a projector on the member's log and lets it run. change may stage something.
func (m *member) project(change func(*projections.Config)) error {
	m.told = &ledger{tb: m.tb}
	c := projections.Config{
		Path: m.path, Log: m.wrapped, Commands: commandsOf(m.log), Epoch: m.log.Epoch(), Tell: m.told.tell,
		Halted: func(reason string) { m.halted <- reason }, KeepOutbox: 2 * time.Second, Logger: m.config.Log,
	}
	if change != nil {
		change(&c)
	}
	p, _, err := projections.Open(context.Background(), c)
	if err != nil {
		return err
	}
	m.p, m.told.next = p, p.Confirmed()+1
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	m.stop = func() {
		cancel()
		<-done
		if err := p.Close(); err != nil {
			m.tb.Error(err)
		}
	}
	return nil
}

// end ends this life of the member.
func (m *member) end() {
	if m.stop == nil {
		return
	}
	m.stop()
	_ = m.log.Close()
	m.stop, m.past = nil, append(m.past, m.told.told...)
}

// send appends a command as a client does that never gives up: the same again until the log has it for sure.
func (m *member) send(ctx context.Context, c domain.Command) {
	m.tb.Helper()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := m.log.Append(attempt, c)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			m.tb.Errorf("%+v was not taken: %v", c, err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// settle waits until everything in COMMANDS is decided and told here.
func (m *member) settle(ctx context.Context) domain.LogState {
	m.tb.Helper()
	for {
		state, err := m.log.State(ctx)
		if err == nil && state.Commands.Last > 0 {
			err = m.p.WaitDecided(ctx, state.Commands.Last*domain.PlacesPerMessage)
		}
		if err == nil {
			return state
		}
		if ctx.Err() != nil || errors.Is(err, projections.ErrHalted) {
			m.tb.Fatalf("node %s has not decided everything: %v, %+v", m.config.Node, err, m.p.Status())
		}
	}
}

// Two nodes decide the same line on three servers. Whatever is stopped meanwhile, every event stands once, both nodes tell
// all of them in order, and both stores say the same.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	servers := streamtest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	a, b := newMember(t, "a", servers), newMember(t, "b", servers)
	for _, m := range []*member{a, b} {
		m.start()
		defer m.end()
	}
	rush := func(round, users int, through ...*member) {
		t.Helper()
		var group sync.WaitGroup
		for i := range users {
			user := fmt.Sprintf("u%d-%d", round, i)
			group.Go(func() {
				m := through[i%len(through)]
				m.send(ctx, command(user, "coupon", "demo", coupons.Issue{}))
				m.send(ctx, command(user, "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{1 + i%40, 2 + i%40}}))
				through[(i+1)%len(through)].send(ctx, command(user, "coupon", "demo", coupons.Issue{})) // again, elsewhere
			})
		}
		group.Wait()
	}

	t.Log("both at work")
	a.send(ctx, command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 100, PerUserLimit: 1}))
	a.send(ctx, command("admin", "hall", "demo", seats.Create{Title: "demo", HoldSeconds: 1, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 50}}}}}))
	rush(1, 100, a, b)
	a.settle(ctx)
	b.settle(ctx)

	t.Log("b is away, and comes back")
	b.end()
	rush(2, 100, a)
	a.settle(ctx)
	b.start()
	emits := b.emits.Load()
	b.settle(ctx)
	if got := b.emits.Load(); got != emits {
		t.Errorf("catching up, b has sent %d times what stood there already; it should only compare", got-emits)
	}

	t.Log("the server that leads EVENTS goes, and comes back")
	led := max(0, servers.LeaderOf("EVENTS"))
	var group sync.WaitGroup
	group.Go(func() { rush(3, 100, a, b) })
	servers.Stop(led)
	group.Wait()
	rush(4, 20, b, a)
	servers.Restart(led)
	rush(5, 20, a, b)

	deadline := time.Now().Add(20 * time.Second) // holds that are still open end by the clock
	for {
		a.settle(ctx)
		if held(t, a.p) == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	state := a.settle(ctx)
	b.settle(ctx)
	if err := errors.Join(state.Commands.Whole(), state.Events.Whole()); err != nil {
		t.Error(err)
	}
	t.Logf("%d events; a sent %d times and lost %d races, b sent %d and lost %d", state.Events.Last, a.emits.Load(), a.lost.Load(), b.emits.Load(), b.lost.Load())
	a.end()
	b.end()

	// What each has told in all its lives, once, is the same, and is everything.
	compareTold(t, a, b)
	for _, m := range []*member{a, b} {
		verifyShared(t, servers, m)
	}
	sameStores(t, a, b)
}

// held counts the seats that are held.
func held(t *testing.T, p *projections.Projector) int {
	t.Helper()
	n := 0
	err := p.Read("", func(v *projections.View) error {
		s, _, err := v.Schedule("demo")
		n = s.Held
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lives puts together what a member has told. A new life begins anew where the last one's checkpoint was, so it may tell a
// few events again; the ring of a real node passes those over.
func (m *member) lives() []projections.Told {
	var all []projections.Told
	for _, e := range m.past {
		switch next := uint64(len(all)) + 1; {
		case e.Number == next:
			all = append(all, e)
		case e.Number > next:
			m.tb.Errorf("node %s: event %d was told, and event %d never was", m.config.Node, e.Number, next)
			return all
		case !reflect.DeepEqual(all[e.Number-1], e):
			m.tb.Errorf("node %s: event %d was told as\n%+v and as\n%+v", m.config.Node, e.Number, all[e.Number-1], e)
		}
	}
	return all
}

func compareTold(t *testing.T, a, b *member) {
	t.Helper()
	ofA, ofB := a.lives(), b.lives()
	if len(ofA) != len(ofB) {
		t.Errorf("a has told %d events, b %d", len(ofA), len(ofB))
	}
	for i := range min(len(ofA), len(ofB)) {
		if !reflect.DeepEqual(ofA[i], ofB[i]) {
			t.Fatalf("a has told\n%+v, b\n%+v", ofA[i], ofB[i])
		}
	}
}

// verifyShared is what the world does after each test, on a log that others use too.
func verifyShared(t *testing.T, servers *streamtest.Servers, m *member) {
	t.Helper()
	c := m.config
	c.Node, c.ReadOnly = "auditor", true
	log := streamtest.Open(t, c)
	verify(t, log, m.path, log.Epoch())
	_ = log.Close()
}

func sameStores(t *testing.T, a, b *member) {
	t.Helper()
	var stores [2]*projections.Store
	for i, m := range []*member{a, b} {
		s, err := projections.OpenStore(m.path, m.log.Epoch())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores[i] = s
	}
	if difference, err := projections.Difference(stores[0], stores[1]); err != nil || difference != "" {
		t.Errorf("the stores differ: %s %v", difference, err)
	}
}

// A node that comes second with its own events is told so by the fence, compares what is there, and both say the same. The
// second one always comes second here: it waits until the others stand there.
func TestCluster_LostRace(t *testing.T) {
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	servers := streamtest.Cluster(t, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	first, second := newMember(t, "first", servers), newMember(t, "second", servers)
	second.before = func(log *streams.Log, records []domain.Record) {
		for ctx.Err() == nil {
			if state, err := log.State(ctx); err == nil && state.Events.Last >= records[0].Number {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	for _, m := range []*member{first, second} {
		m.start()
		defer m.end()
	}
	second.send(ctx, command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	for i := range 20 {
		second.send(ctx, command(fmt.Sprint("u", i), "k", "demo", coupons.Issue{}))
		second.settle(ctx)
	}
	first.settle(ctx)
	if second.lost.Load() == 0 || first.lost.Load() != 0 {
		t.Errorf("the second has lost %d races, the first %d; want some and none", second.lost.Load(), first.lost.Load())
	}
	first.end()
	second.end()
	compareTold(t, first, second)
	verifyShared(t, servers, first)
	sameStores(t, first, second)
}
