// Verification of seats, coupons and refunds.

package chaos

import (
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// seatSummary counts a schedule's seats by status.
type seatSummary struct{ Total, Available, Held, Reserved, Blocked int }

func (m *orderWorkload) seatSummary(schedule string) seatSummary {
	m.t.Helper()
	var shown struct{ Seats seatSummary }
	if err := m.admin.Get(m.ctx, "/api/v1/schedules/"+schedule, &shown); err != nil && m.ctx.Err() == nil {
		m.t.Error(err)
	}
	return shown.Seats
}

// waitHoldsEnded waits until no seat is held.
func (m *orderWorkload) waitHoldsEnded() {
	m.t.Helper()
	for schedule := range m.halls {
		for m.seatSummary(schedule).Held > 0 {
			if !harness.Sleep(m.ctx, 50*time.Millisecond) {
				m.t.Errorf("schedule %s has seats on hold: %+v", schedule, m.seatSummary(schedule))
				return
			}
		}
	}
}

// checkSeats requires that as many seats of each schedule are reserved as paid orders have, and all others are free, or blocked
// where the performance was called off.
func (m *orderWorkload) checkSeats(reserved map[string]int) {
	m.t.Helper()
	for schedule, total := range m.halls {
		got := m.seatSummary(schedule)
		want := seatSummary{Total: total, Available: total - reserved[schedule], Reserved: reserved[schedule]}
		if m.calledOff[schedule] {
			want = seatSummary{Total: total, Blocked: total}
		}
		if got != want || m.calledOff[schedule] && reserved[schedule] > 0 {
			m.t.Errorf("schedule %s is %+v, want %+v with %d seats in paid orders", schedule, got, want, reserved[schedule])
		}
	}
}

// checkCoupons requires that each user's coupons are used by exactly one order that is paid, or refunded in part, or can be used again. Those
// in maybeUsed may be either.
func (m *orderWorkload) checkCoupons(used map[string]int, maybeUsed map[string]bool) {
	m.t.Helper()
	delete(used, "")
	counts := map[string]int{}
	for _, u := range m.users {
		var coupons struct {
			Items []struct{ CouponID, Status string }
		}
		if err := u.Get(m.ctx, "/api/v1/me/coupons?limit=1000", &coupons); err != nil {
			m.t.Error(err)
		}
		for _, c := range coupons.Items {
			counts[c.Status]++
			want := "ISSUED"
			if used[c.CouponID] > 0 {
				want = "USED"
			}
			if c.Status != want && !(maybeUsed[c.CouponID] && c.Status == "USED") || used[c.CouponID] > 1 {
				m.t.Errorf("coupon %s is %s and %d orders have it, want %s", c.CouponID, c.Status, used[c.CouponID], want)
			}
			delete(used, c.CouponID)
		}
	}
	for id := range used {
		m.t.Errorf("an order has coupon %s, which is nobody's", id)
	}
	m.t.Logf("coupons: %v", counts)
}

// checkRefunds compares what users and admins were promised who cancelled with what the shop still has. It has less where the payment
// may have been refunded at the provider's console too.
func (m *orderWorkload) checkRefunds(history []harness.LogCommand) {
	m.t.Helper()
	amount, promised, ended := map[string]int64{}, map[string]int64{}, map[string]bool{}
	for _, c := range history {
		for _, e := range c.Events {
			switch e.Type {
			case "orders.placed", "orders.rejected-paid":
				amount[e.Entity] = e.Data.Amount
			case "seats.cancelled", "orders.cancelled":
				impUID := e.Data.ImpUID
				if e.Data.RefundAmount != nil && impUID != "" {
					promised[impUID] = *e.Data.RefundAmount
				}
			case "orders.failed", "orders.refunded":
				ended[e.Entity] = true
			}
		}
	}
	payments := m.payments()
	for impUID, refund := range promised {
		left := leftAmount(payments[impUID])
		want := amount[impUID] - refund
		if left > want || left < want && !m.console[impUID] || !ended[impUID] {
			m.t.Errorf("%s for %d won was cancelled for a refund of %d (done: %v), and the shop has %d", impUID, amount[impUID], refund, ended[impUID], left)
		}
	}
	m.t.Logf("%d orders and reservations were cancelled for a refund that was promised", len(promised))
}
