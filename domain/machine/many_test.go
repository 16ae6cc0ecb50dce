// More becomes due or available at once than one command can have events about.

package machine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// TestMachine_OffersManyCoupons offers units to 1,200 users at once, and lets most of the offers expire at once. Offers that are due
// have expired, with or without an event of it.
func TestMachine_OffersManyCoupons(t *testing.T) {
	const users = 1200
	rng := newRand(t)
	d := newModelCheck(t, rng.IntN)
	d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
	submit := func(user string, body domain.Body) {
		if d.index == perMessage {
			d.nextMessage(d.at)
		}
		d.generator.count++
		d.check(user, "c"+strconv.Itoa(d.generator.count), "demo", body)
	}
	tick := func() { d.check("", "", domain.SystemEntity, domain.Tick{}) }

	d.nextMessage(d.generator.at)
	submit("admin", coupons.Create{Name: "demo", PerUserLimit: 3})
	for i := range users {
		submit(fmt.Sprint("u", i), coupons.Join{Quantity: 1 + rng.IntN(3)})
	}
	submit("admin", coupons.Pause{})
	submit("admin", coupons.ChangeStock{Delta: 3 * users})
	submit("admin", coupons.Resume{})
	p := d.Coupons.Promotion("demo")
	if p.OfferCount() == users || p.WaitingCount() == 0 {
		t.Fatalf("%d offers by one command", p.OfferCount())
	}
	if next, ok := d.NextDeadline(); !ok || next != d.Now {
		t.Errorf("got %s, %t, want %s, for the rest of the offers", next, ok, d.Now)
	}
	d.nextMessage(d.at)
	tick()
	tick()
	tick()
	if p.OfferCount() != users {
		t.Fatalf("%d of %d have an offer", p.OfferCount(), users)
	}

	d.nextMessage(d.at + 599_000)
	id := func(i int) string {
		return coupons.WaitingID("demo", 1000*(1+uint64(i+1)/perMessage)+uint64(i+1)%perMessage)
	}
	submit("u7", coupons.Accept{WaitingID: id(7)})
	d.nextMessage(d.at + 1_000)
	last := users - 1
	submit("u1000", coupons.Leave{WaitingID: id(1000)})
	if _, active := p.Offer(d.offerSequence(p, last)); !active {
		t.Fatalf("no offer is left without an event of its expiry: %d", p.OfferCount())
	}
	t.Logf("%d offers are due without an event", p.OfferCount())
	submit(fmt.Sprint("u", last), coupons.Join{Quantity: 1})
	submit(fmt.Sprint("u", last), coupons.Accept{WaitingID: id(last)})
	for range 6 {
		tick()
	}
	if err := checkState(d.Machine); err != nil {
		t.Error(err)
	}
	d.checkReplay()
	if d.codes[domain.OfferExpired] == 0 || d.codes[domain.WaitingNotFound] == 0 {
		t.Errorf("got codes %v", d.codes)
	}
}

// offerSequence is the sequence of user i's offer; 0 for none.
func (d *modelCheck) offerSequence(p *coupons.Promotion, i int) uint64 {
	for sequence, o := range p.Offers() {
		if o.User == fmt.Sprint("u", i) {
			return sequence
		}
	}
	return 0
}

// TestMachine_ReleasesManySeats releases all seats of a sold-out schedule at one moment, with 600 users in the waiting list. Nobody
// else gets a seat that is to be offered to them.
func TestMachine_ReleasesManySeats(t *testing.T) {
	rng := newRand(t)
	d := newModelCheck(t, rng.IntN)
	d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
	d.generator.seats, d.generator.users = 600, 600
	submitted := 0
	submit := func(user string, body domain.Body) {
		if d.index == perMessage {
			d.nextMessage(d.generator.at)
		}
		submitted++
		d.check(user, "c"+strconv.Itoa(submitted), "hall", body)
	}
	d.nextMessage(d.generator.at)
	rows := rowsOf(30, 20)
	submit("admin", seats.Create{Title: "s", HoldSeconds: 7, MaxSeatsPerUser: 2, Options: seats.Options{ReleaseEverySeconds: 60},
		Sections: []seats.Section{{Name: "A", Price: 3, Rows: rows}}})
	for id := 1; id <= 600; id++ {
		submit("u"+strconv.Itoa(id), seats.Hold{ScheduleSeatIDs: []int{id}})
	}
	for i := range 600 {
		submit("w"+strconv.Itoa(i), seats.Join{Quantity: 1 + rng.IntN(8)/7})
	}
	d.generator.at += 70_000
	d.nextMessage(d.generator.at)
	tooEarly := 0
	for i := range 20 {
		submit("x"+strconv.Itoa(i), seats.Hold{BestAvailable: &seats.BestAvailable{Count: 1}})
		submit("y"+strconv.Itoa(i), seats.Hold{ScheduleSeatIDs: []int{600 - i}}) // the last rows are offered last
		if at, ok := d.NextDeadline(); ok && at <= d.Now {
			tooEarly++
		}
	}
	if tooEarly == 0 || d.codes["no_adjacent_seats"] == 0 || d.codes["seat_unavailable"] == 0 {
		t.Errorf("%d commands before the last offer, codes %v: the test proves nothing", tooEarly, d.codes)
	}
	if err := checkState(d.Machine); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}

// TestMachine_ExpiresManyHoldsAndOffers lets more holds and offers expire at one moment than a few commands can have events about, and
// sends all kinds of commands in between: what is due has expired for its owner, and is available to others unless a user waits.
func TestMachine_ExpiresManyHoldsAndOffers(t *testing.T) {
	rng := newRand(t)
	for round := range 4 {
		d := newModelCheck(t, rng.IntN)
		d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
		const held, offered = 1740, 60
		submitted := 0
		submit := func(user string, body domain.Body) {
			if d.index == perMessage {
				d.nextMessage(d.at)
			}
			submitted++
			d.check(user, "c"+strconv.Itoa(submitted), "hall", body)
		}
		d.nextMessage(d.generator.at)
		rows := rowsOf((held+offered)/20, 20)
		options := seats.Options{MaxExtensions: 2, NoOrphans: round == 1}
		if round == 2 {
			options.ReleaseEverySeconds = 60
		}
		singles := rowsOf(6, 1)
		submit("admin", seats.Create{Title: "s", HoldSeconds: 7, MaxSeatsPerUser: 2, Options: options,
			Sections: []seats.Section{{Name: "A", Price: 3, Rows: rows}, {Name: "B", Price: 1, Rows: singles}}})
		var free []int
		for id := 1; id <= held+offered; id++ {
			if id%20 == 1 && len(free) < offered {
				free = append(free, id)
			}
		}
		submit("admin", seats.Block{ScheduleSeatIDs: free})
		lastRows := seatRange(held+offered+1, held+offered+6)
		submit("admin", seats.Block{ScheduleSeatIDs: lastRows})
		for id := 1; id <= held+offered; id++ {
			if !slices.Contains(free, id) {
				submit("u"+strconv.Itoa(id), seats.Hold{ScheduleSeatIDs: []int{id}})
			}
		}
		for i := range offered {
			submit("w"+strconv.Itoa(i), seats.Join{Quantity: 1})
		}
		submit("admin", seats.Unblock{ScheduleSeatIDs: free})
		submit("admin", seats.Unblock{ScheduleSeatIDs: lastRows})
		if round == 3 {
			submit("z", seats.Join{Quantity: 2, Section: "B"}) // two seats side by side never become free
		}
		d.nextMessage(d.at + 6_000)
		for i := range 3 { // they have an offer, and as many seats as the limit allows
			submit("w"+strconv.Itoa(offered-1-i), seats.Hold{ScheduleSeatIDs: lastRows[2*i : 2*i+2]})
		}
		d.nextMessage(d.at + 1_000)
		submit("w"+strconv.Itoa(offered-1), seats.Hold{ScheduleSeatIDs: []int{held}})
		for range 2 {
			submit(overdueCommand(rng, d.generator))
		}
		if at, ok := d.NextDeadline(); !ok || at > d.Now {
			t.Fatal("all expiry events came at once: the test proves nothing")
		}
		for range 7 {
			submit(overdueCommand(rng, d.generator))
		}
		if err := checkState(d.Machine); err != nil {
			t.Error(err)
		}
		d.checkReplay()
	}
}

// overdueCommand is a random command about something that is due, perhaps without an event of its expiry.
func overdueCommand(rng *rand.Rand, c *generator) (user string, body domain.Body) {
	id := 1800 - rng.IntN(20)
	owner := "u" + strconv.Itoa(id)
	hold := c.held[len(c.held)-1-rng.IntN(10)]
	waiting := c.waiting[max(0, len(c.waiting)-1-rng.IntN(4))]
	switch rng.IntN(15) {
	case 0:
		return "admin", seats.Reclaim{ScheduleSeatIDs: []int{id, id - 1, 1}}
	case 1:
		return "admin", seats.Reclaim{ScheduleSeatIDs: []int{1, 21, 41, 1181}}
	case 2:
		return "admin", seats.Block{ScheduleSeatIDs: []int{id}}
	case 3:
		return owner, seats.Hold{ScheduleSeatIDs: []int{id - 1, id}}
	case 4:
		return owner, seats.Hold{BestAvailable: &seats.BestAvailable{Count: 2}}
	case 5:
		return "x", seats.Hold{BestAvailable: &seats.BestAvailable{Count: 21}}
	case 6:
		return "y" + owner, seats.Join{Quantity: 1 + rng.IntN(2)}
	case 7:
		return hold.user, seats.Swap{HoldID: hold.id, Take: []int{id}}
	case 8:
		return hold.user, seats.Reserve{HoldID: hold.id}
	case 9:
		return hold.user, seats.Extend{HoldID: hold.id}
	case 10:
		return waiting.user, seats.Join{Quantity: 1}
	case 11:
		return waiting.user, seats.Accept{WaitingID: waiting.id}
	case 12:
		return waiting.user, seats.Leave{WaitingID: waiting.id}
	case 13:
		return "x", seats.Hold{ScheduleSeatIDs: []int{1 + 20*rng.IntN(60)}}
	}
	return waiting.user, seats.Hold{ScheduleSeatIDs: []int{id}}
}

// TestMachine_RechecksManyOrders lets rechecks of 1,200 orders become due at once. Each command has 500 of them, in the order of the
// sequences, and then its own outcome.
func TestMachine_RechecksManyOrders(t *testing.T) {
	const users = 1200
	d := newModelCheck(t, newRand(t).IntN)
	d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
	submit := func(user, key, entity string, body domain.Body) {
		if d.index == perMessage {
			d.nextMessage(d.at)
		}
		d.check(user, key, entity, body)
	}
	d.nextMessage(d.generator.at)
	submit("admin", "1", "tee", orders.Create{Name: "n", Price: 7, Stock: users - 100})
	for i := range users {
		submit(fmt.Sprint("u", i), "1", fmt.Sprint("imp", i), orders.Place{ProductID: "tee", Count: 1, Amount: 7,
			Terms: orders.Terms{Currency: "KRW", PaySeconds: 60 + i}})
	}
	d.nextMessage(d.at + 60_000)
	for rest := users; rest > 0; rest -= 500 {
		before := len(d.events)
		submit("kim", fmt.Sprint(rest), "tee", orders.Prepare{Count: 1})
		if got, want := len(d.events)-before, min(rest, 500)+1; got != want {
			t.Fatalf("got %d events, want %d", got, want)
		}
	}
	d.nextMessage(d.at + 1)
	submit("", "", domain.SystemEntity, domain.Tick{})
	if err := checkState(d.Machine); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}

// rowsOf are n rows with so many seats each.
func rowsOf(n, size int) []seats.Row {
	rows := make([]seats.Row, n)
	for i := range rows {
		rows[i] = seats.Row{Name: strconv.Itoa(i + 1), Seats: size}
	}
	return rows
}
