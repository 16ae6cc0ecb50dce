// What events about products and orders say, in the twin's words.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// orderSaid is what an event about a product or an order says, in the twin's words; "" when it is about something else.
func orderSaid(e domain.Event) string {
	switch b := e.Body.(type) {
	case orders.Created:
		return fmt.Sprintf("product %s %q: %d at %d", b.SalePostID, b.Name, b.Stock, b.Price)
	case orders.Restocked:
		return fmt.Sprintf("stock of product %s by %d to %d, %s", b.SalePostID, b.Delta, b.Stock, b.Reason)
	case orders.Closed:
		return fmt.Sprintf("closed product %s, %s", b.SalePostID, b.Reason)
	case orders.Prepared:
		return fmt.Sprintf("prepared %s for %s: %d of %s for %d", b.MerchantUID, e.User, b.Count, b.SalePostID, b.Amount)
	case orders.Placed:
		return fmt.Sprintf("placed for %s: %v", e.User, b)
	case orders.Kept:
		return fmt.Sprintf("kept, %s, for %s: %v", b.Reason, e.User, b.Placed)
	case orders.Pending:
		return fmt.Sprintf("pending %s for %s: %v", b.ImpUID, e.User, b.Payment)
	case orders.Succeeded:
		return fmt.Sprintf("success of %s for %s: %d of %s for %d, %v", b.ImpUID, e.User, b.Count, b.SalePostID, b.Amount, b.Payment)
	case orders.RefundDue:
		payment := "nobody knows what"
		if b.Payment != nil {
			payment = fmt.Sprint(*b.Payment)
		}
		return fmt.Sprintf("refund of %s to %s, %s, %s: %s", b.ImpUID, e.User, b.Reason, b.Note, payment)
	case orders.Unsuccessful:
		return fmt.Sprintf("failure of %s for %s: %d of %s for %d, %s, %s: %d back, %v", b.ImpUID, e.User, b.Count, b.SalePostID, b.Amount,
			b.Reason, b.Note, b.Refunded, b.Payment)
	case orders.GivenBack:
		return fmt.Sprintf("refunded %s to %s: %d, %s, %s: %v", b.ImpUID, e.User, b.Refunded, b.Reason, b.Note, b.Payment)
	case orders.Differs:
		return fmt.Sprintf("discrepant %s for %s: %v", b.ImpUID, e.User, b.Payment)
	case orders.Recheck:
		return fmt.Sprintf("ask about %s, round %d, for %s", b.ImpUID, b.Round, e.User)
	case orders.Cancelled:
		return fmt.Sprintf("cancelled %s of %s, %d for %s, %s", b.ImpUID, b.UserID, b.Amount, b.SalePostID, b.Reason)
	}
	return ""
}

// orderStory is what happened to an order, and why, in a word or two: chance has to lead to each.
func orderStory(body domain.Body) string {
	name, _ := body.Type()
	switch b := body.(type) {
	case orders.RefundDue:
		return name + " " + b.Reason
	case orders.Unsuccessful:
		return name + " " + b.Reason
	case orders.GivenBack:
		return name + " " + b.Reason
	}
	return name
}
