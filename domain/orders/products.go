// Products: opening one, another number of units, the end.

package orders

import (
	"fmt"

	"onsale/domain"
)

// Bounds of products and orders. A price times a count stays below 2^53, so that every client can count it.
const (
	MaxStock  = 1_000_000_000
	MaxPrice  = 1_000_000_000_000
	MaxCount  = 1_000 // units of one order
	MaxName   = 200   // bytes
	MaxReason = 500   // bytes
)

// Product is what the rules know of one.
type Product struct {
	Created
	Taken           int         `json:"taken,omitempty"`           // units of orders that are under way or paid
	SoldOutSequence uint64      `json:"soldOutSequence,omitempty"` // the command that took the last unit; 0 while there is one
	ClosedAt        domain.Time `json:"closedAt,omitzero"`
}

// ProductStatus is what a product looks like to clients.
type ProductStatus string

const (
	ProductOpen    ProductStatus = "OPEN"
	ProductSoldOut ProductStatus = "SOLD_OUT"
	ProductClosed  ProductStatus = "CLOSED"
)

// Status returns the status of the product.
func (p *Product) Status() ProductStatus {
	switch {
	case p.ClosedAt != 0:
		return ProductClosed
	case p.Remaining() == 0:
		return ProductSoldOut
	}
	return ProductOpen
}

// Remaining is how many units nobody has.
func (p *Product) Remaining() int { return p.Stock - p.Taken }

// addTaken counts units that an order takes, or, below 0, gives back.
func (p *Product) addTaken(count int, sequence uint64) {
	p.Taken += count
	p.noteSoldOut(sequence)
}

// noteSoldOut notes which command took the last unit.
func (p *Product) noteSoldOut(sequence uint64) {
	p.SoldOutSequence = 0
	if p.Remaining() == 0 {
		p.SoldOutSequence = sequence
	}
}

// Check says which field of c has a wrong shape, as a *domain.FieldError.
func (c Create) Check() error {
	switch {
	case c.Name == "" || len(c.Name) > MaxName:
		return &domain.FieldError{Field: "name", Problem: fmt.Sprintf("1 to %d bytes", MaxName)}
	case c.Price < 1 || c.Price > MaxPrice:
		return &domain.FieldError{Field: "price", Problem: fmt.Sprintf("1 to %d", MaxPrice)}
	case c.Stock < 0 || c.Stock > MaxStock:
		return &domain.FieldError{Field: "stock", Problem: fmt.Sprintf("0 to %d", MaxStock)}
	}
	return nil
}

// Check says which field has a wrong shape, as a *domain.FieldError.
func (c ChangeStock) Check() error {
	if c.Delta == 0 || c.Delta < -MaxStock || c.Delta > MaxStock {
		return &domain.FieldError{Field: "delta", Problem: fmt.Sprintf("-%d to %d, and not 0", MaxStock, MaxStock)}
	}
	return checkReason(c.Reason)
}

// Check says which field has a wrong shape, as a *domain.FieldError.
func (c Close) Check() error { return checkReason(c.Reason) }

func checkReason(reason string) error {
	if len(reason) > MaxReason {
		return &domain.FieldError{Field: "reason", Problem: fmt.Sprintf("at most %d bytes", MaxReason)}
	}
	return nil
}

func (s *State) create(c domain.Command, body Create) domain.Event {
	switch {
	case body.Check() != nil:
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	case s.products[c.Entity] != nil:
		return domain.Reject(c, domain.ProductExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{ProductID: c.Entity, Name: body.Name, Price: body.Price, Stock: body.Stock})
}

func (s *State) changeStock(c domain.Command, body ChangeStock) domain.Event {
	p, rejection := s.openProduct(c, body.Check())
	if p == nil {
		return rejection
	}
	stock := p.Stock + body.Delta
	if stock > MaxStock {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if stock < p.Taken {
		return domain.Reject(c, domain.StockBelowIssued, domain.Details{Issued: p.Taken})
	}
	return domain.NewOutcome(c, StockChanged{ProductID: c.Entity, Delta: body.Delta, Stock: stock, Reason: body.Reason})
}

func (s *State) close(c domain.Command, body Close) domain.Event {
	p, rejection := s.openProduct(c, body.Check())
	if p == nil {
		return rejection
	}
	return domain.NewOutcome(c, Closed{ProductID: c.Entity, Reason: body.Reason})
}

// openProduct is the product that command c is about, or the event that says why nothing can be done to it.
func (s *State) openProduct(c domain.Command, bodyErr error) (*Product, domain.Event) {
	p := s.products[c.Entity]
	switch {
	case bodyErr != nil:
		return nil, domain.Reject(c, domain.InvalidBody, domain.Details{})
	case p == nil:
		return nil, domain.Reject(c, domain.ProductNotFound, domain.Details{})
	case p.ClosedAt != 0:
		return nil, domain.Reject(c, domain.ProductClosed, domain.Details{})
	}
	return p, domain.Event{}
}
