// Commands by chance, for the twin and for the fuzzer: few names, so that everybody gets in everybody's way.
package shop_test

import (
	"strconv"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// chance draws the next command. draw(n) is a number below n; it is all the chance there is.
type chance struct {
	draw                               func(n int) int
	at                                 domain.Time
	users                              int
	seats                              int
	wild                               bool          // with figures that no honest writer sends
	marks                              []domain.Time // when something opens, closes or ends
	holds                              []string
	keys                               []string
	held, reservations, inLine, alarms []thing
	bought, waits                      []thing // coupons, and places in their lines
	asked                              int
	ordering
}

func newChance(draw func(n int) int) *chance {
	at, _ := clockTime("10:00:00.000")
	return &chance{draw: draw, at: at, users: 2 + draw(4), seats: 3 + draw(8), ordering: newOrdering()}
}

func (c *chance) one(of ...string) string { return of[c.draw(len(of))] }

// message is the time of the next message: mostly a little later, sometimes much, sometimes earlier, and often just
// when something changes.
func (c *chance) message() domain.Time {
	if c.draw(4) == 0 && len(c.marks) > 0 {
		c.at = max(c.at, c.marks[max(0, len(c.marks)-1-c.draw(12))]+domain.Time(c.draw(3))-1)
		return c.at
	}
	switch c.draw(12) {
	case 0:
		return c.at - domain.Time(c.draw(3000))
	case 1:
		c.at += 3000
	case 2: // the same millisecond, or the one after
		c.at += domain.Time(c.draw(2))
	default:
		c.at += domain.Time(c.draw(400))
	}
	return c.at
}

func (c *chance) command() (user, key, entity string, body domain.Body) {
	user = "u" + strconv.Itoa(c.draw(c.users))
	c.asked++
	key = "k" + strconv.Itoa(c.asked)
	if c.draw(8) == 0 && len(c.keys) > 0 {
		key = c.keys[c.draw(len(c.keys))] // perhaps somebody else's, perhaps with another body
	} else if c.draw(4) == 0 {
		c.keys = append(c.keys, key)
	}
	if c.wild && c.draw(16) == 0 {
		return c.odd(user, key)
	}
	if c.draw(4) == 0 {
		return c.ofOrders(user, key)
	}
	switch p := c.draw(100); {
	case p < 6:
		return user, key, c.sale(), c.promotion()
	case p < 12:
		return user, key, c.hall(), c.schedule()
	case p < 24:
		return user, key, c.sale(), coupons.Issue{}
	case p < 44:
		who, entity, body := c.ofSale(user)
		return who, key, entity, body
	case p < 58:
		return user, key, c.hall(), seats.Hold{ScheduleSeatIDs: c.ids(1)}
	case p < 62:
		hold, ids := c.some()
		return user, key, c.hall(), seats.Release{HoldID: hold, ScheduleSeatIDs: ids}
	case p < 68:
		hold, ids := c.some()
		h := c.oneOf(c.held, user)
		if c.draw(2) == 0 {
			hold, ids = h.id, nil
		}
		return h.user, key, h.hall, seats.Reserve{HoldID: hold, ScheduleSeatIDs: ids}
	case p < 97:
		who, entity, body := c.ofHall(user)
		return who, key, entity, body
	}
	return "", "", domain.SystemEntity, domain.Clock{}
}

// sale is one of the day, or the one of the hour, which perhaps nobody has made yet.
func (c *chance) sale() string {
	return c.one("demo", "pair", "hour"+strconv.Itoa(c.asked/60), "hour"+strconv.Itoa(c.asked/60))
}
