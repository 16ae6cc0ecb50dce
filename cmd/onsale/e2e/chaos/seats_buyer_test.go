// What only buyers of seats do, and those who leave.

package chaos

import (
	"encoding/json"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// leave holds seats, and perhaps prepares their payment, and nothing more.
func (b *buyer) leave(want basket) {
	if b.rng.IntN(2) == 0 {
		b.execute(b.workload.ctx, "/api/v1/orders/prepare", want.body())
	}
}

// payPreparedAndLeave never sends the order, which onsale places itself.
func (b *buyer) payPreparedAndLeave(want basket) {
	if impUID, ok := b.preparePayment(want); ok {
		b.rememberOrder(impUID, want)
		b.workload.listen(b.chaosUser, impUID, false)
	}
}

// placeFree orders what costs nothing: its result comes with the order.
func (b *buyer) placeFree(want basket) {
	body := want.body()
	body["amount"] = 0
	a, ok := b.execute(b.workload.ctx, "/api/v1/orders", body)
	if !ok {
		return
	}
	var placed struct {
		ImpUID string `json:"imp_uid"`
	}
	if err := json.Unmarshal(a.response.Result, &placed); err != nil || placed.ImpUID == "" {
		b.t.Errorf("%s: %v", a.response.Result, err)
	}
	b.rememberOrder(placed.ImpUID, want)
	b.workload.listen(b.chaosUser, placed.ImpUID, false)
}

// payAgain orders with a failed payment, and when that has failed again, for the same hold.
func (b *buyer) payAgain(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount, Status: "failed"})
	b.placeOrder(impUID, want)
	for range 20 {
		var order orderView // none while the node is down
		_ = b.Get(b.workload.ctx, "/api/v1/orders/"+impUID, &order)
		if order.OrderStatus == "FAILED" || !harness.Sleep(b.workload.ctx, 50*time.Millisecond) {
			break
		}
	}
	b.pay(want)
}

// payLate orders when the hold is over: its seats are taken again, or the money comes back.
func (b *buyer) payLate(want basket) {
	if want.hold != "" {
		harness.Sleep(b.workload.ctx, b.workload.holdTime+harness.RandomDuration(b.rng, time.Second))
	}
	b.pay(want)
}

// loseSeats orders seats that an admin takes back.
func (b *buyer) loseSeats(want basket) {
	b.pay(want)
	if want.hold == "" {
		return
	}
	var order orderView
	if err := b.Get(b.workload.ctx, "/api/v1/orders/"+b.seatOrders[len(b.seatOrders)-1], &order); err != nil || len(order.ScheduleSeatIDs) == 0 {
		return // the node is down, or the order was refused
	}
	b.workload.adminCommands <- adminCommand{"/api/v1/admin/schedules/" + want.hall + "/release", map[string]any{
		"scheduleSeatIds": order.ScheduleSeatIDs, "reason": "taken by the test", "refund": true,
	}}
}

// cancelReservation gives a paid reservation back, for what the schedule's refund tier says.
func (b *buyer) cancelReservation() {
	if len(b.seatOrders) == 0 {
		return
	}
	impUID := harness.Pick(b.rng, b.seatOrders...)
	var order orderView
	if err := b.Get(b.workload.ctx, "/api/v1/orders/"+impUID, &order); err != nil || order.ReservationID == "" {
		return
	}
	a, ok := b.execute(b.workload.ctx, "/api/v1/reservations/"+order.ReservationID+"/cancel", nil)
	percent := halls[order.ScheduleID].percent
	if !ok {
		if (a.response.Code == "cancel_closed") != (percent < 0) && a.response.Code != "already_cancelled" {
			b.t.Errorf("%s of schedule %s cannot be cancelled: %s", order.ReservationID, order.ScheduleID, a.response.Code)
		}
		return
	}
	var cancelled struct{ RefundAmount *int64 }
	err := json.Unmarshal(a.response.Result, &cancelled)
	if want := order.Amount * percent / 100; err != nil || percent < 0 || cancelled.RefundAmount == nil || *cancelled.RefundAmount != want {
		b.t.Errorf("cancelling %s for %d won: %s %v, want a refund of %d", order.ReservationID, order.Amount, a.response.Result, err, want)
	}
}

// rememberOrder keeps an order on a hold, to be cancelled later.
func (b *buyer) rememberOrder(impUID string, want basket) {
	if want.hold != "" {
		b.seatOrders = append(b.seatOrders, impUID)
	}
}
