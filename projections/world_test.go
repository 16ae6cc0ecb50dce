package projections_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/streams"
)

// world is one node with everything real: the embedded server, the read store, the projector. When a test ends, the store
// is built anew from EVENTS and compared, and every command is decided again.
type world struct {
	tb           testing.TB
	dir          string
	config       streams.Config
	log          *streams.Log
	p            *projections.Projector
	opening      projections.Opening
	told         *ledger
	stop         func()
	keep         time.Duration                      // of the outbox
	wrap         func(*streams.Log) projections.Log // stages failures of the log
	lapse        time.Duration                      // between two messages, on top of what really passes
	beforeCommit func() error                       // stages a crash before the commit
	discarded    bool
}

// ledger keeps what was told, and fails the test when a number is missing or comes twice.
type ledger struct {
	tb   testing.TB
	mu   sync.Mutex
	told []projections.Told
	next uint64
}

func (l *ledger) tell(told []projections.Told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range told {
		if l.next != 0 && e.Number != l.next {
			l.tb.Errorf("told event %d, want %d", e.Number, l.next)
		}
		l.next = e.Number + 1
		l.told = append(l.told, e)
	}
}

func commandsOf(log *streams.Log) func(context.Context, uint64) (projections.Commands, error) {
	return func(ctx context.Context, from uint64) (projections.Commands, error) { return log.Commands(ctx, from) }
}

func newWorld(tb testing.TB) *world {
	w := &world{
		tb: tb, dir: tb.TempDir(), keep: 2 * time.Second,
		wrap: func(l *streams.Log) projections.Log { return l },
	}
	w.config = streams.Config{
		Dir: w.dir, Node: "test", Replicas: 1, Sync: time.Second, CommandsMaxBytes: 4 << 30, EventsMaxBytes: 4 << 30,
		Log: slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	w.start()
	tb.Cleanup(w.check)
	return w
}

func (w *world) path() string { return filepath.Join(w.dir, "store.db") }

func (w *world) start() {
	w.tb.Helper()
	w.openLog()
	w.openProjector()
}

func (w *world) openLog() {
	w.tb.Helper()
	log, err := streams.Open(context.Background(), w.config)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.log = log
}

func (w *world) openProjector() {
	w.tb.Helper()
	if err := w.tryProjector(); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) tryProjector() error {
	w.told = &ledger{tb: w.tb}
	p, opening, err := projections.Open(context.Background(), projections.Config{
		Path: w.path(), Log: w.wrap(w.log), Commands: w.lapsing().Commands, Epoch: w.log.Epoch(), Tell: w.told.tell,
		KeepOutbox: w.keep, Logger: w.config.Log,
	})
	if err != nil {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
		return err
	}
	p.SetBeforeCommit(w.beforeCommit)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	w.p, w.opening = p, opening
	w.stop = func() {
		cancel()
		<-done
		w.compareShops(p)
		if err := p.Close(); err != nil {
			w.tb.Error(err)
		}
		w.p, w.stop = nil, nil
	}
	return nil
}

func (w *world) lapsing() lapse { return lapse{w.log, w.lapse} }

// compareShops wants the shop that lived to be the one that the next life will load.
func (w *world) compareShops(p *projections.Projector) {
	if _, bench := w.tb.(*testing.B); bench || p.Status().Halted != "" {
		return
	}
	lived, counted, err := p.Lived()
	if err != nil {
		w.tb.Error(err)
	}
	loaded, events, err := p.Loaded()
	if err != nil {
		w.tb.Error(err)
	}
	if lived != loaded {
		w.tb.Errorf("the shop that lived and the one that was loaded differ: %s", firstDifference(lived, loaded))
	}
	if !maps.Equal(counted, events) {
		w.tb.Errorf("counted %v, loaded %v", counted, events)
	}
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

// close ends this life of the node.
func (w *world) close() {
	if w.stop != nil {
		w.stop()
	}
	if w.log != nil {
		if err := w.log.Close(); err != nil {
			w.tb.Error(err)
		}
		w.log = nil
	}
}

// discard ends a world whose past is too long to check: a benchmark's.
func (w *world) discard() {
	w.close()
	w.discarded = true
}

// check is the end of every test that wrote.
func (w *world) check() {
	if w.discarded {
		return
	}
	if w.log == nil {
		w.openLog()
	}
	if w.p == nil {
		w.openProjector()
	}
	w.settle()
	state, err := w.log.State(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	checkChains(w.tb, w.p, w.log, state.Events.Last)
	w.stop()
	defer w.close()
	verify(w.tb, w.lapsing(), w.path(), w.log.Epoch())
}

// settle waits until everything in COMMANDS is decided and told.
func (w *world) settle() {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Second)
	defer cancel()
	state, err := w.log.State(ctx)
	if err == nil && state.Commands.Last > 0 {
		err = w.p.WaitDecided(ctx, state.Commands.Last*domain.PlacesPerMessage)
	}
	if err != nil {
		w.tb.Fatalf("the commands in the log are not decided: %v (status %+v)", err, w.p.Status())
	}
}

// verify decides everything again, and compares the store with one made anew, and the shops of both with that of EVENTS.
func verify(tb testing.TB, log projections.History, path, epoch string) {
	tb.Helper()
	ctx := context.Background()
	audit, err := projections.RunAudit(ctx, log, nil)
	if err != nil {
		tb.Errorf("audit: %v", err)
	}
	store, err := projections.OpenStore(path, epoch)
	if err != nil {
		tb.Fatal(err)
	}
	defer store.Close()
	rebuilt, err := projections.Rebuild(ctx, path+".compare", epoch, log, audit.Events)
	if err != nil {
		tb.Fatal(err)
	}
	defer rebuilt.Close()
	if difference, err := projections.Difference(store, rebuilt); err != nil || difference != "" {
		tb.Errorf("the store and its rebuild differ: %s %v", difference, err)
	}
	var told bytes.Buffer
	if err := audit.Shop.Dump(&told); err != nil {
		tb.Error(err)
	}
	for name, s := range map[string]*projections.Store{"store": store, "rebuild": rebuilt} {
		loaded, events, err := s.Loaded()
		if err != nil || loaded != told.String() {
			tb.Errorf("the shop of EVENTS and the one of the %s differ: %s %v", name, firstDifference(told.String(), loaded), err)
		}
		if !maps.Equal(events, audit.Outcomes) {
			tb.Errorf("the %s counts %v, the audit %v", name, events, audit.Outcomes)
		}
	}
}

// command is a wish of user's under a key of their choice.
func command(user, key, entity string, body domain.Body) domain.Command {
	return domain.Command{Entity: entity, User: user, Request: domain.NewRequestID(user, key), Fingerprint: domain.NewFingerprint(key), Body: body}
}

// do appends a command and waits for its outcome.
func (w *world) do(c domain.Command) projections.Outcome {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sequence, err := w.log.Append(ctx, c)
	if err != nil {
		w.tb.Fatal(err)
	}
	o, err := w.p.Await(ctx, c.Request, sequence)
	if err != nil {
		w.tb.Fatalf("command %d: %v", sequence, err)
	}
	return o
}

func (w *world) promotion(id string, stock int) {
	w.tb.Helper()
	w.do(command("admin", "create "+id, id, coupons.Create{Name: id, Stock: stock, PerUserLimit: 1}))
}

func (w *world) rush(users int, entity string) {
	w.tb.Helper()
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			if _, err := w.log.Append(context.Background(), command(fmt.Sprintf("u%d", i), "k", entity, coupons.Issue{})); err != nil {
				w.tb.Error(err)
			}
		})
	}
	group.Wait()
}
