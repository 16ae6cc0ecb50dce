package projections

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"onsale/domain"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

// metricsProjector has decided message 3 of 9 and confirmed 2 of its 3 events.
func metricsProjector() *Projector {
	p := &Projector{metrics: newMetrics(), committed: store.Checkpoint{Sequence: 3000, Events: 3}, confirmed: 2, machine: machine.New()}
	p.commandsEnd.Store(9)
	return p
}

// expectMetrics compares metrics by name and labels, "name a=b c=d"; -1: there must be none.
func expectMetrics(t *testing.T, p *Projector, want map[string]float64) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if family.GetHelp() == "" || strings.HasSuffix(family.GetName(), "_total") != (family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %s with help %q", family.GetName(), family.GetType(), family.GetHelp())
		}
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, value := range want {
		if n, ok := got[name]; ok && n != value || !ok && value != -1 {
			t.Errorf("%s: got %v %v, want %v", name, n, ok, value)
		}
	}
}

func TestMetrics_ShowPosition(t *testing.T) {
	expectMetrics(t, metricsProjector(), map[string]float64{
		"onsale_backlog_messages": 6, "onsale_commands_decided_sequence": 3000, "onsale_events_decided": 3, "onsale_events_confirmed": 2,
		"onsale_outbox_events": 1, "onsale_halted": 0, "onsale_halted_info": -1,
	})
}

func TestMetrics_ReportHalt(t *testing.T) {
	p := metricsProjector()
	reason := strings.Repeat("é", 59) + "xéé" // is cut within a rune
	p.halted.Store(&haltState{reason: reason})
	expectMetrics(t, p, map[string]float64{"onsale_halted": 1, "onsale_halted_info reason=" + strings.Repeat("é", 59) + "x": 1})
}

// sampleEvents are n events of four types.
func sampleEvents(n int) []ConfirmedEvent {
	bodies := []domain.Body{
		domain.Rejection{Command: "coupons.issue", Code: domain.SoldOut}, seats.Expired{}, domain.DeadLetter{Reason: domain.DeadLetterPanicked}, seats.Held{},
	}
	events := make([]ConfirmedEvent, n)
	for i := range events {
		events[i].Event = domain.Event{Now: domain.At(time.Now()), Request: domain.NewRequestID("kim", "k"), Body: bodies[i%len(bodies)]}
	}
	events[1].Request = domain.RequestID{} // answers no request
	return events
}

func TestMetrics_CountOutcomes(t *testing.T) {
	p := metricsProjector()
	p.metrics.observe(sampleEvents(5))
	p.metrics.observe(sampleEvents(4))
	expectMetrics(t, p, map[string]float64{
		"onsale_events_total code=sold_out type=coupons.rejected":   3,
		"onsale_events_total code= type=seats.expired":              2,
		"onsale_events_total code=panicked type=system.dead-letter": 2,
		"onsale_events_total code= type=seats.held":                 2,
		"onsale_outcome_delay_seconds":                              7,
	})
}

// Names, units and help follow Prometheus' conventions.
func TestMetrics_PassLint(t *testing.T) {
	p := metricsProjector()
	p.metrics.observe(sampleEvents(4))
	reason := "why"
	p.halted.Store(&haltState{reason: reason})
	problems, err := testutil.CollectAndLint(p)
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v %v", problems, err)
	}
}

// BenchmarkMetrics_Observe is what counting adds to the confirmation of one event.
func BenchmarkMetrics_Observe(b *testing.B) {
	m, events, n := newMetrics(), sampleEvents(64), 0
	b.ReportAllocs()
	for b.Loop() {
		if n++; n%len(events) == 0 {
			m.observe(events)
		}
	}
}

func TestMetrics_ShowOrders(t *testing.T) {
	p := metricsProjector()
	paid := orders.Payment{State: orders.PaymentPaid, Amount: 1000, Currency: "KRW"}
	for i, o := range []orders.Order{
		{Status: orders.StatusPaid, Payment: &paid},
		{Status: orders.StatusRefunding, Payment: &paid, Kept: 300},
		{Status: orders.StatusRefunding, Payment: &paid, RecheckCount: 9},
		{Status: orders.StatusRefunding}, // nothing is known of its payment
	} {
		o.PaymentID = "imp_" + strconv.Itoa(i)
		p.machine.Orders.RestoreOrder(o)
	}
	expectMetrics(t, p, map[string]float64{
		"onsale_orders status=PAID": 1, "onsale_orders status=REFUNDING": 3, "onsale_orders status=FAILED": 0,
		"onsale_refund_due_amount": 1700, "onsale_refunds_stuck": 1,
	})
}
