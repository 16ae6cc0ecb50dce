// Random commands about seats and alarms.

package machine_test

import (
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/seats"
)

// reference is a hold, a reservation, an entry of a waiting list or an alarm, with its user.
type reference struct {
	id, user, entity string
	seats            []int
}

// pickReference is one of the last few, or an unknown one. Mostly its user is the owner.
func (c *generator) pickReference(things []reference, user string) reference {
	if len(things) == 0 || c.intN(25) == 0 {
		return reference{c.pick("x!", "", "h007", "hall-r1", "hall-ws1", "a1"), user, c.scheduleID(), nil}
	}
	t := things[max(0, len(things)-1-c.intN(6))]
	if c.intN(6) == 0 {
		t.user = user
	}
	if c.intN(30) == 0 {
		t.entity = c.scheduleID()
	}
	return t
}

// scheduleID is an old schedule or a recent one, which perhaps does not exist yet.
func (c *generator) scheduleID() string {
	if c.intN(30) == 0 {
		return "none"
	}
	return c.pick("hall", "hall", "bar", "bar", "club"+strconv.Itoa(c.count/120))
}

func (c *generator) createSchedule() seats.Create {
	s := seats.Create{Title: "s", HoldSeconds: c.number(1 + c.intN(12)), MaxSeatsPerUser: c.number(1 + c.intN(4))}
	if c.intN(4) == 0 {
		s.HoldSeconds += 52
	}
	s.MaxExtensions, s.NoOrphans = c.number(c.intN(3)), c.intN(2) == 0
	if c.intN(2) == 0 {
		s.MaxHoldSeconds = s.HoldSeconds + c.number(c.intN(9))
	}
	if c.intN(4) == 0 {
		s.ReleaseEverySeconds = c.number(1 + c.intN(4))
	}
	if c.intN(2) == 0 {
		s.Payment = seats.PaymentRequired
		if c.intN(3) > 0 {
			s.StartsAt = c.at + domain.Time(10_000+c.intN(60_000))
			s.RefundTiers = []seats.RefundTier{{UntilSeconds: 30, Percent: 100}, {UntilSeconds: 10, Percent: c.intN(100)}, {UntilSeconds: int64(c.intN(9))}}
			c.changeTimes = append(c.changeTimes, s.StartsAt-30_000, s.StartsAt-10_000)
		}
	}
	if c.intN(10) == 0 {
		return s
	}
	for remaining := c.seats; remaining > 0; {
		row := 1 + c.intN(remaining)
		remaining -= row
		name := string(rune('A' + len(s.Sections)))
		s.Sections = append(s.Sections, seats.Section{Name: name, Price: int64(c.number(c.intN(100))), Rows: []seats.Row{{Name: "1", Seats: row}}})
		if remaining > 0 && c.intN(2) == 0 {
			row = 1 + c.intN(remaining)
			remaining -= row
			last := &s.Sections[len(s.Sections)-1]
			last.Rows = append(last.Rows, seats.Row{Name: "2", Seats: row})
		}
	}
	if last := &s.Sections[len(s.Sections)-1]; c.intN(20) == 0 { // often a name that another has
		last.Name = "A"
	}
	return s
}

// seatCommand is any other command about seats, or one about alarms.
func (c *generator) seatCommand(user string) (owner, entity string, body domain.Body) {
	schedule, reason := c.scheduleID(), c.pick("", "rain", strings.Repeat("r", 200+c.intN(8)/7))
	switch p := c.intN(100); {
	case p < 15:
		bestAvailable := &seats.BestAvailable{Count: c.number(1 + c.intN(3)), Section: c.pick("", "", "A", "B", "C")}
		if c.intN(30) == 0 {
			bestAvailable.Count = 1001 * c.intN(2)
		}
		return user, schedule, seats.Hold{BestAvailable: bestAvailable}
	case p < 23:
		h := c.pickReference(c.held, user)
		return h.user, h.entity, seats.Extend{HoldID: h.id}
	case p < 38:
		h := c.pickReference(c.held, user)
		swap := seats.Swap{HoldID: h.id, Release: c.seatIDs(0), Take: c.seatIDs(0)}
		if c.intN(4) > 0 && len(h.seats) > 0 {
			swap.Release = h.seats[:c.intN(len(h.seats)+1)]
		}
		return h.user, h.entity, swap
	case p < 46:
		r := c.pickReference(c.reservations, user)
		return r.user, r.entity, seats.Cancel{ReservationID: r.id}
	case p < 49:
		return user, schedule, seats.Block{ScheduleSeatIDs: c.seatIDs(1), Reason: reason}
	case p < 53:
		return user, schedule, seats.Unblock{ScheduleSeatIDs: c.seatIDs(1), Reason: reason}
	case p < 57:
		ids := c.seatIDs(1)
		if c.intN(20) == 0 {
			ids = seatRange(1, 101)
		}
		return user, schedule, seats.Reclaim{ScheduleSeatIDs: ids, Reason: reason, Refund: c.intN(3) > 0}
	case p < 58:
		if c.intN(4) > 0 {
			schedule = "club" + strconv.Itoa(c.count/120)
		}
		if c.intN(2) == 0 {
			return user, schedule, seats.CancelSchedule{Reason: reason}
		}
		return user, schedule, seats.Close{Reason: reason}
	case p < 72:
		return user, schedule, seats.Join{Quantity: c.number(c.intN(4)), Section: c.pick("", "", "A", "B", "C")}
	}
	ref := c.pickReference(c.waiting, user)
	switch p := c.intN(10); {
	case p < 5:
		return ref.user, ref.entity, seats.Accept{WaitingID: ref.id}
	case p < 7:
		return ref.user, ref.entity, seats.Decline{WaitingID: ref.id}
	case p < 8:
		return ref.user, ref.entity, seats.Leave{WaitingID: ref.id}
	}
	return c.alarmCommand(user)
}

func (c *generator) alarmCommand(user string) (owner, entity string, body domain.Body) {
	alarm := c.pickReference(c.alarms, user)
	switch c.intN(3) {
	case 0:
		return user, user, alarms.MarkAllRead{}
	case 1:
		return user, alarm.user, alarms.Raise{Kind: c.pick("shop", "shop", "x!"), Message: c.pick("hello", "hello", "")}
	}
	return alarm.user, alarm.user, alarms.MarkRead{AlarmID: alarm.id}
}

// record keeps what later commands can refer to.
func (c *generator) record(e domain.Event) {
	switch b := e.Body.(type) {
	case seats.Held:
		c.holds, c.changeTimes = append(c.holds, b.HoldID), append(c.changeTimes, b.ExpiresAt-60_000, b.ExpiresAt)
		c.held = append(c.held, reference{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Accepted:
		c.holds, c.changeTimes = append(c.holds, b.HoldID), append(c.changeTimes, b.ExpiresAt)
		c.held = append(c.held, reference{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Swapped:
		c.held = append(c.held, reference{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Extended:
		c.changeTimes = append(c.changeTimes, b.ExpiresAt-60_000, b.ExpiresAt)
	case seats.Expired:
		c.changeTimes = append(c.changeTimes, b.ReleaseAt)
	case seats.Reserved:
		c.reservations = append(c.reservations, reference{b.ReservationID, e.User, b.ScheduleID, nil})
	case seats.Joined:
		c.waiting = append(c.waiting, reference{b.WaitingID, e.User, b.ScheduleID, nil})
	case seats.Offered:
		c.changeTimes = append(c.changeTimes, b.ExpiresAt)
		c.waiting = append(c.waiting, reference{b.WaitingID, e.User, b.ScheduleID, nil})
	case alarms.Raised:
		c.alarms = append(c.alarms, reference{alarms.ID(e.Number), e.User, "", nil})
	}
}
