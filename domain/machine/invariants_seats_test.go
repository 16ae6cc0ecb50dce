// Invariants of schedules.

package machine_test

import (
	"fmt"
	"maps"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
)

// ownership is who has each seat, by the allocations and reservations.
type ownership struct {
	owner map[int]string // "<status> <ref>"
	taken map[string]int
}

func (o *ownership) assign(ids []int, status seats.Status, ref uint64) error {
	for _, id := range ids {
		if other, twice := o.owner[id]; twice {
			return fmt.Errorf("seat %d is in %v and in %v", id, other, ref)
		}
		o.owner[id] = fmt.Sprintf("%s %d", status, ref)
	}
	return nil
}

func (o *ownership) addTaken(user string, n int) {
	if o.taken[user] += n; o.taken[user] == 0 {
		delete(o.taken, user)
	}
}

func checkSchedule(sc *seats.Schedule, now domain.Time) error {
	o := ownership{map[int]string{}, map[string]int{}}
	overdue := map[string]int{}
	for sequence, h := range sc.Allocations() {
		_, expired := sc.ExpiredAllocation(sequence)
		entry, waiting := sc.WaitingEntry(sequence)
		if expired || h.Sequence != sequence || waiting != h.Offer || waiting && entry.User != h.User {
			return fmt.Errorf("allocation %d is %+v, expired %t, waiting %t", sequence, h, expired, waiting)
		}
		if err := o.assign(h.ScheduleSeatIDs, seats.StatusHeld, sequence); err != nil {
			return err
		}
		if len(h.ScheduleSeatIDs) == 0 && (h.ExpiresAt > now || h.Offer || h.PaymentID != "") {
			return fmt.Errorf("allocation %d is empty", sequence)
		}
		if h.Offer {
			continue
		}
		if sc.MaxHoldSeconds > 0 && h.ExpiresAt.Sub(h.HeldAt) > time.Duration(sc.MaxHoldSeconds)*time.Second || h.Extensions > sc.MaxExtensions {
			return fmt.Errorf("hold %d extended %d times, until %s", sequence, h.Extensions, h.ExpiresAt)
		}
		if o.addTaken(h.User, len(h.ScheduleSeatIDs)); h.ExpiresAt <= now && h.PaymentID == "" {
			overdue[h.User] += len(h.ScheduleSeatIDs)
		}
	}
	for sequence, r := range sc.Reservations() {
		if r.Cancelled {
			continue
		}
		if err := o.assign(r.ScheduleSeatIDs, seats.StatusReserved, sequence); err != nil {
			return err
		}
		o.addTaken(r.User, len(r.ScheduleSeatIDs))
	}
	if err := checkSeats(sc, o); err != nil {
		return err
	}
	if taken := maps.Collect(sc.Taken()); !maps.Equal(taken, o.taken) {
		return fmt.Errorf("taken %v, but by allocations and reservations %v", taken, o.taken)
	}
	for user, n := range o.taken {
		if n-overdue[user] > sc.MaxSeatsPerUser {
			return fmt.Errorf("%s has %d seats of %d", user, n-overdue[user], sc.MaxSeatsPerUser)
		}
	}
	return checkWaiting(sc, now)
}

// checkSeats proves that the status of every seat fits its owner.
func checkSeats(sc *seats.Schedule, o ownership) error {
	pending := map[domain.Time]int{}
	for i := range sc.Layout.Total() {
		seat := sc.Seat(i + 1)
		got, want := fmt.Sprintf("%s %d", seat.Status(), seat.Ref), o.owner[i+1]
		delete(o.owner, i+1)
		if at := seat.ReleaseAt(); at != 0 {
			pending[at]++
			want = fmt.Sprintf("%s %d", seats.StatusHeld, at)
		}
		if free := seat.Status() == seats.StatusAvailable || seat.Status() == seats.StatusBlocked; free && want == "" {
			want = fmt.Sprintf("%s 0", seat.Status())
		}
		if got != want {
			return fmt.Errorf("seat %d is %q, but by its owner %q", i+1, got, want)
		}
	}
	if counted := maps.Collect(sc.PendingReleases()); len(o.owner) > 0 || !maps.Equal(pending, counted) {
		return fmt.Errorf("unknown seats %v; pending release %v, counted %v", o.owner, pending, counted)
	}
	return nil
}

// checkWaiting proves that every user waits once, apart from those whose offer is due.
func checkWaiting(sc *seats.Schedule, now domain.Time) error {
	waiting := map[string]uint64{}
	for sequence, p := range sc.Waiting() {
		if h, ok := sc.Allocation(sequence); ok && h.ExpiresAt <= now {
			continue
		}
		if other, twice := waiting[p.User]; twice || p.Sequence != sequence {
			return fmt.Errorf("%s waits as %d and %d", p.User, sequence, other)
		}
		waiting[p.User] = sequence
	}
	return nil
}

// scheduleDeadlines are the changes that time will make to a schedule.
func scheduleDeadlines(sc *seats.Schedule) (deadlines []string) {
	for _, h := range sc.Allocations() {
		at := h.ExpiresAt
		if h.PaymentID != "" {
			continue
		}
		if !h.Warned {
			at -= 60_000
		}
		deadlines = append(deadlines, fmt.Sprintf("%020d %020d allocation %s", at, h.Sequence, sc.ScheduleID))
	}
	for at := range sc.PendingReleases() {
		deadlines = append(deadlines, fmt.Sprintf("%020d %020d release %s", at, sc.Sequence, sc.ScheduleID))
	}
	if c := sc.Cancelled; c != nil && !hasEnded(sc) {
		deadlines = append(deadlines, fmt.Sprintf("%020d %020d cancellation %s", c.At, c.Sequence, sc.ScheduleID))
	}
	return deadlines
}

// hasEnded says whether everything has ended in a schedule that was called off, but for holds that expire by themselves.
func hasEnded(sc *seats.Schedule) bool {
	for _, h := range sc.Allocations() {
		if h.PaymentID != "" {
			return false
		}
	}
	for i := range sc.Layout.Total() {
		if seat := sc.Seat(i + 1); seat.Status() == seats.StatusReserved || seat.Status() == seats.StatusAvailable || seat.ReleaseAt() != 0 {
			return false
		}
	}
	return true
}
