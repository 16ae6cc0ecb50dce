// A shop that starts from a store knows of its orders what one knows that has seen every event.
package shop_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"onsale/domain/orders"
)

// TestOrdersFromAStore takes products and orders apart as a store keeps them, row by row, and puts them together again.
func TestOrdersFromAStore(t *testing.T) {
	rng := chanceOf(t)
	seen := map[orders.Status]int{}
	for range 8 {
		d := newDouble(t, rng.IntN)
		d.careful, d.pure, d.chance.liar = false, false, true
		for range 600 {
			d.arrive(d.chance.message())
			d.next()
			if rng.IntN(20) > 0 {
				continue
			}
			var got, want bytes.Buffer
			storedOrders(t, d.Orders).Dump(&got)
			d.Orders.Dump(&want)
			if got.String() != want.String() {
				t.Fatalf("after event %d\n got %s\nwant %s", d.Events, got.String(), want.String())
			}
			for _, id := range d.Orders.Orders() {
				seen[d.Orders.Order(id).Status]++
			}
		}
	}
	if len(seen) < 6 {
		t.Errorf("%v prove nothing of the others", seen)
	}
}

func storedOrders(t *testing.T, s *orders.State) *orders.State {
	loaded := orders.New()
	for _, id := range s.Products() {
		loaded.PutProduct(row(t, *s.Product(id)))
	}
	for _, id := range s.Orders() {
		loaded.PutOrder(row(t, *s.Order(id)))
	}
	for _, id := range s.Preparations() {
		loaded.PutPreparation(row(t, *s.Preparation(id)))
	}
	return loaded
}

// row is v after it was written and read.
func row[V any](t *testing.T, v V) (read V) {
	if err := json.Unmarshal(mustJSON(t, v), &read); err != nil {
		t.Fatal(err)
	}
	return read
}
