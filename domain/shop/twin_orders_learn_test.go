// The dumb twin at the orders' counter: what the provider says. There are six questions, and the order of asking them.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// sayable says that a provider can have said p.
func sayable(p orders.Payment) bool {
	whole := 0 <= p.Cancelled && p.Cancelled <= p.Amount
	switch p.State {
	case "missing":
		return p == orders.Payment{State: "missing"}
	case "waiting", "failed":
		return whole && p.Cancelled == 0
	case "paid":
		return whole && p.Cancelled != p.Amount
	}
	return whole && p.State == "cancelled"
}

// stranger is why a payment is not the user's; "" when it can be.
func (w *twin) stranger(o *twinOrder, p orders.Payment) string {
	user, prepared := w.prepared[p.MerchantUID]
	if p.State == "missing" || prepared && user == o.user || !prepared && !o.RequirePrepare {
		return ""
	}
	if prepared {
		return "payment_of_another"
	}
	return "payment_not_prepared"
}

// learn says what p leads to, and makes it so; "" when to nothing.
func (w *twin) learn(o *twinOrder, p orders.Payment, now domain.Time) string {
	stranger, money, gone := w.stranger(o, p), p.State == "paid", p.State == "cancelled"
	switch news := o.heard == nil || *o.heard != p; {
	case o.unwanted != "" && !o.over && o.heard != nil: // 1. Is money on its way back? It is over when nothing is left.
		switch {
		case gone && !o.told:
			return o.fail(o.unwanted, p, p.Cancelled)
		case gone:
			return o.back(o.unwanted, p)
		case !money && news:
			return o.differ(p)
		}
		return ""
	case o.told && o.unwanted == "": // 2. Is it paid for good? Then only people say otherwise, or who gives it all back.
		switch {
		case gone && news:
			o.note = ""
			return o.back("cancelled_at_provider", p)
		case news:
			return o.differ(p)
		}
		return ""
	case o.told: // 3. Was a failure told, or is it over since? What comes now goes back, if it is the user's.
		if money && stranger == "" && o.unwanted != "payment_of_another" && o.unwanted != "payment_not_prepared" {
			return o.refund("late_payment", "", p)
		}
		if !o.gone && news && stranger == "payment_of_another" && o.unwanted != "payment_of_another" && o.unwanted != "payment_not_prepared" {
			return o.differ(p)
		}
		return ""
	case stranger != "": // 4. Is it the user's at all?
		return o.fail(stranger, p, 0)
	case o.unwanted != "": // 5. Is it not welcome?
		if money {
			return o.refund(o.unwanted, o.note, p)
		}
		return o.fail(o.unwanted, p, 0)
	case money: // 6. It is welcome and there: is it right?
		for _, why := range []struct {
			wrong  bool
			reason string
		}{{p.Currency != o.Currency, "currency_mismatch"}, {p.Test && !o.AllowTest, "test_payment"}, {p.Amount != o.Amount, "amount_mismatch"},
			{p.Cancelled > 0, "payment_cancelled"}} {
			if why.wrong {
				return o.refund(why.reason, "", p)
			}
		}
		o.told, o.heard = true, &p
		return fmt.Sprintf("success of %s for %s: %d of %s for %d, %v", o.ImpUID, o.user, o.Count, o.SalePostID, o.Amount, p)
	case gone || p.State == "failed":
		return o.fail("payment_"+p.State, p, 0)
	case now < o.PayBy && news:
		o.heard = &p
		return fmt.Sprintf("pending %s for %s: %v", o.ImpUID, o.user, p)
	case now < o.PayBy:
		return ""
	case p.State == "missing":
		return o.fail("payment_not_found", p, 0)
	}
	return o.fail("payment_timeout", p, 0)
}

func (o *twinOrder) fail(reason string, p orders.Payment, back int64) string {
	o.told, o.over, o.gone, o.unwanted, o.heard = true, true, back > 0, reason, &p
	return fmt.Sprintf("failure of %s for %s: %d of %s for %d, %s, %s: %d back, %v", o.ImpUID, o.user, o.Count, o.SalePostID, o.Amount,
		reason, o.note, back, p)
}

func (o *twinOrder) refund(reason, note string, p orders.Payment) string {
	o.over, o.gone, o.unwanted, o.note, o.heard = false, false, reason, note, &p
	return fmt.Sprintf("refund of %s to %s, %s, %s: %v", o.ImpUID, o.user, reason, note, p)
}

func (o *twinOrder) back(reason string, p orders.Payment) string {
	o.over, o.gone, o.unwanted, o.heard = true, true, reason, &p
	return fmt.Sprintf("refunded %s to %s: %d, %s, %s: %v\nalarm order-refunded for %s", o.ImpUID, o.user, p.Cancelled, reason, o.note, p, o.user)
}

func (o *twinOrder) differ(p orders.Payment) string {
	o.heard = &p
	return fmt.Sprintf("discrepant %s for : %v", o.ImpUID, p)
}
