// One user floods the worker with orders on payments that do not exist; others do not wait behind them.

package payments_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
	"onsale/projections/store"
)

// gatedProvider answers about invented payments only once gate is closed.
type gatedProvider struct {
	payments.Provider
	gate chan struct{}
}

func (p gatedProvider) Get(ctx context.Context, ref string) (portone.Payment, error) {
	if strings.HasPrefix(ref, "invented") {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return portone.Payment{}, fmt.Errorf("%w: %w", portone.ErrUnknown, ctx.Err())
		}
	}
	return p.Provider.Get(ctx, ref)
}

func TestWorker_IsFairBetweenUsers(t *testing.T) {
	t.Run("products", func(t *testing.T) { testFairness(t, false) })
	t.Run("seats", func(t *testing.T) { testFairness(t, true) })
}

// floodHall sells the units of "tee" and as many seats, which all cost the same.
const floodHall = "hall"

// testFairness floods the worker with orders of units, or on holds.
func testFairness(t *testing.T, onHolds bool) {
	const flood, room = 200, 64
	f := newFixture(t, newNode(t), flood+3)
	if err := f.fake.SendWebhooks(fakeportone.Webhooks{}); err != nil {
		t.Fatal(err)
	}
	f.submit("admin", floodHall, seats.Create{
		Title: "Opera", HoldSeconds: paySeconds, MaxSeatsPerUser: flood, Options: seats.Options{Payment: seats.PaymentRequired},
		Sections: []seats.Section{{Name: "A", Price: price, Rows: []seats.Row{{Name: "1", Seats: flood + 3}}}},
	})
	nextSeat := 0
	order := func(user, ref string) {
		command := orderCommand("tee")
		if onHolds {
			nextSeat++
			command.ProductID, command.Count, command.HoldID = "", 0, f.holdSeat(user, nextSeat)
		}
		f.submit(user, ref, command)
	}
	provider := gatedProvider{f.client, make(chan struct{})}
	f.client, f.concurrency, f.maxWaiting = provider, 8, room
	for i := range flood {
		ref := fmt.Sprint("invented", i)
		f.refs = append(f.refs, ref)
		order("mallory", ref)
	}
	for _, user := range []string{"kim", "lee", "park"} {
		f.createPayment("of-"+user, price, "paid")
		order(user, "of-"+user)
	}
	f.waitCaughtUp()
	if taken := f.takenByOrders(onHolds); taken != flood+3 {
		t.Fatalf("the orders have %d of %d", taken, flood+3)
	}
	f.startWorker()
	worker := f.worker.Load()
	waitFor(t, "the whole flood has reached the worker", func() bool {
		return metric(t, worker, "onsale_payments_deferred_total") >= flood-room-3
	})
	for _, user := range []string{"kim", "lee", "park"} {
		f.waitStatus("of-"+user, orders.StatusPaid)
	}
	waiting := metric(t, worker, "onsale_payments_waiting")
	t.Logf("%v of the flood still wait, %v were deferred", waiting, metric(t, worker, "onsale_payments_deferred_total"))
	if waiting < room/2 {
		t.Errorf("only %v of the flood still wait: the honest orders waited for them", waiting)
	}
	close(provider.gate)
	f.advance(paySeconds * time.Second) // the deferred are rechecked
	for hours := 0; ; hours++ {
		waitFor(t, "the worker is idle", f.idle)
		if f.takenByOrders(onHolds) == 3 {
			break
		}
		if hours == 20 {
			t.Fatal("an order of the flood has no result")
		}
		f.advance(time.Hour)
	}
	f.stopWorker()
	wantNoViolations(t, f.fake)
}

// holdSeat returns the id of a hold, of which a user has many.
func (f *fixture) holdSeat(user string, seat int) (hold string) {
	f.tb.Helper()
	key := fmt.Sprint("hold ", seat)
	sequence, err := f.log.Append(context.Background(), domain.Command{
		Entity: floodHall, User: user, Body: seats.Hold{ScheduleSeatIDs: []int{seat}},
		Request: domain.NewRequestID(user, key), Fingerprint: domain.NewFingerprint(key),
	})
	if err != nil {
		f.tb.Fatal(err)
	}
	return seats.HoldID(sequence)
}

// takenByOrders counts the units that orders have, or the seats that are reserved or held.
func (f *fixture) takenByOrders(seats bool) (taken int) {
	if !seats {
		return f.product("tee").Taken
	}
	err := f.Read("", func(v *store.View) error {
		s, _, err := v.Schedule(floodHall)
		taken = s.Counts.Held + s.Counts.Reserved
		return err
	})
	if err != nil {
		f.tb.Fatal(err)
	}
	return taken
}
