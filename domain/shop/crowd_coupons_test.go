// More people wait than one command can tell of.
package shop_test

import (
	"fmt"
	"strconv"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
)

// TestTwinCrowdWaits offers units to 1,200 people at once, and lets most of the offers end at once. Those that are due and
// not told yet are over all the same.
func TestTwinCrowdWaits(t *testing.T) {
	const people = 1200
	rng := chanceOf(t)
	d := newDouble(t, rng.IntN)
	d.twin, d.careful, d.pure = newTwin(), false, false
	ask := func(user string, body domain.Body) {
		if d.index == perMessage {
			d.arrive(d.at)
		}
		d.chance.asked++
		d.compare(user, "c"+strconv.Itoa(d.chance.asked), "demo", body)
	}
	tick := func() { d.compare("", "", domain.SystemEntity, domain.Clock{}) }

	d.arrive(d.chance.at)
	ask("admin", coupons.Create{Name: "demo", PerUserLimit: 3})
	for i := range people {
		ask(fmt.Sprint("u", i), coupons.Join{Quantity: 1 + rng.IntN(3)})
	}
	ask("admin", coupons.Pause{})
	ask("admin", coupons.ChangeStock{Delta: 3 * people})
	ask("admin", coupons.Resume{})
	p := d.Coupons.Promotion("demo")
	if len(p.Offers) == people || p.Waiting.Len() == 0 {
		t.Fatalf("%d offers by one command", len(p.Offers))
	}
	if next, ok := d.NextDeadline(); !ok || next != d.Now {
		t.Errorf("got %s, %t, want the rest to be told now, %s", next, ok, d.Now)
	}
	d.arrive(d.at)
	tick()
	tick()
	tick()
	if len(p.Offers) != people {
		t.Fatalf("%d of %d have an offer", len(p.Offers), people)
	}

	d.arrive(d.at + 599_000)
	id := func(i int) string {
		return coupons.WaitingID("demo", 1000*(1+uint64(i+1)/perMessage)+uint64(i+1)%perMessage)
	}
	ask("u7", coupons.Accept{WaitingID: id(7)})
	d.arrive(d.at + 1_000)
	last := people - 1
	ask("u1000", coupons.Leave{WaitingID: id(1000)})
	if _, stands := p.Offers[d.placeOf(p, last)]; !stands {
		t.Fatalf("everything is told by one command; %d are left", len(p.Offers))
	}
	t.Logf("%d are due and not told", len(p.Offers))
	ask(fmt.Sprint("u", last), coupons.Join{Quantity: 1})
	ask(fmt.Sprint("u", last), coupons.Accept{WaitingID: id(last)})
	for range 6 {
		tick()
	}
	if err := checkState(d.Shop); err != nil {
		t.Error(err)
	}
	d.checkReplay()
	if d.codes[domain.OfferExpired] == 0 || d.codes[domain.WaitingNotFound] == 0 {
		t.Errorf("heard %v", d.codes)
	}
}

// placeOf is the sequence of person i's offer; 0: they have none.
func (d *double) placeOf(p *coupons.Promotion, i int) uint64 {
	for sequence, o := range p.Offers {
		if o.User == fmt.Sprint("u", i) {
			return sequence
		}
	}
	return 0
}
