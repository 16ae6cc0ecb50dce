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

// delivery is one delivery of an event to a worker.
type delivery struct{ number, attempt uint64 }

// testWorker runs ConsumeEvents with handle as its handler, or one that accepts everything if handle is nil.
type testWorker struct {
	streams.ConsumerConfig
	handle func(ctx context.Context, g delivery) time.Duration

	mu         sync.Mutex
	deliveries []delivery
	updated    chan struct{} // capacity 1: deliveries has grown
	cancel     context.CancelFunc
	done       chan error
}

// startWorker starts a worker on l that runs until stop or the end of the test.
func startWorker(t *testing.T, l *streams.Log, concurrency int, ackWait time.Duration, handle func(context.Context, delivery) time.Duration) *testWorker {
	w := &testWorker{handle: handle, updated: make(chan struct{}, 1), done: make(chan error, 1)}
	w.ConsumerConfig = streams.ConsumerConfig{Name: "w", Kinds: []string{"coupons"}, Concurrency: concurrency, WaitReady: func(context.Context) {},
		Handle: func(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration) {
			d := delivery{e.Number, attempt}
			if w.handle != nil {
				retryAfter = w.handle(ctx, d)
			}
			w.mu.Lock()
			w.deliveries = append(w.deliveries, d)
			w.mu.Unlock()
			select {
			case w.updated <- struct{}{}:
			default:
			}
			return retryAfter
		}}
	w.SetAckWait(ackWait)
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.done <- l.ConsumeEvents(ctx, w.ConsumerConfig) }()
	t.Cleanup(w.stop)
	return w
}

// stop stops a worker and waits for it.
func (w *testWorker) stop() {
	w.cancel()
	err := <-w.done
	w.done <- err
}

// waitUntil waits until the deliveries meet cond, and returns them.
func (w *testWorker) waitUntil(t *testing.T, cond func([]delivery) bool) []delivery {
	t.Helper()
	ctx := testContext(t)
	for {
		w.mu.Lock()
		got := slices.Clone(w.deliveries)
		w.mu.Unlock()
		if cond(got) {
			return got
		}
		select {
		case <-w.updated:
		case <-ctx.Done():
			t.Fatalf("timed out; deliveries %v", got)
		}
	}
}

// deliveredUpTo holds when last different events were delivered.
func deliveredUpTo(last uint64) func([]delivery) bool {
	return func(got []delivery) bool {
		numbers := map[uint64]bool{}
		for _, d := range got {
			numbers[d.number] = true
		}
		return uint64(len(numbers)) == last
	}
}

// appendEventsTo appends events up to number last.
func appendEventsTo(t *testing.T, l *streams.Log, last uint64) {
	t.Helper()
	have := state(t, l).Events.Last
	records := recordChain(t, 0, domain.Hash{}, int(last))
	if err := l.AppendEvents(testContext(t), records[have:]); err != nil {
		t.Fatal(err)
	}
}

const longAckWait = time.Hour // no event is redelivered

// Each event is delivered once, and a worker never has more than Concurrency.
func TestConsumeEvents_DeliversEachOnce(t *testing.T) {
	l := streamtest.Start(t)
	appendEventsTo(t, l, 300)
	var running, peak atomic.Int64
	w := startWorker(t, l, 8, longAckWait, func(context.Context, delivery) time.Duration {
		n := running.Add(1)
		defer running.Add(-1)
		for m := peak.Load(); n > m && !peak.CompareAndSwap(m, n); m = peak.Load() {
		}
		return 0
	})
	w.waitUntil(t, deliveredUpTo(300))
	appendEventsTo(t, l, 500)
	if got := w.waitUntil(t, deliveredUpTo(500)); len(got) != 500 || slices.ContainsFunc(got, func(d delivery) bool { return d.attempt != 1 }) {
		t.Errorf("deliveries %v", got)
	}
	if peak.Load() > 8 {
		t.Errorf("handled %d at once", peak.Load())
	}
	w.stop()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	w.done <- nil
}

// A delayed event is redelivered after its delay, with a higher attempt.
func TestConsumeEvents_RetriesAfterDelay(t *testing.T) {
	l := streamtest.Start(t)
	appendEventsTo(t, l, 3)
	var times [2]time.Time
	const delay = 50 * time.Millisecond
	w := startWorker(t, l, 4, longAckWait, func(_ context.Context, d delivery) time.Duration {
		if d.number == 2 && d.attempt <= 2 {
			times[d.attempt-1] = time.Now()
			return delay
		}
		return 0
	})
	got := w.waitUntil(t, func(got []delivery) bool { return slices.Contains(got, delivery{2, 3}) })
	if len(got) != 5 {
		t.Errorf("deliveries %v", got)
	}
	if waited := times[1].Sub(times[0]); waited < delay {
		t.Errorf("redelivered after %s", waited)
	}
}

// A stopping worker returns its events, and they are redelivered at once.
func TestConsumeEvents_ReleasesOnStop(t *testing.T) {
	l := streamtest.Start(t)
	appendEventsTo(t, l, 4)
	started := make(chan struct{}, 4)
	first := startWorker(t, l, 4, longAckWait, func(ctx context.Context, _ delivery) time.Duration {
		started <- struct{}{}
		<-ctx.Done()
		return 0
	})
	for range 4 {
		<-started
	}
	first.stop()
	got := startWorker(t, l, 4, longAckWait, nil).waitUntil(t, deliveredUpTo(4))
	if len(got) != 4 || slices.ContainsFunc(got, func(d delivery) bool { return d.attempt != 2 }) {
		t.Errorf("the second worker got %v", got)
	}
}

func openExternal(t *testing.T, servers *streamtest.Servers, node string) *streams.Log {
	return streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: node, Replicas: 1, CommandsMaxBytes: 64 << 20,
		EventsMaxBytes: 64 << 20, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)).With("node", node)})
}

// The events of a silent node are redelivered to another. A node that is slow and reports progress keeps its events.
func TestConsumeEvents_ReassignsFromSilentNode(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	a, b := openExternal(t, servers, "a"), openExternal(t, servers, "b")
	const ackWait = time.Second
	started, release := make(chan struct{}), make(chan struct{})
	silent := startWorker(t, a, 1, ackWait, func(context.Context, delivery) time.Duration {
		close(started)
		<-release
		return 0
	})
	appendEventsTo(t, b, 1)
	<-started
	slow := true
	other := startWorker(t, b, 1, ackWait, func(_ context.Context, d delivery) time.Duration {
		if d.number == 2 && slow {
			slow = false
			time.Sleep(2 * ackWait) // the slow handler
		}
		return 0
	})
	appendEventsTo(t, b, 2) // a has no free worker
	if got := other.waitUntil(t, deliveredUpTo(1)); got[0] != (delivery{2, 1}) {
		t.Errorf("while the first node reports progress, the other got %v", got)
	}
	a.Close()
	if got := other.waitUntil(t, deliveredUpTo(2)); got[1].number != 1 || got[1].attempt < 2 || len(got) != 2 {
		t.Errorf("the other node got %v", got)
	}
	close(release)
	silent.stop()
}

// After a restart, acknowledged events are not redelivered, and the others are.
func TestConsumeEvents_ResumesAfterRestart(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	const ackWait = time.Second // events in flight when the worker stopped are redelivered after it
	appendEventsTo(t, l, 10)
	w := startWorker(t, l, 1, ackWait, func(ctx context.Context, d delivery) time.Duration {
		if d.number > 5 {
			<-ctx.Done()
		}
		return 0
	})
	w.waitUntil(t, deliveredUpTo(5))
	for { // an event whose ack the server has not processed yet may be redelivered
		consumer, err := l.JetStream().Consumer(testContext(t), "EVENTS", "w")
		if err != nil {
			t.Fatal(err)
		}
		if consumer.CachedInfo().AckFloor.Stream == 5 {
			break
		}
	}
	w.stop()
	l.Close()
	got := startWorker(t, streamtest.Open(t, c), 4, ackWait, nil).waitUntil(t, deliveredUpTo(5))
	for _, d := range got {
		if d.number <= 5 {
			t.Errorf("event %d was acknowledged and redelivered", d.number)
		}
	}
}

// The server stops while an event is handled, so its ack is lost. The event is redelivered, and later ones follow.
func TestConsumeEvents_SurvivesServerRestart(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	l := openExternal(t, servers, "a")
	appendEventsTo(t, l, 3)
	started, release := make(chan struct{}), make(chan struct{})
	w := startWorker(t, l, 1, 500*time.Millisecond, func(_ context.Context, d delivery) time.Duration {
		if d == (delivery{2, 1}) {
			close(started)
			<-release
		}
		return 0
	})
	<-started
	servers.Stop(0)
	close(release)
	w.waitUntil(t, deliveredUpTo(2))
	servers.Restart(0)
	got := w.waitUntil(t, func(got []delivery) bool { return deliveredUpTo(3)(got) && slices.Contains(got, delivery{2, 2}) })
	t.Logf("deliveries %v", got)
	appendEventsTo(t, l, 4)
	w.waitUntil(t, deliveredUpTo(4))
}

// A deleted consumer is recreated, and delivers everything from the beginning.
func TestConsumeEvents_RecreatesConsumer(t *testing.T) {
	l := streamtest.Start(t)
	appendEventsTo(t, l, 3)
	w := startWorker(t, l, 2, longAckWait, nil)
	w.waitUntil(t, deliveredUpTo(3))
	if err := l.JetStream().DeleteConsumer(testContext(t), "EVENTS", "w"); err != nil {
		t.Fatal(err)
	}
	appendEventsTo(t, l, 4)
	if got := w.waitUntil(t, deliveredUpTo(4)); !slices.Contains(got, delivery{4, 1}) {
		t.Errorf("deliveries %v", got)
	}
}

// An event of an unknown type is not skipped: the worker stops.
func TestConsumeEvents_StopsAtUnknownType(t *testing.T) {
	l := streamtest.Start(t)
	record := recordChain(t, 0, domain.Hash{}, 1)[0]
	record.Payload = bytes.ReplaceAll(record.Payload, []byte("coupons.issued"), []byte("coupons.dreamt"))
	if err := l.AppendEvents(testContext(t), []domain.Record{record}); err != nil {
		t.Fatal(err)
	}
	w := startWorker(t, l, 2, longAckWait, nil)
	select {
	case err := <-w.done:
		if w.done <- err; !errors.Is(err, domain.ErrUnknownType) {
			t.Errorf("got %v", err)
		}
	case <-testContext(t).Done():
		t.Error("the worker did not stop")
	}
}

// Nothing is fetched while WaitReady blocks.
func TestConsumeEvents_WaitsUntilReady(t *testing.T) {
	l := streamtest.Start(t)
	appendEventsTo(t, l, 1)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan struct{})
	err := make(chan error)
	go func() {
		err <- l.ConsumeEvents(ctx, streams.ConsumerConfig{Name: "w", Kinds: []string{"coupons"}, Concurrency: 1,
			WaitReady: func(ctx context.Context) { close(waiting); <-ctx.Done() },
			Handle:    func(context.Context, domain.Event, uint64) time.Duration { t.Error("an event was delivered"); return 0 }})
	}()
	<-waiting
	cancel()
	if err := <-err; err != nil {
		t.Error(err)
	}
}
