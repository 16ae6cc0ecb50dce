// More orders are to be asked about than one command can tell.
package shop_test

import (
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/orders"
)

// TestTwinCrowdAsks places 1,200 orders in one minute. When they are to be asked about all at once, 500 are told at a time, in
// the order of their lines, and whoever comes in between is not kept waiting longer.
func TestTwinCrowdAsks(t *testing.T) {
	const people = 1200
	d := newDouble(t, chanceOf(t).IntN)
	d.twin, d.careful, d.pure = newTwin(), false, false
	ask := func(user, key, entity string, body domain.Body) {
		if d.index == perMessage {
			d.arrive(d.at)
		}
		d.compare(user, key, entity, body)
	}
	d.arrive(d.chance.at)
	ask("admin", "1", "tee", orders.Create{Name: "n", Price: 7, Stock: people - 100})
	for i := range people {
		ask(fmt.Sprint("u", i), "1", fmt.Sprint("imp", i), orders.Place{SalePostID: "tee", Count: 1, Amount: 7,
			Terms: orders.Terms{Currency: "KRW", PaySeconds: 60 + i}})
	}
	d.arrive(d.at + 60_000)
	for rest := people; rest > 0; rest -= 500 {
		before := len(d.history)
		ask("kim", fmt.Sprint(rest), "tee", orders.Prepare{Count: 1})
		if got, want := len(d.history)-before, min(rest, 500)+1; got != want {
			t.Fatalf("got %d events, want %d", got, want)
		}
	}
	d.arrive(d.at + 1)
	ask("", "", domain.SystemEntity, domain.Clock{})
	if err := checkState(d.Shop); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}
