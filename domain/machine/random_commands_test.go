// Random commands, for the model checks and the fuzzer: few users and entities, so that they collide.

package machine_test

import (
	"strconv"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// generator makes random commands. intN(n) is a random number below n; there is no other randomness.
type generator struct {
	intN                                func(n int) int
	at                                  domain.Time
	users                               int
	seats                               int
	invalid                             bool          // with values that no valid client sends
	changeTimes                         []domain.Time // when something opens, closes or expires
	holds                               []string
	keys                                []string
	held, reservations, waiting, alarms []reference
	issued, couponsWaiting              []reference // coupons, and entries of waiting lists
	count                               int
	purchases
	orderGenerator
}

func newGenerator(intN func(n int) int) *generator {
	at, _ := parseClock("10:00:00.000")
	return &generator{intN: intN, at: at, users: 2 + intN(4), seats: 3 + intN(8), orderGenerator: newOrderGenerator(),
		purchases: purchases{payable: map[string]bool{}, selling: intN(2) == 0}}
}

func (c *generator) pick(values ...string) string { return values[c.intN(len(values))] }

// nextTime is the time of the next message: mostly a little later, sometimes much, sometimes earlier, and often just
// when something changes.
func (c *generator) nextTime() domain.Time {
	if c.intN(4) == 0 && len(c.changeTimes) > 0 {
		c.at = max(c.at, c.changeTimes[max(0, len(c.changeTimes)-1-c.intN(12))]+domain.Time(c.intN(3))-1)
		return c.at
	}
	switch c.intN(12) {
	case 0:
		return c.at - domain.Time(c.intN(3000))
	case 1:
		c.at += 3000
	case 2: // the same millisecond, or the one after
		c.at += domain.Time(c.intN(2))
	default:
		c.at += domain.Time(c.intN(400))
	}
	return c.at
}

func (c *generator) command() (user, key, entity string, body domain.Body) {
	user = "u" + strconv.Itoa(c.intN(c.users))
	c.count++
	key = "k" + strconv.Itoa(c.count)
	if c.intN(8) == 0 && len(c.keys) > 0 {
		key = c.keys[c.intN(len(c.keys))] // perhaps another user's, perhaps with another body
	} else if c.intN(4) == 0 {
		c.keys = append(c.keys, key)
	}
	if c.invalid && c.intN(16) == 0 {
		return c.invalidCommand(user, key)
	}
	if c.intN(4) == 0 || c.selling && c.intN(2) == 0 {
		return c.orderCommand(user, key)
	}
	switch p := c.intN(100); {
	case p < 6:
		return user, key, c.promotionID(), c.createPromotion()
	case p < 12:
		return user, key, c.scheduleID(), c.createSchedule()
	case p < 24:
		return user, key, c.promotionID(), coupons.Issue{}
	case p < 44:
		owner, entity, body := c.couponCommand(user)
		return owner, key, entity, body
	case p < 58:
		return user, key, c.scheduleID(), seats.Hold{ScheduleSeatIDs: c.seatIDs(1)}
	case p < 62:
		hold, ids := c.holdOrSeats()
		return user, key, c.scheduleID(), seats.Release{HoldID: hold, ScheduleSeatIDs: ids}
	case p < 68:
		hold, ids := c.holdOrSeats()
		h := c.pickReference(c.held, user)
		if c.intN(2) == 0 {
			hold, ids = h.id, nil
		}
		return h.user, key, h.entity, seats.Reserve{HoldID: hold, ScheduleSeatIDs: ids}
	case p < 97:
		owner, entity, body := c.seatCommand(user)
		return owner, key, entity, body
	}
	return "", "", domain.SystemEntity, domain.Tick{}
}

// promotionID is an old promotion or a recent one, which perhaps does not exist yet.
func (c *generator) promotionID() string {
	return c.pick("demo", "pair", "hour"+strconv.Itoa(c.count/60), "hour"+strconv.Itoa(c.count/60))
}

// seatIDs are at least minimum seats, now and then out of order, repeated or unknown.
func (c *generator) seatIDs(minimum int) (ids []int) {
	for range minimum + c.intN(3) {
		ids = append(ids, c.number(1+c.intN(c.seats+c.intN(2))))
	}
	return ids
}

// holdOrSeats is a hold id, seats, or both.
func (c *generator) holdOrSeats() (hold string, ids []int) {
	if c.intN(3) > 0 && len(c.holds) > 0 {
		hold = c.holds[max(0, len(c.holds)-1-c.intN(8))]
	}
	if c.intN(40) == 0 {
		hold = c.pick("h1", "h!", "h007", "x", "h99999999999999999999")
		if hold == "x" {
			hold = "h-1"
		}
	}
	if hold == "" || c.intN(4) == 0 {
		ids = c.seatIDs(1 - c.intN(20)/19)
	}
	return hold, ids
}

// invalidCommand is a command that no valid client sends.
func (c *generator) invalidCommand(user, key string) (string, string, string, domain.Body) {
	switch c.intN(7) {
	case 0:
		return "", "", domain.SystemEntity, domain.Noop{}
	case 1:
		return "", "", domain.SystemEntity, domain.Malformed{Bytes: []byte(key)}
	case 2:
		return user, key, "lost", unknownCommand{}
	case 3:
		return user, key, "", coupons.Create{}
	case 4:
		return user, key, "", seats.Create{Title: "t", HoldSeconds: 1, MaxSeatsPerUser: 1, Sections: []seats.Section{{}}}
	case 5:
		return "", "", "demo", coupons.Issue{}
	}
	return "", "", "hall", seats.Hold{ScheduleSeatIDs: []int{1}}
}

// number is n, or with invalid now and then an extreme value.
func (c *generator) number(n int) int {
	if !c.invalid || c.intN(20) > 0 {
		return n
	}
	return []int{0, -1, 1 << 31, -1 << 31, 1<<63 - 1, -1 << 63, 1_000, 1_001, 200_001}[c.intN(9)]
}
