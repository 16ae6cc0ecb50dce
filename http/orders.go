// Orders and their payments on the wire. What a payment is worth is never said by the client: it names one, and the
// provider is asked.

package http

import (
	"fmt"
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/projections"
)

// preparePayment reads POST /api/v1/orders/prepare.
func preparePayment(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var product string
	var count int64
	err := readFields(w, r, func(o *object) {
		product, count = requiredID(o, "salePostId", maxEntityID), o.Integer("count", 0)
	})
	return commandRequest{entity: product, body: orders.Prepare{Count: int(count)}, canonical: fmt.Sprintf("%s %d", product, count)}, err
}

// placeOrder reads POST /api/v1/orders. The fingerprint covers what the client said and not the terms, which a node may
// have changed by the time of a repetition.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var impUID string
	var body orders.Place
	err := readFields(w, r, func(o *object) {
		impUID, body.ProductID = requiredID(o, "imp_uid", maxID), requiredID(o, "salePostId", maxEntityID)
		body.Count, body.Amount = int(o.Integer("count", 0)), o.RequiredInteger("amount")
	})
	canonical := fmt.Sprintf("%s %s %d %d", impUID, body.ProductID, body.Count, body.Amount)
	if s.Payments != nil {
		body.Terms = s.Payments.Terms
	}
	return commandRequest{entity: impUID, body: body, canonical: canonical}, err
}

// cancelOrder reads POST /api/v1/admin/orders/:imp_uid/cancel.
func cancelOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return commandRequest{}, err
	}
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody { return orders.Cancel{Reason: o.Text("reason")} })
	return commandRequest{entity: id, body: body, canonical: canonical, admin: true}, err
}

type orderView struct {
	ImpUID      string        `json:"imp_uid"`
	SalePostID  string        `json:"salePostId"`
	Count       int           `json:"count"`
	Amount      int64         `json:"amount"`
	OrderStatus orders.Status `json:"orderStatus"`
	Reason      string        `json:"reason,omitempty"` // why it is not or no longer wanted
}

// viewOrder shows o to its user or an admin. What people have to look at in a paid order is the shop's alone.
func viewOrder(o orders.Order, user string) orderView {
	v := orderView{o.PaymentID, o.ProductID, o.Count, o.Amount, o.Status, o.Reason}
	if o.Reason == orders.ReasonDiscrepant && !isAdmin(user) {
		v.Reason = ""
	}
	return v
}

// OrderView is what an order's own user sees of it, as JSON.
func OrderView(o orders.Order) any { return viewOrder(o, o.User) }

// order is for its user and for admins.
func order(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return nil, err
	}
	user, err := requireUser(r)
	if err != nil {
		return nil, err
	}
	o, found, err := v.Order(id)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, problemf(domain.OrderNotFound, "")
	case !maySee(o, user):
		return nil, problemf(forbidden, "")
	}
	return viewOrder(o, user), nil
}

func maySee(o orders.Order, user string) bool { return o.User == user || isAdmin(user) }

func myOrders(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Orders(page.before, page.limit)
	return listOfUser(found, OrderView), err
}
