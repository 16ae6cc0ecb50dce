package command

import (
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
)

// matches says that a command or one of its events names the target: a request, a user, a seat ("demo:17"), or the id of a
// coupon, hold, reservation, waiting entry, payment, product or alarm.
func matches(target string, c domain.Command, events []domain.Event) bool {
	if c.User == target || c.Request.String() == target || slices.Contains(c.IDs(), target) || hasSeat(target, c.Entity, c.Seats()) {
		return true
	}
	return slices.ContainsFunc(events, func(e domain.Event) bool {
		return e.User == target || slices.Contains(e.IDs(), target) || hasSeat(target, e.Entity, e.Seats())
	})
}

func hasSeat(target, schedule string, seats []int) bool {
	id, ok := strings.CutPrefix(target, schedule+":")
	if !ok {
		return false
	}
	seat, err := strconv.Atoi(id)
	return err == nil && slices.Contains(seats, seat)
}
