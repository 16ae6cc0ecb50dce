// The coupons of a promotion and who has them, in a few bytes each.

package coupons

import (
	"iter"
	"strconv"
	"strings"

	"onsale/domain/compact"
)

// Coupon is one issued unit. A revoked coupon keeps its last owner.
type Coupon struct {
	Owner  string
	Status Status
}

// Status is the status of a coupon; the zero value is ISSUED.
type Status uint8

const (
	StatusIssued Status = iota
	StatusUsed
	StatusRevoked
	StatusInOrder // an order names it that has no result yet
)

// String returns the status as it is on the wire.
func (s Status) String() string { return [...]string{"ISSUED", "USED", "REVOKED", "IN_ORDER"}[s] }

// UserCoupons is what one user has of one promotion: coupons issued or used, not those revoked.
type UserCoupons struct {
	Count  int32
	Number int32 // of the user's coupon, where the limit per user is one; else 0
}

// issuedCoupons are the coupons of one promotion by number, and by user those that are not revoked. Users have numbers, which take less
// room than their ids.
type issuedCoupons struct {
	owners   compact.Array[uint32] // of coupon n at n-1: the number of its user
	statuses compact.Array[Status] // of coupon n at n-1
	users    compact.Texts         // all who ever had a coupon
	held     compact.Array[uint32] // by user: the number of the coupon, where the limit per user is one; else how many
}

// add issues the next number.
func (i *issuedCoupons) add(c Coupon, perUserLimit int) {
	user, added := i.users.Add(c.Owner)
	if added {
		i.held.Append(0)
	}
	i.owners.Append(uint32(user))
	i.statuses.Append(c.Status)
	switch held := i.held.At(user); {
	case c.Status == StatusRevoked:
	case perUserLimit == 1:
		*held = uint32(i.owners.Len())
	default:
		*held++
	}
}

func (i *issuedCoupons) revoke(number, perUserLimit int) {
	*i.statuses.At(number - 1) = StatusRevoked
	if held := i.held.At(int(*i.owners.At(number - 1))); perUserLimit == 1 {
		*held = 0
	} else {
		*held--
	}
}

// of returns what a user has.
func (i *issuedCoupons) of(user string, perUserLimit int) UserCoupons {
	n, found := i.users.Find(user)
	if !found {
		return UserCoupons{}
	}
	return i.ofNumber(n, perUserLimit)
}

func (i *issuedCoupons) ofNumber(user, perUserLimit int) UserCoupons {
	held := int32(*i.held.At(user))
	if perUserLimit == 1 {
		return UserCoupons{Count: min(held, 1), Number: held}
	}
	return UserCoupons{Count: held}
}

// CouponID returns the id of the promotion's coupon with this number.
func CouponID(promotion string, number int) string { return promotion + "-" + strconv.Itoa(number) }

// ParseCouponID is the reverse of CouponID; the number of what is no coupon id is 0.
func ParseCouponID(id string) (promotion string, number int) {
	at := strings.LastIndexByte(id, '-')
	if at < 0 {
		return "", 0
	}
	number, err := strconv.Atoi(id[at+1:])
	if err != nil || number < 1 || CouponID(id[:at], number) != id {
		return "", 0
	}
	return id[:at], number
}

// Coupon returns the coupon with this number; false when there is none.
func (p *Promotion) Coupon(number int) (Coupon, bool) {
	if number < 1 || number > p.issued.owners.Len() {
		return Coupon{}, false
	}
	return Coupon{p.issued.users.Text(int(*p.issued.owners.At(number - 1))), *p.issued.statuses.At(number - 1)}, true
}

// Holders yields the coupons of each user who has any that is not revoked.
func (p *Promotion) Holders() iter.Seq2[string, UserCoupons] {
	return func(yield func(string, UserCoupons) bool) {
		for user := range p.issued.users.Len() {
			held := p.issued.ofNumber(user, p.PerUserLimit)
			if held.Count > 0 && !yield(p.issued.users.Text(user), held) {
				return
			}
		}
	}
}

// RestoreCoupon adds the next coupon: they come in the order of their numbers, revoked ones too.
func (p *Promotion) RestoreCoupon(c Coupon) {
	p.issued.add(c, p.PerUserLimit)
	if c.Status != StatusRevoked {
		p.updatePassedOver(c.Owner)
	}
}
