// A performance with more reservations than one command can end: it is called off in the middle of orders, and users go on meanwhile.

package machine_test

import (
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

func TestMachine_CallsOffManySeats(t *testing.T) {
	const all, paid, inOrder = 260, 180, 220 // seats: reserved, then in orders without a result, then only held
	d := newModelCheck(t, newRand(t).IntN)
	d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
	at := d.generator.at
	command := func(user, entity string, body domain.Body) {
		if d.index == 0 || d.index == perMessage {
			d.nextMessage(at)
		}
		key := ""
		if user != "" {
			d.generator.count++
			key = fmt.Sprint("k", d.generator.count)
		}
		d.check(user, key, entity, body)
	}
	d.nextMessage(at)
	command("admin", "hall", seats.Create{Title: "s", HoldSeconds: 600, MaxSeatsPerUser: 2, StartsAt: at + 1000,
		Options:  seats.Options{Payment: seats.PaymentRequired, RefundTiers: []seats.RefundTier{{UntilSeconds: 3600, Percent: 100}}},
		Sections: []seats.Section{{Name: "A", Price: 30, Rows: []seats.Row{{Name: "1", Seats: all}}}}})
	holds := map[int]string{}
	for seat := 1; seat <= all; seat++ {
		user, imp := fmt.Sprint("u", seat), fmt.Sprint("imp", seat)
		command(user, "hall", seats.Hold{ScheduleSeatIDs: []int{seat}})
		holds[seat] = d.events[len(d.events)-1].Body.(seats.Held).HoldID
		if seat <= inOrder {
			command(user, imp, orders.Place{HoldID: holds[seat], Amount: 30, Terms: orders.Terms{Currency: "KRW", PaySeconds: 60}})
		}
		if seat <= paid {
			command("", imp, orders.RecordPayment{LastEvent: d.Orders.Order(imp).LastEvent, Payment: orders.Payment{
				State: orders.PaymentPaid, MerchantUID: "own", Amount: 30, Currency: "KRW"}})
		}
	}
	command("admin", "hall", seats.CancelSchedule{Reason: "flu"})
	command("", domain.SystemEntity, domain.Tick{})
	// It is not over: a user is faster than the log, a payment arrives, an order comes for a hold that is over, a seat is tried.
	if sc := d.Seats.Schedule("hall"); hasEnded(sc) {
		t.Fatal("everything ended in one command: the test proves nothing")
	}
	o := d.Orders.Order(fmt.Sprint("imp", paid))
	command(o.User, "hall", seats.Cancel{ReservationID: o.ReservationID})
	command(fmt.Sprint("u", all), "late", orders.Place{HoldID: holds[all], Amount: 30, Terms: orders.Terms{Currency: "KRW", PaySeconds: 60}})
	command("new", "hall", seats.Hold{ScheduleSeatIDs: []int{all}})
	for range 3 {
		command("", domain.SystemEntity, domain.Tick{})
	}
	sc := d.Seats.Schedule("hall")
	for id := range sc.Layout.Total() {
		if status := sc.Seat(id + 1).Status(); status != seats.StatusBlocked {
			t.Fatalf("seat %d is %s", id+1, status)
		}
	}
	for seat := 1; seat <= inOrder; seat++ {
		if o := d.Orders.Order(fmt.Sprint("imp", seat)); o.Status != orders.StatusRefunding || o.Kept != 0 {
			t.Errorf("order %s is %s", o.PaymentID, o.Status)
		}
	}
	if err := checkPurchases(d.Machine); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}
