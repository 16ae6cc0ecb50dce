// What comes back is offered to those who wait, the first in line first: of all lists the one who joined first and whose
// wish fits somewhere.
package seats

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/waiting"
)

// stir notes that an offer may have become possible: somebody joined, or a seat came free.
func (s *State) stir(sc *Schedule) {
	if len(sc.lines) > 0 {
		s.stirred[sc.ScheduleID] = sc
	}
}

// Offer is the next offer to somebody who waits; false when there is none to be made at now. A schedule in which there was
// none is not looked at again before something stirs in it, which changes nothing that shows.
func (s *State) Offer(now domain.Time) (domain.Event, bool) {
	for len(s.stirred) > 0 {
		id := slices.Min(slices.Collect(maps.Keys(s.stirred)))
		if e, ok := s.stirred[id].offer(now); ok {
			return e, true
		}
		delete(s.stirred, id)
	}
	return domain.Event{}, false
}

// offer looks at seats that are free, and never at holds that are due: those come free when their end is told.
func (sc *Schedule) offer(now domain.Time) (domain.Event, bool) {
	if sc.Closed {
		return domain.Event{}, false
	}
	o := opening{sc: sc, now: now}
	var next waiting.Entry
	for section, line := range sc.lines {
		first, ok := line.First(func(quantity int) bool {
			_, fits := o.best(section, quantity)
			return fits
		})
		if ok && (next.Sequence == 0 || first.Sequence < next.Sequence) {
			next = first
		}
	}
	if next.Sequence == 0 {
		return domain.Event{}, false
	}
	found, _ := o.best(sc.Waiting[next.Sequence].Section, next.Quantity)
	return domain.Event{Entity: sc.ScheduleID, User: next.User, Body: Offered{
		ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, next.Sequence), ScheduleSeatIDs: found.ids,
		HeldSeats: sc.Layout.describe(found.ids), TotalPrice: sc.Layout.cost(found.ids), ExpiresAt: sc.holdEnd(now),
	}}, true
}
