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
	draw  func(n int) int
	at    domain.Time
	users int
	halls []string
	seats int
	wild  bool          // with figures that no honest writer sends
	marks []domain.Time // when something opens, closes or ends
	holds []string
	keys  []string
	asked int
}

func newChance(draw func(n int) int) *chance {
	at, _ := clockTime("10:00:00.000")
	return &chance{draw: draw, at: at, users: 2 + draw(4), halls: []string{"hall", "bar"}, seats: 3 + draw(8)}
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
	switch p := c.draw(100); {
	case p < 6:
		return user, key, c.sale(), c.promotion()
	case p < 12:
		return user, key, c.one(c.halls...), c.schedule()
	case p < 40:
		return user, key, c.sale(), coupons.Issue{}
	case p < 68:
		return user, key, c.hall(), seats.Hold{ScheduleSeatIDs: c.ids(1)}
	case p < 80:
		hold, ids := c.some()
		return user, key, c.hall(), seats.Release{HoldID: hold, ScheduleSeatIDs: ids}
	case p < 96:
		hold, ids := c.some()
		return user, key, c.hall(), seats.Reserve{HoldID: hold, ScheduleSeatIDs: ids}
	}
	return "", "", domain.SystemEntity, domain.Clock{}
}

// sale is one of the day, or the one of the hour, which perhaps nobody has made yet.
func (c *chance) sale() string {
	return c.one("demo", "pair", "hour"+strconv.Itoa(c.asked/60), "hour"+strconv.Itoa(c.asked/60))
}

func (c *chance) hall() string {
	if c.draw(30) == 0 {
		return "none"
	}
	return c.one(c.halls...)
}
