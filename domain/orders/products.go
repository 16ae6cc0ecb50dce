// Products: creating one, changing its stock, closing it.

package orders

import (
	"iter"
	"maps"

	"onsale/domain"
)

// Product is one product; its JSON is a row of the store.
type Product struct {
	Created
	Taken           int         `json:"taken,omitempty"`           // units of orders that are not decided, or paid
	SoldOutSequence uint64      `json:"soldOutSequence,omitempty"` // the command that took the last unit; 0 while there is one
	ClosedAt        domain.Time `json:"closedAt,omitzero"`

	unitsOf map[string]int // taken by each user, where PerUserLimit is set
}

// ProductStatus is the status of a product as clients see it.
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

// Remaining returns the units that no order has.
func (p *Product) Remaining() int { return p.Stock - p.Taken }

// addTaken adds the units of a user's order, or with a negative count removes them.
func (p *Product) addTaken(user string, count int, sequence uint64) {
	p.Taken += count
	p.addUnitsOf(user, count)
	p.noteSoldOut(sequence)
}

// addUnitsOf is the part of addTaken that is not in the product's row.
func (p *Product) addUnitsOf(user string, count int) {
	if p.PerUserLimit == 0 {
		return
	}
	if p.unitsOf == nil {
		p.unitsOf = map[string]int{}
	}
	if p.unitsOf[user] += count; p.unitsOf[user] == 0 {
		delete(p.unitsOf, user)
	}
}

// UnitsOf yields the units taken by each user, where the product has a limit.
func (p *Product) UnitsOf() iter.Seq2[string, int] { return maps.All(p.unitsOf) }

// exceedsLimit says whether so many more units are too many for the user.
func (p *Product) exceedsLimit(user string, count int) bool {
	return p.PerUserLimit > 0 && p.unitsOf[user]+count > p.PerUserLimit
}

// noteSoldOut notes which command took the last unit.
func (p *Product) noteSoldOut(sequence uint64) {
	p.SoldOutSequence = 0
	if p.Remaining() == 0 {
		p.SoldOutSequence = sequence
	}
}

func (s *State) create(c domain.Command, body Create) []domain.Event {
	if s.products[c.Entity] != nil {
		return domain.Reject(c, domain.ProductExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{
		ProductID: c.Entity, Name: body.Name, Price: body.Price, Stock: body.Stock, PerUserLimit: body.PerUserLimit,
	})
}

func (s *State) changeStock(c domain.Command, body ChangeStock) []domain.Event {
	p, rejection := s.openProduct(c)
	if rejection != nil {
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

func (s *State) close(c domain.Command, body Close) []domain.Event {
	if _, rejection := s.openProduct(c); rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, Closed{ProductID: c.Entity, Reason: body.Reason})
}

// openProduct returns the product that command c changes, or the command's rejection.
func (s *State) openProduct(c domain.Command) (*Product, []domain.Event) {
	p := s.products[c.Entity]
	switch {
	case p == nil:
		return nil, domain.Reject(c, domain.ProductNotFound, domain.Details{})
	case p.ClosedAt != 0:
		return nil, domain.Reject(c, domain.ProductClosed, domain.Details{})
	}
	return p, nil
}
