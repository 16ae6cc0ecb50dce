// The language of the transcripts: looking at the state.
package shop_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsale/domain/coupons"
	"onsale/domain/seats"
)

func (d *diary) show(what string) error {
	kind, id, _ := strings.Cut(what, " ")
	switch kind {
	case "bytes":
		d.bytes = true
	case "everything":
		for line := range strings.Lines(dump(d.Shop)) {
			d.say("    · %s", strings.TrimRight(line, "\n"))
		}
	case "deadline":
		if at, ok := d.NextDeadline(); ok {
			d.say("    · the next is at %s", clockText(at))
		} else {
			d.say("    · none")
		}
	case "promotion":
		p := d.Coupons.Promotion(id)
		if p == nil {
			return fmt.Errorf("there is no promotion %q", id)
		}
		d.showPromotion(p)
	case "schedule":
		sc := d.Seats.Schedule(id)
		if sc == nil {
			return fmt.Errorf("there is no schedule %q", id)
		}
		d.showSchedule(sc)
	default:
		return fmt.Errorf("nobody can show %q", what)
	}
	return nil
}

func (d *diary) showPromotion(p *coupons.Promotion) {
	d.say("    · %d of %d issued, %d remain, sold out by %d", p.Issued, p.Stock, p.Remaining(), p.SoldOutSequence)
	for _, user := range slices.Sorted(maps.Keys(p.Holders)) {
		h := p.Holders[user]
		d.say("    · %s has %d, the first is %s", user, h.Count, coupons.CouponID(p.PromotionID, int(h.First)))
	}
}

func (d *diary) showSchedule(sc *seats.Schedule) {
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
		if h := sc.Holdings[seat.Ref]; h != nil {
			whose = fmt.Sprintf(" by %s in %s until %s", h.User, seats.HoldID(seat.Ref), clockText(h.ExpiresAt))
		} else if r, ok := sc.Reservations[seat.Ref]; ok {
			whose = fmt.Sprintf(" by %s in %s", r.User, seats.ReservationID(sc.ScheduleID, seat.Ref))
		}
		d.say("    · %s %s%s", seat.Status, seatText(seen[seat]), whose)
	}
	for _, user := range slices.Sorted(maps.Keys(sc.Taken)) {
		d.say("    · %s has taken %d of %d", user, sc.Taken[user], sc.MaxSeatsPerUser)
	}
}
