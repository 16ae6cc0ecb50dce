// Package orders holds the rules of paid orders: a product has a price and units; an order names a payment that was made at
// a provider, and takes units at once; what the provider says of the payment decides it. There is one verdict, success or
// failure, and failure is said only when no money of it is left at the provider. A payment belongs to the first order that
// names it, unless it was prepared for somebody else.
package orders

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/deadline"
)

// State is all products, orders and preparations. It changes only by Apply.
type State struct {
	products map[string]*Product
	orders   map[string]*Order // by imp_uid
	prepared map[string]*Preparation
	rechecks *deadline.Queue[*Order]
	counts   map[Status]int
}

// Status is how an order stands.
type Status string

// An order takes units of its product while it is Verifying, StatusPendingPayment or Paid. The provider is asked about all but
// Refunded and what another has paid: often, until there is a verdict and nothing can have to go back, and then seldom.
const (
	StatusVerifying      Status = "VERIFYING"       // the provider was not heard yet
	StatusPendingPayment Status = "PENDING_PAYMENT" // it says that nothing was paid yet
	StatusPaid           Status = "PAID"
	StatusRefunding      Status = "REFUNDING" // money of it may be there, and has to go back
	StatusFailed         Status = "FAILED"    // no money of it is there
	StatusRefunded       Status = "REFUNDED"  // it went back
)

// Order is one that was placed, or refused and kept because its payment may have been made.
type Order struct {
	Placed
	User         string      `json:"user"`
	Status       Status      `json:"status"`
	Reason       string      `json:"reason,omitempty"` // why it is not or no longer wanted; or Discrepant, of one that is paid
	Note         string      `json:"note,omitempty"`   // the shop's words
	Payment      *Payment    `json:"payment,omitempty"`
	Sequence     uint64      `json:"sequence"`          // of the command that placed it
	PlacedAt     domain.Time `json:"placedAt"`          //
	LastEvent    uint64      `json:"event"`             // the last that changed it, which Learn must know
	ResultEvent  uint64      `json:"verdict,omitempty"` // the event that said success or failure; 0 while none has
	RecheckCount int         `json:"round,omitempty"`   // rechecks since the last change
	RecheckAt    domain.Time `json:"askAt,omitzero"`    // the next recheck; 0 for none
}

// Preparation binds a payment to a user and an amount beforehand.
type Preparation struct {
	Prepared
	User string `json:"user"`
}

// New is a world without products.
func New() *State {
	return &State{
		products: map[string]*Product{}, orders: map[string]*Order{}, prepared: map[string]*Preparation{},
		rechecks: deadline.NewQueue(isActive), counts: map[Status]int{},
	}
}

// Product is the one with this id, or nil; Order is the one that has this payment; Preparation that of a merchant_uid.
func (s *State) Product(productID string) *Product           { return s.products[productID] }
func (s *State) Order(paymentID string) *Order               { return s.orders[paymentID] }
func (s *State) Preparation(merchantUID string) *Preparation { return s.prepared[merchantUID] }

// Products, Orders and Preparations are the ids of all, in alphabetical order.
func (s *State) Products() []string     { return slices.Sorted(maps.Keys(s.products)) }
func (s *State) Orders() []string       { return slices.Sorted(maps.Keys(s.orders)) }
func (s *State) Preparations() []string { return slices.Sorted(maps.Keys(s.prepared)) }

// Count is how many orders stand so.
func (s *State) Count(status Status) int { return s.counts[status] }

// RestoreProduct, RestoreOrder and RestorePreparation take what a store has at start-up. The product's counters come with it.
func (s *State) RestoreProduct(p Product) { s.products[p.ProductID] = &p }

func (s *State) RestoreOrder(o Order) {
	s.orders[o.PaymentID] = &o
	s.counts[o.Status]++
	s.scheduleRecheck(&o)
}

func (s *State) RestorePreparation(p Preparation) { s.prepared[p.MerchantUID] = &p }

// reservesStock says that the units of such an order are nobody else's.
func (s Status) reservesStock() bool {
	return s == StatusVerifying || s == StatusPendingPayment || s == StatusPaid
}
