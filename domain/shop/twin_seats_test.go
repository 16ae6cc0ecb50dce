// The dumb twin at the box office: a seat's owner is found by asking every hold and every reservation.
package shop_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

// price of a seat; -1 when there is none.
func (w *twin) price(hall string, seat int) int64 {
	for _, section := range w.halls[hall].Sections {
		for _, row := range section.Rows {
			if seat >= 1 && seat <= row.Seats {
				return section.Price
			}
			seat -= row.Seats
		}
	}
	return -1
}

func (w *twin) exists(hall string, seat int) bool { return w.price(hall, seat) >= 0 }

func (w *twin) total(hall string, ids []int) (total int64) {
	for _, id := range ids {
		total += w.price(hall, id)
	}
	return total
}

func those(ids []int, are func(int) bool) (found []int) {
	for _, id := range ids {
		if are(id) {
			found = append(found, id)
		}
	}
	return found
}

func (w *twin) hasReserved(hall string, seat int) bool {
	return slices.ContainsFunc(w.reserved, func(r twinHold) bool { return r.hall == hall && slices.Contains(r.seats, seat) })
}

// holder is who holds a seat that is not due.
func (w *twin) holder(hall string, seat int, now domain.Time) string {
	for _, h := range w.holds {
		if h.hall == hall && h.until > now && slices.Contains(h.seats, seat) {
			return h.user
		}
	}
	return ""
}

// take takes seats out of whatever holds have them; those that are not due and have none left are forgotten.
func (w *twin) take(hall string, ids []int, now domain.Time) {
	for i := range w.holds {
		if h := &w.holds[i]; h.hall == hall {
			h.seats = slices.DeleteFunc(slices.Clone(h.seats), func(seat int) bool { return slices.Contains(ids, seat) })
		}
	}
	w.holds = slices.DeleteFunc(w.holds, func(h twinHold) bool { return len(h.seats) == 0 && h.until > now })
}

func shapeless(ids []int) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(ids) == 0 || sorted[0] < 1 || len(slices.Compact(sorted)) != len(ids)
}

func (w *twin) hold(c domain.Command, ids []int, now domain.Time) string {
	hall, ok := w.halls[c.Entity]
	if shapeless(ids) {
		return "invalid_body"
	}
	if !ok {
		return "schedule_not_found"
	}
	if len(ids) > 1000 {
		return "too_many_seats 1000"
	}
	if missing := those(ids, func(id int) bool { return !w.exists(c.Entity, id) }); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	has := len(ids)
	for _, h := range slices.Concat(w.holds, w.reserved) {
		if h.hall == c.Entity && h.user == c.User && (h.until == 0 || h.until > now) {
			has += len(h.seats)
		}
	}
	if has > hall.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", hall.MaxSeatsPerUser)
	}
	if taken := those(ids, func(id int) bool { return w.hasReserved(c.Entity, id) || w.holder(c.Entity, id, now) != "" }); taken != nil {
		return fmt.Sprint("seat_unavailable ", taken)
	}
	w.take(c.Entity, ids, now)
	until := now + domain.Time(hall.HoldSeconds)*1000
	w.holds = append(w.holds, twinHold{c.Sequence, c.Entity, c.User, ids, until})
	return fmt.Sprintf("held h%d %v for %d until %s", c.Sequence, ids, w.total(c.Entity, ids), until)
}

func named(holds []twinHold, hall, id string) (twinHold, bool) {
	for _, h := range holds {
		if h.hall == hall && "h"+strconv.FormatUint(h.sequence, 10) == id {
			return h, true
		}
	}
	return twinHold{}, false
}

func (w *twin) release(c domain.Command, b seats.Release, now domain.Time) string {
	if b.HoldID == "" && shapeless(b.ScheduleSeatIDs) || b.HoldID != "" && (b.ScheduleSeatIDs != nil || strings.Contains(b.HoldID, "!")) {
		return "invalid_body"
	}
	if _, ok := w.halls[c.Entity]; !ok {
		return "schedule_not_found"
	}
	ids := b.ScheduleSeatIDs
	if h, ok := named(w.holds, c.Entity, b.HoldID); ok {
		ids = h.seats
	}
	mine := those(ids, func(id int) bool { return w.holder(c.Entity, id, now) == c.User })
	w.take(c.Entity, mine, now)
	return fmt.Sprint("released ", mine)
}

func (w *twin) reserve(c domain.Command, b seats.Reserve, now domain.Time) string {
	ids := b.ScheduleSeatIDs
	if (b.HoldID == "" || ids != nil) && shapeless(ids) || strings.Contains(b.HoldID, "!") {
		return "invalid_body"
	}
	if _, ok := w.halls[c.Entity]; !ok {
		return "schedule_not_found"
	}
	if b.HoldID != "" {
		h, ok := named(slices.Concat(w.holds, w.ended), c.Entity, b.HoldID)
		switch {
		case !ok:
			return "hold_not_found"
		case h.user != c.User:
			return "not_owner"
		case h.until <= now:
			return fmt.Sprint("hold_expired ", h.until)
		}
		if ids == nil {
			ids = h.seats
		}
		if outside := those(ids, func(id int) bool { return !slices.Contains(h.seats, id) }); outside != nil {
			return fmt.Sprint("seat_unavailable ", outside)
		}
	}
	if others := those(ids, func(id int) bool { return w.holder(c.Entity, id, now) != c.User }); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	w.take(c.Entity, ids, now)
	w.reserved = append(w.reserved, twinHold{c.Sequence, c.Entity, c.User, ids, 0})
	return fmt.Sprintf("reserved %s-r%d %v for %d", c.Entity, c.Sequence, ids, w.total(c.Entity, ids))
}
