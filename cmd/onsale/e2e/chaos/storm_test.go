// A storm on paid seats: more buyers than seats, and half of the buyers walk away.

package chaos

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// Four buyers come for each seat, 2,000 for 500 in the long form. All seats are sold in the end, each once, and nobody is charged
// without a seat or a refund.
func TestSeats_StormIsSoldOut(t *testing.T) {
	t.Parallel()
	s := &storm{seats: 30, retry: time.Second}
	timeout := 60 * time.Second
	if harness.Long() {
		s.seats, s.retry, timeout = 500, 4*time.Second, 5*time.Minute
	}
	s.orderWorkload = newOrderWorkload(t, 1, 1, timeout, 6*time.Second)
	s.createHall("storm", halls["opera"], s.seats, 2*time.Second)
	began := time.Now()
	for i := range 4 * s.seats {
		b := &buyer{chaosUser: s.addUser(fmt.Sprint("u", i)), workload: s.orderWorkload}
		if i%20 < 4 {
			s.watch("/subscribe/"+b.User, "")
		}
		s.delayed.Go(func() {
			harness.Sleep(s.ctx, harness.RandomDuration(b.rng, time.Second))
			if want, ok := s.holdSeat(b); ok {
				s.decide(b, want, i)
			}
		})
	}
	for s.seatSummary("storm").Reserved < s.seats && harness.Sleep(s.ctx, 20*time.Millisecond) {
	}
	took := time.Since(began)
	s.soldOut.Store(true)
	if got := s.seatSummary("storm"); got.Reserved != s.seats {
		t.Errorf("the seats are not sold out: %+v", got)
	}
	s.finish(began, true, func() {})
	t.Logf("%d buyers; %d seats were sold %s after the sale had opened; %d buyers had walked away from a seat", 4*s.seats, s.seats,
		took.Round(time.Second/10), s.walkedAway.Load())
}

// storm is the sale of one schedule.
type storm struct {
	*orderWorkload
	seats      int
	retry      time.Duration // up to which a buyer waits who has found no seat
	soldOut    atomic.Bool
	walkedAway atomic.Int64
}

// holdSeat tries until the buyer has a seat; false: all are sold.
func (s *storm) holdSeat(b *buyer) (basket, bool) {
	for !s.soldOut.Load() && s.ctx.Err() == nil {
		if want, ok := b.hold("storm", 1, map[string]any{"bestAvailable": map[string]any{"count": 1}}); ok {
			return want, true
		}
		harness.Sleep(s.ctx, harness.RandomDuration(b.rng, s.retry))
	}
	return basket{}, false
}

// decide is what buyer i does with a held seat. Every second one buys it, and tries again where that fails.
func (s *storm) decide(b *buyer, want basket, i int) {
	if i%2 == 1 {
		s.buy(b, want)
		return
	}
	s.walkedAway.Add(1)
	switch i / 2 % 5 {
	case 0: // never pays
	case 1: // prepares, and never pays
		b.execute(s.ctx, "/api/v1/orders/prepare", want.body())
	case 2: // pays, and never orders
		b.payPreparedAndLeave(want)
	case 3:
		b.underpay(want)
	case 4: // names a payment that does not exist
		b.orderUnknownPayment(want)
	}
}

func (s *storm) buy(b *buyer, want basket) {
	for {
		if impUID, ok := b.preparePayment(want); ok {
			b.placeOrder(impUID, want)
			if s.isPaid(impUID) {
				return
			}
		}
		var ok bool
		if want, ok = s.holdSeat(b); !ok {
			return
		}
	}
}

// isPaid waits for the result of an order.
func (s *storm) isPaid(impUID string) bool {
	for {
		o := s.order(impUID)
		if isDecided(o) || !harness.Sleep(s.ctx, 50*time.Millisecond) {
			return o.OrderStatus == "PAID"
		}
	}
}
