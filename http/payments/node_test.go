// What all tests here share: a real log, a real read store, the fake PortOne on a real socket, and a client of each API.

package payments_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
	"onsale/projections"
	"onsale/projections/store"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// longTests: the whole of what otherwise runs in part.
func longTests() bool { return os.Getenv("ONSALE_TEST_LONG") != "" }

// node is a projector on a log.
type node struct {
	tb     testing.TB
	log    *streams.Log
	clock  *testClock
	path   string // of the store
	logger *slog.Logger

	*projections.Projector
	stop func()

	mu        sync.Mutex
	events    []domain.Event
	delivered uint64             // number of the last event that onEvent was called with, or that was confirmed before a start
	onEvent   func(domain.Event) // called with each confirmed event, unless nil
}

func quietLogger(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

// newNode has its own log.
func newNode(tb testing.TB) *node {
	tb.Helper()
	c := streamtest.Config(tb, tb.TempDir())
	c.Logger = quietLogger(tb)
	return nodeOn(tb, streamtest.Open(tb, c), &testClock{at: map[uint64]domain.Time{}})
}

func nodeOn(tb testing.TB, log *streams.Log, clock *testClock) *node {
	tb.Helper()
	n := &node{tb: tb, log: log, clock: clock, path: filepath.Join(tb.TempDir(), "store.db"), logger: quietLogger(tb)}
	n.start()
	tb.Cleanup(func() { n.stop() })
	return n
}

func (n *node) start() {
	n.tb.Helper()
	p, _, err := projections.Open(n.tb.Context(), projections.Config{
		Path: n.path, Log: n.log, ConsumeCommands: n.clock.commands(n.log), Epoch: n.log.Epoch(), OnConfirmed: n.onConfirmed,
		OutboxRetention: 2 * time.Second, Logger: n.logger,
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	n.Projector = p
	n.mu.Lock()
	n.delivered = max(n.delivered, p.Confirmed())
	n.mu.Unlock()
	n.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := p.Close(); err != nil {
			n.tb.Error(err)
		}
	})
}

func (n *node) onConfirmed(confirmed []projections.ConfirmedEvent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range confirmed {
		n.events = append(n.events, t.Event)
		if n.onEvent != nil {
			n.onEvent(t.Event)
		}
		n.delivered = max(n.delivered, t.Event.Number)
	}
}

// submit appends a command of a user, who sends each body once.
func (n *node) submit(user, entity string, body domain.Body) (sequence uint64) {
	n.tb.Helper()
	name, _ := body.Type()
	key := name + " " + entity
	c := domain.Command{Entity: entity, User: user, Body: body,
		Request: domain.NewRequestID(user, key), Fingerprint: domain.NewFingerprint(key)}
	sequence, err := n.log.Append(context.Background(), c)
	if err != nil {
		n.tb.Error(err)
	}
	return sequence
}

// lastMessage is the last message in COMMANDS.
func (n *node) lastMessage() uint64 {
	n.tb.Helper()
	state, err := n.log.State(context.Background())
	if err != nil {
		n.tb.Fatal(err)
	}
	return state.Commands.Last
}

// waitCaughtUp waits until every command in the log is decided.
func (n *node) waitCaughtUp() {
	n.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.WaitDecided(ctx, n.lastMessage()*domain.SequencesPerMessage); err != nil {
		n.tb.Fatal(err)
	}
	confirmed := n.Confirmed()
	waitFor(n.tb, "every confirmed event is delivered", func() bool { // which may be a moment after WaitDecided returns
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.delivered >= confirmed
	})
}

// advance moves the log's time.
func (n *node) advance(d time.Duration) {
	n.tb.Helper()
	n.clock.advance(d)
	if _, err := n.log.Append(context.Background(), domain.Command{Entity: domain.SystemEntity, Body: domain.Tick{}}); err != nil {
		n.tb.Fatal(err)
	}
	n.waitCaughtUp()
}

// order returns the zero Order if there is none.
func (n *node) order(ref string) (o orders.Order) {
	n.tb.Helper()
	err := n.Read("", func(v *store.View) (err error) {
		o, _, err = v.Order(ref)
		return err
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	return o
}

func (n *node) product(id string) (p orders.Product) {
	n.tb.Helper()
	err := n.Read("", func(v *store.View) (err error) {
		p, _, err = v.Product(id)
		return err
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	return p
}

// results are the confirmed result events of an order, "succeeded" or "failed".
func (n *node) results(ref string) (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if name, _ := e.Body.Type(); e.Entity == ref && (name == "orders.succeeded" || name == "orders.failed") {
			names = append(names, name[len("orders."):])
		}
	}
	return names
}

// waitFor polls for what no event announces.
func waitFor(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("timeout waiting until ", what)
		}
	}
}

// parallel calls fn with every item, on several goroutines.
func parallel[T any](all []T, workers int, fn func(T)) {
	var group sync.WaitGroup
	for from := range workers {
		group.Go(func() {
			for i := from; i < len(all); i += workers {
				fn(all[i])
			}
		})
	}
	group.Wait()
}

const (
	concurrency   = 64
	price         = 1000
	paySeconds    = 600
	clientTimeout = 2 * time.Second
)

func orderCommand(product string) orders.Place {
	return orders.Place{ProductID: product, Count: 1, Amount: price, Terms: orders.Terms{Currency: "KRW", PaySeconds: paySeconds}}
}

// newClient is a client of one API of the fake at url.
func newClient(tb testing.TB, api, url string, f *fakeportone.Server) payments.Provider {
	tb.Helper()
	c := portone.Config{URL: url, Timeout: clientTimeout}
	if api == "v1" {
		c.Key, c.Secret = f.Key, f.Secret
		v1, err := portone.NewV1(c)
		if err != nil {
			tb.Fatal(err)
		}
		return v1
	}
	c.Secret, c.Store, c.WebhookSecrets = f.APISecret, f.Store, f.WebhookSecrets
	v2, err := portone.NewV2(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v2
}

// serve runs handler until the test ends.
func serve(tb testing.TB, handler http.Handler) (url string) {
	server := httptest.NewServer(handler)
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func wantNoViolations(tb testing.TB, f *fakeportone.Server) {
	tb.Helper()
	for _, v := range f.Violations() {
		tb.Error("protocol violation: ", v)
	}
}

// testClock is the log's time: the real time plus an offset. A message keeps the time that it was first read with, on every
// node.
type testClock struct {
	mu     sync.Mutex
	offset time.Duration
	at     map[uint64]domain.Time // by message
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

func (c *testClock) storedAt(b domain.Batch) domain.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.at[b.Message]; !known {
		c.at[b.Message] = b.At.Add(c.offset)
	}
	return c.at[b.Message]
}

// commands is a command consumer whose messages have the test's time.
func (c *testClock) commands(log *streams.Log) func(context.Context, uint64) (projections.CommandConsumer, error) {
	return func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
		commands, err := log.ConsumeCommands(ctx, from)
		if err != nil {
			return nil, err
		}
		return streamtest.RetimeCommands(ctx, commands, c.storedAt), nil
	}
}

// handle has both consumers handle an event, and retries as often as the worker asks for, without delay.
func handle(ctx context.Context, worker *payments.Worker, e domain.Event) {
	for _, do := range []handler{worker.Handle, worker.HandleBackground} {
		for attempt := uint64(1); do(ctx, e, attempt) > 0; attempt++ {
		}
	}
}

// metric is the sum of a worker's metric over the series that have all these labels, each "name=value".
func metric(tb testing.TB, w *payments.Worker, name string, labels ...string) (sum float64) {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w)
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	found := false
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var have []string
			for _, label := range m.GetLabel() {
				have = append(have, label.GetName()+"="+label.GetValue())
			}
			missing := func(label string) bool { return !slices.Contains(have, label) }
			if family.GetName() == name && !slices.ContainsFunc(labels, missing) {
				sum, found = sum+m.GetCounter().GetValue()+m.GetGauge().GetValue(), true
			}
		}
	}
	if !found {
		tb.Fatalf("no metric %s %v", name, labels)
	}
	return sum
}
