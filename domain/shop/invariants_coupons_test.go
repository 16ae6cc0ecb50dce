// The conservation laws of coupons: every figure of a promotion is what its coupons and those who wait add up to.
package shop_test

import (
	"fmt"
	"reflect"

	"onsale/domain"
	"onsale/domain/coupons"
)

func checkPromotion(p *coupons.Promotion, now domain.Time) error {
	holders, returnable := map[string]coupons.Holding{}, 0
	for i, c := range p.Coupons {
		if c.Status == coupons.StatusRevoked {
			returnable++
			continue
		}
		h := holders[c.Owner]
		if h.Count++; p.PerUserLimit == 1 {
			h.Only = int32(i + 1)
		}
		holders[c.Owner] = h
		if int(h.Count) > p.PerUserLimit {
			return fmt.Errorf("%s has %d", c.Owner, h.Count)
		}
	}
	offered, users := 0, map[string]bool{}
	for sequence, o := range p.Offers {
		if _, over := p.Ended[sequence]; over || o.Sequence != sequence || users[o.User] || o.ExpiresAt == 0 {
			return fmt.Errorf("offer %d stands as %+v, over %t, twice %t", sequence, o, over, users[o.User])
		}
		offered, users[o.User] = offered+o.Quantity, true
	}
	before := uint64(0)
	for _, e := range p.Waiting.All() {
		if e.Sequence <= before || users[e.User] || e.Quantity < 1 || e.Quantity > p.PerUserLimit {
			return fmt.Errorf("%+v waits behind %d, twice %t", e, before, users[e.User])
		}
		before, users[e.User] = e.Sequence, true
	}
	for sequence, o := range p.Ended {
		if o.Sequence != sequence || o.ExpiresAt == 0 || o.ExpiresAt > now {
			return fmt.Errorf("offer %d ended as %+v at %s", sequence, o, now)
		}
	}
	if p.IssuedEver != len(p.Coupons) || p.Offered != offered || p.Returned < 0 || p.Returned > returnable || !reflect.DeepEqual(p.Holders, holders) {
		return fmt.Errorf("%+v, but %d coupons, %d revoked, %d on offer, %v", p, len(p.Coupons), returnable, offered, holders)
	}
	if left := p.Remaining(); left < 0 || p.Stock != left+p.Offered+p.IssuedEver-p.Returned || p.Issued() != p.IssuedEver-p.Returned {
		return fmt.Errorf("%d units, %d ever issued, %d back, %d on offer, %d remain", p.Stock, p.IssuedEver, p.Returned, p.Offered, left)
	}
	if gone := p.Issued() + p.Offered; p.SoldOutSequence != 0 && p.Remaining() > 0 || gone > 0 && p.SoldOutSequence == 0 && p.Remaining() == 0 {
		return fmt.Errorf("sold out by %d with %d left", p.SoldOutSequence, p.Remaining())
	}
	return nil
}

// duesOf are the changes of p that are still to come.
func duesOf(p *coupons.Promotion) (dues []string) {
	due := func(at domain.Time, sequence uint64, what string) {
		dues = append(dues, fmt.Sprintf("%020d %020d %s %s", at, sequence, what, p.PromotionID))
	}
	if !p.Opened && p.ClosedAt == 0 {
		due(p.OpensAt, p.Sequence, "opens")
	}
	if p.ClosesAt != 0 && p.ClosedAt == 0 {
		due(p.ClosesAt, p.Sequence, "closes")
	}
	for sequence, o := range p.Offers {
		due(o.ExpiresAt, sequence, "expiry")
	}
	return dues
}
