// A state restored from a store's rows equals the one that applied the events.

package machine_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

func TestCoupons_Restore(t *testing.T) {
	rng := newRand(t)
	offers, ended := 0, 0
	for range 8 {
		d := newModelCheck(t, rng.IntN)
		d.checkEveryEvent, d.checkReplica = false, false
		for range 500 {
			d.nextMessage(d.generator.nextTime())
			d.step()
			if rng.IntN(50) == 0 {
				d.generator.at += 1000 * coupons.OfferSeconds
			}
			if rng.IntN(10) > 0 {
				continue
			}
			var got, want bytes.Buffer
			restoreCoupons(t, d.Coupons).Dump(&got)
			d.Coupons.Dump(&want)
			if got.String() != want.String() {
				t.Fatalf("after event %d\n got %s\nwant %s", d.LastEvent, got.String(), want.String())
			}
			for _, id := range d.Coupons.IDs() {
				offers += d.Coupons.Promotion(id).OfferCount()
				ended += len(maps.Collect(d.Coupons.Promotion(id).ExpiredOffers()))
			}
		}
	}
	if offers == 0 || ended == 0 {
		t.Errorf("%d offers, %d expired: the test proves nothing", offers, ended)
	}
}

// restoreCoupons restores s from rows.
func restoreCoupons(t *testing.T, s *coupons.State) *coupons.State {
	restored := coupons.New()
	for _, id := range s.IDs() {
		original := s.Promotion(id)
		var row coupons.Promotion
		if err := json.Unmarshal(mustJSON(t, original), &row); err != nil {
			t.Fatal(err)
		}
		p := restored.Restore(row)
		for number := range original.IssuedEver {
			c, _ := original.Coupon(number + 1)
			p.RestoreCoupon(c)
		}
		for _, e := range original.Waiting() {
			restored.RestoreWaiting(p, e)
		}
		for _, o := range original.Offers() {
			restored.RestoreOffer(p, o)
		}
		for _, o := range original.ExpiredOffers() {
			p.RestoreExpired(o)
		}
	}
	return restored
}

func TestSeats_Restore(t *testing.T) {
	rng := newRand(t)
	for range 8 {
		d := newModelCheck(t, rng.IntN)
		d.checkEveryEvent, d.checkReplica = false, false
		for range 600 {
			d.nextMessage(d.generator.nextTime())
			d.step()
		}
		restored := seats.New()
		for _, id := range d.Seats.IDs() {
			restoreSchedule(restored, d.Seats.Schedule(id))
		}
		var got, want bytes.Buffer
		restored.Dump(&got)
		d.Seats.Dump(&want)
		if got.String() != want.String() {
			t.Fatalf("got %s\nwant %s", got.String(), want.String())
		}
	}
}

func restoreSchedule(s *seats.State, source *seats.Schedule) {
	sc := s.Restore(source.Created, source.Sequence, source.Closed, source.Cancelled)
	for sequence, h := range source.Expired() {
		sc.RestoreExpired(sequence, h)
	}
	for sequence, r := range inOrder(source.Reservations()) {
		s.RestoreReservation(sc, sequence, r)
	}
	for _, h := range inOrder(source.Allocations()) {
		s.RestoreAllocation(sc, h)
	}
	pending := map[domain.Time][]int{}
	for i := range source.Layout.Total() {
		seat := source.Seat(i + 1)
		if seat.Status() == seats.StatusBlocked {
			s.RestoreBlocked(sc, []int{i + 1})
		}
		if at := seat.ReleaseAt(); at != 0 {
			pending[at] = append(pending[at], i+1)
		}
	}
	for at, ids := range pending {
		s.RestorePendingRelease(sc, at, ids)
	}
	for _, e := range inOrder(source.Waiting()) {
		s.RestoreWaiting(sc, e)
	}
}

// inOrder yields what all yields, by rising key.
func inOrder[K cmp.Ordered, V any](all iter.Seq2[K, V]) iter.Seq2[K, V] {
	values := maps.Collect(all)
	return func(yield func(K, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if !yield(key, values[key]) {
				return
			}
		}
	}
}

func TestOrders_Restore(t *testing.T) {
	rng := newRand(t)
	seen := map[orders.Status]int{}
	for range 8 {
		d := newModelCheck(t, rng.IntN)
		d.checkEveryEvent, d.checkReplica, d.generator.falseAnswers = false, false, true
		for range 600 {
			d.nextMessage(d.generator.nextTime())
			d.step()
			if rng.IntN(20) > 0 {
				continue
			}
			var got, want bytes.Buffer
			restoreOrders(t, d.Orders).Dump(&got)
			d.Orders.Dump(&want)
			if got.String() != want.String() {
				t.Fatalf("after event %d\n got %s\nwant %s", d.LastEvent, got.String(), want.String())
			}
			for _, id := range d.Orders.Orders() {
				seen[d.Orders.Order(id).Status]++
			}
		}
	}
	if len(seen) < 6 {
		t.Errorf("only statuses %v: the test proves nothing", seen)
	}
}

func restoreOrders(t *testing.T, s *orders.State) *orders.State {
	restored := orders.New()
	for _, id := range s.Products() {
		restored.RestoreProduct(roundTrip(t, *s.Product(id)))
	}
	for _, id := range s.Preparations() {
		restored.RestorePreparation(roundTrip(t, *s.Preparation(id)))
	}
	for _, id := range s.Orders() {
		restored.RestoreOrder(roundTrip(t, *s.Order(id)))
	}
	return restored
}

// roundTrip is v encoded and decoded.
func roundTrip[V any](t *testing.T, v V) (read V) {
	if err := json.Unmarshal(mustJSON(t, v), &read); err != nil {
		t.Fatal(err)
	}
	return read
}
