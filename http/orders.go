// Products, orders and webhooks. A client only names a payment; what was paid is read from the provider.

package http

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/auth"
	"onsale/http/payments/portone"
	"onsale/http/view"
	"onsale/projections/store"
)

// createProduct reads POST /api/v1/admin/products.
func createProduct(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "salePostId", func(o *object) validatedBody {
		return orders.Create{
			Name: textField(o, "name"), Price: o.Integer("price", 0), Stock: int(o.Integer("stock", -1)), PerUserLimit: int(o.Integer("perUserLimit", 0)),
		}
	})
}

var (
	changeProductStock = adminCommand(entityCommand("salePostId", func(o *object) validatedBody {
		return orders.ChangeStock{Delta: int(o.Integer("delta", 0)), Reason: textField(o, "reason")}
	}))
	closeProduct = adminCommand(entityCommand("salePostId", func(o *object) validatedBody { return orders.Close{Reason: textField(o, "reason")} }))
)

type productView struct {
	SalePostID string               `json:"salePostId"`
	Name       string               `json:"name"`
	Price      int64                `json:"price"`
	Stock      int                  `json:"stock"`
	Remaining  int                  `json:"remaining"`
	Status     orders.ProductStatus `json:"status"`
}

func viewProduct(p orders.Product) productView {
	return productView{p.ProductID, p.Name, p.Price, p.Stock, p.Remaining(), p.Status()}
}

func products(_ *http.Request, query url.Values, v *store.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Products(page.after, page.limit+1)
	return listByID(found, page, viewProduct, func(p orders.Product) string { return p.ProductID }), err
}

func product(r *http.Request, _ url.Values, v *store.View) (any, error) {
	p, err := findByPath(r, "salePostId", domain.ProductNotFound, v.Product)
	return viewProduct(p), err
}

// purchase is what a body buys: units of a product, or the seats of a hold.
type purchase struct {
	product string
	count   int
	hold    string
	coupon  string
}

func decodePurchase(o *object) purchase {
	const either = "give either salePostId and count, or holdId"
	p := purchase{
		product: idField(o, "salePostId", maxEntityID), count: int(o.Integer("count", 0)),
		hold: idField(o, "holdId", maxID), coupon: idField(o, "couponId", maxID),
	}
	switch {
	case p.hold == "" && p.product == "":
		o.Invalid("salePostId", "is missing; "+either)
	case p.hold != "" && p.product != "":
		o.Invalid("holdId", either)
	case p.hold != "" && o.Has("count"):
		o.Invalid("count", either)
	}
	return p
}

// canonical has no equal of another purchase: ids have no "=". Without hold and coupon it is as it was before there were any, for
// requests that are sent again after an upgrade.
func (p purchase) canonical() string {
	text := p.product + " " + strconv.Itoa(p.count)
	if p.hold != "" {
		text = "holdId=" + p.hold
	}
	if p.coupon != "" {
		text += " couponId=" + p.coupon
	}
	return text
}

// preparePayment reads POST /api/v1/orders/prepare. The fingerprint does not cover the settings, which may have changed at a retry.
func (s *Server) preparePayment(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var p purchase
	err := readFields(w, r, func(o *object) { p = decodePurchase(o) })
	body := orders.Prepare{Count: p.count, HoldID: p.hold, CouponID: p.coupon}
	if s.Payments != nil {
		terms := s.Payments.Terms
		body.Terms, body.MaxOpenOrders = &terms, s.Payments.MaxOpenOrders
	}
	return commandRequest{entity: cmp.Or(p.product, p.hold), body: body, canonical: p.canonical()}, err
}

// placeOrder reads POST /api/v1/orders. The fingerprint does not cover the settings, as with preparePayment.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var impUID string
	var p purchase
	var amount int64
	err := readFields(w, r, func(o *object) {
		impUID = decodePayment(o)
		p, amount = decodePurchase(o), o.RequiredInteger("amount")
		if amount > orders.MaxAmount {
			o.Invalid("amount", "at most %d", orders.MaxAmount)
		}
	})
	body := orders.Place{ProductID: p.product, Count: p.count, HoldID: p.hold, CouponID: p.coupon, Amount: amount}
	if s.Payments != nil {
		body.Terms, body.MaxOpenOrders = s.Payments.Terms, s.Payments.MaxOpenOrders
	}
	canonical := fmt.Sprintf("%s %s %d", impUID, p.canonical(), amount)
	return commandRequest{entity: impUID, body: body, canonical: canonical}, err
}

// decodePayment reads the imp_uid of an order. One that costs nothing has none; ids like those that it gets instead are refused.
func decodePayment(o *object) string {
	id := idField(o, "imp_uid", maxID)
	switch {
	case orders.IsReserved(id):
		o.Invalid("imp_uid", "is reserved for orders without a payment")
	case id != "":
	case !o.Has("amount") || o.Integer("amount", 0) != 0:
		o.Invalid("imp_uid", "is missing; only an order with the amount 0 needs none")
	default:
		return orders.NoPayment
	}
	return id
}

// cancelOrder reads POST /api/v1/admin/orders/:imp_uid/cancel.
func cancelOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return commandRequest{}, err
	}
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		c := orders.Cancel{Reason: textField(o, "reason")}
		if o.Has("percent") {
			percent := int(o.RequiredInteger("percent"))
			c.Percent = &percent
		}
		return c
	})
	return commandRequest{entity: id, body: body, canonical: canonical, admin: true}, err
}

// order answers GET /api/v1/orders/:imp_uid.
func (s *Server) order(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return err
	}
	var o orders.Order
	var found bool
	err = s.readSnapshot(w, r, r.URL.Query(), who, func(v *store.View) (err error) {
		o, found, err = v.Order(id)
		return err
	})
	switch {
	case err != nil:
		return err
	case !found:
		return problemf(domain.OrderNotFound, "")
	case !maySee(who, o.User):
		return problemf(forbidden, "")
	}
	return sendJSON(w, http.StatusOK, view.NewOrder(o, who.Roles.Any(seesAnybody)))
}

var myOrders = userList((*store.View).Orders, func(o orders.Order) view.Order { return view.NewOrder(o, false) })

// Payments is what the API needs of a payment provider.
type Payments struct {
	// Terms are written into each order and each prepared payment.
	Terms orders.Terms

	// MaxOpenOrders limits the orders of a user that have no result; 0: no limit.
	MaxOpenOrders int

	// ParseWebhook returns the payment that a webhook is about, Ref "" for none. Its errors are portone.ErrWebhook and
	// portone.ErrSignature.
	ParseWebhook func(header http.Header, body []byte) (portone.Webhook, error)

	// Notify requests a check of a payment; false: the queue is full. It must not block.
	Notify func(hook portone.Webhook) bool
}

// requirePayments reads a command that needs a payment provider. Without one it is refused, unless it was decided earlier: an order
// that costs nothing, too, for the terms that every order carries are those of the provider.
func (s *Server) requirePayments(decode commandDecoder) commandDecoder {
	return func(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
		req, err := decode(w, r)
		if s.Payments == nil {
			req.unavailable = problemf(paymentsNotConfigured, "")
		}
		return req, err
	}
}

// webhook answers POST /api/v1/payments/webhook. Anyone can send one, so it only triggers a check of the payment.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
	if s.Payments == nil {
		return problemf(paymentsNotConfigured, "")
	}
	body, err := readAll(w, r, maxBody, 0)
	if err != nil {
		return err
	}
	hook, err := s.Payments.ParseWebhook(r.Header, body)
	switch {
	case errors.Is(err, portone.ErrSignature):
		return problemf(forbidden, "the signature is not the payment provider's")
	case errors.Is(err, portone.ErrWebhook):
		return fieldProblem(domain.InvalidBody, "$", "is not a webhook of the payment provider")
	case err != nil:
		return err
	case hook.Ref != "" && !s.Payments.Notify(hook):
		return problemf(rateLimited, "too many webhooks; try again later")
	}
	send(w, http.StatusOK, jsonType, []byte("{}"))
	return nil
}
