package streams_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// given is an event that a worker was given, for the times-th time.
type given struct{ number, times uint64 }

// worker is a node at work. What Do says is what do says, or that all is done where do is nil.
type worker struct {
	streams.Work
	do func(ctx context.Context, g given) time.Duration

	mu    sync.Mutex
	had   []given
	more  chan struct{} // has one when had is longer
	end   context.CancelFunc
	ended chan error
}

// hire has a worker work on l until the test ends, or end.
func hire(t *testing.T, l *streams.Log, atOnce int, taken time.Duration, do func(context.Context, given) time.Duration) *worker {
	w := &worker{do: do, more: make(chan struct{}, 1), ended: make(chan error, 1)}
	w.Work = streams.Work{Name: "w", Kinds: []string{"coupons"}, AtOnce: atOnce, Gate: func(context.Context) {},
		Do: func(ctx context.Context, e domain.Event, times uint64) (again time.Duration) {
			g := given{e.Number, times}
			if w.do != nil {
				again = w.do(ctx, g)
			}
			w.mu.Lock()
			w.had = append(w.had, g)
			w.mu.Unlock()
			select {
			case w.more <- struct{}{}:
			default:
			}
			return again
		}}
	w.SetTaken(taken)
	ctx, end := context.WithCancel(t.Context())
	w.end = end
	go func() { w.ended <- l.Work(ctx, w.Work) }()
	t.Cleanup(w.stop)
	return w
}

// stop ends a worker and waits for it.
func (w *worker) stop() {
	w.end()
	err := <-w.ended
	w.ended <- err
}

// until waits until the worker has had what it must.
func (w *worker) until(t *testing.T, is func([]given) bool) []given {
	t.Helper()
	ctx := patience(t)
	for {
		w.mu.Lock()
		had := slices.Clone(w.had)
		w.mu.Unlock()
		if is(had) {
			return had
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			t.Fatalf("waited in vain; it had %v", had)
		}
	}
}

// all says that every event up to last was had.
func all(last uint64) func([]given) bool {
	return func(had []given) bool {
		numbers := map[uint64]bool{}
		for _, g := range had {
			numbers[g.number] = true
		}
		return uint64(len(numbers)) == last
	}
}

// emitTo appends events up to number last.
func emitTo(t *testing.T, l *streams.Log, last uint64) {
	t.Helper()
	have := state(t, l).Events.Last
	records := chain(t, 0, domain.Hash{}, int(last))
	if err := l.Emit(patience(t), records[have:]); err != nil {
		t.Fatal(err)
	}
}

const never = time.Hour // no event is taken from a worker

// In quiet times each event is given once, and a worker never has more than it wants.
func TestWork(t *testing.T) {
	l := streamtest.Start(t)
	emitTo(t, l, 300)
	var now, most atomic.Int64
	w := hire(t, l, 8, never, func(context.Context, given) time.Duration {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return 0
	})
	w.until(t, all(300))
	emitTo(t, l, 500)
	if had := w.until(t, all(500)); len(had) != 500 || slices.ContainsFunc(had, func(g given) bool { return g.times != 1 }) {
		t.Errorf("it had %v", had)
	}
	if most.Load() > 8 {
		t.Errorf("it had %d at once", most.Load())
	}
	w.stop()
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	w.ended <- nil
}

// What is put off comes again, not before its time, and counts how often.
func TestWork_Again(t *testing.T) {
	l := streamtest.Start(t)
	emitTo(t, l, 3)
	var at [2]time.Time
	const later = 50 * time.Millisecond
	w := hire(t, l, 4, never, func(_ context.Context, g given) time.Duration {
		if g.number == 2 && g.times <= 2 {
			at[g.times-1] = time.Now()
			return later
		}
		return 0
	})
	had := w.until(t, func(had []given) bool { return slices.Contains(had, given{2, 3}) })
	if len(had) != 5 {
		t.Errorf("it had %v", had)
	}
	if waited := at[1].Sub(at[0]); waited < later {
		t.Errorf("it came again after %s", waited)
	}
}

// Whoever ends gives back what they have, and others have it at once.
func TestWork_EndGivesBack(t *testing.T) {
	l := streamtest.Start(t)
	emitTo(t, l, 4)
	begun := make(chan struct{}, 4)
	first := hire(t, l, 4, never, func(ctx context.Context, _ given) time.Duration {
		begun <- struct{}{}
		<-ctx.Done()
		return 0
	})
	for range 4 {
		<-begun
	}
	first.stop()
	had := hire(t, l, 4, never, nil).until(t, all(4))
	if len(had) != 4 || slices.ContainsFunc(had, func(g given) bool { return g.times != 2 }) {
		t.Errorf("the second had %v", had)
	}
}

func outside(t *testing.T, servers *streamtest.Servers, node string) *streams.Log {
	return streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: node, Replicas: 1, CommandsMaxBytes: 64 << 20,
		EventsMaxBytes: 64 << 20, Log: slog.New(slog.NewTextHandler(t.Output(), nil)).With("node", node)})
}

// A node that has gone silent loses what it has to another. One that is slow, and says so, does not.
func TestWork_Silent(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	a, b := outside(t, servers, "a"), outside(t, servers, "b")
	const taken = time.Second
	begun, over := make(chan struct{}), make(chan struct{})
	silent := hire(t, a, 1, taken, func(context.Context, given) time.Duration {
		close(begun)
		<-over
		return 0
	})
	emitTo(t, b, 1)
	<-begun
	slow := true
	other := hire(t, b, 1, taken, func(_ context.Context, g given) time.Duration {
		if g.number == 2 && slow {
			slow = false
			time.Sleep(2 * taken) // is the slowness itself
		}
		return 0
	})
	emitTo(t, b, 2) // and a has no hand free
	if had := other.until(t, all(1)); had[0] != (given{2, 1}) {
		t.Errorf("while the first says that it is at it, the other had %v", had)
	}
	a.Close()
	if had := other.until(t, all(2)); had[1].number != 1 || had[1].times < 2 || len(had) != 2 {
		t.Errorf("the other had %v", had)
	}
	close(over)
	silent.stop()
}

// What is done is done for every life of the log, and what is not comes again.
func TestWork_Restart(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	const soon = time.Second // what was just on its way when the worker ended is taken for silence
	emitTo(t, l, 10)
	w := hire(t, l, 1, soon, func(ctx context.Context, g given) time.Duration {
		if g.number > 5 {
			<-ctx.Done()
		}
		return 0
	})
	w.until(t, all(5))
	for { // what the server was not yet heard to have taken in may come again
		consumer, err := l.JetStream().Consumer(patience(t), "EVENTS", "w")
		if err != nil {
			t.Fatal(err)
		}
		if consumer.CachedInfo().AckFloor.Stream == 5 {
			break
		}
	}
	w.stop()
	l.Close()
	had := hire(t, streamtest.Open(t, c), 4, soon, nil).until(t, all(5))
	for _, g := range had {
		if g.number <= 5 {
			t.Errorf("event %d was done, and came again", g.number)
		}
	}
}

// The server goes while an event is being done, so nobody hears that it is. It comes again, and so does all that follows.
func TestWork_ServerRestarts(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	l := outside(t, servers, "a")
	emitTo(t, l, 3)
	gone, back := make(chan struct{}), make(chan struct{})
	w := hire(t, l, 1, 500*time.Millisecond, func(_ context.Context, g given) time.Duration {
		if g == (given{2, 1}) {
			close(gone)
			<-back
		}
		return 0
	})
	<-gone
	servers.Stop(0)
	close(back)
	w.until(t, all(2))
	servers.Restart(0)
	had := w.until(t, func(had []given) bool { return all(3)(had) && slices.Contains(had, given{2, 2}) })
	t.Logf("it had %v", had)
	emitTo(t, l, 4)
	w.until(t, all(4))
}

// A consumer that somebody deletes is made anew, and gives everything from the beginning.
func TestWork_Deleted(t *testing.T) {
	l := streamtest.Start(t)
	emitTo(t, l, 3)
	w := hire(t, l, 2, never, nil)
	w.until(t, all(3))
	if err := l.JetStream().DeleteConsumer(patience(t), "EVENTS", "w"); err != nil {
		t.Fatal(err)
	}
	emitTo(t, l, 4)
	if had := w.until(t, all(4)); !slices.Contains(had, given{4, 1}) {
		t.Errorf("it had %v", had)
	}
}

// An event that this onsale does not know is not passed over: nobody works on until somebody knows it.
func TestWork_UnknownType(t *testing.T) {
	l := streamtest.Start(t)
	record := chain(t, 0, domain.Hash{}, 1)[0]
	record.Payload = bytes.ReplaceAll(record.Payload, []byte("coupons.issued"), []byte("coupons.dreamt"))
	if err := l.Emit(patience(t), []domain.Record{record}); err != nil {
		t.Fatal(err)
	}
	w := hire(t, l, 2, never, nil)
	select {
	case err := <-w.ended:
		if w.ended <- err; !errors.Is(err, domain.ErrUnknownType) {
			t.Errorf("got %v", err)
		}
	case <-patience(t).Done():
		t.Error("it works on")
	}
}

// The gate holds before anything is taken.
func TestWork_Gate(t *testing.T) {
	l := streamtest.Start(t)
	emitTo(t, l, 1)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	err := make(chan error)
	go func() {
		err <- l.Work(ctx, streams.Work{Name: "w", Kinds: []string{"coupons"}, AtOnce: 1,
			Gate: func(ctx context.Context) { close(asked); <-ctx.Done() },
			Do:   func(context.Context, domain.Event, uint64) time.Duration { t.Error("it was given an event"); return 0 }})
	}()
	<-asked
	cancel()
	if err := <-err; err != nil {
		t.Error(err)
	}
}
