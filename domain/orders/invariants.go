// What must hold of products and orders after every event.

package orders

import (
	"fmt"

	"onsale/domain"
)

// CheckInvariants says how the product or order that e, just made so, belongs to contradicts itself. That Taken is the sum over the
// orders is for whoever has time to add.
func (s *State) CheckInvariants(e domain.Event) error {
	p := s.products[e.Entity]
	if o := s.orders[e.Entity]; o != nil && domain.Kind(typeName(e)) == "orders" {
		if (o.Status == StatusPaid || o.Status == StatusFailed || o.Status == StatusRefunded) && (o.ResultEvent == 0 || o.Payment == nil) {
			return fmt.Errorf("order %s is %s without a verdict or a payment", o.PaymentID, o.Status)
		}
		p = s.products[o.ProductID]
	}
	if p != nil && (p.Taken < 0 || p.Remaining() < 0) {
		return fmt.Errorf("product %s of %d units has given away %d", p.ProductID, p.Stock, p.Taken)
	}
	return nil
}

func typeName(e domain.Event) string {
	name, _ := e.Body.Type()
	return name
}
