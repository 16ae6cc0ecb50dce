// Products, orders and webhooks. A client only names a payment; what was paid is read from the provider.

package http

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

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

// preparePayment reads POST /api/v1/orders/prepare.
func (s *Server) preparePayment(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var product string
	var count int64
	err := readFields(w, r, func(o *object) {
		product, count = requiredID(o, "salePostId", maxEntityID), o.Integer("count", 0)
	})
	body := orders.Prepare{Count: int(count)}
	if s.Payments != nil {
		body.MaxOpenOrders = s.Payments.MaxOpenOrders
	}
	return commandRequest{entity: product, body: body, canonical: fmt.Sprintf("%s %d", product, count)}, err
}

// placeOrder reads POST /api/v1/orders. The fingerprint does not cover the settings, which may have changed at a retry.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var impUID string
	var body orders.Place
	err := readFields(w, r, func(o *object) {
		impUID, body.ProductID = requiredID(o, "imp_uid", maxID), requiredID(o, "salePostId", maxEntityID)
		body.Count, body.Amount = int(o.Integer("count", 0)), o.RequiredInteger("amount")
	})
	canonical := fmt.Sprintf("%s %s %d %d", impUID, body.ProductID, body.Count, body.Amount)
	if s.Payments != nil {
		body.Terms, body.MaxOpenOrders = s.Payments.Terms, s.Payments.MaxOpenOrders
	}
	return commandRequest{entity: impUID, body: body, canonical: canonical}, err
}

// cancelOrder reads POST /api/v1/admin/orders/:imp_uid/cancel.
func cancelOrder(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return commandRequest{}, err
	}
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody { return orders.Cancel{Reason: textField(o, "reason")} })
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
	// Terms are written into each order.
	Terms orders.Terms

	// MaxOpenOrders limits the orders of a user that have no result; 0: no limit.
	MaxOpenOrders int

	// ParseWebhook returns the payment that a webhook is about, Ref "" for none. Its errors are portone.ErrWebhook and
	// portone.ErrSignature.
	ParseWebhook func(header http.Header, body []byte) (portone.Webhook, error)

	// Notify requests a check of a payment; false: the queue is full. It must not block.
	Notify func(hook portone.Webhook) bool
}

// requirePayments reads a command that needs a payment provider. Without one it is refused, unless it was decided earlier.
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
