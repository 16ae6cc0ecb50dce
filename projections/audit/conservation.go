// Conservation laws, kept from the events alone and not from the state of the rules: what is paid is kept, refunded or under way; a
// seat has one state at a time; so has a coupon. Each event changes what it touches.

package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/seats"
)

// Conservation is where all money, seats and coupons are.
type Conservation struct {
	balances map[string]*balance // of orders, by imp_uid
	seats    map[string][]status // by schedule, seat n at n-1
	coupons  map[string][]status // by promotion, number n at n-1
	money    map[string]Money    // by currency
	statuses map[status]int      // of seats and coupons
}

func newConservation() *Conservation {
	return &Conservation{
		balances: map[string]*balance{}, seats: map[string][]status{}, coupons: map[string][]status{}, money: map[string]Money{},
		statuses: map[status]int{},
	}
}

// status is where a seat or a coupon is.
type status uint8

const (
	seatFree status = iota + 1
	seatHeld        // by a user, an offer or an order
	seatWaiting
	seatReserved
	seatBlocked
	couponFree
	couponInOrder
	couponUsed
	couponRevoked
)

func (p status) String() string {
	return [...]string{"", "free", "held", "waiting for its release", "reserved", "blocked", "free", "in an order", "used", "revoked"}[p]
}

// apply notes what event e changes, and returns the law that it breaks.
func (c *Conservation) apply(e domain.Event) error {
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "orders":
		return c.applyOrder(e)
	case "seats":
		return c.applySeats(e)
	case "coupons":
		return c.applyCoupons(e)
	}
	return nil
}

// move gives one of all a new status. It has to be in one of those that from names.
func (c *Conservation) move(all []status, what string, number int, to status, from ...status) error {
	if number < 1 || number > len(all) {
		return fmt.Errorf("%s does not exist", what)
	}
	before := all[number-1]
	if !slices.Contains(from, before) {
		return fmt.Errorf("%s becomes %s, but it was %s", what, to, before)
	}
	all[number-1] = to
	c.statuses[before]--
	c.statuses[to]++
	return nil
}

func (c *Conservation) applySeats(e domain.Event) error {
	switch b := e.Body.(type) {
	case seats.Created:
		c.seats[e.Entity] = slices.Repeat([]status{seatFree}, seats.NewLayout(b.Sections).Total())
		c.statuses[seatFree] += len(c.seats[e.Entity])
		return nil
	case seats.Swapped: // a hold that is due may lose seats before its end is emitted
		return errors.Join(c.moveSeats(e, b.Released, seatFree, seatHeld), c.moveSeats(e, b.Taken, seatHeld, seatFree, seatHeld))
	case seats.Held, seats.Accepted:
		return c.moveSeats(e, e.Seats(), seatHeld, seatFree, seatHeld)
	case seats.Ordered:
		if b.Late {
			return c.moveSeats(e, b.ScheduleSeatIDs, seatHeld, seatFree, seatHeld)
		}
		return c.moveSeats(e, b.ScheduleSeatIDs, seatHeld, seatHeld)
	case seats.OrderFailed:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatHeld, seatHeld)
	case seats.Offered:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatHeld, seatFree)
	case seats.Reserved:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatReserved, seatHeld)
	case seats.Expired:
		if b.ReleaseAt != 0 {
			return c.moveSeats(e, b.ScheduleSeatIDs, seatWaiting, seatHeld)
		}
		return c.moveSeats(e, b.ScheduleSeatIDs, seatFree, seatHeld)
	case seats.Released, seats.OfferExpired, seats.Declined, seats.Left:
		return c.moveSeats(e, e.Seats(), seatFree, seatHeld)
	case seats.ReleasedToSale:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatFree, seatWaiting)
	case seats.Cancelled:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatFree, seatReserved)
	case seats.Blocked:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatBlocked, seatFree, seatHeld, seatWaiting)
	case seats.Unblocked:
		return c.moveSeats(e, b.ScheduleSeatIDs, seatFree, seatBlocked)
	}
	return nil
}

func (c *Conservation) moveSeats(e domain.Event, ids []int, to status, from ...status) error {
	for _, id := range ids {
		if err := c.move(c.seats[e.Entity], fmt.Sprintf("seat %d of %s", id, e.Entity), id, to, from...); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conservation) applyCoupons(e domain.Event) error {
	coupon := func(number int) string { return "coupon " + coupons.CouponID(e.Entity, number) }
	issue := func(number, quantity int) error {
		if number != len(c.coupons[e.Entity])+1 {
			return fmt.Errorf("%s is issued, but the last number was %d", coupon(number), len(c.coupons[e.Entity]))
		}
		c.coupons[e.Entity] = append(c.coupons[e.Entity], slices.Repeat([]status{couponFree}, quantity)...)
		c.statuses[couponFree] += quantity
		return nil
	}
	all := c.coupons[e.Entity]
	switch b := e.Body.(type) {
	case coupons.Issued:
		return issue(b.Number, 1)
	case coupons.Accepted:
		return issue(b.Number, b.Quantity)
	case coupons.Bound:
		return c.move(all, coupon(b.Number), b.Number, couponInOrder, couponFree)
	case coupons.Used:
		if b.PaymentID != "" {
			return c.move(all, coupon(b.Number), b.Number, couponUsed, couponInOrder)
		}
		return c.move(all, coupon(b.Number), b.Number, couponUsed, couponFree)
	case coupons.GivenBack:
		return c.move(all, coupon(b.Number), b.Number, couponFree, couponInOrder, couponUsed)
	case coupons.Revoked:
		return c.move(all, coupon(b.Number), b.Number, couponRevoked, couponFree, couponUsed)
	}
	return nil
}

// compare counts everything once more, by the state of the rules, and returns the first difference.
func (c *Conservation) compare(m *machine.Machine) error {
	counted := map[status]int{}
	for _, id := range m.Seats.IDs() {
		sc := m.Seats.Schedule(id)
		for number := range sc.Layout.Total() {
			p := seatPosition(sc.Seat(number + 1))
			if counted[p]++; number >= len(c.seats[id]) || c.seats[id][number] != p {
				return fmt.Errorf("seat %d of %s is %s, but not by its events", number+1, id, p)
			}
		}
	}
	for _, id := range m.Coupons.IDs() {
		p := m.Coupons.Promotion(id)
		for number := 1; number <= p.IssuedEver; number++ {
			coupon, _ := p.Coupon(number)
			at := map[coupons.Status]status{coupons.StatusIssued: couponFree, coupons.StatusUsed: couponUsed,
				coupons.StatusRevoked: couponRevoked, coupons.StatusInOrder: couponInOrder}[coupon.Status]
			if counted[at]++; number > len(c.coupons[id]) || c.coupons[id][number-1] != at {
				return fmt.Errorf("coupon %s is %s, but not by its events", coupons.CouponID(id, number), at)
			}
		}
	}
	for p, n := range c.statuses {
		if counted[p] != n {
			return fmt.Errorf("%d seats or coupons are %s, but %d by their events", counted[p], p, n)
		}
	}
	return c.compareMoney(m.Orders)
}

func seatPosition(s seats.Seat) status {
	switch s.Status() {
	case seats.StatusReserved:
		return seatReserved
	case seats.StatusBlocked:
		return seatBlocked
	case seats.StatusHeld:
		if s.ReleaseAt() != 0 {
			return seatWaiting
		}
		return seatHeld
	}
	return seatFree
}

// Lines are what the summary of an audit says: one line each for the money, the seats and the coupons that there are.
func (c *Conservation) Lines() (lines []string) {
	for _, currency := range slices.Sorted(maps.Keys(c.money)) {
		if m := c.money[currency]; m != (Money{}) {
			line := fmt.Sprintf("money: %d %s paid = %d kept + %d refunded + %d under way", m.Paid, currency, m.Kept, m.Refunded, m.UnderWay)
			if m.InDoubt < 0 {
				line += fmt.Sprintf(" - %d in doubt", -m.InDoubt)
			} else if m.InDoubt > 0 {
				line += fmt.Sprintf(" + %d in doubt", m.InDoubt)
			}
			lines = append(lines, line)
		}
	}
	add := func(what string, total int, terms ...string) {
		if total > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d = %s", what, total, strings.Join(terms, " + ")))
		}
	}
	term := func(p status, what string) string { return fmt.Sprintf("%d %s", c.statuses[p], what) }
	total := func(all map[string][]status) (n int) {
		for _, some := range all {
			n += len(some)
		}
		return n
	}
	add("seats", total(c.seats), term(seatReserved, "reserved"), term(seatHeld, "held"), term(seatFree, "free"), term(seatBlocked, "blocked"),
		term(seatWaiting, "waiting for their release"))
	add("coupons issued", total(c.coupons), term(couponUsed, "used"), term(couponInOrder, "in orders"), term(couponFree, "free"),
		term(couponRevoked, "revoked"))
	return lines
}
