// The conservation laws of a schedule.
package shop_test

import (
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
)

// owners is what the holdings, the reservations and the seats that wait to come back say of each seat.
type owners struct {
	of    map[int]string // "<status> <ref>"
	taken map[string]int
}

func (o *owners) own(ids []int, status seats.Status, ref uint64) error {
	for _, id := range ids {
		if other, twice := o.of[id]; twice {
			return fmt.Errorf("seat %d is in %v and in %v", id, other, ref)
		}
		o.of[id] = fmt.Sprintf("%s %d", status, ref)
	}
	return nil
}

func (o *owners) take(user string, n int) {
	if o.taken[user] += n; o.taken[user] == 0 {
		delete(o.taken, user)
	}
}

func checkSchedule(sc *seats.Schedule, now domain.Time) error {
	o := owners{map[int]string{}, map[string]int{}}
	due := map[string]int{}
	for sequence, h := range sc.Holdings {
		_, over := sc.Ended[sequence]
		place, waits := sc.Waiting[sequence]
		if over || h.Sequence != sequence || waits != h.Offer || waits && place.User != h.User {
			return fmt.Errorf("holding %d stands as %+v, over %t, waits %t", sequence, h, over, waits)
		}
		if err := o.own(h.ScheduleSeatIDs, seats.StatusHeld, sequence); err != nil {
			return err
		}
		if len(h.ScheduleSeatIDs) == 0 && (h.ExpiresAt > now || h.Offer) {
			return fmt.Errorf("holding %d holds nothing", sequence)
		}
		if h.Offer {
			continue
		}
		if sc.MaxHoldSeconds > 0 && h.ExpiresAt.Sub(h.HeldAt) > time.Duration(sc.MaxHoldSeconds)*time.Second || h.Extensions > sc.MaxExtensions {
			return fmt.Errorf("hold %d was extended %d times until %s", sequence, h.Extensions, h.ExpiresAt)
		}
		if o.take(h.User, len(h.ScheduleSeatIDs)); h.ExpiresAt <= now {
			due[h.User] += len(h.ScheduleSeatIDs)
		}
	}
	for sequence, r := range sc.Reservations {
		if r.Cancelled {
			continue
		}
		if err := o.own(r.ScheduleSeatIDs, seats.StatusReserved, sequence); err != nil {
			return err
		}
		o.take(r.User, len(r.ScheduleSeatIDs))
	}
	if err := checkSeats(sc, o); err != nil {
		return err
	}
	if fmt.Sprint(sc.Taken) != fmt.Sprint(o.taken) {
		return fmt.Errorf("taken %v, but by holdings and reservations %v", sc.Taken, o.taken)
	}
	for user, n := range o.taken {
		if n-due[user] > sc.MaxSeatsPerUser {
			return fmt.Errorf("%s has %d seats of %d", user, n-due[user], sc.MaxSeatsPerUser)
		}
	}
	return checkWaiting(sc, now)
}

// checkSeats proves that every seat is what its owner says, or that nobody owns it.
func checkSeats(sc *seats.Schedule, o owners) error {
	returning := map[domain.Time]int{}
	for i, seat := range sc.Seats {
		is, want := fmt.Sprintf("%s %d", seat.Status(), seat.Ref), o.of[i+1]
		delete(o.of, i+1)
		if at := seat.FreeAt(); at != 0 {
			returning[at]++
			want = fmt.Sprintf("%s %d", seats.StatusHeld, at)
		}
		if free := seat.Status() == seats.StatusAvailable || seat.Status() == seats.StatusBlocked; free && want == "" {
			want = fmt.Sprintf("%s 0", seat.Status())
		}
		if is != want {
			return fmt.Errorf("seat %d is %q, but its owner says %q", i+1, is, want)
		}
	}
	if len(o.of) > 0 || fmt.Sprint(returning) != fmt.Sprint(sc.Returning) {
		return fmt.Errorf("no seats: %v; coming back %v, said %v", o.of, returning, sc.Returning)
	}
	return nil
}

// checkWaiting proves that everybody waits once, those aside whose offer is due.
func checkWaiting(sc *seats.Schedule, now domain.Time) error {
	waits := map[string]uint64{}
	for sequence, p := range sc.Waiting {
		if h := sc.Holdings[sequence]; h != nil && h.ExpiresAt <= now {
			continue
		}
		if other, twice := waits[p.User]; twice || p.Sequence != sequence {
			return fmt.Errorf("%s waits as %d and %d", p.User, sequence, other)
		}
		waits[p.User] = sequence
	}
	return nil
}

// duesOfSchedule are the changes that time will make to a schedule.
func duesOfSchedule(sc *seats.Schedule) (dues []string) {
	for _, h := range sc.Holdings {
		at := h.ExpiresAt
		if !h.Warned {
			at -= 60_000
		}
		dues = append(dues, fmt.Sprintf("%020d %020d holding %s", at, h.Sequence, sc.ScheduleID))
	}
	for at := range sc.Returning {
		dues = append(dues, fmt.Sprintf("%020d %020d return %s", at, sc.Sequence, sc.ScheduleID))
	}
	return dues
}
