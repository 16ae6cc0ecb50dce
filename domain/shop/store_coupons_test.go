// What a store gives back at a start is what the events have made.
package shop_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"onsale/domain/coupons"
)

// TestCouponsFromAStore takes promotions apart as a store keeps them, and puts them together again.
func TestCouponsFromAStore(t *testing.T) {
	rng := chanceOf(t)
	offers, ended := 0, 0
	for range 8 {
		d := newDouble(t, rng.IntN)
		d.careful, d.pure = false, false
		for range 500 {
			d.arrive(d.chance.message())
			d.next()
			if rng.IntN(50) == 0 {
				d.chance.at += 1000 * coupons.OfferSeconds
			}
			if rng.IntN(10) > 0 {
				continue
			}
			var got, want bytes.Buffer
			stored(t, d.Coupons).Dump(&got)
			d.Coupons.Dump(&want)
			if got.String() != want.String() {
				t.Fatalf("after event %d\n got %s\nwant %s", d.Events, got.String(), want.String())
			}
			for _, id := range d.Coupons.IDs() {
				offers += len(d.Coupons.Promotion(id).Offers)
				ended += len(d.Coupons.Promotion(id).Ended)
			}
		}
	}
	if offers == 0 || ended == 0 {
		t.Errorf("%d offers and %d ended ones prove nothing", offers, ended)
	}
}

// stored is the state as it comes back from a store: a row for everything.
func stored(t *testing.T, s *coupons.State) *coupons.State {
	loaded := coupons.New()
	for _, id := range s.IDs() {
		was := s.Promotion(id)
		var row coupons.Promotion
		if err := json.Unmarshal(mustJSON(t, was), &row); err != nil {
			t.Fatal(err)
		}
		p := loaded.Put(row)
		for _, c := range was.Coupons {
			p.PutCoupon(c)
		}
		for _, e := range was.Waiting.All() {
			loaded.PutWaiting(p, e)
		}
		for _, o := range was.Offers {
			loaded.PutOffer(p, o)
		}
		for _, o := range was.Ended {
			p.PutEnded(o)
		}
	}
	return loaded
}
