// The state of all products and orders as text, and what must hold after every event.

package orders

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"onsale/domain"
	"onsale/domain/deadline"
)

// Dump writes the whole state, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	write := func(what string, v any) {
		fmt.Fprint(w, what, " ")
		json.NewEncoder(w).Encode(v)
	}
	for _, id := range s.Products() {
		p := s.products[id]
		write("product", p)
		for _, user := range slices.Sorted(maps.Keys(p.unitsOf)) {
			fmt.Fprintf(w, "  units of %s: %d\n", user, p.unitsOf[user])
		}
	}
	for _, id := range s.Preparations() {
		write("prepared", s.prepared[id])
	}
	for _, id := range s.Orders() {
		write("order", s.orders[id])
	}
	for _, status := range []Status{StatusVerifying, StatusPendingPayment, StatusPaid, StatusRefunding, StatusFailed, StatusRefunded} {
		fmt.Fprintf(w, "orders %s %d\n", status, s.counts[status])
	}
	for _, user := range slices.Sorted(maps.Keys(s.open)) {
		fmt.Fprintf(w, "open orders of %s: %d\n", user, s.open[user])
	}
	// An order that changed twice in a millisecond is in the queue twice.
	rechecks := slices.SortedFunc(s.rechecks.Due(math.MaxInt64), deadline.Deadline[*Order].Compare)
	for _, d := range slices.Compact(rechecks) {
		fmt.Fprintf(w, "recheck %s %d %s\n", d.At, d.Sequence, d.Value.PaymentID)
	}
	unsent := slices.SortedFunc(s.unsent.Due(math.MaxInt64), deadline.Deadline[*Preparation].Compare)
	for _, d := range slices.Compact(unsent) {
		fmt.Fprintf(w, "preparation due %s %d %s\n", d.At, d.Sequence, d.Value.MerchantUID)
	}
}

// CheckInvariants returns what is wrong with the product or order of event e after e was applied. It does not compare Taken with the
// sum over all orders, which would take too long.
func (s *State) CheckInvariants(e domain.Event) error {
	p := s.products[e.Entity]
	name, _ := e.Body.Type()
	if o := s.orders[e.Entity]; o != nil && domain.Kind(name) == "orders" {
		if (o.Status == StatusPaid || o.Status == StatusFailed || o.Status == StatusRefunded) && (o.ResultEvent == 0 || o.Payment == nil) {
			return fmt.Errorf("order %s is %s without a result or a payment", o.PaymentID, o.Status)
		}
		p = s.products[o.ProductID]
	}
	if p != nil && (p.Taken < 0 || p.Remaining() < 0) {
		return fmt.Errorf("product %s of %d units has %d taken", p.ProductID, p.Stock, p.Taken)
	}
	return nil
}
