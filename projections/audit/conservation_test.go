// Each conservation law, broken once by events that no rule gives.

package audit

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// chain is a list of events on one state.
type chain struct {
	t       *testing.T
	laws    *Conservation
	machine *machine.Machine
}

// apply adds an event, and returns the law that it breaks. The number of the event is its sequence, too.
func (c *chain) apply(entity string, body domain.Body) error {
	e := domain.Event{Number: c.machine.LastEvent + 1, Sequence: c.machine.LastEvent + 1, Now: 1000, Entity: entity, User: "kim", Body: body}
	c.machine.Apply(e)
	return c.laws.apply(e)
}

func (c *chain) must(entity string, body domain.Body) {
	c.t.Helper()
	if err := c.apply(entity, body); err != nil {
		c.t.Fatal(err)
	}
}

// newChain returns a seat that kim has paid for with a coupon, 900 instead of 1000.
func newChain(t *testing.T) *chain {
	c := &chain{t, newConservation(), machine.New()}
	c.must("hall", seats.Created{ScheduleID: "hall", HoldSeconds: 60, MaxSeatsPerUser: 4, Options: seats.Options{Payment: seats.PaymentRequired},
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 4}}}}})
	c.must("ten", coupons.Created{PromotionID: "ten", Stock: 9, PerUserLimit: 9})
	c.must("ten", coupons.Issued{PromotionID: "ten", CouponID: "ten-1", Number: 1})
	c.must("hall", seats.Held{ScheduleID: "hall", HoldID: "h4", ScheduleSeatIDs: []int{1}, ExpiresAt: 61_000})
	purchase := orders.Purchase{HoldID: "h4", ScheduleID: "hall", ScheduleSeatIDs: []int{1}, CouponID: "ten-1", Discount: 100, Amount: 900}
	c.must("imp", orders.Placed{PaymentID: "imp", Purchase: purchase, Terms: orders.Terms{Currency: "KRW"}})
	c.must("hall", seats.Ordered{ScheduleID: "hall", HoldID: "h4", ScheduleSeatIDs: []int{1}, PaymentID: "imp"})
	c.must("ten", coupons.Bound{PromotionID: "ten", CouponID: "ten-1", Number: 1, PaymentID: "imp"})
	c.must("imp", orders.Succeeded{PaymentID: "imp", Purchase: purchase, ReservationID: "hall-r9", Payment: paid(900, 0)})
	c.must("hall", seats.Reserved{ScheduleID: "hall", ReservationID: "hall-r9", ScheduleSeatIDs: []int{1}, HoldID: "h4", PaymentID: "imp"})
	c.must("ten", coupons.Used{PromotionID: "ten", CouponID: "ten-1", Number: 1, PaymentID: "imp"})
	if err := c.laws.compare(c.machine); err != nil {
		t.Fatal(err)
	}
	return c
}

func paid(amount, cancelled int64) orders.Payment {
	return orders.Payment{State: orders.PaymentPaid, Amount: amount, Cancelled: cancelled, Currency: "KRW"}
}

func TestConservation_FindsBrokenLaws(t *testing.T) {
	back := orders.Payment{State: orders.PaymentCancelled, Amount: 900, Cancelled: 900, Currency: "KRW"}
	for _, test := range []struct {
		name, want string
		entity     string
		body       domain.Body
		before     []domain.Body // of the same entity
	}{
		{"a seat that is sold twice", "seat 1 of hall becomes reserved, but it was reserved", "hall",
			seats.Reserved{ScheduleID: "hall", ReservationID: "hall-r11", ScheduleSeatIDs: []int{1}}, nil},
		{"a reserved seat that another user holds", "seat 1 of hall becomes held, but it was reserved", "hall",
			seats.Held{ScheduleID: "hall", HoldID: "h11", ScheduleSeatIDs: []int{1}}, nil},
		{"a seat that is free and comes back", "seat 2 of hall becomes free, but it was free", "hall",
			seats.Released{ScheduleID: "hall", ScheduleSeatIDs: []int{2}}, nil},
		{"a coupon that is used twice", "coupon ten-1 becomes used, but it was used", "ten",
			coupons.Used{PromotionID: "ten", CouponID: "ten-1", Number: 1}, nil},
		{"a number that is left out", "coupon ten-3 is issued, but the last number was 1", "ten",
			coupons.Issued{PromotionID: "ten", CouponID: "ten-3", Number: 3}, nil},
		{"money that was not paid back", "order imp is REFUNDED: 900 paid, but 0 kept and 300 refunded", "imp",
			orders.Refunded{PaymentID: "imp", Reason: "order_cancelled", Refunded: 900, Payment: paid(900, 300)}, nil},
		{"money that is kept and refunded", "order imp is REFUNDED: 900 paid, but 500 kept and 900 refunded", "imp",
			orders.Refunded{PaymentID: "imp", Reason: "order_cancelled", Refunded: 900, Payment: back, Kept: 500}, nil},
		{"a seat that costs more than was paid", "order cheap is PAID: 700 paid, but 900 kept and 0 refunded", "cheap",
			orders.Succeeded{PaymentID: "cheap", Payment: paid(700, 0)},
			[]domain.Body{orders.Placed{PaymentID: "cheap", Purchase: orders.Purchase{HoldID: "h9", Amount: 900}}}},
		{"a failure that keeps the money", "order lost is FAILED: 900 paid, but 0 kept and 0 refunded", "lost",
			orders.Failed{PaymentID: "lost", Reason: orders.ReasonTimeout, Payment: paid(900, 0)},
			[]domain.Body{orders.Placed{PaymentID: "lost", Purchase: orders.Purchase{HoldID: "h9", Amount: 900}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newChain(t)
			for _, body := range test.before {
				c.must(test.entity, body)
			}
			if err := c.laws.apply(domain.Event{Number: 11, Sequence: 11, Entity: test.entity, User: "kim", Body: test.body}); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// forgedLog has the events of a message of COMMANDS that a power loss took: an audit takes them as facts.
type forgedLog struct{ events []domain.Event }

func (l forgedLog) State(context.Context) (domain.LogState, error) {
	last := uint64(len(l.events))
	return domain.LogState{Commands: domain.StreamState{First: 1, Last: 1, Messages: 1}, Events: domain.StreamState{First: 1, Last: last, Messages: last}}, nil
}

func (forgedLog) CommandBatches(context.Context, uint64) iter.Seq2[domain.Batch, error] {
	return func(yield func(domain.Batch, error) bool) {
		yield(domain.Batch{Message: 1, Commands: []domain.Command{{Sequence: 1000, Body: domain.Noop{}}}}, nil)
	}
}

func (l forgedLog) Events(context.Context, uint64, string) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for i := range l.events {
			if !yield(domain.Record{Number: uint64(i + 1)}, nil) {
				return
			}
		}
	}
}

func (l forgedLog) DecodeEvent(r domain.Record) (domain.Event, error) {
	return l.events[r.Number-1], nil
}

func (forgedLog) EncodeEvent(domain.Hash, domain.Event) (domain.Record, error) {
	return domain.Record{}, errors.New("nothing is decided")
}

func TestRun_FindsBrokenLaw(t *testing.T) {
	hall := seats.Created{ScheduleID: "hall", HoldSeconds: 60, MaxSeatsPerUser: 4, Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: 4}}}}}
	var log forgedLog
	for i, body := range []domain.Body{
		hall, seats.Reserved{ScheduleID: "hall", ReservationID: "hall-r1000", ScheduleSeatIDs: []int{2}},
	} {
		log.events = append(log.events, domain.Event{Number: uint64(i + 1), Sequence: 1000, Entity: "hall", User: "kim", Body: body})
	}
	_, err := Run(t.Context(), log, nil)
	if want := "the log and the rules differ: after event 2: seat 2 of hall becomes reserved, but it was free"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What the provider says against a decision is no broken law. It is counted until the provider says otherwise.
func TestConservation_CountsWhatIsInDoubt(t *testing.T) {
	c := newChain(t)
	c.must("imp", orders.Discrepant{PaymentID: "imp", Payment: paid(900, 200)})
	want := "money: 900 KRW paid = 900 kept + 200 refunded + 0 under way - 200 in doubt"
	if got := c.laws.Lines()[0]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.must("imp", orders.Discrepant{PaymentID: "imp", Payment: paid(900, 0)})
	want = `money: 900 KRW paid = 900 kept + 0 refunded + 0 under way
seats: 4 = 1 reserved + 0 held + 3 free + 0 blocked + 0 waiting for their release
coupons issued: 1 = 1 used + 0 in orders + 0 free + 0 revoked`
	if got := strings.Join(c.laws.Lines(), "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// At the end everything is counted once more, by the state of the rules.
func TestConservation_ComparesWithState(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*chain)
	}{
		{"seats", "seat 2 of hall is blocked, but not by its events", func(c *chain) {
			c.machine.Seats.RestoreBlocked(c.machine.Seats.Schedule("hall"), []int{2})
		}},
		{"coupons", "coupon ten-1 is revoked, but not by its events", func(c *chain) {
			c.machine.Coupons.Apply(domain.Event{Entity: "ten", User: "kim", Body: coupons.Revoked{PromotionID: "ten", Number: 1}})
		}},
		{"money", "the payment of order imp is {State:paid MerchantUID: Amount:900 Cancelled:1 Currency:KRW Test:false}, but not by its events: " +
			"{Paid:900 Kept:900 Refunded:0 UnderWay:0 InDoubt:0}", func(c *chain) { c.machine.Orders.Order("imp").Payment.Cancelled = 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newChain(t)
			test.change(c)
			if err := c.laws.compare(c.machine); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
