// The laws that hold after every event, whatever the rules of the day are.

package machine

import "onsale/domain"

// CheckInvariants says which law of conservation event e, just made so, has broken. Stock = remaining + offered + issued with
// nothing below zero; every seat is free, held by or on offer to one, waiting to come back, reserved by one, or blocked; no
// product gives away more than it has, and an order that is over has its verdict.
func (s *Machine) CheckInvariants(e domain.Event) error {
	switch name, _ := e.Body.Type(); domain.Kind(name) {
	case "coupons":
		return s.Coupons.CheckInvariants(e)
	case "seats":
		return s.Seats.CheckInvariants(e)
	case "orders", "products":
		return s.Orders.CheckInvariants(e)
	}
	return nil
}
