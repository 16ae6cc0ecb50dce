package projections_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/projections"
	"onsale/projections/audit"
	"onsale/projections/store"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// testNode is a node with an embedded server, a read store and a projector. When a test ends, the store is compared with one rebuilt
// from EVENTS, and every command is decided again.
type testNode struct {
	tb              testing.TB
	dir             string
	config          streams.Config
	log             *streams.Log
	p               *projections.Projector
	recovery        projections.Recovery
	recorder        *eventRecorder
	stop            func()
	outboxRetention time.Duration
	wrapLog         func(*streams.Log) projections.Log // injects failures of the log
	messageInterval time.Duration                      // of log time, see retimedLog
	beforeCommit    func() error                       // injects a crash before the commit
	skipCheck       bool
}

// eventRecorder keeps the confirmed events, and fails the test when a number is missing or repeated.
type eventRecorder struct {
	tb     testing.TB
	mu     sync.Mutex
	events []projections.ConfirmedEvent
	next   uint64
}

func (r *eventRecorder) onConfirmed(events []projections.ConfirmedEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		if r.next != 0 && e.Number != r.next {
			r.tb.Errorf("confirmed event %d, want %d", e.Number, r.next)
		}
		r.next = e.Number + 1
		r.events = append(r.events, e)
	}
}

func commandsOf(log *streams.Log) func(context.Context, uint64) (projections.CommandConsumer, error) {
	return func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
		return log.ConsumeCommands(ctx, from)
	}
}

func newTestNode(tb testing.TB) *testNode {
	tn := newNodeIn(tb, tb.TempDir())
	tn.start()
	tb.Cleanup(tn.check)
	return tn
}

// newNodeIn is a node with this directory, which is not started.
func newNodeIn(tb testing.TB, dir string) *testNode {
	tn := &testNode{
		tb: tb, dir: dir, outboxRetention: 2 * time.Second,
		wrapLog: func(l *streams.Log) projections.Log { return l },
	}
	tn.config = streams.Config{
		Dir: tn.dir, Node: "test", Replicas: 1, Sync: time.Second, CommandsMaxBytes: 4 << 30, EventsMaxBytes: 4 << 30,
		Logger: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	return tn
}

func (tn *testNode) path() string { return filepath.Join(tn.dir, "store.db") }

func (tn *testNode) start() {
	tn.tb.Helper()
	tn.openLog()
	tn.openProjector()
}

func (tn *testNode) openLog() {
	tn.tb.Helper()
	log, err := streams.Open(context.Background(), tn.config)
	if err != nil {
		tn.tb.Fatal(err)
	}
	tn.log = log
}

func (tn *testNode) openProjector() {
	tn.tb.Helper()
	if err := tn.tryProjector(); err != nil {
		tn.tb.Fatal(err)
	}
}

func (tn *testNode) tryProjector() error {
	tn.recorder = &eventRecorder{tb: tn.tb}
	p, recovery, err := projections.Open(context.Background(), projections.Config{
		Path: tn.path(), Log: tn.wrapLog(tn.log), ConsumeCommands: tn.retimedLog().ConsumeCommands, Epoch: tn.log.Epoch(), OnConfirmed: tn.recorder.onConfirmed,
		OutboxRetention: tn.outboxRetention, Logger: tn.config.Logger,
	})
	if err != nil {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
		return err
	}
	p.SetBeforeCommit(tn.beforeCommit)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	tn.p, tn.recovery = p, recovery
	tn.stop = func() {
		cancel()
		<-done
		tn.compareMachines(p)
		if err := p.Close(); err != nil {
			tn.tb.Error(err)
		}
		tn.p, tn.stop = nil, nil
	}
	return nil
}

func (tn *testNode) retimedLog() retimedLog { return retimedLog{tn.log, tn.messageInterval} }

// compareMachines compares the state in memory with the state that the next run will load.
func (tn *testNode) compareMachines(p *projections.Projector) {
	if _, bench := tn.tb.(*testing.B); bench || p.Status().Halted != "" {
		return
	}
	live := p.LiveState()
	stored, err := p.StoredState()
	if err != nil {
		tn.tb.Error(err)
	}
	if live, stored := dump(tn.tb, live.Machine), dump(tn.tb, stored.Machine); live != stored {
		tn.tb.Errorf("the machine in memory and the loaded one differ: %s", firstDifference(live, stored))
	}
	if counted, loaded := countsOf(live.Counters), countsOf(stored.Counters); !maps.Equal(counted, loaded) {
		tn.tb.Errorf("counted %v, loaded %v", counted, loaded)
	}
}

func countsOf(c store.Counters) map[audit.Label]uint64 {
	counts := map[audit.Label]uint64{}
	events, rejections := c.ByType()
	for name, n := range events {
		counts[audit.Label{Type: name}] = n
	}
	for name, codes := range rejections {
		for code, n := range codes {
			counts[audit.Label{Type: name, Code: code}] = n
		}
	}
	return counts
}

func dump(tb testing.TB, m *machine.Machine) string {
	tb.Helper()
	var b bytes.Buffer
	if err := m.Dump(&b); err != nil {
		tb.Error(err)
	}
	return b.String()
}

func firstDifference(a, b string) string {
	one, other := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(one), len(other)) {
		if one[i] != other[i] {
			return fmt.Sprintf("line %d\n  %s\n  %s", i+1, one[i], other[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(one), len(other))
}

// close stops the node.
func (tn *testNode) close() {
	if tn.stop != nil {
		tn.stop()
	}
	if tn.log != nil {
		if err := tn.log.Close(); err != nil {
			tn.tb.Error(err)
		}
		tn.log = nil
	}
}

// closeUnchecked stops a node whose history is too long to check: a benchmark's.
func (tn *testNode) closeUnchecked() {
	tn.close()
	tn.skipCheck = true
}

// check runs at the end of every test.
func (tn *testNode) check() {
	if tn.skipCheck {
		return
	}
	if tn.log == nil {
		tn.openLog()
	}
	if tn.p == nil {
		tn.openProjector()
	}
	tn.waitConfirmed()
	state, err := tn.log.State(context.Background())
	if err != nil {
		tn.tb.Fatal(err)
	}
	checkHistory(tn.tb, tn.p, tn.log, state.Events.Last)
	tn.stop()
	defer tn.close()
	verify(tn.tb, tn.retimedLog(), tn.path(), tn.log.Epoch())
}

// waitConfirmed waits until every command in COMMANDS is decided and its events are confirmed.
func (tn *testNode) waitConfirmed() {
	tn.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Second)
	defer cancel()
	state, err := tn.log.State(ctx)
	if err == nil && state.Commands.Last > 0 {
		err = tn.p.WaitDecided(ctx, state.Commands.Last*domain.SequencesPerMessage)
	}
	if err != nil {
		tn.tb.Fatalf("the commands in the log are not decided: %v (status %+v)", err, tn.p.Status())
	}
}

// verify decides everything again, and compares the store with a rebuilt one, and the machines of both with that of the audit.
func verify(tb testing.TB, log auditLog, path, epoch string) {
	tb.Helper()
	ctx := context.Background()
	report, err := audit.Run(ctx, log, nil)
	if err != nil {
		tb.Errorf("audit: %v", err)
	}
	live, _, err := store.Open(path, epoch, log)
	if err != nil {
		tb.Fatal(err)
	}
	defer live.Close()
	rebuilt, _, err := store.Rebuild(ctx, path+".compare", epoch, log, report.Events)
	if err != nil {
		tb.Fatal(err)
	}
	defer rebuilt.Close()
	if difference, err := store.Difference(live, rebuilt); err != nil || difference != "" {
		tb.Errorf("the store and its rebuild differ: %s %v", difference, err)
	}
	replayed := dump(tb, report.Machine)
	for name, s := range map[string]*store.Store{"store": live, "rebuild": rebuilt} {
		state, err := s.Load()
		if err != nil {
			tb.Fatal(err)
		}
		if stored := dump(tb, state.Machine); stored != replayed {
			tb.Errorf("the machines of the audit and of the %s differ: %s", name, firstDifference(replayed, stored))
		}
		if events := countsOf(state.Counters); !maps.Equal(events, report.ByType) {
			tb.Errorf("the %s counts %v, the audit %v", name, events, report.ByType)
		}
	}
}

// auditLog is both logs, for the audit and for a rebuild.
type auditLog interface {
	audit.Log
	store.EventLog
}

// typeOf is the name of an event's type.
func typeOf(e domain.Event) string {
	name, _ := e.Body.Type()
	return name
}

// issued is the outcome of the command that got coupon number of demo.
func issued(number int) coupons.Issued {
	return coupons.Issued{PromotionID: "demo", CouponID: coupons.CouponID("demo", number), Number: number}
}

// command is a command of user with an idempotency key.
func command(user, key, entity string, body domain.Body) domain.Command {
	return domain.Command{Entity: entity, User: user, Request: domain.NewRequestID(user, key), Fingerprint: domain.NewFingerprint(key), Body: body}
}

// append appends a command and returns its sequence.
func (tn *testNode) append(c domain.Command) uint64 {
	tn.tb.Helper()
	sequence, err := tn.log.Append(context.Background(), c)
	if err != nil {
		tn.tb.Fatal(err)
	}
	return sequence
}

// submit appends a command and waits for its outcome.
func (tn *testNode) submit(c domain.Command) domain.Event {
	tn.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sequence := tn.append(c)
	o, err := tn.p.Await(ctx, c.Request, sequence)
	if err != nil {
		tn.tb.Fatalf("command %d: %v", sequence, err)
	}
	return o
}

func (tn *testNode) createPromotion(id string, stock int) {
	tn.tb.Helper()
	tn.submit(command("admin", "create "+id, id, coupons.Create{Name: id, Stock: stock, PerUserLimit: 1}))
}

func (tn *testNode) issueConcurrently(users int, entity string) {
	tn.tb.Helper()
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			if _, err := tn.log.Append(context.Background(), command(fmt.Sprintf("u%d", i), "k", entity, coupons.Issue{})); err != nil {
				tn.tb.Error(err)
			}
		})
	}
	group.Wait()
}

// retimedLog changes the timestamps of COMMANDS, for the projector and the audit alike: each message is interval later than the one
// before it, so that an hour of offers and holds passes quickly. They are in the future, where no ticks are due. With an
// interval of 0 they are unchanged.
type retimedLog struct {
	*streams.Log
	interval time.Duration
}

// retimedStart is a full hour, at which pending seats are released.
var retimedStart = domain.At(time.Date(2050, 1, 1, 10, 0, 0, 0, time.UTC))

func (l retimedLog) at(b domain.Batch) domain.Time {
	if l.interval == 0 {
		return b.At
	}
	return retimedStart.Add(time.Duration(b.Message) * l.interval)
}

func (l retimedLog) CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return func(yield func(domain.Batch, error) bool) {
		for b, err := range l.Log.CommandBatches(ctx, from) {
			if !yield(streamtest.RetimeBatch(b, l.at(b)), err) {
				return
			}
		}
	}
}

func (l retimedLog) ConsumeCommands(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
	commands, err := l.Log.ConsumeCommands(ctx, from)
	if err != nil {
		return nil, err
	}
	return streamtest.RetimeCommands(ctx, commands, l.at), nil
}
