// The model of waiting lists and offers of seats, of admin actions, and of expiry.

package machine_test

import (
	"fmt"
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/seats"
)

func (h *scheduleModel) join(c domain.Command, b seats.Join, now domain.Time) string {
	if !h.hasSection(b.Section) {
		return "seat_not_found in " + b.Section
	}
	if h.closed {
		return "closed"
	}
	before := 0
	for _, p := range h.waitlist {
		o := h.offerFor(p)
		if p.user == c.User && (o == nil || o.expiresAt > now) {
			return fmt.Sprintf("already_waiting %s-ws%d", h.id, p.sequence)
		}
		if o == nil && p.section == b.Section {
			before++
		}
	}
	if b.Quantity > h.MaxSeatsPerUser {
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	h.waitlist = append(h.waitlist, &allocationModel{sequence: c.Sequence, user: c.User, quantity: b.Quantity, section: b.Section})
	return fmt.Sprintf("joined %s-ws%d for %d in %q at %d", h.id, c.Sequence, b.Quantity, b.Section, before+1)
}

// answerOffer accepts or declines an offer, or leaves the waiting list.
func (h *scheduleModel) answerOffer(c domain.Command, now domain.Time) string {
	var id, outcome string
	switch b := c.Body.(type) {
	case seats.Accept:
		id, outcome = b.WaitingID, "accepted"
	case seats.Decline:
		id, outcome = b.WaitingID, "declined"
	case seats.Leave:
		id, outcome = b.WaitingID, "left"
	}
	if invalidID(id) {
		return "invalid_body"
	}
	if h == nil {
		return "waiting_not_found"
	}
	p, expired := findByID(h.waitlist, h.id+"-ws", id), findByID(h.ended, h.id+"-ws", id)
	if p == nil && (expired == nil || !expired.offer) {
		return "waiting_not_found"
	}
	if p == nil {
		p = expired
	}
	if p.user != c.User {
		return "not_owner"
	}
	o := h.offerFor(p)
	switch {
	case p == expired:
		return fmt.Sprint("offer_expired ", p.expiresAt)
	case o != nil && o.expiresAt <= now:
		return fmt.Sprint("offer_expired ", o.expiresAt)
	case o == nil && outcome != "left":
		return "no_offer"
	case outcome == "accepted" && h.taken(c.User, now)+len(o.seats) > h.MaxSeatsPerUser:
		return fmt.Sprint("seat_limit_exceeded ", h.MaxSeatsPerUser)
	}
	h.waitlist = slices.DeleteFunc(h.waitlist, func(other *allocationModel) bool { return other == p })
	var ids []int
	if o != nil {
		ids = o.seats
		h.removeSeats(ids, now)
	}
	if outcome == "accepted" {
		return "accepted " + id + " " + h.addHold(c.Sequence, c.User, ids, now)
	}
	return fmt.Sprintf("%s %s %v", outcome, id, ids)
}

// nextOffer is the first waiting entry that fits, and its seats.
func (h *scheduleModel) nextOffer() (*allocationModel, []int) {
	isFree := memoize(h.isFree)
	noFit := map[string]bool{} // by quantity and section
	for _, p := range h.waitlist {
		key := fmt.Sprint(p.quantity, p.section)
		if h.closed || noFit[key] || h.offerFor(p) != nil || h.taken(p.user, 0)+p.quantity > h.MaxSeatsPerUser { // of holds that are due, too
			continue
		}
		if best := h.best(p.section, p.quantity, isFree); best != nil {
			return p, best
		}
		noFit[key] = true
	}
	return nil, nil
}

func (w *model) offerSeats(now domain.Time) string {
	for _, id := range slices.Sorted(maps.Keys(w.schedules)) {
		h := w.schedules[id]
		p, ids := h.nextOffer()
		if p == nil {
			continue
		}
		h.holds = append(h.holds, &allocationModel{sequence: p.sequence, user: p.user, seats: ids, expiresAt: h.holdEnd(now), warned: true, offer: true})
		return fmt.Sprintf("offered %s-ws%d of %s %v for %d until %s\nalarm offer for %s", id, p.sequence, p.user, ids, h.total(ids), h.holdEnd(now), p.user)
	}
	return ""
}

func (h *scheduleModel) block(c domain.Command, b seats.Block, now domain.Time) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknownSeats(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if taken := filter(b.ScheduleSeatIDs, func(id int) bool { return !h.isAvailable(id, now) }); taken != nil {
		return fmt.Sprint("seat_unavailable ", taken)
	}
	h.removeSeats(b.ScheduleSeatIDs, now)
	h.blocked = append(h.blocked, b.ScheduleSeatIDs...)
	return fmt.Sprint("blocked ", b.ScheduleSeatIDs)
}

func (h *scheduleModel) unblock(b seats.Unblock) string {
	if len(b.ScheduleSeatIDs) > 1000 {
		return "too_many_seats 1000"
	}
	if missing := h.unknownSeats(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	if h.off != nil {
		return "closed"
	}
	if others := difference(b.ScheduleSeatIDs, h.blocked); others != nil {
		return fmt.Sprint("seat_unavailable ", others)
	}
	h.blocked = difference(h.blocked, b.ScheduleSeatIDs)
	return fmt.Sprint("unblocked ", b.ScheduleSeatIDs)
}

func (h *scheduleModel) expireOffer(o *allocationModel, at domain.Time) string {
	h.holds = slices.DeleteFunc(h.holds, func(other *allocationModel) bool { return other == o })
	h.waitlist = slices.DeleteFunc(h.waitlist, func(p *allocationModel) bool { return p.sequence == o.sequence })
	o.expiresAt = at
	h.ended = append(h.ended, o)
	return fmt.Sprintf("offer of %s-ws%d to %s expired %s %v", h.id, o.sequence, o.user, at, o.seats)
}

func (w *model) holdDeadlines(now domain.Time) (deadlines []dueModel) {
	for _, h := range w.schedules {
		for _, a := range h.holds {
			if a.payment != "" {
				continue
			}
			if a.warned {
				deadlines = append(deadlines, dueModel{a.expiresAt, a.sequence, func() string { return h.expire(a, a.expiresAt) }})
				continue
			}
			deadlines = append(deadlines, dueModel{a.expiresAt - 60_000, a.sequence, func() string {
				a.warned = true
				warned := fmt.Sprintf("h%d of %s expires soon, at %s", a.sequence, a.user, a.expiresAt)
				if now < a.expiresAt {
					warned += "\nalarm hold-expiring for " + a.user
				}
				return warned
			}})
		}
		for _, at := range h.releaseAt {
			deadlines = append(deadlines, dueModel{at, h.sequence, func() string {
				ids := filter(seatRange(1, h.seatCount()), func(id int) bool { return h.releaseAt[id] == at })
				ids = ids[:min(len(ids), 1000)]
				h.removeSeats(ids, at)
				return fmt.Sprint("released to sale ", ids)
			}})
		}
	}
	return deadlines
}

// expire expires a hold or an offer; at is when the seats come back, unless the schedule releases them at fixed times.
func (h *scheduleModel) expire(hold *allocationModel, at domain.Time) string {
	if hold.offer {
		return h.expireOffer(hold, hold.expiresAt)
	}
	h.holds = slices.DeleteFunc(h.holds, func(other *allocationModel) bool { return other == hold })
	h.ended = append(h.ended, hold)
	text := fmt.Sprintf("h%d of %s in %s expired %s %v", hold.sequence, hold.user, h.id, hold.expiresAt, hold.seats)
	if interval := domain.Time(h.ReleaseEverySeconds) * 1000; interval > 0 && at%interval != 0 && h.off == nil {
		for at%interval != 0 {
			at++
		}
		for _, id := range hold.seats {
			h.releaseAt[id] = at
		}
		text += ", released at " + at.String()
	}
	return text
}
