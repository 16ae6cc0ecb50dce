// Commands about paid seats whose events multiply: each of them fits into the log.

package machine_test

import (
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// maxEvent is what EVENTS takes, less room for the parts that are not the body.
const maxEvent = 255 << 10

// paidHall is a fixture with a schedule whose seats are ordered by coupons that pay for everything: of all orders these have the most events.
func paidHall(t *testing.T, create seats.Create, users int) *fixture {
	c := newFixture(t)
	c.checkReplica, c.checkEveryEvent = false, false
	c.nextMessage(domain.Time(1_767_225_600_000))
	create.Title, create.HoldSeconds, create.Payment = "hall", 600, seats.PaymentRequired
	c.submitAll(0, "admin", "hall", create)
	gift := coupons.Create{Name: "gift", Stock: users, PerUserLimit: 1}
	gift.Discount = &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 100}
	c.submitAll(0, "admin", "gift", gift)
	return c
}

// submitAll is submit in a new message whenever one is full.
func (c *fixture) submitAll(i int, user, entity string, body domain.Body) (domain.Command, []domain.Event) {
	if c.index == perMessage {
		c.nextMessage(c.at)
	}
	name, _ := body.Type()
	cmd, events := c.submit(user, fmt.Sprint(name, " ", entity, " ", i), entity, body)
	for _, e := range events {
		if size := len(mustJSON(c.t, e.Body)); size > maxEvent {
			c.t.Fatalf("command %d: an event of %d bytes", cmd.Sequence, size)
		}
	}
	return cmd, events
}

// order lets user i hold seats, and order them with a coupon.
func (c *fixture) order(i int, ids []int) {
	user := fmt.Sprint("u", i)
	_, issued := c.submitAll(i, user, "gift", coupons.Issue{})
	cmd, _ := c.submitAll(i, user, "hall", seats.Hold{ScheduleSeatIDs: ids})
	_, events := c.submitAll(i, user, orders.NoPayment, orders.Place{
		HoldID: seats.HoldID(cmd.Sequence), CouponID: issued[0].Body.(coupons.Issued).CouponID,
		Terms: orders.Terms{Currency: "KRW", PaySeconds: 600},
	})
	if _, reserved := events[len(events)-2].Body.(seats.Reserved); !reserved {
		c.t.Fatalf("user %d has no reservation: %+v", i, events)
	}
}

// TestMachine_FitsManyRefunds calls off a performance with 400 orders, and reclaims as many paid seats as one command may while more ends
// are due than fit into it: in another hall, where each seat that comes back is offered to a waiting user.
func TestMachine_FitsManyRefunds(t *testing.T) {
	const bought, waiting = 400, 600
	c := paidHall(t, seats.Create{MaxSeatsPerUser: 9, Sections: []seats.Section{{Name: "A", Price: 10, Rows: []seats.Row{{Name: "1", Seats: 900}}}}}, bought)
	for i := range bought {
		c.order(i, []int{i + 1})
	}
	c.submitAll(0, "admin", "club", seats.Create{
		Title: "club", HoldSeconds: 600, MaxSeatsPerUser: 1, Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: waiting}}}},
	})
	for i := range waiting {
		c.submitAll(i, fmt.Sprint("h", i), "club", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
	}
	for i := range waiting {
		c.submitAll(i, fmt.Sprint("w", i), "club", seats.Join{Quantity: 1})
	}
	c.nextMessage(c.at + 600_000)
	named := make([]int, seats.MaxReclaimPaid)
	for i := range named {
		named[i] = i + 1
	}
	_, events := c.submitAll(0, "admin", "hall", seats.Reclaim{ScheduleSeatIDs: named, Refund: true})
	if _, reclaimed := events[len(events)-1].Body.(seats.Reclaimed); !reclaimed || len(events) < machine.MaxDueEvents+4*len(named) {
		t.Errorf("%d events, the last is %+v", len(events), events[len(events)-1].Body)
	}
	for {
		at, more := c.NextDeadline()
		if !more || at > c.at {
			break
		}
		c.submit("", "", domain.SystemEntity, domain.Tick{})
	}

	c.submitAll(1, "admin", "hall", seats.CancelSchedule{})
	for commands := 0; ; commands++ {
		if at, more := c.NextDeadline(); !more || at > c.at {
			if commands < 3 {
				t.Errorf("all ended with %d commands", commands)
			}
			break
		}
		c.submit("", "", domain.SystemEntity, domain.Tick{})
	}
	if got := c.Orders.Count(orders.StatusRefunded); got != bought {
		t.Errorf("%d orders of %d are refunded", got, bought)
	}
	for id := 1; id <= 900; id++ {
		if got := c.Seats.Schedule("hall").Seat(id).Status(); got != seats.StatusBlocked {
			t.Fatalf("seat %d is %s", id, got)
		}
	}
	for number := 1; number <= bought; number++ {
		if coupon, _ := c.Coupons.Promotion("gift").Coupon(number); coupon.Status != coupons.StatusIssued {
			t.Fatalf("coupon %d is %s", number, coupon.Status)
		}
	}
}

// TestMachine_FitsLargeReclaims reclaims reservations of 1,000 seats each, in a hall with the longest numbers: ten of them at once, and
// eleven are too many for one event.
func TestMachine_FitsLargeReclaims(t *testing.T) {
	const users, each = 11, seats.MaxSeatsPerCommand
	c := paidHall(t, seats.Create{MaxSeatsPerUser: each, Sections: []seats.Section{{Name: "A", Price: 10, Rows: []seats.Row{{Name: "1", Seats: seats.MaxSeats}}}}}, users)
	var named []int
	for i := range users {
		ids := make([]int, each)
		for n := range ids {
			ids[n] = seats.MaxSeats - i*each - n
		}
		c.order(i, ids)
		named = append(named, ids[0])
	}
	_, events := c.submitAll(0, "admin", "hall", seats.Reclaim{ScheduleSeatIDs: named, Refund: true})
	if rejection, ok := events[0].Body.(domain.Rejection); !ok || rejection.Code != domain.TooManySeats || rejection.Limit != seats.MaxReclaimed {
		t.Errorf("got %+v, want %s", events[0].Body, domain.TooManySeats)
	}
	_, events = c.submitAll(1, "admin", "hall", seats.Reclaim{ScheduleSeatIDs: named[1:], Refund: true})
	if done, ok := events[len(events)-1].Body.(seats.Reclaimed); !ok || done.ReleasedCount != 10*each {
		t.Errorf("got %+v", events[len(events)-1].Body)
	}
}
