package harness

import "testing"

// seatKey is a seat of a schedule.
type seatKey struct {
	schedule string
	id       int
}

// seatOwner is who has a seat, and how.
type seatOwner struct {
	user     string
	ordered  string // imp_uid of the order without a result
	reserved bool
}

// CheckSeatOwners follows each seat through the log: no user gets another's seat, or releases it, and one that is in an order neither
// expires nor gets another order. It counts the seats that were held.
func CheckSeatOwners(tb testing.TB, history []LogCommand) (taken int) {
	tb.Helper()
	owners := map[seatKey]seatOwner{}
	for _, c := range history {
		for _, e := range c.Events {
			for _, id := range e.Data.ScheduleSeatIDs {
				key := seatKey{e.Entity, id}
				current, owned := owners[key]
				next, valid := current.follow(e, owned)
				if next == (seatOwner{}) {
					delete(owners, key)
				} else {
					owners[key] = next
				}
				if e.Type == "seats.held" {
					taken++
				}
				if !valid {
					tb.Errorf("event %s: %s of seat %d by %s, while it is %+v", e.EventID, e.Type, id, e.User, current)
				}
			}
		}
	}
	for key, o := range owners {
		if o.ordered != "" {
			tb.Errorf("at the end seat %+v is in order %s without a result", key, o.ordered)
		}
	}
	return taken
}

// follow returns who has the seat after event e, and whether that event may be.
func (o seatOwner) follow(e LogEvent, owned bool) (next seatOwner, valid bool) {
	same := o.user == e.User && !o.reserved
	switch e.Type {
	case "seats.held":
		return seatOwner{user: e.User}, !owned
	case "seats.ordered":
		return seatOwner{user: e.User, ordered: e.Data.ImpUID}, owned != e.Data.Late && (e.Data.Late || same) && o.ordered == ""
	case "seats.order-failed":
		return seatOwner{user: e.User}, same && o.ordered == e.Data.ImpUID
	case "seats.reserved":
		return seatOwner{user: e.User, reserved: true}, same && o.ordered == e.Data.ImpUID
	case "seats.released", "seats.expired":
		return seatOwner{}, same
	case "seats.cancelled":
		return seatOwner{}, o.user == e.User && o.reserved
	case "seats.blocked":
		return seatOwner{}, !owned
	}
	return o, true
}

// CheckCouponOwners follows each coupon through the log: it is in one order at a time, and its order uses it or gives it back. It returns
// the coupons that are used at the end.
func CheckCouponOwners(tb testing.TB, history []LogCommand) (used map[string]bool) {
	tb.Helper()
	type coupon struct{ user, state, order string }
	coupons := map[string]coupon{}
	for _, c := range history {
		for _, e := range c.Events {
			id := e.Data.CouponID
			current := coupons[id]
			invalid := false
			switch e.Type {
			case "coupons.issued":
				invalid = current.state != ""
				coupons[id] = coupon{e.User, "issued", ""}
			case "coupons.bound":
				invalid = current != coupon{e.User, "issued", ""}
				coupons[id] = coupon{e.User, "bound", e.Data.ImpUID}
			case "coupons.used":
				invalid = current != coupon{e.User, "bound", e.Data.ImpUID} && current != coupon{e.User, "issued", e.Data.ImpUID}
				coupons[id] = coupon{e.User, "used", e.Data.ImpUID}
			case "coupons.given-back":
				invalid = current != coupon{e.User, "bound", e.Data.ImpUID} && current != coupon{e.User, "used", e.Data.ImpUID}
				coupons[id] = coupon{e.User, "issued", ""}
			}
			if invalid {
				tb.Errorf("event %s: %s of coupon %s by %s for %s, while it is %+v", e.EventID, e.Type, id, e.User, e.Data.ImpUID, current)
			}
		}
	}
	used = map[string]bool{}
	for id, c := range coupons {
		if c.state == "bound" {
			tb.Errorf("at the end coupon %s is in order %s without a result", id, c.order)
		}
		if c.state == "used" {
			used[id] = true
		}
	}
	return used
}
