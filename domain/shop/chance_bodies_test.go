// The bodies of commands by chance.
package shop_test

import (
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// ids are seats, at least as many as said, now and then out of order, twice or where none is.
func (c *chance) ids(least int) (ids []int) {
	for range least + c.draw(3) {
		ids = append(ids, c.figure(1+c.draw(c.seats+c.draw(2))))
	}
	return ids
}

// some is a hold, seats, or both.
func (c *chance) some() (hold string, ids []int) {
	if c.draw(3) > 0 && len(c.holds) > 0 {
		hold = c.holds[max(0, len(c.holds)-1-c.draw(8))]
	}
	if c.draw(40) == 0 {
		hold = c.one("h1", "h!", "h007", "x", "h99999999999999999999")
		if hold == "x" {
			hold = "h-1"
		}
	}
	if hold == "" || c.draw(4) == 0 {
		ids = c.ids(1 - c.draw(20)/19)
	}
	return hold, ids
}

// odd is what no honest client sends.
func (c *chance) odd(user, key string) (string, string, string, domain.Body) {
	switch c.draw(7) {
	case 0:
		return "", "", domain.SystemEntity, domain.Void{}
	case 1:
		return "", "", domain.SystemEntity, domain.Malformed{Bytes: []byte(key)}
	case 2:
		return user, key, "lost", unruled{}
	case 3:
		return user, key, "", coupons.Create{}
	case 4:
		return user, key, "", seats.Create{Title: "t", HoldSeconds: 1, MaxSeatsPerUser: 1, Sections: []seats.Section{{}}}
	case 5:
		return "", "", "demo", coupons.Issue{}
	}
	return "", "", "hall", seats.Hold{ScheduleSeatIDs: []int{1}}
}

// figure is n, or where the wild things are something that no rule may trip over.
func (c *chance) figure(n int) int {
	if !c.wild || c.draw(20) > 0 {
		return n
	}
	return []int{0, -1, 1 << 31, -1 << 31, 1<<63 - 1, -1 << 63, 1_000, 1_001, 200_001}[c.draw(9)]
}
