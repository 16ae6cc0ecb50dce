package coupons

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestIssued_MatchesMaps issues, uses and revokes coupons of a few users, with a slice and a map as the twin.
func TestIssued_MatchesMaps(t *testing.T) {
	for _, limit := range []int{1, 3} {
		t.Run(fmt.Sprint("limit=", limit), func(t *testing.T) {
			p := New().Restore(Promotion{Created: Created{PromotionID: "demo", PerUserLimit: limit}})
			var issued []Coupon
			holders := map[string]UserCoupons{}
			for range 5_000 {
				user := fmt.Sprint("user-", rand.IntN(700))
				if got, want := p.issued.of(user, limit), holders[user]; got != want {
					t.Fatalf("%s: got %v, want %v", user, got, want)
				}
				switch number := 1 + rand.IntN(len(issued)+1); {
				case holders[user].Count < int32(limit):
					p.RestoreCoupon(Coupon{Owner: user})
					issued = append(issued, Coupon{Owner: user})
					h := UserCoupons{Count: holders[user].Count + 1}
					if limit == 1 {
						h.Number = int32(len(issued))
					}
					holders[user] = h
				case number <= len(issued) && issued[number-1].Status != StatusRevoked:
					c := &issued[number-1]
					c.Status = StatusRevoked
					p.revokeCoupon(number, true)
					h := holders[c.Owner]
					if h.Count--; h.Count == 0 {
						delete(holders, c.Owner)
					} else {
						holders[c.Owner] = h
					}
				}
			}
			for i, want := range issued {
				if got, ok := p.Coupon(i + 1); !ok || got != want {
					t.Fatalf("coupon %d: got %v, %t, want %v", i+1, got, ok, want)
				}
			}
			if got := maps.Collect(p.Holders()); !maps.Equal(got, holders) {
				t.Errorf("got %v, want %v", got, holders)
			}
			if _, ok := p.Coupon(len(issued) + 1); ok {
				t.Error("found a coupon that was not issued")
			}
		})
	}
}
