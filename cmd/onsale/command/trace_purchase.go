// The page of a purchase in "audit --trace": hold, prepared payment, order, coupon, the provider's answers, seats and refund, in the order
// of time. Ids of payments are the user's choice and may look like a hold or a reservation: each id is kept with what it names.

package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/audit"
)

// purchase is what belongs to the target of a trace.
type purchase struct {
	target                                                          string
	payments, preparations, holds, reservations, coupons, schedules map[string]bool
	refunded                                                        bool // its last order, before the event that is looked at
}

func newPurchase(target string) *purchase {
	return &purchase{
		target: target, payments: map[string]bool{}, preparations: map[string]bool{}, holds: map[string]bool{}, reservations: map[string]bool{},
		coupons: map[string]bool{}, schedules: map[string]bool{},
	}
}

// learn adds what e says to belong together, if the target is among it.
func (p *purchase) learn(e domain.Event) {
	switch b := e.Body.(type) {
	case orders.Prepared:
		p.link(b.Purchase, "", "", b.MerchantUID)
	case orders.Placed:
		p.link(b.Purchase, b.PaymentID, "", b.MerchantUID)
	case orders.RejectedPaid:
		p.link(b.Purchase, b.PaymentID, "", b.MerchantUID)
	case orders.Succeeded:
		p.link(b.Purchase, b.PaymentID, b.ReservationID, b.Payment.MerchantUID)
	case orders.Failed:
		p.link(b.Purchase, b.PaymentID, "", b.Payment.MerchantUID)
	}
}

func (p *purchase) link(b orders.Purchase, payment, reservation, merchantUID string) {
	if !slices.Contains([]string{payment, reservation, merchantUID, b.HoldID, b.CouponID}, p.target) && !p.payments[payment] &&
		!p.preparations[merchantUID] || p.target == "" {
		return
	}
	for id, all := range map[*string]map[string]bool{
		&payment: p.payments, &reservation: p.reservations, &merchantUID: p.preparations, &b.HoldID: p.holds, &b.CouponID: p.coupons,
		&b.ScheduleID: p.schedules,
	} {
		if *id != "" {
			all[*id] = true
		}
	}
}

// has says whether e is about the purchase.
func (p *purchase) has(e domain.Event) bool {
	switch b := e.Body.(type) {
	case orders.Prepared:
		return p.preparations[b.MerchantUID]
	case orders.PreparationDue:
		return p.preparations[b.MerchantUID]
	case coupons.Issued:
		return p.coupons[b.CouponID]
	case coupons.Accepted:
		return slices.ContainsFunc(b.IDs(""), func(id string) bool { return p.coupons[id] })
	case coupons.Bound:
		return p.payments[b.PaymentID]
	case coupons.GivenBack:
		return p.payments[b.PaymentID]
	case coupons.Used:
		return p.payments[b.PaymentID] || b.PaymentID == "" && p.coupons[b.CouponID]
	case coupons.Revoked:
		return p.coupons[b.CouponID]
	case seats.ScheduleCancelled:
		return p.schedules[b.ScheduleID]
	case alarms.Raised:
		return p.payments[b.PaymentID] || p.holds[b.HoldID] || p.reservations[b.ReservationID]
	}
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "orders":
		return p.payments[e.Entity]
	case "seats":
		hold, reservation, _ := seats.Refs(e)
		return hold != 0 && p.holds[seats.HoldID(hold)] || reservation != 0 && p.reservations[seats.ReservationID(e.Entity, reservation)] ||
			p.takesSeats(e)
	}
	return false
}

// takesSeats says whether e takes the seats of an order without a result.
func (p *purchase) takesSeats(e domain.Event) bool {
	b, ok := e.Body.(seats.Released)
	return ok && p.payments[b.PaymentID]
}

// shows says whether e, the next event of the log, is a line of the page. A performance that is called off after the refund changes
// nothing for the purchase.
func (p *purchase) shows(e domain.Event) bool {
	if !p.has(e) {
		return false
	}
	switch e.Body.(type) {
	case orders.Placed:
		p.refunded = false
	case orders.Refunded:
		p.refunded = true
	case seats.ScheduleCancelled:
		return !p.refunded
	}
	return true
}

// print reads the logs once more and prints a line for each event of the purchase.
func (p *purchase) print(ctx context.Context, log audit.Log, out printer) error {
	if len(p.payments) == 0 && len(p.preparations) == 0 {
		return nil
	}
	fmt.Fprintf(out.out, "\nthe purchase, in the order of time:\n")
	for d, err := range audit.Replay(ctx, log) {
		if err != nil {
			return err
		}
		for _, e := range d.Events {
			if !p.shows(e) {
				continue
			}
			fmt.Fprintf(out.out, "  %s  %s-%d  %s\n", e.Now, out.epoch, e.Number, purchaseLine(e, d.Command))
		}
	}
	return nil
}

// purchaseLine says what happened.
func purchaseLine(e domain.Event, c domain.Command) string {
	switch b := e.Body.(type) {
	case orders.Prepared:
		return fmt.Sprintf("%s prepares a payment of %s: merchant_uid %s", e.User, bought(b.Purchase), b.MerchantUID)
	case orders.PreparationDue:
		return fmt.Sprintf("no order has come for merchant_uid %s: the provider is asked, attempt %d", b.MerchantUID, b.Attempt)
	case orders.Placed:
		text := fmt.Sprintf("%s orders %s, with payment %s", e.User, bought(b.Purchase), b.PaymentID)
		if e.Request.IsZero() {
			text = fmt.Sprintf("onsale orders %s for %s, who had paid with payment %s and sent no order", bought(b.Purchase), e.User, b.PaymentID)
		}
		if b.Late {
			text += "; the hold had expired, but its seats were free"
		}
		return text
	case orders.RejectedPaid:
		return fmt.Sprintf("the order of %s, with payment %s, is rejected (%s), but kept: what was paid is refunded", bought(b.Purchase), b.PaymentID, b.Reason)
	case domain.Rejection:
		return fmt.Sprintf("%s of %s is rejected: %s", b.Command, e.User, b.Code)
	case coupons.Issued:
		return fmt.Sprintf("%s gets coupon %s", e.User, b.CouponID)
	case coupons.Accepted:
		return fmt.Sprintf("%s accepts an offer of %d coupons, the first %s", e.User, b.Quantity, b.CouponID)
	case coupons.Bound:
		return fmt.Sprintf("coupon %s is bound to payment %s", b.CouponID, b.PaymentID)
	case coupons.Used:
		return fmt.Sprintf("coupon %s is used", b.CouponID)
	case coupons.GivenBack:
		return fmt.Sprintf("%s gets coupon %s back", e.User, b.CouponID)
	case coupons.Revoked:
		return fmt.Sprintf("coupon %s is revoked%s", b.CouponID, because("", b.Reason))
	case alarms.Raised:
		return fmt.Sprintf("%s is notified: %s", e.User, b.Kind)
	}
	name, _ := e.Body.Type()
	text := orderLine(e, c)
	if domain.Kind(name) == "seats" {
		text = seatsLine(e)
	}
	if text == "" {
		return name
	}
	return text
}

// orderLine says what became of an order.
func orderLine(e domain.Event, c domain.Command) string {
	switch b := e.Body.(type) {
	case orders.Confirmed:
		return fmt.Sprintf("%s sends the order that onsale had placed; it is %s", e.User, b.Status)
	case orders.Pending:
		return "the provider says of payment " + b.PaymentID + ": " + answer(b.Payment)
	case orders.Succeeded:
		return fmt.Sprintf("the provider says of payment %s: %s. The order is PAID", b.PaymentID, answer(b.Payment))
	case orders.RefundDue:
		text := fmt.Sprintf("the order with payment %s ends%s", b.PaymentID, because(b.Reason, b.Note))
		switch {
		case b.Payment == nil:
			return text + ": the provider is asked what was paid, and that is refunded"
		case b.Kept > 0:
			return fmt.Sprintf("%s: %s; all but %d is refunded", text, answer(*b.Payment), b.Kept)
		}
		return text + ": " + answer(*b.Payment) + "; it is refunded"
	case orders.Failed:
		return fmt.Sprintf("the provider says of payment %s: %s. The order has FAILED%s; refunded: %d", b.PaymentID, answer(b.Payment),
			because(b.Reason, b.Note), b.Refunded)
	case orders.Refunded:
		return fmt.Sprintf("the order with payment %s is REFUNDED%s: %d back, %d kept", b.PaymentID, because(b.Reason, b.Note), b.Refunded, b.Kept)
	case orders.Discrepant:
		return fmt.Sprintf("the provider says of payment %s: %s. That does not fit: an admin has to look at it", b.PaymentID, answer(b.Payment))
	case orders.Recheck:
		return fmt.Sprintf("it is time to ask the provider about payment %s again, attempt %d", b.PaymentID, b.Attempt)
	case orders.Cancelled:
		return fmt.Sprintf("%s has cancelled the order with payment %s%s", c.User, b.PaymentID, because("", b.Reason))
	}
	return ""
}

// seatsLine says what became of a hold or a reservation.
func seatsLine(e domain.Event) string {
	switch b := e.Body.(type) {
	case seats.Held:
		return fmt.Sprintf("%s holds %s for %d until %s: hold %s", e.User, seatsOf(b.ScheduleID, b.ScheduleSeatIDs), b.TotalPrice, b.ExpiresAt, b.HoldID)
	case seats.Accepted:
		return fmt.Sprintf("%s accepts an offer of %s for %d until %s: hold %s", e.User, seatsOf(b.ScheduleID, b.ScheduleSeatIDs), b.TotalPrice, b.ExpiresAt, b.HoldID)
	case seats.Swapped:
		return fmt.Sprintf("hold %s has %s now, for %d", b.HoldID, seatsOf(b.ScheduleID, b.ScheduleSeatIDs), b.TotalPrice)
	case seats.Extended:
		return fmt.Sprintf("hold %s lasts until %s", b.HoldID, b.ExpiresAt)
	case seats.PaymentPrepared:
		return fmt.Sprintf("hold %s lasts until %s, so that it can be paid", b.HoldID, b.ExpiresAt)
	case seats.Expiring:
		return fmt.Sprintf("hold %s ends soon, at %s", b.HoldID, b.ExpiresAt)
	case seats.Ordered:
		return fmt.Sprintf("hold %s stays until the order with payment %s has a result", b.HoldID, b.PaymentID)
	case seats.OrderFailed:
		return fmt.Sprintf("hold %s goes on until %s, and can be ordered again", b.HoldID, b.ExpiresAt)
	case seats.Expired:
		return fmt.Sprintf("hold %s is over: %s can be had by others", b.HoldID, seatsOf(b.ScheduleID, b.ScheduleSeatIDs))
	case seats.Released:
		return fmt.Sprintf("a hold loses %s%s", seatsOf(b.ScheduleID, b.ScheduleSeatIDs), because("", b.Reason))
	case seats.Reserved:
		return fmt.Sprintf("%s has reserved %s: reservation %s", e.User, seatsOf(b.ScheduleID, b.ScheduleSeatIDs), b.ReservationID)
	case seats.Cancelled:
		text := fmt.Sprintf("reservation %s is cancelled%s, with %s", b.ReservationID, because("", b.Reason), seatsOf(b.ScheduleID, b.ScheduleSeatIDs))
		if b.RefundPercent != nil && b.RefundAmount != nil {
			text += fmt.Sprintf(", and %d percent are refunded: %d", *b.RefundPercent, *b.RefundAmount)
		}
		return text
	case seats.ScheduleCancelled:
		return fmt.Sprintf("%s has called off the whole performance %s%s", e.User, b.ScheduleID, because("", b.Reason))
	}
	return ""
}

// bought says what a purchase is, and what it costs.
func bought(p orders.Purchase) string {
	text := fmt.Sprintf("%d of product %s", p.Count, p.ProductID)
	if p.HoldID != "" {
		text = "hold " + p.HoldID
		if p.ScheduleID != "" {
			text += " (" + seatsOf(p.ScheduleID, p.ScheduleSeatIDs) + ")"
		}
	}
	text += fmt.Sprintf(" for %d", p.Amount)
	if p.CouponID != "" {
		text += fmt.Sprintf(", %d less with coupon %s", p.Discount, p.CouponID)
	}
	return text
}

func seatsOf(schedule string, ids []int) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	if len(ids) == 1 {
		return fmt.Sprintf("seat %s of %s", texts[0], schedule)
	}
	return fmt.Sprintf("seats %s of %s", strings.Join(texts, ", "), schedule)
}

// answer says what the provider has said.
func answer(p orders.Payment) string {
	switch p.State {
	case orders.PaymentMissing:
		return "it knows no such payment"
	case orders.PaymentWaiting:
		return fmt.Sprintf("%d %s, not paid yet", p.Amount, p.Currency)
	case orders.PaymentPaid:
		if p.Cancelled > 0 {
			return fmt.Sprintf("%d %s paid, %d of it refunded", p.Amount, p.Currency, p.Cancelled)
		}
		return fmt.Sprintf("%d %s paid", p.Amount, p.Currency)
	case orders.PaymentCancelled:
		return fmt.Sprintf("cancelled, %d %s refunded", p.Cancelled, p.Currency)
	case orders.PaymentNone:
		return "nothing to pay"
	}
	return "not paid: it failed"
}

// because is the code of a reason and an admin's words, as far as there are any.
func because(code, note string) string {
	switch {
	case code == "" && note == "":
		return ""
	case note == "":
		return " (" + code + ")"
	case code == "":
		return fmt.Sprintf(" (%q)", note)
	}
	return fmt.Sprintf(" (%s, %q)", code, note)
}
