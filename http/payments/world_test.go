// The world of these tests: a real log, a real read store, PortOne's fake on a real socket, and a client of each of its APIs.
package payments_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/portone"
	"onsale/http/portone/fake"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a projector with what it needs.
type node struct {
	tb    testing.TB
	log   *streams.Log
	lapse *lapse
	path  string // of the store
	logs  *slog.Logger

	*projections.Projector
	stop func()

	mu    sync.Mutex
	told  []domain.Event
	heard func(domain.Event) // each of them, when it is told; nil for nobody
}

func quiet(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

// newNode has a log of its own.
func newNode(tb testing.TB) *node {
	tb.Helper()
	c := streamtest.Config(tb, tb.TempDir())
	c.Log = quiet(tb)
	return nodeOn(tb, streamtest.Open(tb, c), &lapse{at: map[uint64]domain.Time{}})
}

func nodeOn(tb testing.TB, log *streams.Log, l *lapse) *node {
	tb.Helper()
	n := &node{tb: tb, log: log, lapse: l, path: filepath.Join(tb.TempDir(), "store.db"), logs: quiet(tb)}
	n.start()
	tb.Cleanup(func() { n.stop() })
	return n
}

func (n *node) start() {
	n.tb.Helper()
	p, _, err := projections.Open(n.tb.Context(), projections.Config{
		Path: n.path, Log: n.log, Commands: n.lapse.commands(n.log), Epoch: n.log.Epoch(), Tell: n.tell,
		KeepOutbox: 2 * time.Second, Logger: n.logs,
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	n.Projector = p
	n.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := p.Close(); err != nil {
			n.tb.Error(err)
		}
	})
}

func (n *node) tell(told []projections.Told) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range told {
		n.told = append(n.told, t.Event)
		if n.heard != nil {
			n.heard(t.Event)
		}
	}
}

// put appends a command of a user, who sends each body once.
func (n *node) put(user, entity string, body domain.Body) {
	n.tb.Helper()
	name, _ := body.Type()
	key := name + " " + entity
	c := domain.Command{Entity: entity, User: user, Body: body,
		Request: domain.NewRequestID(user, key), Fingerprint: domain.NewFingerprint(key)}
	if _, err := n.log.Append(context.Background(), c); err != nil {
		n.tb.Error(err)
	}
}

// end is the last message in line; settle waits until everything up to it is decided and told.
func (n *node) end() uint64 {
	n.tb.Helper()
	state, err := n.log.State(context.Background())
	if err != nil {
		n.tb.Fatal(err)
	}
	return state.Commands.Last
}

func (n *node) settle() {
	n.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.WaitDecided(ctx, n.end()*domain.PlacesPerMessage); err != nil {
		n.tb.Fatal(err)
	}
}

// pass lets so much of the log's time pass.
func (n *node) pass(d time.Duration) {
	n.tb.Helper()
	n.lapse.jump(d)
	if _, err := n.log.Append(context.Background(), domain.Command{Entity: domain.SystemEntity, Body: domain.Clock{}}); err != nil {
		n.tb.Fatal(err)
	}
	n.settle()
}

// order is how one stands; the zero Order when there is none.
func (n *node) order(ref string) (o orders.Order) {
	n.tb.Helper()
	err := n.Read("", func(v *projections.View) (err error) {
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
	err := n.Read("", func(v *projections.View) (err error) {
		p, _, err = v.Product(id)
		return err
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	return p
}

// verdicts are those that were told of an order.
func (n *node) verdicts(ref string) (verdicts []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.told {
		if name, _ := e.Body.Type(); e.Entity == ref && (name == "orders.succeeded" || name == "orders.failed") {
			verdicts = append(verdicts, name[len("orders."):])
		}
	}
	return verdicts
}

// until waits for something that the test cannot be told of.
func until(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("waited in vain until ", what)
		}
	}
}

// each does something with all, a few at once.
func each[T any](all []T, atOnce int, do func(T)) {
	var group sync.WaitGroup
	for from := range atOnce {
		group.Go(func() {
			for i := from; i < len(all); i += atOnce {
				do(all[i])
			}
		})
	}
	group.Wait()
}

const (
	atOnce = 64
	price  = 1000
	payBy  = 600             // seconds
	answer = 2 * time.Second // is how long a client waits
)

func place(product string) orders.Place {
	return orders.Place{SalePostID: product, Count: 1, Amount: price, Terms: orders.Terms{Currency: "KRW", PaySeconds: payBy}}
}

// client is one of an API of the fake at url.
type client interface {
	payments.Provider
	Hint(header http.Header, body []byte) (portone.Hint, error)
}

func open(tb testing.TB, api, url string, f *fake.Server) client {
	tb.Helper()
	c := portone.Config{URL: url, Timeout: answer}
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

// serve gives handler an address until the test ends.
func serve(tb testing.TB, handler http.Handler) (url string) {
	server := httptest.NewServer(handler)
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// behaved wants no violation noted.
func behaved(tb testing.TB, f *fake.Server) {
	tb.Helper()
	for _, v := range f.Violations() {
		tb.Error("no good client does this:", v)
	}
}
