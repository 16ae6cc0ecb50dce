// The dumb twin at the box office: who waits, what the shop does, and what time does.
package shop_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

func (h *twinHall) join(c domain.Command, b seats.Join, now domain.Time) string {
	if !h.hasSection(b.Section) {
		return "seat_not_found in " + b.Section
	}
	if h.closed {
		return "closed"
	}
	before := 0
	for _, p := range h.line {
		o := h.offerTo(p)
		if p.user == c.User && (o == nil || o.until > now) {
			return fmt.Sprintf("already_waiting %s-ws%d", h.id, p.sequence)
		}
		if o == nil && p.section == b.Section {
			before++
		}
	}
	if b.Quantity > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	h.line = append(h.line, &twinHold{sequence: c.Sequence, user: c.User, quantity: b.Quantity, section: b.Section})
	return fmt.Sprintf("waits %s-ws%d for %d in %q at %d", h.id, c.Sequence, b.Quantity, b.Section, before+1)
}

// answer is what becomes of somebody's place when they accept, decline or leave.
func (h *twinHall) answer(c domain.Command, now domain.Time) string {
	var id, how string
	switch b := c.Body.(type) {
	case seats.Accept:
		id, how = b.WaitingID, "accepted"
	case seats.Decline:
		id, how = b.WaitingID, "declined"
	case seats.Leave:
		id, how = b.WaitingID, "left"
	}
	if badID(id) {
		return "invalid_body"
	}
	if h == nil {
		return "waiting_not_found"
	}
	p, past := named(h.line, h.id+"-ws", id), named(h.ended, h.id+"-ws", id)
	if p == nil && (past == nil || !past.offer) {
		return "waiting_not_found"
	}
	if p == nil {
		p = past
	}
	if p.user != c.User {
		return "not_owner"
	}
	o := h.offerTo(p)
	switch {
	case p == past:
		return fmt.Sprint("offer_expired ", p.until)
	case o != nil && o.until <= now:
		return fmt.Sprint("offer_expired ", o.until)
	case o == nil && how != "left":
		return "no_offer"
	case how == "accepted" && h.has(c.User, now)+len(o.seats) > h.MaxSeatsPerUser:
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	h.line = slices.DeleteFunc(h.line, func(other *twinHold) bool { return other == p })
	var ids []int
	if o != nil {
		ids = o.seats
		h.leave(ids, now)
	}
	if how == "accepted" {
		return "accepted " + id + " " + h.begin(c.Sequence, c.User, ids, now)
	}
	return fmt.Sprintf("%s %s %v", how, id, ids)
}

// nextOffer is who is next, and what for: of all whose wish fits, the one who joined first.
func (h *twinHall) nextOffer() (*twinHold, []int) {
	idle := asked(h.idle)
	vain := map[string]bool{} // wishes for which there is nothing
	for _, p := range h.line {
		wish := fmt.Sprint(p.quantity, p.section)
		if h.closed || vain[wish] || h.offerTo(p) != nil {
			continue
		}
		if best := h.best(p.section, p.quantity, idle); best != nil {
			return p, best
		}
		vain[wish] = true
	}
	return nil, nil
}

func (w *twin) offerSeats(now domain.Time) string {
	for _, id := range slices.Sorted(maps.Keys(w.halls)) {
		h := w.halls[id]
		p, ids := h.nextOffer()
		if p == nil {
			continue
		}
		h.holds = append(h.holds, &twinHold{sequence: p.sequence, user: p.user, seats: ids, until: h.end(now), warned: true, offer: true})
		return fmt.Sprintf("offered %s-ws%d of %s %v for %d until %s\nalarm offer for %s", id, p.sequence, p.user, ids, h.total(ids), h.end(now), p.user)
	}
	return ""
}

func (h *twinHall) shut(c domain.Command, b seats.Block, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknown(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if taken := those(b.ScheduleSeatIDs, func(id int) bool { return !h.open(id, now) }); taken != nil {
		return fmt.Sprint("seat_unavailable ", taken)
	}
	h.leave(b.ScheduleSeatIDs, now)
	h.blocked = append(h.blocked, b.ScheduleSeatIDs...)
	return fmt.Sprint("blocked ", b.ScheduleSeatIDs)
}

func (h *twinHall) reopen(b seats.Unblock) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknown(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if others := without(b.ScheduleSeatIDs, h.blocked); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	h.blocked = without(h.blocked, b.ScheduleSeatIDs)
	return fmt.Sprint("unblocked ", b.ScheduleSeatIDs)
}

// evict takes seats from whoever has them; each of them hears it once, in the order of the seats.
func (h *twinHall) evict(c domain.Command, b seats.Free, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 100 {
		return "too_many_seats 100"
	}
	if missing := h.unknown(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	var told []string
	var freed, done []int
	for _, id := range b.ScheduleSeatIDs {
		_, back := h.back[id]
		in, r := with(h.holds, id), with(h.reserved, id)
		if slices.Contains(done, id) {
			freed = append(freed, id)
			continue
		}
		if !back && r == nil && (in == nil || in.until <= now) {
			continue
		}
		freed = append(freed, id)
		switch {
		case back:
			ids := those(b.ScheduleSeatIDs, func(id int) bool { return h.back[id] != 0 })
			told, done = append(told, fmt.Sprint("returned ", ids)), append(done, ids...)
			h.leave(ids, now)
		case r != nil:
			ids := those(b.ScheduleSeatIDs, func(id int) bool { return slices.Contains(r.seats, id) })
			told = append(told, fmt.Sprintf("cancelled %s-r%d %v of %s", h.id, r.sequence, ids, r.user), "alarm reservation-cancelled for "+r.user)
			done = append(done, ids...)
			if kept := without(r.seats, ids); kept != nil {
				r.seats = kept
			} else {
				r.gone = true
			}
		case in.offer:
			told = append(told, h.offerOver(in, now))
			done = append(done, in.seats...)
		default:
			ids := those(b.ScheduleSeatIDs, func(id int) bool { return slices.Contains(in.seats, id) })
			told, done = append(told, fmt.Sprint("released ", ids)), append(done, ids...)
			h.leave(ids, now)
		}
	}
	return strings.Join(append(told, fmt.Sprint("freed ", freed)), "\n")
}

func (h *twinHall) offerOver(o *twinHold, at domain.Time) string {
	h.holds = slices.DeleteFunc(h.holds, func(other *twinHold) bool { return other == o })
	h.line = slices.DeleteFunc(h.line, func(p *twinHold) bool { return p.sequence == o.sequence })
	o.until = at
	h.ended = append(h.ended, o)
	return fmt.Sprintf("offer of %s-ws%d to %s ends %s %v", h.id, o.sequence, o.user, at, o.seats)
}

func (w *twin) duesOfHolds(now domain.Time) (dues []twinDue) {
	for _, h := range w.halls {
		for _, in := range h.holds {
			if in.warned {
				dues = append(dues, twinDue{in.until, in.sequence, func() string { return h.over(in) }})
				continue
			}
			dues = append(dues, twinDue{in.until - 60_000, in.sequence, func() string {
				in.warned = true
				warned := fmt.Sprintf("h%d of %s will end %s", in.sequence, in.user, in.until)
				if now < in.until {
					warned += "\nalarm hold-expiring for " + in.user
				}
				return warned
			}})
		}
		for _, at := range h.back {
			dues = append(dues, twinDue{at, h.made, func() string {
				ids := those(seatsFrom(1, h.seatsInAll()), func(id int) bool { return h.back[id] == at })
				ids = ids[:min(len(ids), 1000)]
				h.leave(ids, at)
				return fmt.Sprint("returned ", ids)
			}})
		}
	}
	return dues
}

// over ends a hold or an offer whose time has come.
func (h *twinHall) over(in *twinHold) string {
	if in.offer {
		return h.offerOver(in, in.until)
	}
	h.holds = slices.DeleteFunc(h.holds, func(other *twinHold) bool { return other == in })
	h.ended = append(h.ended, in)
	said := fmt.Sprintf("h%d of %s in %s ends %s %v", in.sequence, in.user, h.id, in.until, in.seats)
	if every := domain.Time(h.ReleaseEverySeconds) * 1000; every > 0 && in.until%every != 0 {
		at := in.until
		for at%every != 0 {
			at++
		}
		for _, id := range in.seats {
			h.back[id] = at
		}
		said += " back " + at.String()
	}
	return said
}
