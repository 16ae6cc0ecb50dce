// The whole state of all promotions as text.
package coupons

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		p := s.promotions[id]
		fmt.Fprint(w, "promotion ")
		json.NewEncoder(w).Encode(p)
		for _, user := range slices.Sorted(maps.Keys(p.Holders)) {
			h := p.Holders[user]
			fmt.Fprintf(w, "  holder %s %d from %s\n", user, h.Count, CouponID(id, int(h.First)))
		}
	}
}
