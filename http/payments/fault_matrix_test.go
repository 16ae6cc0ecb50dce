// The fault matrix: every scenario under every fault of the provider, all in one log at the same time, each with its own
// provider and worker. Whatever goes wrong, the result of the order, the money and the stock are those of testdata/faults.txt.

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
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

var updateGolden = flag.Bool("rewrite", false, "rewrite testdata/faults.txt; use it with ONSALE_TEST_LONG, and understand each change before you commit it")

// requestFaults hit the first two requests of a route; slow only the first.
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

// routes are the requests that a scenario makes or may make.
func (s scenario) routes(api string) []string {
	if s.noRequest {
		return nil
	}
	routes := []string{"get"}
	if s.noWebhook && api == "v1" { // V2 finds by get
		routes = append(routes, "find")
	}
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

// TestFaultMatrix_MatchesGolden runs each scenario without a fault and with an eighth of the faults, with ONSALE_TEST_LONG
// all of them.
func TestFaultMatrix_MatchesGolden(t *testing.T) {
	var cases []*faultCase
	n := 0
	addFault := func(s scenario, api, route, fault string) {
		if n++; longTests() || n%8 == 0 {
			cases = append(cases, &faultCase{scenario: s, api: api, route: route, fault: fault})
		}
	}
	for _, s := range slices.Concat(scenarios, seatScenarios) {
		for _, api := range []string{"v1", "v2"} {
			if !s.supports(api) {
				continue
			}
			cases = append(cases, &faultCase{scenario: s, api: api, route: "none"})
			for _, route := range s.routes(api) {
				for _, fault := range requestFaults {
					addFault(s, api, route, fault)
				}
			}
			for _, fault := range slices.Sorted(maps.Keys(webhookFaults)) {
				if s.noWebhook || s.noRequest {
					break
				}
				addFault(s, api, "webhook", fault)
			}
		}
	}
	t.Logf("%d cases", len(cases))
	for part := range slices.Chunk(cases, 640) { // more would be much for one log
		t.Run("part", func(t *testing.T) {
			m := newFaultMatrix(t)
			for _, fc := range part {
				m.add(fc)
			}
			m.run()
			for _, fc := range part {
				fc.check(t)
				fc.result = fc.outcome()
			}
		})
	}
	got := table(cases)
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
		t.Errorf("the outcomes differ from %s", goldenFile)
		lines := strings.Split(string(want), "\n")
		for _, line := range strings.Split(got, "\n") {
			if !slices.Contains(lines, line) {
				t.Errorf("not in %s:\n%s", goldenFile, line)
			}
		}
	}
}

// check verifies what must hold whatever happened: no protocol violation, an order has a result, and the money is at the
// provider exactly if the units are taken.
func (fc *faultCase) check(tb testing.TB) {
	for _, v := range fc.fake.Violations() {
		tb.Errorf("%s: protocol violation: %s", fc, v)
	}
	if fc.seats {
		fc.checkSeat(tb)
		return
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
		tb.Errorf("%s: still %s at the end", fc, o.Status)
	}
	if o.ResultEvent == 0 || len(fc.n.results(fc.ref())) == 0 {
		tb.Errorf("%s: no result", fc)
	}
	if p.Taken-fc.extraTaken != units {
		tb.Errorf("%s: %s with %d units taken", fc, o.Status, p.Taken)
	}
	if paid-refunded != balance && !foreign && o.Reason != orders.ReasonDiscrepant {
		tb.Errorf("%s: %s with a balance of %d", fc, o.Status, paid-refunded)
	}
}

// table has a line for each scenario, API and outcome: first the most frequent one, then others with their faults.
func table(cases []*faultCase) string {
	var b strings.Builder
	for len(cases) > 0 {
		name, outcomes, faults := cases[0].name, []string(nil), map[string][]string{}
		for len(cases) > 0 && cases[0].name == name {
			fc := cases[0]
			cases = cases[1:]
			outcome := fc.api + "  " + fc.result
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

type event = domain.Event

// faultCase is one scenario under one fault.
type faultCase struct {
	scenario
	api, route, fault string
	result            string // the outcome at the end

	n                   *node
	fake                *fakeportone.Server
	client              payments.Provider
	worker              *payments.Worker
	requests            atomic.Int64 // that the fake is serving
	user                string
	product             string // unless it sells a seat
	impUID, merchantUID string
	extraTaken          int // units that others have

	matrix    *faultMatrix
	schedule  string
	holdID    string
	secondRef string // of a second order on the hold
	freeRef   string
	stalled   sync.RWMutex // held by atOnce
}

func (fc *faultCase) String() string {
	return fmt.Sprintf("%s, %s, %s %s", fc.name, fc.api, fc.route, fc.fault)
}

type faultMatrix struct {
	n     *node
	url   string
	mux   *http.ServeMux
	cases []*faultCase

	mu         sync.Mutex
	byEntity   map[string]*faultCase // by order and product
	events     chan event
	unfinished atomic.Int64 // dispatched events
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

// dispatch gets events in order.
func (m *faultMatrix) dispatch(e event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fc := m.byEntity[e.Entity]
	if placed, ok := e.Body.(orders.Placed); ok && fc == nil && placed.HoldID != "" { // a free order, whose id is new
		fc = m.byEntity[placed.HoldID]
		m.byEntity[e.Entity] = fc
	}
	if fc == nil {
		return
	}
	if prepared, ok := e.Body.(orders.Prepared); ok { // the payment will be made under this name
		fc.merchantUID = prepared.MerchantUID
		m.byEntity[fc.ref()] = fc
	}
	m.unfinished.Add(1)
	m.events <- e
}

// add gives a case its provider, its worker, and names of its own.
func (m *faultMatrix) add(fc *faultCase) {
	i := len(m.cases)
	fc.n, fc.matrix, fc.fake = m.n, m, fakeportone.New()
	fc.user, fc.product, fc.schedule = fmt.Sprint("kim", i), fmt.Sprint("tee", i), fmt.Sprint("hall", i)
	fc.impUID, fc.merchantUID = fmt.Sprint("imp", i), fmt.Sprint("order", i)
	fc.fake.Asynchronous = fc.async
	path := "/" + fc.product
	fc.client = newClient(m.n.tb, fc.api, m.url+path, fc.fake)
	config := payments.Config{Provider: fc.client, Append: m.n.log.Append, Projector: m.n.Projector, Logger: m.n.logger}
	config.SetTimeUnit(4 * time.Millisecond)
	fc.worker = payments.New(config)
	m.mux.Handle(path+"/", http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fc.requests.Add(1)
		defer fc.requests.Add(-1)
		fc.fake.ServeHTTP(w, r)
	})))
	m.mux.HandleFunc("POST "+path+"/hook", fc.webhook)
	hooks := fakeportone.Webhooks{URL: m.url + path + "/hook", V2: fc.api == "v2", Drop: fc.noWebhook}
	if fc.route == "webhook" {
		webhookFaults[fc.fault](&hooks)
	} else if fc.fault != "" {
		times := 2
		if fc.fault == "slow" {
			times = 1
		}
		fc.noError(fc.fake.Fail(fc.route, fakeportone.Fault{Kind: fakeportone.Kind(fc.fault), Delay: clientTimeout + clientTimeout/4}, times))
	}
	fc.noError(fc.fake.SendWebhooks(hooks))
	ctx, cancel := context.WithCancel(context.Background())
	m.workers.Go(func() { fc.worker.Run(ctx) })
	m.n.tb.Cleanup(cancel)
	m.cases = append(m.cases, fc)
	m.byEntity[fc.product], m.byEntity[fc.impUID], m.byEntity[fc.merchantUID] = fc, fc, fc
}

func (fc *faultCase) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var hook portone.Webhook
		if hook, err = fc.worker.Provider.ParseWebhook(r.Header, body); err == nil && hook.Ref != "" {
			fc.worker.Notify(hook)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// run runs all steps of all cases, and then lets a day pass.
func (m *faultMatrix) run() {
	parallel(m.cases, concurrency, func(fc *faultCase) {
		if fc.seats {
			fc.setUpSeats()
			return
		}
		m.n.submit("admin", fc.product, orders.Create{Name: "tee", Price: price, Stock: 1 + fc.extraStock})
	})
	m.waitIdle()
	for i, d := range []time.Duration{0, 0, 0, 61 * time.Second, paySeconds * time.Second} {
		if d > 0 {
			m.advance(d)
		}
		parallel(m.cases, 8*concurrency, func(fc *faultCase) { // most of them wait for a slow response
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
	for range len(m.cases) / 100 { // one command has only so many of the due events
		m.n.advance(0)
	}
	m.waitIdle()
}

// waitIdle waits until nothing is left to do at the present log time.
func (m *faultMatrix) waitIdle() {
	for {
		before := m.n.lastMessage()
		m.n.waitCaughtUp()
		waitFor(m.n.tb, "every event is handled", func() bool { return m.unfinished.Load() == 0 })
		for _, fc := range m.cases {
			fc.waitIdle()
		}
		if m.n.lastMessage() == before {
			return
		}
	}
}

// waitIdle waits until every request has had its effect, also a slow one, and every webhook is sent and handled.
func (fc *faultCase) waitIdle() {
	waitFor(fc.n.tb, fc.String()+" is served", func() bool { return fc.requests.Load() == 0 })
	fc.fake.Wait()
	waitFor(fc.n.tb, fc.String()+" is idle", fc.worker.Idle)
}

// outcome is a line of the table.
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
	sold := fmt.Sprintf("%d of %d units taken", p.Taken, p.Stock)
	if fc.seats {
		sold = fmt.Sprintf("seat %s, coupon %s", fc.n.seat(fc.user, fc.schedule), fc.n.coupon(fc.user))
		if o.Late {
			sold += ", late"
		}
		if fc.secondRef != "" {
			second := fc.n.order(fc.secondRef)
			sold += fmt.Sprintf(", second order %s %s", second.Status, second.Reason)
		}
	}
	return fmt.Sprintf("%-8s %-22s %-16s %d refunds of %4d, balance %4d of %4d, %s", o.Status, o.Reason,
		strings.Join(fc.n.results(fc.ref()), " "), cancels, amount, paid-refunded, paid, sold)
}
