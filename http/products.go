// Products on the wire: what the shop does with them, and how they are shown.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/projections"
)

// createProduct reads POST /api/v1/admin/products.
func createProduct(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "salePostId", func(o *object) validatedBody {
		return orders.Create{Name: o.Text("name"), Price: o.Integer("price", 0), Stock: int(o.Integer("stock", -1))}
	})
}

// What may be done to a product.
var (
	changeProductStock = adminCommand(entityCommand("salePostId", func(o *object) validatedBody {
		return orders.ChangeStock{Delta: int(o.Integer("delta", 0)), Reason: o.Text("reason")}
	}))
	closeProduct = adminCommand(entityCommand("salePostId", func(o *object) validatedBody { return orders.Close{Reason: o.Text("reason")} }))
)

type productView struct {
	SalePostID string `json:"salePostId"`
	Name       string `json:"name"`
	Price      int64  `json:"price"`
	Stock      int    `json:"stock"`
	Remaining  int    `json:"remaining"`
	Status     string `json:"status"`
}

func viewProduct(p orders.Product) productView {
	status := "OPEN"
	if p.ClosedAt != 0 {
		status = "CLOSED"
	} else if p.Remaining() == 0 {
		status = "SOLD_OUT"
	}
	return productView{p.ProductID, p.Name, p.Price, p.Stock, p.Remaining(), status}
}

func products(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Products(page.after, page.limit+1)
	return listByID(found, page, viewProduct, func(p orders.Product) string { return p.ProductID }), err
}

func product(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	id, err := pathID(r, "salePostId")
	if err != nil {
		return nil, err
	}
	p, found, err := v.Product(id)
	if err == nil && !found {
		err = problemf(domain.ProductNotFound, "")
	}
	return viewProduct(p), err
}
