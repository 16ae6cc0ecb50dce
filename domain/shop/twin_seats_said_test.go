// The dumb twin at the box office: its words for what happened.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/seats"
)

// seatSaid is what an event says, in the twin's words; "" when it is about something else.
func seatSaid(e domain.Event) string {
	held := func(id string, ids []int, total int64, until domain.Time) string {
		return fmt.Sprintf("%s %v for %d until %s", id, ids, total, until)
	}
	switch b := e.Body.(type) {
	case seats.Created:
		return "created " + b.ScheduleID
	case seats.Closed:
		return "closed for good"
	case seats.Held:
		said := "held " + held(b.HoldID, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
		if b.BestAvailable != nil {
			if said += ", best in " + b.BestAvailable.Section; b.BestAvailable.Orphans != nil {
				said += fmt.Sprint(" leaves ", b.BestAvailable.Orphans)
			}
		}
		return said
	case seats.Extended:
		return fmt.Sprintf("extended %s until %s", b.HoldID, b.ExpiresAt)
	case seats.Expiring:
		return fmt.Sprintf("%s of %s will end %s", b.HoldID, e.User, b.ExpiresAt)
	case seats.Swapped:
		return fmt.Sprintf("swapped %s -%v +%v = %v for %d until %s", b.HoldID, b.Released, b.Taken, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.Released:
		return fmt.Sprint("released ", b.ScheduleSeatIDs)
	case seats.Reserved:
		return fmt.Sprintf("reserved %s %v for %d", b.ReservationID, b.ScheduleSeatIDs, b.TotalPrice)
	case seats.Cancelled:
		return fmt.Sprintf("cancelled %s %v of %s", b.ReservationID, b.ScheduleSeatIDs, e.User)
	case seats.Expired:
		said := fmt.Sprintf("%s of %s in %s ends %s %v", b.HoldID, e.User, b.ScheduleID, b.ExpiresAt, b.ScheduleSeatIDs)
		if b.FreeAt != 0 {
			said += " back " + b.FreeAt.String()
		}
		return said
	case seats.Returned:
		return fmt.Sprint("returned ", b.ScheduleSeatIDs)
	case seats.Blocked:
		return fmt.Sprint("blocked ", b.ScheduleSeatIDs)
	case seats.Unblocked:
		return fmt.Sprint("unblocked ", b.ScheduleSeatIDs)
	case seats.Freed:
		return fmt.Sprint("freed ", b.ScheduleSeatIDs)
	case seats.Joined:
		return fmt.Sprintf("waits %s for %d in %q at %d", b.WaitingID, b.Quantity, b.Section, b.Position)
	case seats.Left:
		return fmt.Sprintf("left %s %v", b.WaitingID, b.ScheduleSeatIDs)
	case seats.Declined:
		return fmt.Sprintf("declined %s %v", b.WaitingID, b.ScheduleSeatIDs)
	case seats.Offered:
		return fmt.Sprintf("offered %s of %s %v for %d until %s", b.WaitingID, e.User, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.Accepted:
		return "accepted " + b.WaitingID + " " + held(b.HoldID, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.OfferExpired:
		return fmt.Sprintf("offer of %s to %s ends %s %v", b.WaitingID, e.User, b.ExpiresAt, b.ScheduleSeatIDs)
	}
	return ""
}
