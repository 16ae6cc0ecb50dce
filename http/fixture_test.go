package http

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/client"
	"onsale/http/payments/portone"
	"onsale/http/sse"
	"onsale/projections"
	"onsale/streams"
)

const testEpoch = "k3v9x2ab"

// memoryLog is COMMANDS and EVENTS in memory. It behaves like JetStream, and can be paused or made to fail.
type memoryLog struct {
	mu             sync.Mutex
	changed        chan struct{} // closed and replaced at every change
	batches        []domain.Batch
	records        []domain.Record
	events         map[domain.Hash]domain.Event
	deliveryPaused bool  // delivers no commands
	publishPaused  bool  // stores no events
	appendErr      error // error of the next append
	storesAnyway   bool  // the next append stores in spite of appendErr
	now            domain.Time
	commands       int // appended, without ticks: time may pass in any test
}

func newMemoryLog() *memoryLog {
	return &memoryLog{changed: make(chan struct{}), events: map[domain.Hash]domain.Event{}, now: domain.At(time.Now())}
}

// update changes the log and wakes all waiters.
func (l *memoryLog) update(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

// await waits until cond is true; false when ctx ended before. cond is called with the log locked.
func (l *memoryLog) await(ctx context.Context, cond func() bool) bool {
	for {
		l.mu.Lock()
		ok, changed := cond(), l.changed
		l.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (l *memoryLog) Append(_ context.Context, c domain.Command) (sequence uint64, err error) {
	l.update(func() {
		if _, tick := c.Body.(domain.Tick); !tick {
			l.commands++
		}
		appendErr, storesAnyway := l.appendErr, l.storesAnyway
		l.appendErr, l.storesAnyway = nil, false
		if appendErr == nil || storesAnyway {
			sequence = uint64(len(l.batches)+1) * domain.SequencesPerMessage
			c.Sequence, c.At = sequence, l.now
			l.batches = append(l.batches, domain.Batch{Message: uint64(len(l.batches) + 1), At: l.now, Commands: []domain.Command{c}})
		}
		if err = appendErr; err != nil {
			sequence = 0
		}
	})
	return sequence, err
}

// appended is how many commands were appended.
func (l *memoryLog) appended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commands
}

func (l *memoryLog) State(context.Context) (state domain.LogState, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, m := uint64(len(l.batches)), uint64(len(l.records))
	state.Commands = domain.StreamState{First: min(n, 1), Last: n, Messages: n}
	state.Events = domain.StreamState{First: min(m, 1), Last: m, Messages: m}
	return state, nil
}

func (l *memoryLog) Embedded() bool                                     { return true }
func (l *memoryLog) AppendNoops(ctx context.Context, upTo uint64) error { panic("not implemented") }
func (l *memoryLog) DecodeBody(name string, data []byte) (domain.Body, error) {
	return new(streams.Log).DecodeBody(name, data) // which uses no log
}
func (l *memoryLog) AdminCommand(name string) (string, bool) { return streams.AdminCommand(name) }
func (l *memoryLog) DecodeEvent(r domain.Record) (e domain.Event, _ error) {
	return l.events[r.Hash], nil
}

// memoryConsumer consumes the commands of a memoryLog.
type memoryConsumer struct {
	ctx     context.Context
	batches chan domain.Batch
}

func (r memoryConsumer) Batches() <-chan domain.Batch { return r.batches }
func (r memoryConsumer) Err() error                   { return r.ctx.Err() }
func (r memoryConsumer) Ack(uint64)                   {}

func (l *memoryLog) ConsumeCommands(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
	batches := make(chan domain.Batch)
	go func() {
		defer close(batches)
		for next := max(from, 1); ; next++ {
			var batch domain.Batch
			ready := l.await(ctx, func() bool {
				if l.deliveryPaused || int(next) > len(l.batches) {
					return false
				}
				batch = l.batches[next-1]
				return true
			})
			if !ready {
				return
			}
			select {
			case batches <- batch:
			case <-ctx.Done():
				return
			}
		}
	}()
	return memoryConsumer{ctx, batches}, nil
}

func (l *memoryLog) EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error) {
	data, err := json.Marshal(e.Body)
	r := domain.Record{Number: e.Number, Subject: "evt", Payload: fmt.Appendf(nil, `{"n":%d,"data":%s}`, e.Number, data)}
	r.Hash = previous.Next(r.Subject, r.Payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events[r.Hash] = e
	return r, err
}

func (l *memoryLog) AppendEvents(ctx context.Context, records []domain.Record) (err error) {
	if !l.await(ctx, func() bool { return !l.publishPaused }) {
		return domain.ErrNoAck
	}
	l.update(func() {
		for _, r := range records {
			if r.Number != uint64(len(l.records)+1) {
				err = domain.ErrFenced
				return
			}
			l.records = append(l.records, r)
		}
	})
	return err
}

func (l *memoryLog) Events(ctx context.Context, from uint64, _ string) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for next := max(from, 1); ; next++ {
			var r domain.Record
			ok := l.await(ctx, func() bool {
				if int(next) > len(l.records) {
					return false
				}
				r = l.records[next-1]
				return true
			})
			if !ok {
				yield(r, ctx.Err())
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *memoryLog) EventHashes(ctx context.Context, from uint64) iter.Seq2[domain.Record, error] {
	return l.Events(ctx, from, "")
}

// fixture is a node over a memoryLog.
type fixture struct {
	*Server
	log             *memoryLog
	projector       *haltableProjector
	url             string
	capacityProblem atomic.Pointer[[2]string] // code and reason
	clockOffset     atomic.Int64              // of the server's clock
}

// haltableProjector is a projector that can be halted by a test.
type haltableProjector struct {
	*projections.Projector
	mu     sync.Mutex
	reason string
}

func (p *haltableProjector) halt(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reason = reason
}

func (p *haltableProjector) Status() projections.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := p.Projector.Status()
	status.Halted = p.reason
	return status
}

// newFixture has a server at f.url.
func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := newUnservedFixture(tb)
	server := httptest.NewUnstartedServer(nil)
	server.Config = f.http
	server.Start()
	f.url = server.URL
	tb.Cleanup(func() {
		f.cancel(errShutdown)
		server.Close()
	})
	return f
}

// newUnservedFixture is for tests that set limits and deadlines before they serve.
func newUnservedFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := &fixture{log: newMemoryLog()}
	logger := slog.New(slog.NewTextHandler(tb.Output(), nil))
	projector, _, err := projections.Open(tb.Context(), projections.Config{
		Path: filepath.Join(tb.TempDir(), "store.db"), Log: f.log, ConsumeCommands: f.log.ConsumeCommands, Epoch: testEpoch, OutboxRetention: time.Hour, Logger: logger,
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = projector.Run(ctx) })
	f.projector = &haltableProjector{Projector: projector}
	f.Server = New(Config{
		Append: f.log.Append, Projector: f.projector, Epoch: testEpoch, Logger: logger,
		Payments: testPayments(new(portone.V1).ParseWebhook, nil), MaxBacklogAge: time.Minute, Origins: []string{"https://shop.example"},
		CapacityProblem: func() (string, string) {
			if problem := f.capacityProblem.Load(); problem != nil {
				return problem[0], problem[1]
			}
			return "", ""
		},
		NotReady: func() []string {
			if problem := f.capacityProblem.Load(); problem != nil {
				return []string{problem[1]}
			}
			return nil
		},
		Streams: stubStreams{}, EventTypes: streams.EventTypes(),
	})
	f.now = func() time.Time { return time.Now().Add(time.Duration(f.clockOffset.Load())) }
	tb.Cleanup(func() {
		f.cancel(errShutdown)
		cancel()
		wg.Wait()
		if err := projector.Close(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// stubStreams says which stream was asked for.
type stubStreams struct{ open []sse.StreamInfo }

func (stubStreams) User(w http.ResponseWriter, _ *http.Request, _ auth.Identity, user string) {
	fmt.Fprintf(w, "stream of user %s", user)
}

func (stubStreams) Alarms(w http.ResponseWriter, _ *http.Request, _ auth.Identity, user string) {
	fmt.Fprintf(w, "alarms of user %s", user)
}

func (stubStreams) Schedule(w http.ResponseWriter, _ *http.Request, _ auth.Identity, schedule string) {
	fmt.Fprintf(w, "stream of schedule %s", schedule)
}

func (stubStreams) Promotion(w http.ResponseWriter, _ *http.Request, _ auth.Identity, promotion string) {
	fmt.Fprintf(w, "stream of promotion %s", promotion)
}

func (stubStreams) Order(w http.ResponseWriter, _ *http.Request, _ auth.Identity, impUID, owner string) {
	fmt.Fprintf(w, "stream of order %s for %q", impUID, owner)
}

func (stubStreams) Reject(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "retry: 2000\n") }

func (stubStreams) Feed(w http.ResponseWriter, _ *http.Request, _ auth.Identity, filter sse.Filter, cloudEvents bool) {
	fmt.Fprintf(w, "feed of types %q of %q, CloudEvents: %v", filter.Types, filter.Entities, cloudEvents)
}

func (stubStreams) FeedLines(w http.ResponseWriter, r *http.Request, filter sse.Filter, cloudEvents bool, wait time.Duration) error {
	if filter.Entities == "closed" {
		return sse.ErrClosed
	}
	fmt.Fprintf(w, "lines of types %q of %q, CloudEvents: %v, wait: %v", filter.Types, filter.Entities, cloudEvents, wait)
	return nil
}

func (stubStreams) Expired(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "expired") }

func (s stubStreams) List() []sse.StreamInfo { return s.open }
func (s stubStreams) Count() int             { return len(s.open) }

func (f *fixture) client(user string) *client.Client {
	return &client.Client{URL: f.url, User: user, Attempts: 1}
}
