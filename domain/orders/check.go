// What must hold of products and orders after every event.
package orders

import (
	"fmt"

	"onsale/domain"
)

// Check says how the product or order that e, just made so, belongs to contradicts itself. That Taken is the sum over the
// orders is for whoever has time to add.
func (s *State) Check(e domain.Event) error {
	p := s.products[e.Entity]
	if o := s.orders[e.Entity]; o != nil && domain.Kind(nameOf(e)) == "orders" {
		if (o.Status == Paid || o.Status == Failed || o.Status == Refunded) && (o.Verdict == 0 || o.Payment == nil) {
			return fmt.Errorf("order %s is %s without a verdict or a payment", o.ImpUID, o.Status)
		}
		p = s.products[o.SalePostID]
	}
	if p != nil && (p.Taken < 0 || p.Remaining() < 0) {
		return fmt.Errorf("product %s of %d units has given away %d", p.SalePostID, p.Stock, p.Taken)
	}
	return nil
}

func nameOf(e domain.Event) string {
	name, _ := e.Body.Type()
	return name
}
