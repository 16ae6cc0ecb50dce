// The language of the transcripts: what a schedule looks like.
package shop_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsale/domain/seats"
)

func createdSentence(user string, b seats.Created) string {
	s := fmt.Sprintf("%s has schedule %s %q, %d each, held %d s", user, b.ScheduleID, b.Title, b.MaxSeatsPerUser, b.HoldSeconds)
	s += when(", starts ", b.StartsAt)
	if b.MaxExtensions > 0 || b.MaxHoldSeconds > 0 {
		s += fmt.Sprintf(", extended %d times to %d s", b.MaxExtensions, b.MaxHoldSeconds)
	}
	if b.NoOrphans {
		s += ", no orphans"
	}
	if b.ReleaseEverySeconds > 0 {
		s += fmt.Sprintf(", back every %d s", b.ReleaseEverySeconds)
	}
	for _, section := range b.Sections {
		s += fmt.Sprintf("; section %s at %d", section.Name, section.Price)
		for _, row := range section.Rows {
			s += fmt.Sprintf(", row %s of %d", row.Name, row.Seats)
		}
	}
	return s
}

// places is "7: 1 = A-1-1 at 3, 2 = A-1-2 at 4".
func places(total int64, held []seats.HeldSeat) string {
	var each []string
	for _, seat := range held {
		each = append(each, fmt.Sprintf("%d = %s at %d", seat.ScheduleSeatID, seat.DisplayName, seat.Price))
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(each, ", "))
}

func (d *diary) showSchedule(sc *seats.Schedule) {
	if sc.Closed {
		d.say("    · closed")
	}
	seen := map[seats.Seat][]int{}
	var order []seats.Seat
	for i, seat := range sc.Seats {
		if seen[seat] == nil {
			order = append(order, seat)
		}
		seen[seat] = append(seen[seat], i+1)
	}
	for _, seat := range order {
		whose := ""
		if h := sc.Holdings[seat.Ref]; h != nil && h.Offer {
			whose = fmt.Sprintf(" on offer to %s for %s until %s", h.User, seats.WaitingID(sc.ScheduleID, seat.Ref), clockText(h.ExpiresAt))
		} else if h != nil {
			whose = fmt.Sprintf(" by %s in %s until %s", h.User, seats.HoldID(seat.Ref), clockText(h.ExpiresAt))
		} else if r, ok := sc.Reservations[seat.Ref]; ok {
			whose = fmt.Sprintf(" by %s in %s", r.User, seats.ReservationID(sc.ScheduleID, seat.Ref))
		}
		d.say("    · %s %s%s%s", seat.Status(), seatText(seen[seat]), whose, when(" by nobody until ", seat.FreeAt()))
	}
	for _, sequence := range slices.Sorted(maps.Keys(sc.Reservations)) {
		r := sc.Reservations[sequence]
		if r.Cancelled {
			d.say("    · %s had %s in %s for %d", r.User, seatsText(r.ScheduleSeatIDs), seats.ReservationID(sc.ScheduleID, sequence), r.TotalPrice)
		}
	}
	for _, sequence := range slices.Sorted(maps.Keys(sc.Waiting)) {
		if sc.Holdings[sequence] == nil {
			p := sc.Waiting[sequence]
			d.say("    · %s waits for %s as %s", p.User, count(p.Quantity, "seat"), seats.WaitingID(sc.ScheduleID, sequence))
		}
	}
	for _, user := range slices.Sorted(maps.Keys(sc.Taken)) {
		d.say("    · %s has taken %d of %d", user, sc.Taken[user], sc.MaxSeatsPerUser)
	}
}
