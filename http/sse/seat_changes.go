// Which seats an event gave another status: what the watchers of a schedule are told.

package sse

import (
	"iter"

	"onsale/domain"
	"onsale/domain/seats"
)

// seatChanges are these seats with their new status, in the order in which the event names them. The order belongs to the
// version of the rules: an id within an event counts on it.
func seatChanges(e *domain.Event) iter.Seq2[int, seats.Status] {
	return func(yield func(int, seats.Status) bool) {
		each := func(ids []int, status seats.Status) bool {
			for _, id := range ids {
				if !yield(id, status) {
					return false
				}
			}
			return true
		}
		switch body := e.Body.(type) {
		case seats.Held:
			each(body.ScheduleSeatIDs, seats.StatusHeld)
		case seats.Offered:
			each(body.ScheduleSeatIDs, seats.StatusHeld)
		case seats.Swapped:
			_ = each(body.Released, seats.StatusAvailable) && each(body.Taken, seats.StatusHeld)
		case seats.Reserved:
			each(body.ScheduleSeatIDs, seats.StatusReserved)
		case seats.Blocked:
			each(body.ScheduleSeatIDs, seats.StatusBlocked)
		case seats.Expired:
			if body.ReleaseAt == 0 { // otherwise others still see them as held
				each(body.ScheduleSeatIDs, seats.StatusAvailable)
			}
		case seats.Released:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.ReleasedToSale:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.Cancelled:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.Unblocked:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.Left:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.Declined:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		case seats.OfferExpired:
			each(body.ScheduleSeatIDs, seats.StatusAvailable)
		}
	}
}

// isPublic says that watchers of a schedule see something of e. A rush of refusals need not wake them.
func isPublic(e *domain.Event) bool {
	for range seatChanges(e) {
		return true
	}
	return false
}
