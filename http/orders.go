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
func preparePayment(w http.ResponseWriter, r *http.Request) (wish, error) {
	var product string
	var count int64
	err := readFields(w, r, func(o *object) {
		product, count = o.someID("salePostId", maxEntityID), o.integer("count", 0)
	})
	return wish{entity: product, body: orders.Prepare{Count: int(count)}, decoded: fmt.Sprintf("%s %d", product, count)}, err
}

// placeOrder reads POST /api/v1/orders. The fingerprint covers what the client said and not the terms, which a node may
// have changed by the time of a repetition.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) (wish, error) {
	var impUID string
	var place orders.Place
	err := readFields(w, r, func(o *object) {
		impUID, place.SalePostID = o.someID("imp_uid", maxID), o.someID("salePostId", maxEntityID)
		place.Count, place.Amount = int(o.integer("count", 0)), o.someInteger("amount")
	})
	decoded := fmt.Sprintf("%s %s %d %d", impUID, place.SalePostID, place.Count, place.Amount)
	if s.Payments != nil {
		place.Terms = s.Payments.Terms
	}
	return wish{entity: impUID, body: place, decoded: decoded}, err
}

// cancelOrder reads POST /api/v1/admin/orders/:imp_uid/cancel.
func cancelOrder(w http.ResponseWriter, r *http.Request) (wish, error) {
	id, err := madeID(r, "imp_uid")
	if err != nil {
		return wish{}, err
	}
	body, decoded, err := readWish(w, r, func(o *object) checked { return orders.Cancel{Reason: o.text("reason")} })
	return wish{entity: id, body: body, decoded: decoded, admin: true}, err
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
	v := orderView{o.ImpUID, o.SalePostID, o.Count, o.Amount, o.Status, o.Reason}
	if o.Reason == orders.ReasonDiscrepant && !isAdmin(user) {
		v.Reason = ""
	}
	return v
}

// OrderView is what an order's own user sees of it, as JSON.
func OrderView(o orders.Order) any { return viewOrder(o, o.User) }

// order is for its user and for admins.
func order(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	id, err := madeID(r, "imp_uid")
	if err != nil {
		return nil, err
	}
	user, err := someone(r)
	if err != nil {
		return nil, err
	}
	o, found, err := v.Order(id)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, refuse(domain.OrderNotFound, "")
	case !maySee(o, user):
		return nil, refuse(forbidden, "")
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
