// The language of the transcripts: how what happened to products and orders is told.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// orderSentence tells what happened to a product or an order; "" when it is something else.
func orderSentence(e domain.Event) string {
	switch b := e.Body.(type) {
	case orders.Created:
		return fmt.Sprintf("%s has product %s %q, %s at %d", e.User, b.SalePostID, b.Name, count(b.Stock, "unit"), b.Price)
	case orders.Restocked:
		return fmt.Sprintf("%s changes the stock of product %s by %d to %d%s", e.User, b.SalePostID, b.Delta, b.Stock, since(b.Reason))
	case orders.Closed:
		return fmt.Sprintf("%s has closed product %s%s", e.User, b.SalePostID, since(b.Reason))
	case orders.Prepared:
		return fmt.Sprintf("%s can pay %d for %s of %s as %s", e.User, b.Amount, count(b.Count, "unit"), b.SalePostID, b.MerchantUID)
	case orders.Placed:
		return fmt.Sprintf("%s orders %s", e.User, placedText(b))
	case orders.Kept:
		return fmt.Sprintf("%s would have ordered %s; should it be paid, it goes back: %s", e.User, placedText(b.Placed), b.Reason)
	case orders.Pending:
		return fmt.Sprintf("%s has not paid %s yet: %s", e.User, b.ImpUID, paymentText(b.Payment))
	case orders.Succeeded:
		return fmt.Sprintf("%s has %s of %s for good, for %d by %s: %s", e.User, count(b.Count, "unit"), b.SalePostID, b.Amount, b.ImpUID,
			paymentText(b.Payment))
	case orders.RefundDue:
		s := fmt.Sprintf("%s gets back what %s has paid, %s%s", e.User, b.ImpUID, b.Reason, since(b.Note))
		if b.Payment == nil {
			return s + ": whatever that is"
		}
		return s + ": " + paymentText(*b.Payment)
	case orders.Unsuccessful:
		return fmt.Sprintf("%s does not have %s of %s for %d by %s, %s%s: %s; %d went back", e.User, count(b.Count, "unit"), b.SalePostID, b.Amount,
			b.ImpUID, b.Reason, since(b.Note), paymentText(b.Payment), b.Refunded)
	case orders.GivenBack:
		return fmt.Sprintf("%s has %d back by %s, %s%s: %s", e.User, b.Refunded, b.ImpUID, b.Reason, since(b.Note), paymentText(b.Payment))
	case orders.Differs:
		return fmt.Sprintf("the shop has to look at %s: %s", b.ImpUID, paymentText(b.Payment))
	case orders.Recheck:
		return fmt.Sprintf("it is time to ask about %s, round %d", b.ImpUID, b.Round)
	case orders.Cancelled:
		return fmt.Sprintf("%s has taken %s for %d by %s from %s%s", e.User, b.SalePostID, b.Amount, b.ImpUID, b.UserID, since(b.Reason))
	}
	return ""
}

func placedText(p orders.Placed) string {
	s := fmt.Sprintf("%s of %s for %d by %s, within %d s until %s, in %s", count(p.Count, "unit"), p.SalePostID, p.Amount, p.ImpUID, p.PaySeconds,
		clockText(p.PayBy), p.Currency)
	if p.RequirePrepare {
		s += ", if prepared"
	}
	if p.AllowTest {
		s += ", or as a test"
	}
	return s
}

func (d *diary) showProduct(p *orders.Product) {
	d.say("    · %s, %d taken, %d remain, sold out by %d%s", count(p.Stock, "unit"), p.Taken, p.Remaining(), p.SoldOutSequence,
		when(", closed ", p.ClosedAt))
}

func (d *diary) showOrder(o *orders.Order) {
	s := fmt.Sprintf("%s of %s, %s of %s for %d", o.Status, o.User, count(o.Count, "unit"), o.SalePostID, o.Amount)
	if o.Reason != "" {
		s += ", " + o.Reason + since(o.Note)
	}
	if o.Payment != nil {
		s += ": " + paymentText(*o.Payment)
	}
	if o.Verdict != 0 {
		s += fmt.Sprintf("; the verdict is %d", o.Verdict)
	}
	d.say("    · %s; as %d made it%s", s, o.Event, when("; asked about at ", o.AskAt))
}
