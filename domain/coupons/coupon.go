// Single coupons: whose they are, and what became of them.
package coupons

import "strconv"

// Coupon is one unit that was given out. It stays for ever, with the last who had it.
type Coupon struct {
	Owner  string
	Status Status
}

// Status of a coupon; the zero value is ISSUED.
type Status uint8

const (
	StatusIssued Status = iota
	StatusUsed
	StatusRevoked
)

// String is how the wire spells it.
func (s Status) String() string { return [...]string{"ISSUED", "USED", "REVOKED"}[s] }

// Holding is what one user has of one promotion: coupons issued or used, not those revoked.
type Holding struct {
	Count int32
	Only  int32 // the number of their coupon, where the limit is one; else 0
}

// CouponID is the id of the promotion's coupon with this number.
func CouponID(promotion string, number int) string { return promotion + "-" + strconv.Itoa(number) }

// Coupon is the one with this number; false when there is none.
func (p *Promotion) Coupon(number int) (Coupon, bool) {
	if number < 1 || number > len(p.Coupons) {
		return Coupon{}, false
	}
	return p.Coupons[number-1], true
}

// PutCoupon adds the next coupon: they come in the order of their numbers, revoked ones too.
func (p *Promotion) PutCoupon(c Coupon) {
	p.Coupons = append(p.Coupons, c)
	if c.Status == StatusRevoked {
		return
	}
	h := p.Holders[c.Owner]
	h.Count++
	if p.PerUserLimit == 1 {
		h.Only = int32(len(p.Coupons))
	}
	p.Holders[c.Owner] = h
}

// give makes the next quantity of coupons the user's.
func (p *Promotion) give(user string, quantity int) {
	for range quantity {
		p.PutCoupon(Coupon{Owner: user})
	}
	p.IssuedEver += quantity
}

// take revokes a coupon.
func (p *Promotion) take(number int, returned bool) {
	c := &p.Coupons[number-1]
	c.Status = StatusRevoked
	if h := p.Holders[c.Owner]; h.Count == 1 {
		delete(p.Holders, c.Owner)
	} else {
		h.Count--
		p.Holders[c.Owner] = h
	}
	if returned {
		p.Returned++
	}
}
