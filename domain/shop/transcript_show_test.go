// The language of the transcripts: looking at the state.
package shop_test

import (
	"fmt"
	"strings"
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
	case "product":
		p := d.Orders.Product(id)
		if p == nil {
			return fmt.Errorf("there is no product %q", id)
		}
		d.showProduct(p)
	case "order":
		o := d.Orders.Order(id)
		if o == nil {
			return fmt.Errorf("there is no order %q", id)
		}
		d.showOrder(o)
	case "alarms":
		d.showAlarms(id)
	default:
		return fmt.Errorf("nobody can show %q", what)
	}
	return nil
}
