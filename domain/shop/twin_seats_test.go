// The dumb twin at the box office: what a seat is, is found by asking everybody who may have it.
package shop_test

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

type (
	twinHall struct {
		seats.Create
		id       string
		made     uint64
		closed   bool
		holds    []*twinHold // and offers, until their end is told
		ended    []*twinHold
		reserved []*twinHold
		blocked  []int
		back     map[int]domain.Time // seats that come back, and when
		line     []*twinHold         // who waits: with an offer or without
	}
	// twinHold is a hold, an offer, a reservation or a place in a line: whatever somebody has.
	twinHold struct {
		sequence uint64
		user     string
		seats    []int
		since    domain.Time
		until    domain.Time
		extended int
		warned   bool // or never to be
		offer    bool
		gone     bool // a reservation that was cancelled
		quantity int
		section  string
	}
)

func (h *twinHall) seatsInAll() (n int) {
	for _, section := range h.Sections {
		for _, row := range section.Rows {
			n += row.Seats
		}
	}
	return n
}

// rows are the first and the last seat of each row of a section, or of all.
func (h *twinHall) rows(section string) (rows [][2]int) {
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

func (h *twinHall) sectionOf(seat int) seats.Section {
	for _, s := range h.Sections {
		for _, row := range s.Rows {
			if seat -= row.Seats; seat <= 0 {
				return s
			}
		}
	}
	return seats.Section{}
}

func (h *twinHall) total(ids []int) (total int64) {
	for _, id := range ids {
		total += h.sectionOf(id).Price
	}
	return total
}

func (h *twinHall) hasSection(name string) bool {
	return name == "" || slices.ContainsFunc(h.Sections, func(s seats.Section) bool { return s.Name == name })
}

// those are the ids for which that is so, in their order.
func those(ids []int, are func(int) bool) (found []int) {
	for _, id := range ids {
		if are(id) {
			found = append(found, id)
		}
	}
	return found
}

func without(ids, others []int) []int {
	return those(ids, func(id int) bool { return !slices.Contains(others, id) })
}

// with is whoever of them has the seat.
func with(all []*twinHold, seat int) *twinHold {
	for _, h := range all {
		if !h.gone && slices.Contains(h.seats, seat) {
			return h
		}
	}
	return nil
}

// idle says that a seat is nobody's at all and on sale.
func (h *twinHall) idle(seat int) bool {
	_, back := h.back[seat]
	return with(h.holds, seat) == nil && with(h.reserved, seat) == nil && !slices.Contains(h.blocked, seat) && !back
}

// someoneWaits says that there is somebody in line to whom nothing is offered.
func (h *twinHall) someoneWaits() bool {
	return slices.ContainsFunc(h.line, func(p *twinHold) bool { return h.offerTo(p) == nil })
}

func (h *twinHall) offerTo(p *twinHold) *twinHold {
	for _, o := range h.holds {
		if o.offer && o.sequence == p.sequence {
			return o
		}
	}
	return nil
}

// open says that somebody who did not wait can have the seat: it is idle, or in a hold that is due where nobody waits and
// seats come back one by one.
func (h *twinHall) open(seat int, now domain.Time) bool {
	if in := with(h.holds, seat); in != nil {
		return !in.offer && in.until <= now && !h.someoneWaits() && h.ReleaseEverySeconds == 0
	}
	return h.idle(seat)
}

// openFor says which seats somebody can have who did not wait. Nothing, as long as there are more offers to be made than one
// command could make.
func (h *twinHall) openFor(now domain.Time) func(int) bool {
	p, _ := h.nextOffer()
	return asked(func(id int) bool { return p == nil && h.open(id, now) })
}

// holder is who holds a seat that is not due.
func (h *twinHall) holder(seat int, now domain.Time) string {
	if in := with(h.holds, seat); in != nil && !in.offer && in.until > now {
		return in.user
	}
	return ""
}

// leave takes seats out of whatever they are in. Holds that are not due and have none left are forgotten.
func (h *twinHall) leave(ids []int, now domain.Time) {
	for _, in := range h.holds {
		in.seats = without(in.seats, ids)
	}
	h.holds = slices.DeleteFunc(h.holds, func(in *twinHold) bool { return len(in.seats) == 0 && (in.until > now || in.offer) })
	h.blocked = without(h.blocked, ids)
	for _, id := range ids {
		delete(h.back, id)
	}
}

// has is how many seats count against the user's limit.
func (h *twinHall) has(user string, now domain.Time) (n int) {
	for _, in := range slices.Concat(h.holds, h.reserved) {
		if in.user == user && !in.offer && !in.gone && (in.until == 0 || in.until > now) {
			n += len(in.seats)
		}
	}
	return n
}

func shapeless(ids []int) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(ids) == 0 || sorted[0] < 1 || len(slices.Compact(sorted)) != len(ids)
}

func badID(id string) bool { return id == "" || len(id) > 64 || strings.Contains(id, "!") }

func named(all []*twinHold, prefix, id string) *twinHold {
	for _, h := range all {
		if fmt.Sprint(prefix, h.sequence) == id {
			return h
		}
	}
	return nil
}

func (w *twin) ofSeats(c domain.Command, now domain.Time) string {
	h := w.halls[c.Entity]
	if b, ok := c.Body.(seats.Create); ok {
		return w.build(c, b)
	}
	switch b := c.Body.(type) {
	case seats.Cancel:
		return h.cancel(c, b, now)
	case seats.Accept, seats.Decline, seats.Leave:
		return h.answer(c, now)
	default:
		if twinShape(b) {
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
		return h.shut(c, b, now)
	case seats.Unblock:
		return h.reopen(b)
	case seats.Free:
		return h.evict(c, b, now)
	case seats.Close:
		if h.closed {
			return "closed"
		}
		h.closed = true
		return "closed for good"
	case seats.Join:
		return h.join(c, b, now)
	}
	return "what is this?"
}

// twinShape says that a wish has no right shape.
func twinShape(body domain.Body) bool {
	switch b := body.(type) {
	case seats.Hold:
		if b.BestAvailable != nil {
			return b.ScheduleSeatIDs != nil || b.BestAvailable.Count < 1
		}
		return shapeless(b.ScheduleSeatIDs)
	case seats.Release:
		return b.HoldID == "" && shapeless(b.ScheduleSeatIDs) || b.HoldID != "" && (b.ScheduleSeatIDs != nil || badID(b.HoldID))
	case seats.Reserve:
		return (b.HoldID == "" || b.ScheduleSeatIDs != nil) && shapeless(b.ScheduleSeatIDs) || b.HoldID != "" && badID(b.HoldID)
	case seats.Extend:
		return badID(b.HoldID)
	case seats.Swap:
		return badID(b.HoldID) || shapeless(slices.Concat(b.Release, b.Take))
	case seats.Block:
		return shapeless(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Unblock:
		return shapeless(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Free:
		return shapeless(b.ScheduleSeatIDs) || len(b.Reason) > 200
	case seats.Close:
		return len(b.Reason) > 200
	case seats.Join:
		return b.Quantity < 1
	}
	return false
}
