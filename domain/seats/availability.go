// What is free at one moment, for one decision.

package seats

import "onsale/domain"

// availability is what can be held at now: seats that are free, and those of holds that are due and not told yet. These wait
// for the telling where somebody waits for them, or where seats come back together. And as long as one command could not
// tell all the offers that are to be made, nothing is free to those who did not wait.
type availability struct {
	sc            *Schedule
	now           domain.Time
	hasOverdue    bool         // some ends are due and not told
	releasing     map[int]bool // seats that this very decision gives back
	offersPending bool
}

func (s *State) availability(sc *Schedule, now domain.Time) availability {
	o := availability{sc: sc, now: now}
	if len(sc.queues) == 0 && sc.ReleaseEverySeconds == 0 {
		at, _, ok := s.NextDeadline()
		o.hasOverdue = ok && at <= now
	}
	if s.offerable[sc.ScheduleID] != nil {
		_, o.offersPending = sc.nextOffer(now)
	}
	return o
}

// isFree says that seat id is free.
func (o *availability) isFree(id int) bool {
	switch seat := o.sc.seats[id-1]; {
	case o.offersPending:
		return false
	case seat.state == stateFree:
		return true
	case seat.state == stateHeld:
		return o.hasOverdue && o.sc.isOverdue(seat.Ref, o.now) || o.releasing[id]
	}
	return false
}

// unavailable are those of ids that are not free.
func (o *availability) unavailable(ids []int) []int {
	var taken []int
	for _, id := range ids {
		if !o.isFree(id) {
			taken = append(taken, id)
		}
	}
	return taken
}

// canUseRowCounts says that a row's own count is all that is free in it.
func (o *availability) canUseRowCounts() bool {
	return !o.hasOverdue && !o.offersPending && o.releasing == nil
}

// countFree is how many seats of a section, or of all, are free.
func (o *availability) countFree(section string) (seats int) {
	for i, row := range o.sc.Layout.rows {
		switch {
		case section != "" && row.section != section:
		case o.canUseRowCounts():
			seats += o.sc.freeInRow[i]
		default:
			for id := row.first; id <= row.last; id++ {
				if o.isFree(id) {
					seats++
				}
			}
		}
	}
	return seats
}

// isOverdue says that this is a hold whose end is due.
func (sc *Schedule) isOverdue(sequence uint64, now domain.Time) bool {
	h := sc.allocations[sequence]
	return !h.Offer && h.ExpiresAt <= now
}
