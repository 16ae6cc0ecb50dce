// The rules beside their dumb twin.
package shop_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"onsale/domain"
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
		d.chance.note(e)
		d.chance.noteCoupons(e)
		d.chance.noteOrders(e)
		switch b := e.Body.(type) {
		case domain.Rejection:
			d.codes[b.Code]++
		default:
			d.codes[orderStory(b)]++
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
	case domain.Rejection:
		said := b.Code
		for _, fact := range []any{b.CouponID, b.Limit, b.SoldOutSequence, b.OpensAt, b.ClosesAt, b.ExpiredAt, b.ScheduleSeatIDs,
			b.Number, b.Offered, b.Issued, b.OpensInSeconds, b.WaitingID} {
			if v := reflect.ValueOf(fact); !v.IsZero() {
				said += fmt.Sprint(" ", fact)
			}
		}
		if b.Available != nil {
			said += fmt.Sprint(" of ", *b.Available)
		}
		if b.Expected != 0 {
			said += fmt.Sprint(" expected ", b.Expected)
		}
		if b.Section != "" {
			said += " in " + b.Section
		}
		return said
	}
	if said := couponSaid(e) + seatSaid(e) + orderSaid(e) + alarmSaid(e); said != "" {
		return said
	}
	return fmt.Sprintf("%T", e.Body)
}
