// The rules beside their dumb twin.
package shop_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// double is the shop and its twin, and the chance that sends them the same commands.
type double struct {
	*counter
	chance *chance
	twin   *twin // nil: nobody to compare with
	codes  map[string]int
}

func newDouble(t testing.TB, draw func(n int) int) *double {
	return &double{counter: newCounter(t), chance: newChance(draw), codes: map[string]int{}}
}

// next is a command by chance.
func (d *double) next() {
	d.t.Helper()
	d.compare(d.chance.command())
}

func (d *double) compare(user, key, entity string, body domain.Body) {
	d.t.Helper()
	cmd, events := d.ask(user, key, entity, body)
	var got []string
	for _, e := range events {
		got = append(got, said(e))
		switch b := e.Body.(type) {
		case seats.Held:
			d.chance.holds = append(d.chance.holds, b.HoldID)
			d.chance.marks = append(d.chance.marks, b.ExpiresAt)
		case domain.Rejection:
			d.codes[b.Code]++
		}
	}
	if d.twin == nil {
		return
	}
	if want := d.twin.decide(cmd); !slices.Equal(got, want) {
		d.t.Fatalf("command %d at %s %+v\n got %q\nwant %q", cmd.Sequence, cmd.At, cmd, got, want)
	}
}

// said is what an event says, in the twin's words.
func said(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Created:
		return "created " + b.PromotionID
	case coupons.Issued:
		return "issued " + b.CouponID
	case seats.Created:
		return "created " + b.ScheduleID
	case seats.Held:
		return fmt.Sprintf("held %s %v for %d until %s", b.HoldID, b.ScheduleSeatIDs, b.TotalPrice, b.ExpiresAt)
	case seats.Released:
		return fmt.Sprint("released ", b.ScheduleSeatIDs)
	case seats.Reserved:
		return fmt.Sprintf("reserved %s %v for %d", b.ReservationID, b.ScheduleSeatIDs, b.TotalPrice)
	case seats.Expired:
		return fmt.Sprintf("%s of %s in %s ends %s %v", b.HoldID, e.User, b.ScheduleID, b.ExpiresAt, b.ScheduleSeatIDs)
	case domain.Rejection:
		said := b.Code
		for _, fact := range []any{b.CouponID, b.Limit, b.SoldOutSequence, b.OpensAt, b.ClosesAt, b.ExpiredAt, b.ScheduleSeatIDs} {
			if v := reflect.ValueOf(fact); !v.IsZero() {
				said += fmt.Sprint(" ", fact)
			}
		}
		return said
	}
	return fmt.Sprintf("%T", e.Body)
}
