// Package orders holds the rules of paid orders. A product has a price and units; an order names a payment that was made at a
// provider, and takes its units at once, or the seats of a hold; what the provider answers about the payment decides the order. There is one result,
// success or failure, and failure is emitted only when none of the user's money is left at the provider. A payment belongs to the first order
// that names it, unless it was prepared for another user.
package orders

import (
	"cmp"
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/deadline"
)

// State is all products, orders and preparations. Only Apply and the Restore methods change it.
type State struct {
	products map[string]*Product
	orders   map[string]*Order // by imp_uid
	prepared map[string]*Preparation
	rechecks *deadline.Queue[*Order]
	unsent   *deadline.Queue[*Preparation] // those whose order has not come
	counts   map[Status]int
	open     map[string]int // orders without a result, by user

	underRefund  int64 // of all orders
	stuckRefunds int
}

// Status is the status of an order.
type Status string

// An order has units of its product while it is VERIFYING, PENDING_PAYMENT or PAID. The provider is asked about all orders but those
// that are REFUNDED or have another user's payment: often until there is a result and nothing to refund, then rarely.
const (
	StatusVerifying      Status = "VERIFYING"       // the provider has not answered yet
	StatusPendingPayment Status = "PENDING_PAYMENT" // nothing was paid yet
	StatusPaid           Status = "PAID"
	StatusRefunding      Status = "REFUNDING" // there may be money that has to be refunded
	StatusFailed         Status = "FAILED"    // nothing has to be refunded: nothing was paid, or the money is not this user's
	StatusRefunded       Status = "REFUNDED"  // it ended; what is due of the money, perhaps nothing, was refunded
)

// Order is an order that was placed, or rejected and kept because its payment may have been made.
type Order struct {
	Placed
	User          string      `json:"user"`
	Status        Status      `json:"status"`
	Rejected      bool        `json:"rejected,omitempty"` // kept only because its payment may have been made: it has no units, seats or coupon
	Reason        string      `json:"reason,omitempty"`   // why it failed or is refunded; or ReasonDiscrepant of a paid one
	Note          string      `json:"note,omitempty"`     // an admin's reason
	Payment       *Payment    `json:"payment,omitempty"`
	Kept          int64       `json:"kept,omitempty"`          // of the payment of a cancelled order: what is not refunded
	ReservationID string      `json:"reservationId,omitempty"` // of an order on a hold that succeeded
	CouponUsed    bool        `json:"couponUsed,omitempty"`    // by its success, and not given back since
	FirstUID      string      `json:"firstUid,omitempty"`      // the merchant_uid that the provider named first, where Payment has another or none
	Confirmed     bool        `json:"confirmed,omitempty"`     // its user sent it after onsale had placed it
	Sequence      uint64      `json:"sequence"`                // of the command that placed it
	PlacedAt      domain.Time `json:"placedAt"`
	LastEvent     uint64      `json:"lastEvent"`              // number of the last event that changed it; see RecordPayment
	ResultEvent   uint64      `json:"resultEvent,omitempty"`  // number of Succeeded or Failed; 0 before it
	RecheckCount  int         `json:"recheckCount,omitempty"` // rechecks since the last change
	RecheckAt     domain.Time `json:"recheckAt,omitzero"`     // the next recheck; 0 for none
}

// IsFree says whether the order costs nothing: no provider knows of it.
func (o *Order) IsFree() bool { return o.Amount == 0 }

// PreparedAs returns the merchant_uid of the order's payment: the first that was known, which stays; "" for none.
func (o *Order) PreparedAs() string {
	uid := cmp.Or(o.MerchantUID, o.FirstUID)
	if uid == "" && o.Payment != nil {
		uid = o.Payment.MerchantUID
	}
	return uid
}

// Refunded returns how much of an order's payment was refunded.
func (o *Order) Refunded() int64 {
	if o.Payment == nil {
		return 0
	}
	return o.Payment.Cancelled
}

// UnderRefund returns how much of the payment is known to be there and is to be refunded.
func (o *Order) UnderRefund() int64 {
	if o.Status != StatusRefunding || o.Payment == nil {
		return 0
	}
	return max(0, o.Payment.Refundable()-o.Kept)
}

// IsStuck says whether the order has been REFUNDING for half an hour without a change.
func (o *Order) IsStuck() bool { return o.Status == StatusRefunding && o.RecheckCount >= rechecksStuck }

// Preparation binds a payment to a user and an amount beforehand.
type Preparation struct {
	Prepared
	User     string      `json:"user"`
	Sequence uint64      `json:"sequence,omitempty"` // of the command; 0 in stores of older versions
	Attempts int         `json:"attempts,omitempty"` // so often PreparationDue was emitted
	AskAt    domain.Time `json:"askAt,omitzero"`     // when the next one is due; 0 for none

	orders []*Order // its user's, with a payment that has its merchant_uid
}

// isOrdered says whether its user has an order with its payment. One that failed does not count: a payment that is tried again may get
// another imp_uid.
func (p *Preparation) isOrdered() bool {
	return slices.ContainsFunc(p.orders, func(o *Order) bool { return o.Status != StatusFailed })
}

// New returns an empty state.
func New() *State {
	return &State{
		products: map[string]*Product{}, orders: map[string]*Order{}, prepared: map[string]*Preparation{},
		rechecks: deadline.NewQueue(isActive), unsent: deadline.NewQueue(isUnsent), counts: map[Status]int{}, open: map[string]int{},
	}
}

// Product, Order and Preparation return what has this id, or nil.
func (s *State) Product(productID string) *Product           { return s.products[productID] }
func (s *State) Order(paymentID string) *Order               { return s.orders[paymentID] }
func (s *State) Preparation(merchantUID string) *Preparation { return s.prepared[merchantUID] }

// Products, Orders and Preparations return the ids of all, in alphabetical order.
func (s *State) Products() []string     { return slices.Sorted(maps.Keys(s.products)) }
func (s *State) Orders() []string       { return slices.Sorted(maps.Keys(s.orders)) }
func (s *State) Preparations() []string { return slices.Sorted(maps.Keys(s.prepared)) }

// Count returns the number of orders with a status.
func (s *State) Count(status Status) int { return s.counts[status] }

// OpenOrders returns the number of the user's orders without a result. Orders that were rejected but kept are among them.
func (s *State) OpenOrders(user string) int { return s.open[user] }

// UnderRefund returns the sum of what is to be refunded of all orders.
func (s *State) UnderRefund() int64 { return s.underRefund }

// StuckRefunds returns the number of orders whose refund is stuck.
func (s *State) StuckRefunds() int { return s.stuckRefunds }

// addRefund adds an order to the sums of refunds, or with -1 takes it out of them.
func (s *State) addRefund(o *Order, sign int) {
	s.underRefund += int64(sign) * o.UnderRefund()
	if o.IsStuck() {
		s.stuckRefunds += sign
	}
}

func (s *State) addOpen(user string, orders int) {
	if s.open[user] += orders; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// RestoreProduct, RestoreOrder and RestorePreparation add what a store has, products and preparations before orders. Taken units are part of
// the product, those of each user are not.
func (s *State) RestoreProduct(p Product) { s.products[p.ProductID] = &p }

func (s *State) RestoreOrder(o Order) {
	s.orders[o.PaymentID] = &o
	s.counts[o.Status]++
	s.addRefund(&o, 1)
	if o.ResultEvent == 0 {
		s.addOpen(o.User, 1)
	}
	if o.Status.reservesStock() && o.ProductID != "" {
		s.products[o.ProductID].addUnitsOf(o.User, o.Count)
	}
	s.noteOrdered(&o)
	s.scheduleRecheck(&o)
}

func (s *State) RestorePreparation(p Preparation) {
	s.prepared[p.MerchantUID] = &p
	s.scheduleUnsent(&p)
}

// noteOrdered notes that the order of a preparation has come, or has failed: then the provider is asked again. An order of another user
// for the same payment will fail.
func (s *State) noteOrdered(o *Order) {
	p := s.prepared[o.PreparedAs()]
	if p == nil || p.User != o.User {
		return
	}
	if !slices.Contains(p.orders, o) {
		p.orders = append(p.orders, o)
	}
	if o.Status == StatusFailed {
		s.scheduleUnsent(p)
	}
}

// reservesStock says whether an order with this status has units.
func (s Status) reservesStock() bool {
	return s == StatusVerifying || s == StatusPendingPayment || s == StatusPaid
}
