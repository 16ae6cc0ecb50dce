// What a user is told about orders. Of what the provider said of their payment only what it comes to.
package stream

import (
	"onsale/domain"
	"onsale/domain/orders"
)

// orderNews is an order as what has just happened left it.
type orderNews struct {
	ImpUID      string        `json:"imp_uid"`
	SalePostID  string        `json:"salePostId,omitempty"`
	Count       int           `json:"count,omitempty"`
	Amount      int64         `json:"amount,omitempty"`
	OrderStatus orders.Status `json:"orderStatus"`
	Reason      string        `json:"reason,omitempty"`
	Note        string        `json:"note,omitempty"`     // the shop's words
	Refunded    *int64        `json:"refunded,omitempty"` // where money may have gone back
	PayBy       domain.Time   `json:"payBy,omitzero"`
}

func orderNotice(body domain.Body) (notice, bool) {
	switch b := body.(type) {
	case orders.Placed:
		news := placedNews(b, orders.Verifying)
		news.PayBy = b.PayBy
		return news.notice("order-accepted"), true
	case orders.Kept:
		news := placedNews(b.Placed, orders.Refunding)
		news.Reason = b.Reason
		return news.notice("order-refunding"), true
	case orders.Pending:
		return orderNews{ImpUID: b.ImpUID, OrderStatus: orders.PendingPayment}.notice("order-pending"), true
	case orders.Succeeded:
		return orderNews{
			ImpUID: b.ImpUID, SalePostID: b.SalePostID, Count: b.Count, Amount: b.Amount, OrderStatus: orders.Paid,
		}.notice("order-success"), true
	case orders.Unsuccessful:
		news := orderNews{
			ImpUID: b.ImpUID, SalePostID: b.SalePostID, Count: b.Count, Amount: b.Amount, OrderStatus: orders.Failed,
			Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded,
		}
		n := news.notice("order-failure")
		if b.Refunded > 0 {
			news.OrderStatus = orders.Refunded
			n.fields, n.text = news, "order-failure/refunded"
		}
		return n, true
	case orders.RefundDue:
		return orderNews{
			ImpUID: b.ImpUID, OrderStatus: orders.Refunding, Reason: b.Reason, Note: b.Note,
		}.notice("order-refunding"), true
	case orders.GivenBack:
		return orderNews{
			ImpUID: b.ImpUID, OrderStatus: orders.Refunded, Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded,
		}.notice("order-refunded"), true
	}
	return notice{}, false
}

func placedNews(p orders.Placed, status orders.Status) orderNews {
	return orderNews{ImpUID: p.ImpUID, SalePostID: p.SalePostID, Count: p.Count, Amount: p.Amount, OrderStatus: status}
}

// notice tells the news by that name.
func (n orderNews) notice(name string) notice {
	return notice{name: name, text: name, fields: n, words: words{impUID: n.ImpUID, reason: n.Reason}}
}
