// The table of faults: what becomes of the order, the verdict, the money and the units, whatever goes wrong on the way to the
// provider and back.

package payments_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/payments/portone/fakeportone"
)

var updateGolden = flag.Bool("rewrite", false, "write what comes out into testdata; only commit it if you understand what changed it")

// requestFaults are of one route, for its first two requests; slow is the first only.
var requestFaults = []string{"slow", "500", "500-after", "reset", "reset-after", "429", "refuse", "redirect", "garbage", "page",
	"huge", "extra", "enum", "fraction", "revoke"}

var webhookFaults = map[string]func(*fakeportone.Webhooks){
	"drop":    func(w *fakeportone.Webhooks) { w.Drop = true },
	"five":    func(w *fakeportone.Webhooks) { w.Copies = 5 },
	"reorder": func(w *fakeportone.Webhooks) { w.Reorder = true },
	"first":   func(w *fakeportone.Webhooks) { w.First = true },
	"forge":   func(w *fakeportone.Webhooks) { w.Forge = true },
	"form":    func(w *fakeportone.Webhooks) { w.Form = true },
}

// routes are those that a scenario takes, or may take.
func (s scenario) routes(api string) []string {
	routes := []string{"get"}
	if api == "v1" && s.extraStock == 0 && s.then == nil {
		routes = append(routes, "token")
	}
	if s.before != nil {
		routes = append(routes, "prepare")
	}
	if !s.noRefund {
		routes = append(routes, "cancel")
	}
	return routes
}

const goldenFile = "testdata/faults.txt"

func TestFaultMatrix_MatchesGolden(t *testing.T) {
	m := newFaultMatrix(t)
	for _, s := range scenarios {
		for _, api := range []string{"v1", "v2"} {
			if !s.supports(api) {
				continue
			}
			m.add(s, api, "none", "")
			for _, route := range s.routes(api) {
				for _, fault := range requestFaults {
					m.add(s, api, route, fault)
				}
			}
			for _, fault := range slices.Sorted(maps.Keys(webhookFaults)) {
				m.add(s, api, "webhook", fault)
			}
		}
	}
	t.Logf("%d trials", len(m.cases))
	m.run()
	for _, fc := range m.cases {
		fc.check(t)
	}
	got := table(m.cases)
	if *updateGolden {
		if err := os.WriteFile(goldenFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		lines := strings.Split(string(want), "\n")
		for _, line := range strings.Split(got, "\n") {
			if !slices.Contains(lines, line) {
				t.Errorf("is not in %s:\n%s", goldenFile, line)
			}
		}
	}
}

// check wants what must hold whatever happened: no good client's name is spoilt, an order has one verdict, who has the goods
// has paid, and who has not has their money.
func (fc *faultCase) check(tb testing.TB) {
	for _, v := range fc.fake.Violations() {
		tb.Errorf("%s: no good client does this: %s", fc, v)
	}
	o, p := fc.n.order(fc.ref()), fc.n.product(fc.product)
	paid, refunded := fc.fake.Sums()
	balance, units := int64(0), 0
	foreign := o.Reason == orders.ReasonOtherUser || o.Reason == orders.ReasonNotPrepared || o.Reason == orders.ReasonNotFound
	switch o.Status {
	case orders.StatusPaid:
		balance, units = price, 1
	case orders.StatusFailed, orders.StatusRefunded:
	default:
		tb.Errorf("%s: it is %s at the end", fc, o.Status)
	}
	if o.ResultEvent == 0 || len(fc.n.results(fc.ref())) == 0 {
		tb.Errorf("%s: it has no verdict", fc)
	}
	if p.Taken != units {
		tb.Errorf("%s: it is %s, and %d are taken", fc, o.Status, p.Taken)
	}
	if paid-refunded != balance && !foreign && o.Reason != orders.ReasonDiscrepant {
		tb.Errorf("%s: it is %s, and %d are at the provider", fc, o.Status, paid-refunded)
	}
}

// table has a line for each scenario, API and outcome: the first is that of most faults, behind others stand theirs.
func table(cases []*faultCase) string {
	var b strings.Builder
	for len(cases) > 0 {
		name, outcomes, faults := cases[0].name, []string(nil), map[string][]string{}
		for len(cases) > 0 && cases[0].name == name {
			fc := cases[0]
			cases = cases[1:]
			outcome := fc.api + "  " + fc.outcome()
			if faults[outcome] == nil {
				outcomes = append(outcomes, outcome)
			}
			faults[outcome] = append(faults[outcome], strings.TrimSpace(fc.route+" "+fc.fault))
		}
		fmt.Fprintf(&b, "%s\n", name)
		slices.SortStableFunc(outcomes, func(x, y string) int {
			return cmp.Or(cmp.Compare(x[:2], y[:2]), len(faults[y])-len(faults[x]))
		})
		api := ""
		for _, outcome := range outcomes {
			if outcome[:2] == api {
				outcome += "  with " + strings.Join(faults[outcome], ", ")
			}
			api = outcome[:2]
			fmt.Fprintf(&b, "  %s\n", outcome)
		}
	}
	return b.String()
}

// Trials: every scenario under every fault, all in one log and at the same time, each with a provider and a worker of its own.

type event = domain.Event

// faultCase is one scenario under one fault.
type faultCase struct {
	scenario
	api, route, fault string

	n                   *node
	fake                *fakeportone.Server
	client              client
	worker              *payments.Worker
	user, product       string
	impUID, merchantUID string
}

func (fc *faultCase) String() string {
	return fmt.Sprintf("%s, %s, %s %s", fc.name, fc.api, fc.route, fc.fault)
}

// faultMatrix tries.
type faultMatrix struct {
	n     *node
	url   string
	mux   *http.ServeMux
	cases []*faultCase

	mu         sync.Mutex
	byEntity   map[string]*faultCase // by order and product
	events     chan event
	unfinished atomic.Int64 // events that were told and not done
	workers    sync.WaitGroup
}

func newFaultMatrix(tb testing.TB) *faultMatrix {
	m := &faultMatrix{n: newNode(tb), mux: http.NewServeMux(), byEntity: map[string]*faultCase{}, events: make(chan event, 1<<16)}
	m.url = serve(tb, m.mux)
	m.n.onEvent = m.dispatch
	ctx, cancel := context.WithCancel(context.Background())
	for range 128 {
		m.workers.Go(func() {
			for e := range m.events {
				m.mu.Lock()
				fc := m.byEntity[e.Entity]
				m.mu.Unlock()
				fc.handle(ctx, e)
				m.unfinished.Add(-1)
			}
		})
	}
	tb.Cleanup(func() {
		cancel()
		m.n.stop()
		close(m.events)
		m.workers.Wait()
	})
	return m
}

// dispatch is told events in their order.
func (m *faultMatrix) dispatch(e event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fc := m.byEntity[e.Entity]
	if fc == nil {
		return
	}
	if prepared, ok := e.Body.(orders.Prepared); ok { // whoever pays does so under that
		fc.merchantUID = prepared.MerchantUID
		m.byEntity[fc.ref()] = fc
	}
	m.unfinished.Add(1)
	m.events <- e
}

// add begins a trial.
func (m *faultMatrix) add(s scenario, api, route, fault string) {
	i := len(m.cases)
	fc := &faultCase{scenario: s, api: api, route: route, fault: fault, n: m.n, fake: fakeportone.New(), user: fmt.Sprintf("kim%d", i),
		product: fmt.Sprintf("tee%d", i), impUID: fmt.Sprintf("imp%d", i), merchantUID: fmt.Sprintf("order%d", i)}
	fc.fake.Asynchronous = s.async
	path := "/" + fc.product
	fc.client = newClient(m.n.tb, api, m.url+path, fc.fake)
	config := payments.Config{Provider: fc.client, Append: m.n.log.Append, Projector: m.n.Projector, Log: m.n.logger}
	config.SetTimeUnit(4 * time.Millisecond)
	fc.worker = payments.New(config)
	m.mux.Handle(path+"/", http.StripPrefix(path, fc.fake))
	m.mux.HandleFunc("POST "+path+"/hook", fc.webhook)
	hooks := fakeportone.Webhooks{URL: m.url + path + "/hook", V2: api == "v2"}
	if route == "webhook" {
		webhookFaults[fault](&hooks)
	} else if fault != "" {
		times := 2
		if fault == "slow" {
			times = 1
		}
		fc.noError(fc.fake.Fail(route, fakeportone.Fault{Kind: fakeportone.Kind(fault), Delay: clientTimeout + clientTimeout/4}, times))
	}
	fc.noError(fc.fake.SendWebhooks(hooks))
	ctx, cancel := context.WithCancel(context.Background())
	m.workers.Go(func() { fc.worker.Run(ctx) })
	m.n.tb.Cleanup(cancel)
	m.cases = append(m.cases, fc)
	m.byEntity[fc.product], m.byEntity[fc.ref()] = fc, fc
}

func (fc *faultCase) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		webhook, hintErr := fc.client.ParseWebhook(r.Header, body)
		if err = hintErr; err == nil && webhook.Ref != "" {
			fc.worker.Notify(webhook.Ref)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// run plays everything to its end.
func (m *faultMatrix) run() {
	parallel(m.cases, concurrency, func(fc *faultCase) {
		m.n.submit("shop", fc.product, orders.Create{Name: "tee", Price: price, Stock: 1 + fc.extraStock})
	})
	m.waitIdle()
	for i, d := range []time.Duration{0, 0, 0, 61 * time.Second, paySeconds * time.Second} {
		if d > 0 {
			m.advance(d)
		}
		parallel(m.cases, concurrency, func(fc *faultCase) {
			if step := fc.steps()[i]; step != nil {
				step(fc)
				fc.waitIdle()
			}
		})
		m.waitIdle()
	}
	for _, d := range []time.Duration{2 * time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		m.advance(d)
	}
}

func (m *faultMatrix) advance(d time.Duration) {
	m.n.advance(d)
	m.waitIdle()
}

// waitIdle waits until nobody has anything to do.
func (m *faultMatrix) waitIdle() {
	for {
		before := m.n.lastMessage()
		m.n.waitCaughtUp()
		waitFor(m.n.tb, "every event is done", func() bool { return m.unfinished.Load() == 0 })
		for _, fc := range m.cases {
			fc.waitIdle()
		}
		if m.n.lastMessage() == before {
			return
		}
	}
}

// waitIdle waits until every webhook is sent, and everything done that they are a reason for.
func (fc *faultCase) waitIdle() {
	fc.fake.Wait()
	waitFor(fc.n.tb, fc.String()+" is idle", fc.worker.Idle)
}

// outcome is everything that counts of a trial.
func (fc *faultCase) outcome() string {
	o, p := fc.n.order(fc.ref()), fc.n.product(fc.product)
	cancels, amount := 0, int64(0)
	for _, c := range fc.fake.Cancels(fc.impUID) {
		if strings.HasPrefix(c.Reason, "onsale: ") {
			cancels++
			amount += c.Amount
		}
	}
	paid, refunded := fc.fake.Sums()
	return fmt.Sprintf("%-8s %-22s %-16s %d gives back %4d, %4d of %4d are there, %d of %d taken", o.Status, o.Reason,
		strings.Join(fc.n.results(fc.ref()), " "), cancels, amount, paid-refunded, paid, p.Taken, p.Stock)
}
