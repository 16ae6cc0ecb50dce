package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func newTracer(tb testing.TB, sample float64) *Tracer {
	tb.Helper()
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t, err := New(tb.Context(), collector.URL, sample, "box-1", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			tb.Error(err)
		}
		collector.Close()
	})
	return t
}

func issued(number, sequence uint64) domain.Event {
	return domain.Event{Number: number, Sequence: sequence, Body: coupons.Issued{}}
}

// Commands that get no event, since they repeat another request, or since the node decides nothing any more, do not pile up.
func TestTracer_BoundsQueues(t *testing.T) {
	tracer := newTracer(t, 1)
	for i := range uint64(2 * maxQueued) {
		tracer.commandDelivered(i*1000, parent)
	}
	if n := len(tracer.commands); n != maxQueued {
		t.Errorf("%d commands are queued, want %d", n, maxQueued)
	}
	e := issued(1, maxQueued*1000)
	tracer.Decided(&e, time.Now())
	if n := len(tracer.commands); n != 0 {
		t.Errorf("%d commands are queued behind the one that is decided", n)
	}
	for i := range uint64(2 * maxQueued) {
		tracer.commandDelivered((3*maxQueued+i)*1000, parent)
		e := issued(2+i, (3*maxQueued+i)*1000)
		tracer.Decided(&e, time.Now())
	}
	if n := len(tracer.events); n != maxQueued {
		t.Errorf("%d events are queued, want %d", n, maxQueued)
	}
	tracer.Deliver([]projections.ConfirmedEvent{{Event: issued(2+2*maxQueued, 1)}}, func([]projections.ConfirmedEvent) {})
	if n := len(tracer.events); n != 0 {
		t.Errorf("%d events are queued behind the one that is confirmed", n)
	}
}

// A command's events have its trace, also the second; one that is delivered again is not queued again, and the trace of an
// event ends with its delivery.
func TestTracer_FollowsEvents(t *testing.T) {
	tracer := newTracer(t, 0)
	tracer.commandDelivered(7000, parent)
	tracer.commandDelivered(7000, parent)
	tracer.commandDelivered(7001, "00-00000000000000000000000000000000-0000000000000000-01")
	tracer.commandDelivered(7002, parent[:len(parent)-1]+"0")
	if n := len(tracer.commands); n != 1 {
		t.Fatalf("%d commands are queued, want the one that is valid and sampled", n)
	}
	for number := uint64(1); number <= 4; number++ {
		e := issued(number, []uint64{6000, 7000, 7000, 7001}[number-1])
		tracer.Decided(&e, time.Now())
	}
	for number, want := range []bool{false, false, true, true, false} {
		if got := tracer.parentOfEvent(uint64(number)); (got != "") != want {
			t.Errorf("event %d has parent %q", number, got)
		}
		if tracer.Stream(uint64(number)) != nil {
			t.Errorf("event %d is traced to streams before it is delivered", number)
		}
	}
	tracer.Deliver([]projections.ConfirmedEvent{{Event: issued(3, 7000)}}, func([]projections.ConfirmedEvent) {
		if tracer.Stream(3) == nil || tracer.Stream(4) != nil {
			t.Error("event 3 must be traced to streams, and event 4 not")
		}
	})
	if tracer.parentOfEvent(3) != "" || len(tracer.events) != 0 {
		t.Error("the trace of a delivered event is kept")
	}
}

// BenchmarkTracer_Command is what a command costs in this package.
func BenchmarkTracer_Command(b *testing.B) {
	for name, sample := range map[string]float64{"sampled": 1, "not sampled": 0} {
		b.Run(name, func(b *testing.B) {
			tracer := newTracer(b, sample)
			sequence := uint64(0)
			streams := tracer.Streams()
			appendCommand := tracer.Append(func(ctx context.Context, _ domain.Command) (uint64, error) {
				sequence += 1000
				if parent := streams.ParentOf(ctx); parent != "" {
					streams.OnCommand(sequence, parent)
				}
				return sequence, nil
			})
			r := httptest.NewRequest("POST", "/api/v1/promotions/demo/coupons", nil)
			b.ReportAllocs()
			for b.Loop() {
				ctx, end := tracer.Request(r, "/api/v1/promotions/:promotionId/coupons")
				_, _ = appendCommand(ctx, domain.Command{Body: coupons.Issue{}})
				end(202)
				e := issued(sequence/1000, sequence)
				tracer.Decided(&e, time.Now())
				streams.ParentOfEvent(e.Number)
				tracer.Deliver([]projections.ConfirmedEvent{{Event: e}}, func([]projections.ConfirmedEvent) { tracer.Stream(e.Number) })
			}
		})
	}
}
