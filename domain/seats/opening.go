// What is free at one moment, for one decision.
package seats

import "onsale/domain"

// opening is what can be held at now: seats that are free, and those of holds that are due and not told yet. These wait
// for the telling where somebody waits for them, or where seats come back together. And as long as one command could not
// tell all the offers that are to be made, nothing is free to those who did not wait.
type opening struct {
	sc       *Schedule
	now      domain.Time
	late     bool         // some ends are due and not told
	given    map[int]bool // seats that this very decision gives back
	promised bool
}

func (s *State) opening(sc *Schedule, now domain.Time) opening {
	o := opening{sc: sc, now: now}
	if len(sc.lines) == 0 && sc.ReleaseEverySeconds == 0 {
		at, _, ok := s.NextDeadline()
		o.late = ok && at <= now
	}
	if s.stirred[sc.ScheduleID] != nil {
		_, o.promised = sc.offer(now)
	}
	return o
}

// has says that seat id is free.
func (o *opening) has(id int) bool {
	switch seat := o.sc.Seats[id-1]; {
	case o.promised:
		return false
	case seat.is == isFree:
		return true
	case seat.is == isHeld:
		return o.late && o.sc.overdue(seat.Ref, o.now) || o.given[id]
	}
	return false
}

// without are those of ids that are not free.
func (o *opening) without(ids []int) []int {
	var taken []int
	for _, id := range ids {
		if !o.has(id) {
			taken = append(taken, id)
		}
	}
	return taken
}

// counts says that a row's own count is all that is free in it.
func (o *opening) counts() bool { return !o.late && !o.promised && o.given == nil }

// available is how many seats of a section, or of all, are free.
func (o *opening) available(section string) (seats int) {
	for i, row := range o.sc.Layout.rows {
		switch {
		case section != "" && row.section != section:
		case o.counts():
			seats += o.sc.free[i]
		default:
			for id := row.first; id <= row.last; id++ {
				if o.has(id) {
					seats++
				}
			}
		}
	}
	return seats
}

// overdue says that this is a hold whose end is due.
func (sc *Schedule) overdue(sequence uint64, now domain.Time) bool {
	h := sc.Holdings[sequence]
	return !h.Offer && h.ExpiresAt <= now
}
