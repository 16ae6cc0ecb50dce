package sse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// sale decides commands and delivers their events.
type sale struct {
	*fixture
	machine  *machine.Machine
	sequence uint64
	now      domain.Time
}

func (s *sale) decideCommand(user, entity string, body domain.Body) uint64 {
	s.t.Helper()
	s.sequence += domain.SequencesPerMessage
	c := domain.Command{Entity: entity, User: user, Body: body, Sequence: s.sequence, At: s.now}
	if user != "" {
		c.Request = domain.NewRequestID(user, fmt.Sprint(s.sequence))
	}
	events, err := s.machine.Execute(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.emit(events...)
	return s.sequence
}

func (s *sale) recordPayment(impUID string, p orders.Payment) {
	s.decideCommand("", impUID, orders.RecordPayment{LastEvent: s.machine.Orders.Order(impUID).LastEvent, Payment: p})
}

// names reads the next n frames, and returns what they are: their event, or the seat and its status.
func (s *stream) names(t *testing.T, n int) string {
	t.Helper()
	var names []string
	for _, e := range s.readN(t, n) {
		var data struct {
			ScheduleSeatID int
			Status         string
		}
		if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
			t.Fatal(err)
		}
		name := e.Event
		if name == "" {
			name = fmt.Sprint(data.ScheduleSeatID, data.Status)
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// What is carried on from an order to its seats and its coupon has no frame of its own for the user; those who watch the schedule see
// the seats; and the order's stream has its result.
func TestStreams_PaidSeats(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := &sale{fixture: newFixture(t, Config{}), machine: machine.New(), now: 1_000_000}
		s := f.serveBuffered()
		f.decideCommand("admin", "hall", seats.Create{Title: "t", HoldSeconds: 300, MaxSeatsPerUser: 4, StartsAt: f.now + 86_400_000,
			Options:  seats.Options{Payment: seats.PaymentRequired, RefundTiers: []seats.RefundTier{{UntilSeconds: 3600, Percent: 50}}},
			Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 3}}}}})
		f.decideCommand("admin", "half", coupons.Create{Name: "n", Stock: 9, PerUserLimit: 9,
			DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 50}}})
		f.decideCommand("admin", "all", coupons.Create{Name: "n", Stock: 9, PerUserLimit: 9,
			DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 100}}})
		kim, hall := s.mustOpen(t, "/users/kim", ""), s.mustOpen(t, "/schedules/hall", "")
		kim.mustNext(t)
		hall.mustNext(t)
		defer kim.Close()
		defer hall.Close()
		expect := func(frames, changes string) {
			t.Helper()
			if got := kim.names(t, len(strings.Fields(frames))); got != frames {
				t.Errorf("kim: got %s, want %s", got, frames)
			}
			if got := hall.names(t, len(strings.Fields(changes))); got != changes {
				t.Errorf("hall: got %s, want %s", got, changes)
			}
		}
		terms := orders.Terms{Currency: "KRW", PaySeconds: 600, MissingSeconds: 60}

		// Paid with a coupon, then cancelled with a refund in part.
		f.decideCommand("kim", "half", coupons.Issue{})
		hold := seats.HoldID(f.decideCommand("kim", "hall", seats.Hold{ScheduleSeatIDs: []int{1}}))
		f.decideCommand("kim", hold, orders.Prepare{HoldID: hold, CouponID: "half-1", Terms: &terms})
		f.decideCommand("kim", "imp_1", orders.Place{HoldID: hold, CouponID: "half-1", Amount: 500, Terms: terms})
		f.recordPayment("imp_1", orders.Payment{State: orders.PaymentPaid, Amount: 500, Currency: "KRW"})
		expect("issue-complete hold-complete command-complete order-accepted order-success", "1HELD 1RESERVED")
		f.decideCommand("kim", "hall", seats.Cancel{ReservationID: f.machine.Orders.Order("imp_1").ReservationID})
		f.recordPayment("imp_1", orders.Payment{State: orders.PaymentPaid, Amount: 500, Cancelled: 250, Currency: "KRW"})
		expect("reservation-cancelled order-refunding order-refunded alarm", "1AVAILABLE")

		// Not paid in time: the hold is over with the order; then the same seats are ordered late.
		hold = seats.HoldID(f.decideCommand("kim", "hall", seats.Hold{ScheduleSeatIDs: []int{1, 2}}))
		f.decideCommand("kim", "imp_2", orders.Place{HoldID: hold, Amount: 2000, Terms: terms})
		f.now += 400_000
		f.recordPayment("imp_2", orders.Payment{State: orders.PaymentFailed})
		expect("hold-complete order-accepted order-failure hold-expired", "1HELD 2HELD 1AVAILABLE 2AVAILABLE")
		f.decideCommand("kim", "imp_3", orders.Place{HoldID: hold, Amount: 2000, Terms: terms})
		expect("order-accepted", "1HELD 2HELD")
		f.recordPayment("imp_3", orders.Payment{State: orders.PaymentPaid, Amount: 2000, Currency: "KRW"})
		expect("order-success", "1RESERVED 2RESERVED")

		// An order that costs nothing.
		f.decideCommand("kim", "all", coupons.Issue{})
		hold = seats.HoldID(f.decideCommand("kim", "hall", seats.Hold{ScheduleSeatIDs: []int{3}}))
		free := fmt.Sprint("free-", f.decideCommand("kim", orders.NoPayment, orders.Place{HoldID: hold, CouponID: "all-1", Terms: terms}))
		expect("issue-complete hold-complete order-accepted order-success", "3HELD 3RESERVED")
		for impUID, want := range map[string]string{"imp_1": "success", "imp_2": "failure", "imp_3": "success", free: "success"} {
			st := s.mustOpen(t, "/orders/"+impUID+"?user=kim", "")
			st.mustNext(t)
			if e := st.mustNext(t); e.Event != want || !strings.Contains(e.Data, `"imp_uid":"`+impUID+`","holdId":"h`) {
				t.Errorf("%s: got %+v, want %s", impUID, e, want)
			}
			st.expectEnd(t)
		}

		// The performance is called off: a tick ends everything.
		f.decideCommand("admin", "hall", seats.CancelSchedule{Reason: "flu"})
		f.decideCommand("", domain.SystemEntity, domain.Tick{})
		expect("reservation-cancelled alarm order-refunding reservation-cancelled alarm order-refunded",
			"1AVAILABLE 2AVAILABLE 3AVAILABLE 1BLOCKED 2BLOCKED 3BLOCKED")
	})
}
