// The whole state of all products and orders as text.

package orders

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"onsale/domain/deadline"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	line := func(what string, v any) {
		fmt.Fprint(w, what, " ")
		json.NewEncoder(w).Encode(v)
	}
	for _, id := range s.Products() {
		line("product", s.products[id])
	}
	for _, id := range s.Preparations() {
		line("prepared", s.prepared[id])
	}
	for _, id := range s.Orders() {
		line("order", s.orders[id])
	}
	for _, status := range []Status{StatusVerifying, StatusPendingPayment, StatusPaid, StatusRefunding, StatusFailed, StatusRefunded} {
		fmt.Fprintf(w, "orders %s %d\n", status, s.counts[status])
	}
	// An order that changed twice in a millisecond stands there twice.
	rechecks := slices.SortedFunc(s.rechecks.Due(math.MaxInt64), deadline.Deadline[*Order].Compare)
	for _, d := range slices.Compact(rechecks) {
		fmt.Fprintf(w, "recheck %s %d %s\n", d.At, d.Sequence, d.Value.PaymentID)
	}
}
