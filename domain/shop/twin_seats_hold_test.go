// The dumb twin at the box office: holding seats, and what becomes of them.
package shop_test

import (
	"fmt"
	"slices"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
)

func (w *twin) build(c domain.Command, b seats.Create) string {
	if len(b.Sections) == 0 || b.MaxHoldSeconds != 0 && b.MaxHoldSeconds < b.HoldSeconds {
		return "invalid_body"
	}
	if w.halls[c.Entity] != nil {
		return "schedule_exists"
	}
	w.halls[c.Entity] = &twinHall{Create: b, id: c.Entity, made: c.Sequence, back: map[int]domain.Time{}}
	return "created " + c.Entity
}

func (h *twinHall) end(now domain.Time) domain.Time { return now + domain.Time(h.HoldSeconds)*1000 }

// begin gives seats to somebody for a while.
func (h *twinHall) begin(sequence uint64, user string, ids []int, now domain.Time) string {
	h.leave(ids, now)
	h.holds = append(h.holds, &twinHold{sequence: sequence, user: user, seats: ids, since: now, until: h.end(now), warned: h.HoldSeconds <= 60})
	return fmt.Sprintf("h%d %v for %d until %s", sequence, ids, h.total(ids), h.end(now))
}

func (h *twinHall) unknown(ids []int) []int {
	return those(ids, func(id int) bool { return id < 1 || id > h.seatsInAll() })
}

func (h *twinHall) hold(c domain.Command, b seats.Hold, now domain.Time) string {
	ids, count := b.ScheduleSeatIDs, len(b.ScheduleSeatIDs)
	if b.BestAvailable != nil {
		count = b.BestAvailable.Count
	}
	if count > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknown(ids); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if b.BestAvailable != nil && !h.hasSection(b.BestAvailable.Section) {
		return "seat_not_found in " + b.BestAvailable.Section
	}
	if h.closed {
		return "closed"
	}
	if h.has(c.User, now)+count > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	free := h.openFor(now)
	how := ""
	if b.BestAvailable != nil {
		best := h.best(b.BestAvailable.Section, count, free)
		if best == nil {
			open := 0
			for _, row := range h.rows(b.BestAvailable.Section) {
				open += len(those(seatsFrom(row[0], row[1]), free))
			}
			return fmt.Sprint("no_adjacent_seats of ", open)
		}
		ids = best
		how = fmt.Sprintf(", best in %s", h.sectionOf(ids[0]).Name)
		for _, row := range h.rows("") {
			if orphans := singles(row, ids, free); orphans != nil {
				how += fmt.Sprint(" leaves ", orphans)
			}
		}
	} else if taken := those(ids, func(id int) bool { return !free(id) }); taken != nil {
		return fmt.Sprint("seat_unavailable ", taken)
	} else if orphans := h.refused(ids, free); orphans != nil {
		return fmt.Sprint("orphan_seat ", orphans)
	}
	return "held " + h.begin(c.Sequence, c.User, ids, now) + how
}

func (h *twinHall) release(c domain.Command, b seats.Release, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	ids := b.ScheduleSeatIDs
	if in := named(h.holds, "h", b.HoldID); in != nil {
		ids = in.seats
	}
	mine := those(ids, func(id int) bool { return h.holder(id, now) == c.User })
	h.leave(mine, now)
	return fmt.Sprint("released ", mine)
}

// mine is the command's own hold, or why not.
func (h *twinHall) mine(c domain.Command, id string, now domain.Time) (*twinHold, string) {
	in := named(slices.Concat(h.holds, h.ended), "h", id)
	switch {
	case in == nil || in.offer:
		return nil, "hold_not_found"
	case in.user != c.User:
		return nil, "not_owner"
	case in.until <= now:
		return nil, fmt.Sprint("hold_expired ", in.until)
	}
	return in, ""
}

func (h *twinHall) reserve(c domain.Command, b seats.Reserve, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	ids := b.ScheduleSeatIDs
	if b.HoldID != "" {
		in, why := h.mine(c, b.HoldID, now)
		if in == nil {
			return why
		}
		if ids == nil {
			ids = in.seats
		}
		if others := without(ids, in.seats); others != nil {
			return fmt.Sprint("seat_unavailable ", others)
		}
	}
	if others := those(ids, func(id int) bool { return h.holder(id, now) != c.User }); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	h.leave(ids, now)
	h.reserved = append(h.reserved, &twinHold{sequence: c.Sequence, user: c.User, seats: ids})
	return fmt.Sprintf("reserved %s-r%d %v for %d", c.Entity, c.Sequence, ids, h.total(ids))
}

func (h *twinHall) extend(c domain.Command, b seats.Extend, now domain.Time) string {
	in, why := h.mine(c, b.HoldID, now)
	if in == nil {
		return why
	}
	until := h.end(now)
	if most := in.since + domain.Time(h.MaxHoldSeconds)*1000; h.MaxHoldSeconds > 0 && until > most {
		until = most
	}
	if in.extended == h.MaxExtensions || until <= in.until {
		if h.MaxExtensions == 0 {
			return "extend_limit_exceeded"
		}
		return fmt.Sprint("extend_limit_exceeded ", h.MaxExtensions)
	}
	in.until, in.extended, in.warned = until, in.extended+1, until.Sub(now) <= time.Minute
	return fmt.Sprintf("extended %s until %s", b.HoldID, until)
}

func (h *twinHall) swap(c domain.Command, b seats.Swap, now domain.Time) string {
	if len(b.Release)+len(b.Take) > 1000 {
		return "too_many_seats 1000"
	}
	in, why := h.mine(c, b.HoldID, now)
	if in == nil {
		return why
	}
	if missing := h.unknown(b.Take); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if h.closed && len(b.Take) > 0 {
		return "closed"
	}
	if h.has(c.User, now)+len(b.Take)-len(b.Release) > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	free := h.openFor(now)
	if others := append(without(b.Release, in.seats), those(b.Take, func(id int) bool { return !free(id) })...); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	ids := append(without(in.seats, b.Release), b.Take...)
	if len(ids) == 0 {
		return "invalid_body"
	}
	after := func(id int) bool { return free(id) || slices.Contains(b.Release, id) }
	if orphans := h.refused(b.Take, after); orphans != nil {
		return fmt.Sprint("orphan_seat ", orphans)
	}
	h.leave(b.Take, now)
	in.seats = ids
	return fmt.Sprintf("swapped %s -%v +%v = %v for %d until %s", b.HoldID, b.Release, b.Take, ids, h.total(ids), in.until)
}

func (h *twinHall) cancel(c domain.Command, b seats.Cancel, now domain.Time) string {
	if badID(b.ReservationID) {
		return "invalid_body"
	}
	if h == nil {
		return "reservation_not_found"
	}
	r := named(h.reserved, h.id+"-r", b.ReservationID)
	switch {
	case r == nil:
		return "reservation_not_found"
	case r.user != c.User:
		return "not_owner"
	case r.gone:
		return "already_cancelled"
	}
	r.gone = true
	return fmt.Sprintf("cancelled %s %v of %s", b.ReservationID, r.seats, r.user)
}
