// The model of holds and reservations.

package machine_test

import (
	"fmt"
	"slices"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
)

func (w *model) createSchedule(c domain.Command, b seats.Create) string {
	if len(b.Sections) == 0 || b.MaxHoldSeconds != 0 && b.MaxHoldSeconds < b.HoldSeconds || sharesLabels(b.Sections) {
		return "invalid_body"
	}
	if w.schedules[c.Entity] != nil {
		return "schedule_exists"
	}
	w.schedules[c.Entity] = &scheduleModel{Create: b, id: c.Entity, sequence: c.Sequence, releaseAt: map[int]domain.Time{}}
	return "created " + c.Entity
}

func sharesLabels(sections []seats.Section) bool {
	seen := map[string]bool{}
	for _, section := range sections {
		for _, row := range section.Rows {
			for number := range row.Seats {
				label := fmt.Sprint(section.Name, "-", row.Name, "-", number)
				if seen[label] {
					return true
				}
				seen[label] = true
			}
		}
	}
	return false
}

func (h *scheduleModel) holdEnd(now domain.Time) domain.Time {
	return now + domain.Time(h.HoldSeconds)*1000
}

// addHold makes a hold.
func (h *scheduleModel) addHold(sequence uint64, user string, ids []int, now domain.Time) string {
	h.removeSeats(ids, now)
	h.holds = append(h.holds, &allocationModel{sequence: sequence, user: user, seats: ids, heldAt: now, expiresAt: h.holdEnd(now), warned: h.HoldSeconds <= 60})
	return fmt.Sprintf("h%d %v for %d until %s", sequence, ids, h.total(ids), h.holdEnd(now))
}

func (h *scheduleModel) unknownSeats(ids []int) []int {
	return filter(ids, func(id int) bool { return id < 1 || id > h.seatCount() })
}

func (h *scheduleModel) hold(c domain.Command, b seats.Hold, now domain.Time) string {
	ids, count := b.ScheduleSeatIDs, len(b.ScheduleSeatIDs)
	if b.BestAvailable != nil {
		count = b.BestAvailable.Count
	}
	if count > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknownSeats(ids); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if b.BestAvailable != nil && !h.hasSection(b.BestAvailable.Section) {
		return "seat_not_found in " + b.BestAvailable.Section
	}
	if h.closed {
		return "closed"
	}
	if h.taken(c.User, now)+count > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	free := h.availableAt(now)
	detail := ""
	if b.BestAvailable != nil {
		best := h.best(b.BestAvailable.Section, count, free)
		if best == nil {
			available := 0
			for _, row := range h.rows(b.BestAvailable.Section) {
				available += len(filter(seatRange(row[0], row[1]), free))
			}
			return fmt.Sprint("no_adjacent_seats of ", available)
		}
		ids = best
		detail = fmt.Sprintf(", best in %s", h.sectionOf(ids[0]).Name)
		for _, row := range h.rows("") {
			if orphans := newOrphans(row, ids, free); orphans != nil {
				detail += fmt.Sprint(" leaves ", orphans)
			}
		}
	} else if taken := filter(ids, func(id int) bool { return !free(id) }); taken != nil {
		return fmt.Sprint("seat_unavailable ", taken)
	} else if orphans := h.orphansOf(ids, free); orphans != nil {
		return fmt.Sprint("orphan_seat ", orphans)
	}
	return "held " + h.addHold(c.Sequence, c.User, ids, now) + detail
}

func (h *scheduleModel) release(c domain.Command, b seats.Release, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	ids := b.ScheduleSeatIDs
	if hold := findByID(h.holds, "h", b.HoldID); hold != nil {
		ids = hold.seats
	}
	held := filter(ids, func(id int) bool { return h.holderOf(id, now) == c.User })
	for _, id := range held {
		if imp := findBySeat(h.holds, id).payment; imp != "" {
			return fmt.Sprintf("hold_in_order [%s]", imp)
		}
	}
	h.removeSeats(held, now)
	return fmt.Sprint("released ", held)
}

// ownHold is the user's own hold, or the code why there is none.
func (h *scheduleModel) ownHold(c domain.Command, id string, now domain.Time) (*allocationModel, string) {
	hold := findByID(slices.Concat(h.holds, h.ended), "h", id)
	switch {
	case hold == nil || hold.offer:
		return nil, "hold_not_found"
	case hold.user != c.User:
		return nil, "not_owner"
	case hold.isOver(now):
		return nil, fmt.Sprint("hold_expired ", hold.expiresAt)
	case hold.payment != "":
		return nil, fmt.Sprintf("hold_in_order [%s]", hold.payment)
	}
	return hold, ""
}

func (h *scheduleModel) reserve(c domain.Command, b seats.Reserve, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	if h.Payment == "required" {
		return "payment_required"
	}
	ids := b.ScheduleSeatIDs
	if b.HoldID != "" {
		hold, problem := h.ownHold(c, b.HoldID, now)
		if hold == nil {
			return problem
		}
		if ids == nil {
			ids = hold.seats
		}
		if others := difference(ids, hold.seats); others != nil {
			return fmt.Sprint("seat_unavailable ", others)
		}
	}
	if others := filter(ids, func(id int) bool { return h.holderOf(id, now) != c.User }); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	h.removeSeats(ids, now)
	h.reserved = append(h.reserved, &allocationModel{sequence: c.Sequence, user: c.User, seats: ids})
	return fmt.Sprintf("reserved %s-r%d %v for %d", c.Entity, c.Sequence, ids, h.total(ids))
}

func (h *scheduleModel) extend(c domain.Command, b seats.Extend, now domain.Time) string {
	hold, problem := h.ownHold(c, b.HoldID, now)
	if hold == nil {
		return problem
	}
	until := h.holdEnd(now)
	if limit := hold.heldAt + domain.Time(h.MaxHoldSeconds)*1000; h.MaxHoldSeconds > 0 && until > limit {
		until = limit
	}
	if hold.extensions == h.MaxExtensions || until <= hold.expiresAt {
		if h.MaxExtensions == 0 {
			return "extend_limit_exceeded"
		}
		return fmt.Sprint("extend_limit_exceeded ", h.MaxExtensions)
	}
	hold.expiresAt, hold.extensions, hold.warned = until, hold.extensions+1, until.Sub(now) <= time.Minute
	return fmt.Sprintf("extended %s until %s", b.HoldID, until)
}

func (h *scheduleModel) swap(c domain.Command, b seats.Swap, now domain.Time) string {
	if len(b.Release)+len(b.Take) > 1000 {
		return "too_many_seats 1000"
	}
	hold, problem := h.ownHold(c, b.HoldID, now)
	if hold == nil {
		return problem
	}
	if missing := h.unknownSeats(b.Take); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if h.closed && len(b.Take) > 0 {
		return "closed"
	}
	if h.taken(c.User, now)+len(b.Take)-len(b.Release) > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	free := h.availableAt(now)
	if others := append(difference(b.Release, hold.seats), filter(b.Take, func(id int) bool { return !free(id) })...); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	ids := append(difference(hold.seats, b.Release), b.Take...)
	if len(ids) == 0 {
		return "invalid_body"
	}
	after := func(id int) bool { return free(id) || slices.Contains(b.Release, id) }
	if orphans := h.orphansOf(b.Take, after); orphans != nil {
		return fmt.Sprint("orphan_seat ", orphans)
	}
	h.removeSeats(b.Take, now)
	hold.seats = ids
	return fmt.Sprintf("swapped %s -%v +%v = %v for %d until %s", b.HoldID, b.Release, b.Take, ids, h.total(ids), hold.expiresAt)
}
