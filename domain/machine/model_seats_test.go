// The model of schedules: the status of a seat is found by asking all holds, offers and reservations.

package machine_test

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

type (
	scheduleModel struct {
		seats.Create
		id        string
		sequence  uint64
		closed    bool
		holds     []*allocationModel // and offers, until there is an event of their expiry
		ended     []*allocationModel
		reserved  []*allocationModel
		blocked   []int
		releaseAt map[int]domain.Time // seats of expired holds, until they are released
		waitlist  []*allocationModel  // with an offer and without
		off       *cancellationModel  // nil: it takes place
	}
	// allocationModel is a hold, an offer, a reservation or an entry of the waiting list.
	allocationModel struct {
		sequence   uint64
		user       string
		seats      []int
		heldAt     domain.Time
		expiresAt  domain.Time
		extensions int
		warned     bool // or too short for a warning
		offer      bool
		cancelled  bool   // a reservation that was cancelled
		retaken    bool   // by a late order
		prepared   bool   // a prepared payment has moved its end
		payment    string // of the order without a result that has the hold; of the order that paid for a reservation
		quantity   int
		section    string
	}
)

func (h *scheduleModel) seatCount() (n int) {
	for _, section := range h.Sections {
		for _, row := range section.Rows {
			n += row.Seats
		}
	}
	return n
}

// rows are the first and the last seat of each row of a section, or of all.
func (h *scheduleModel) rows(section string) (rows [][2]int) {
	next := 1
	for _, s := range h.Sections {
		for _, row := range s.Rows {
			if section == "" || section == s.Name {
				rows = append(rows, [2]int{next, next + row.Seats - 1})
			}
			next += row.Seats
		}
	}
	return rows
}

func (h *scheduleModel) sectionOf(seat int) seats.Section {
	for _, s := range h.Sections {
		for _, row := range s.Rows {
			if seat -= row.Seats; seat <= 0 {
				return s
			}
		}
	}
	return seats.Section{}
}

func (h *scheduleModel) total(ids []int) (total int64) {
	for _, id := range ids {
		total += h.sectionOf(id).Price
	}
	return total
}

func (h *scheduleModel) hasSection(name string) bool {
	return name == "" || slices.ContainsFunc(h.Sections, func(s seats.Section) bool { return s.Name == name })
}

// filter are the ids that keep accepts, in their order.
func filter(ids []int, keep func(int) bool) (found []int) {
	for _, id := range ids {
		if keep(id) {
			found = append(found, id)
		}
	}
	return found
}

func difference(ids, others []int) []int {
	return filter(ids, func(id int) bool { return !slices.Contains(others, id) })
}

// findBySeat is the one that has the seat, or nil.
func findBySeat(all []*allocationModel, seat int) *allocationModel {
	for _, a := range all {
		if !a.cancelled && slices.Contains(a.seats, seat) {
			return a
		}
	}
	return nil
}

// isFree says that a seat is on sale and in no hold, offer or reservation.
func (h *scheduleModel) isFree(seat int) bool {
	_, pending := h.releaseAt[seat]
	return findBySeat(h.holds, seat) == nil && findBySeat(h.reserved, seat) == nil && !slices.Contains(h.blocked, seat) && !pending
}

// hasWaiting says that a user waits without an offer.
func (h *scheduleModel) hasWaiting() bool {
	return slices.ContainsFunc(h.waitlist, func(p *allocationModel) bool { return h.offerFor(p) == nil })
}

func (h *scheduleModel) offerFor(p *allocationModel) *allocationModel {
	for _, o := range h.holds {
		if o.offer && o.sequence == p.sequence {
			return o
		}
	}
	return nil
}

// isAvailable says that a user without an offer can have the seat: it is free, or in a hold that is due in a schedule without
// waiting users and without ReleaseEverySeconds.
func (h *scheduleModel) isAvailable(seat int, now domain.Time) bool {
	if hold := findBySeat(h.holds, seat); hold != nil {
		return !hold.offer && hold.isOver(now) && !h.hasWaiting() && h.ReleaseEverySeconds == 0
	}
	return h.isFree(seat)
}

// availableAt says which seats a user without an offer can have. None as long as there are more offers to be made than one
// command can make.
func (h *scheduleModel) availableAt(now domain.Time) func(int) bool {
	p, _ := h.nextOffer()
	return memoize(func(id int) bool { return p == nil && h.isAvailable(id, now) })
}

// holderOf is the user who holds the seat, unless the hold is due.
func (h *scheduleModel) holderOf(seat int, now domain.Time) string {
	if hold := findBySeat(h.holds, seat); hold != nil && !hold.offer && !hold.isOver(now) {
		return hold.user
	}
	return ""
}

// removeSeats takes seats out of everything that has them. Empty holds are removed, unless they are due.
func (h *scheduleModel) removeSeats(ids []int, now domain.Time) {
	for _, a := range h.holds {
		a.seats = difference(a.seats, ids)
	}
	h.holds = slices.DeleteFunc(h.holds, func(a *allocationModel) bool { return len(a.seats) == 0 && (!a.isOver(now) || a.offer) })
	h.blocked = difference(h.blocked, ids)
	for _, id := range ids {
		delete(h.releaseAt, id)
	}
}

// isOver says that its time has passed. The hold of an order waits for the order's result.
func (a *allocationModel) isOver(now domain.Time) bool { return a.payment == "" && a.expiresAt <= now }

// taken is how many seats count towards the user's limit.
func (h *scheduleModel) taken(user string, now domain.Time) (n int) {
	for _, a := range slices.Concat(h.holds, h.reserved) {
		if a.user == user && !a.offer && !a.cancelled && (a.expiresAt == 0 || !a.isOver(now)) {
			n += len(a.seats)
		}
	}
	return n
}

func invalidSeats(ids []int) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(ids) == 0 || sorted[0] < 1 || len(slices.Compact(sorted)) != len(ids)
}

func invalidID(id string) bool { return id == "" || len(id) > 64 || strings.Contains(id, "!") }

func findByID(all []*allocationModel, prefix, id string) *allocationModel {
	for _, h := range all {
		if fmt.Sprint(prefix, h.sequence) == id {
			return h
		}
	}
	return nil
}

func (w *model) decideSeats(c domain.Command, now domain.Time) string {
	h := w.schedules[c.Entity]
	if b, ok := c.Body.(seats.Create); ok {
		return w.createSchedule(c, b)
	}
	switch b := c.Body.(type) {
	case seats.Cancel:
		return w.cancelReservation(h, c, b, now)
	case seats.Accept, seats.Decline, seats.Leave:
		return h.answerOffer(c, now)
	default:
		if invalidBody(b) {
			return "invalid_body"
		}
	}
	if h == nil {
		return "schedule_not_found"
	}
	switch b := c.Body.(type) {
	case seats.Hold:
		return h.hold(c, b, now)
	case seats.Release:
		return h.release(c, b, now)
	case seats.Reserve:
		return h.reserve(c, b, now)
	case seats.Extend:
		return h.extend(c, b, now)
	case seats.Swap:
		return h.swap(c, b, now)
	case seats.Block:
		return h.block(c, b, now)
	case seats.Unblock:
		return h.unblock(b)
	case seats.Reclaim:
		return w.reclaim(h, c, b, now)
	case seats.CancelSchedule:
		return h.callOff(c, b, now)
	case seats.Close:
		if h.closed {
			return "closed"
		}
		h.closed = true
		return "schedule closed"
	case seats.Join:
		return h.join(c, b, now)
	}
	return "unknown command"
}

// invalidBody says that a body has a wrong shape.
func invalidBody(body domain.Body) bool {
	switch b := body.(type) {
	case seats.Hold:
		if b.BestAvailable != nil {
			return b.ScheduleSeatIDs != nil || b.BestAvailable.Count < 1
		}
		return invalidSeats(b.ScheduleSeatIDs)
	case seats.Release:
		return b.HoldID == "" && invalidSeats(b.ScheduleSeatIDs) || b.HoldID != "" && (b.ScheduleSeatIDs != nil || invalidID(b.HoldID))
	case seats.Reserve:
		return (b.HoldID == "" || b.ScheduleSeatIDs != nil) && invalidSeats(b.ScheduleSeatIDs) || b.HoldID != "" && invalidID(b.HoldID)
	case seats.Extend:
		return invalidID(b.HoldID)
	case seats.Swap:
		return invalidID(b.HoldID) || invalidSeats(slices.Concat(b.Release, b.Take))
	case seats.Block:
		return invalidSeats(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Unblock:
		return invalidSeats(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Reclaim:
		return invalidSeats(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Close:
		return len(b.Reason) > 200
	case seats.CancelSchedule:
		return len(b.Reason) > 200
	case seats.Join:
		return b.Quantity < 1
	}
	return false
}

// describeSeat is the model's line for an event about a schedule; "" for other events.
func describeSeat(e domain.Event) string {
	held := func(id string, ids []int, total int64, until domain.Time) string {
		return fmt.Sprintf("%s %v for %d until %s", id, ids, total, until)
	}
	switch b := e.Body.(type) {
	case seats.Created:
		return "created " + b.ScheduleID
	case seats.Closed:
		return "schedule closed"
	case seats.Held:
		text := "held " + held(b.HoldID, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
		if b.BestAvailable != nil {
			if text += ", best in " + b.BestAvailable.Section; b.BestAvailable.Orphans != nil {
				text += fmt.Sprint(" leaves ", b.BestAvailable.Orphans)
			}
		}
		return text
	case seats.Extended:
		return fmt.Sprintf("extended %s until %s", b.HoldID, b.ExpiresAt)
	case seats.Expiring:
		return fmt.Sprintf("%s of %s expires soon, at %s", b.HoldID, e.User, b.ExpiresAt)
	case seats.Swapped:
		return fmt.Sprintf("swapped %s -%v +%v = %v for %d until %s", b.HoldID, b.Released, b.Taken, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.Released:
		return fmt.Sprint("released ", b.ScheduleSeatIDs) + paidBy(b.PaymentID)
	case seats.Reserved:
		return fmt.Sprintf("reserved %s %v for %d", b.ReservationID, b.ScheduleSeatIDs, b.TotalPrice) + paidBy(b.PaymentID) + paidBy(b.HoldID)
	case seats.Cancelled:
		text := fmt.Sprintf("cancelled %s %v of %s", b.ReservationID, b.ScheduleSeatIDs, e.User) + paidBy(b.PaymentID)
		if b.RefundPercent != nil {
			text += fmt.Sprintf(", %d percent: %d", *b.RefundPercent, *b.RefundAmount)
		}
		return text
	case seats.PaymentPrepared:
		return fmt.Sprintf("%s can be paid until %s", b.HoldID, b.ExpiresAt)
	case seats.Ordered:
		return fmt.Sprintf("ordered %s %v late %t", b.HoldID, b.ScheduleSeatIDs, b.Late) + paidBy(b.PaymentID)
	case seats.OrderFailed:
		return fmt.Sprintf("order of %s %v failed, held until %s", b.HoldID, b.ScheduleSeatIDs, b.ExpiresAt) + paidBy(b.PaymentID)
	case seats.ScheduleCancelled:
		return "called off " + b.ScheduleID + ", " + b.Reason
	case seats.Expired:
		text := fmt.Sprintf("%s of %s in %s expired %s %v", b.HoldID, e.User, b.ScheduleID, b.ExpiresAt, b.ScheduleSeatIDs)
		if b.ReleaseAt != 0 {
			text += ", released at " + b.ReleaseAt.String()
		}
		return text
	case seats.ReleasedToSale:
		return fmt.Sprint("released to sale ", b.ScheduleSeatIDs)
	case seats.Blocked:
		return fmt.Sprint("blocked ", b.ScheduleSeatIDs)
	case seats.Unblocked:
		return fmt.Sprint("unblocked ", b.ScheduleSeatIDs)
	case seats.Reclaimed:
		return fmt.Sprint("reclaimed ", b.ScheduleSeatIDs)
	case seats.Joined:
		return fmt.Sprintf("joined %s for %d in %q at %d", b.WaitingID, b.Quantity, b.Section, b.Position)
	case seats.Left:
		return fmt.Sprintf("left %s %v", b.WaitingID, b.ScheduleSeatIDs)
	case seats.Declined:
		return fmt.Sprintf("declined %s %v", b.WaitingID, b.ScheduleSeatIDs)
	case seats.Offered:
		return fmt.Sprintf("offered %s of %s %v for %d until %s", b.WaitingID, e.User, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.Accepted:
		return "accepted " + b.WaitingID + " " + held(b.HoldID, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.OfferExpired:
		return fmt.Sprintf("offer of %s to %s expired %s %v", b.WaitingID, e.User, b.ExpiresAt, b.ScheduleSeatIDs)
	}
	return ""
}
