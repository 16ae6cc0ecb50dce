// The whole state as text, to compare what was rebuilt with what lived.

package machine

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"onsale/domain"
)

// Dump writes everything that decides, sorted: two shops whose dumps are equal decide alike for ever. It is for people and
// for audits; its look is no format and may change.
func (s *Machine) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "now %s, %d events\n", s.Now, s.LastEvent)
	requests := slices.SortedFunc(maps.Keys(s.requests), func(x, y domain.RequestID) int {
		return cmp.Compare(s.requests[x].EventNumber, s.requests[y].EventNumber)
	})
	for _, id := range requests {
		fmt.Fprintf(b, "request %s event %d fingerprint %016x\n", id, s.requests[id].EventNumber, uint64(s.requests[id].Fingerprint))
	}
	s.Coupons.Dump(b)
	s.Seats.Dump(b)
	s.Orders.Dump(b)
	s.Alarms.Dump(b)
	return b.Flush()
}
