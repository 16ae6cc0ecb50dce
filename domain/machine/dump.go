// The whole state as text, and what must hold after every event.

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

// Dump writes everything that decides, sorted: machines with equal dumps decide alike. It is for people and for audits; its format
// may change.
func (m *Machine) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "now %s, %d events\n", m.Now, m.LastEvent)
	requests := slices.SortedFunc(maps.Keys(m.requests), func(x, y domain.RequestID) int {
		return cmp.Compare(m.requests[x].EventNumber, m.requests[y].EventNumber)
	})
	for _, id := range requests {
		fmt.Fprintf(b, "request %s event %d fingerprint %016x\n", id, m.requests[id].EventNumber, uint64(m.requests[id].Fingerprint))
	}
	m.Coupons.Dump(b)
	m.Seats.Dump(b)
	m.Orders.Dump(b)
	m.Alarms.Dump(b)
	return b.Flush()
}

// CheckInvariants returns what is wrong with the state after event e was applied, as far as e touched it: every unit of a promotion
// is remaining, on offer or issued; every seat is free, blocked, or belongs to one hold, offer, reservation or pending release;
// no product has more units taken than it has, and a decided order has a result.
func (m *Machine) CheckInvariants(e domain.Event) error {
	switch name, _ := e.Body.Type(); domain.Kind(name) {
	case "coupons":
		return m.Coupons.CheckInvariants(e)
	case "seats":
		return m.Seats.CheckInvariants(e)
	case "orders", "products":
		return m.Orders.CheckInvariants(e)
	}
	return nil
}
