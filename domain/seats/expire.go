// The end of holds: exact, and in one order everywhere: by expiresAt, then by the hold's place in line.
package seats

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"

	"onsale/domain"
)

// deadlines is a heap of the ends of holdings. A holding that ended otherwise leaves its deadline behind; it is passed
// over when it is due.
type deadlines []deadline

type deadline struct {
	at       domain.Time
	sequence uint64
	schedule *Schedule
}

func (d deadline) compare(other deadline) int {
	return cmp.Or(cmp.Compare(d.at, other.at), cmp.Compare(d.sequence, other.sequence))
}

// stands says that the deadline's holding still ends then.
func (d deadline) stands() bool {
	h := d.schedule.Holdings[d.sequence]
	return h != nil && h.ExpiresAt == d.at
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].compare(d[j]) < 0 }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)        { *d = append(*d, x.(deadline)) }
func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func (d *deadlines) add(x deadline) { heap.Push(d, x) }

// prune takes away from the top what no longer stands.
func (d *deadlines) prune() {
	for len(*d) > 0 && !(*d)[0].stands() {
		heap.Pop(d)
	}
}

// due are the standing deadlines at or before now, in no order, found by walking down the heap as far as it is due.
// Nothing moves.
func (d deadlines) due(now domain.Time) iter.Seq[deadline] {
	return func(yield func(deadline) bool) {
		var walk func(i int) bool
		walk = func(i int) bool {
			if i >= len(d) || d[i].at > now {
				return true
			}
			return (!d[i].stands() || yield(d[i])) && walk(2*i+1) && walk(2*i+2)
		}
		walk(0)
	}
}

// first are the first max of due, in order. It costs what it finds, however much is due.
func (d deadlines) first(now domain.Time, max int) []deadline {
	var found []deadline
	next := []int{0} // places in the heap whose parents are done with, the earliest last
	for len(next) > 0 && len(found) < max {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if i >= len(d) || d[i].at > now {
			continue
		}
		if d[i].stands() {
			found = append(found, d[i])
		}
		for child := 2*i + 1; child < min(2*i+3, len(d)); child++ {
			at, _ := slices.BinarySearchFunc(next, child, func(a, b int) int { return d[b].compare(d[a]) })
			next = slices.Insert(next, at, child)
		}
	}
	return found
}

// NextDeadline is when the next hold ends; false when there is none.
func (s *State) NextDeadline() (domain.Time, bool) {
	if len(s.deadlines) == 0 {
		return 0, false
	}
	return s.deadlines[0].at, true
}

// Expire are the ends of the holds that are due at now, the first max of them. It changes nothing.
func (s *State) Expire(now domain.Time, max int) []domain.Event {
	var events []domain.Event
	for _, d := range s.deadlines.first(now, max) {
		h := d.schedule.Holdings[d.sequence]
		events = append(events, domain.Event{Entity: d.schedule.ScheduleID, User: h.User, Body: Expired{
			ScheduleID: d.schedule.ScheduleID, HoldID: HoldID(h.Sequence),
			ScheduleSeatIDs: append([]int{}, h.ScheduleSeatIDs...), ExpiresAt: h.ExpiresAt,
		}})
	}
	return events
}

// dueSeats counts the user's seats in holds that are due at now: they no longer count against a limit.
func (s *State) dueSeats(sc *Schedule, user string, now domain.Time) int {
	seats := 0
	for d := range s.deadlines.due(now) {
		if h := d.schedule.Holdings[d.sequence]; d.schedule == sc && h.User == user {
			seats += len(h.ScheduleSeatIDs)
		}
	}
	return seats
}
