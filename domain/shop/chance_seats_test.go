// Wishes about seats and alarms by chance.
package shop_test

import (
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/seats"
)

// thing is something that somebody has: a hold, a reservation, a place in a line, an alarm.
type thing struct {
	id, user, hall string
	seats          []int
}

// oneOf is one of the last few, or something that nobody has. Mostly its owner is who asks.
func (c *chance) oneOf(things []thing, user string) thing {
	if len(things) == 0 || c.draw(25) == 0 {
		return thing{c.one("x!", "", "h007", "hall-r1", "hall-ws1", "a1"), user, c.hall(), nil}
	}
	t := things[max(0, len(things)-1-c.draw(6))]
	if c.draw(6) == 0 {
		t.user = user
	}
	if c.draw(30) == 0 {
		t.hall = c.hall()
	}
	return t
}

// hall is one of the day, or the one of the hour, which perhaps nobody has built yet.
func (c *chance) hall() string {
	if c.draw(30) == 0 {
		return "none"
	}
	return c.one("hall", "hall", "bar", "bar", "club"+strconv.Itoa(c.asked/120))
}

func (c *chance) schedule() seats.Create {
	s := seats.Create{Title: "s", HoldSeconds: c.figure(1 + c.draw(12)), MaxSeatsPerUser: c.figure(1 + c.draw(4))}
	if c.draw(4) == 0 {
		s.HoldSeconds += 52
	}
	s.MaxExtensions, s.NoOrphans = c.figure(c.draw(3)), c.draw(2) == 0
	if c.draw(2) == 0 {
		s.MaxHoldSeconds = s.HoldSeconds + c.figure(c.draw(9))
	}
	if c.draw(4) == 0 {
		s.ReleaseEverySeconds = c.figure(1 + c.draw(4))
	}
	if c.draw(10) == 0 {
		return s
	}
	for left := c.seats; left > 0; {
		row := 1 + c.draw(left)
		left -= row
		name := c.one("A", "B")
		s.Sections = append(s.Sections, seats.Section{Name: name, Price: int64(c.figure(c.draw(100))), Rows: []seats.Row{{Name: "1", Seats: row}}})
		if left > 0 && c.draw(2) == 0 {
			row = 1 + c.draw(left)
			left -= row
			last := &s.Sections[len(s.Sections)-1]
			last.Rows = append(last.Rows, seats.Row{Name: "2", Seats: row})
		}
	}
	return s
}

// ofHall is something else that somebody can want of seats.
func (c *chance) ofHall(user string) (who, entity string, body domain.Body) {
	hall, reason := c.hall(), c.one("", "rain", strings.Repeat("r", 200+c.draw(8)/7))
	switch p := c.draw(100); {
	case p < 15:
		best := &seats.Best{Count: c.figure(1 + c.draw(3)), Section: c.one("", "", "A", "B", "C")}
		if c.draw(30) == 0 {
			best.Count = 1001 * c.draw(2)
		}
		return user, hall, seats.Hold{BestAvailable: best}
	case p < 23:
		h := c.oneOf(c.held, user)
		return h.user, h.hall, seats.Extend{HoldID: h.id}
	case p < 38:
		h := c.oneOf(c.held, user)
		swap := seats.Swap{HoldID: h.id, Release: c.ids(0), Take: c.ids(0)}
		if c.draw(4) > 0 && len(h.seats) > 0 {
			swap.Release = h.seats[:c.draw(len(h.seats)+1)]
		}
		return h.user, h.hall, swap
	case p < 46:
		r := c.oneOf(c.reservations, user)
		return r.user, r.hall, seats.Cancel{ReservationID: r.id}
	case p < 49:
		return user, hall, seats.Block{ScheduleSeatIDs: c.ids(1), Reason: reason}
	case p < 53:
		return user, hall, seats.Unblock{ScheduleSeatIDs: c.ids(1), Reason: reason}
	case p < 57:
		ids := c.ids(1)
		if c.draw(20) == 0 {
			ids = seatsFrom(1, 101)
		}
		return user, hall, seats.Free{ScheduleSeatIDs: ids, Reason: reason}
	case p < 58:
		if c.draw(4) > 0 {
			hall = "club" + strconv.Itoa(c.asked/120)
		}
		return user, hall, seats.Close{Reason: reason}
	case p < 72:
		return user, hall, seats.Join{Quantity: c.figure(c.draw(4)), Section: c.one("", "", "A", "B", "C")}
	}
	place := c.oneOf(c.inLine, user)
	switch p := c.draw(10); {
	case p < 5:
		return place.user, place.hall, seats.Accept{WaitingID: place.id}
	case p < 7:
		return place.user, place.hall, seats.Decline{WaitingID: place.id}
	case p < 8:
		return place.user, place.hall, seats.Leave{WaitingID: place.id}
	}
	return c.ofAlarms(user)
}

func (c *chance) ofAlarms(user string) (who, entity string, body domain.Body) {
	alarm := c.oneOf(c.alarms, user)
	switch c.draw(3) {
	case 0:
		return user, user, alarms.MarkAll{}
	case 1:
		return user, alarm.user, alarms.Raise{Kind: c.one("shop", "shop", "x!"), Message: c.one("hello", "hello", "")}
	}
	return alarm.user, alarm.user, alarms.Mark{AlarmID: alarm.id}
}

// note remembers what others can ask about.
func (c *chance) note(e domain.Event) {
	switch b := e.Body.(type) {
	case seats.Held:
		c.holds, c.marks = append(c.holds, b.HoldID), append(c.marks, b.ExpiresAt-60_000, b.ExpiresAt)
		c.held = append(c.held, thing{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Accepted:
		c.holds, c.marks = append(c.holds, b.HoldID), append(c.marks, b.ExpiresAt)
		c.held = append(c.held, thing{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Swapped:
		c.held = append(c.held, thing{b.HoldID, e.User, b.ScheduleID, b.ScheduleSeatIDs})
	case seats.Extended:
		c.marks = append(c.marks, b.ExpiresAt-60_000, b.ExpiresAt)
	case seats.Expired:
		c.marks = append(c.marks, b.FreeAt)
	case seats.Reserved:
		c.reservations = append(c.reservations, thing{b.ReservationID, e.User, b.ScheduleID, nil})
	case seats.Joined:
		c.inLine = append(c.inLine, thing{b.WaitingID, e.User, b.ScheduleID, nil})
	case seats.Offered:
		c.marks = append(c.marks, b.ExpiresAt)
		c.inLine = append(c.inLine, thing{b.WaitingID, e.User, b.ScheduleID, nil})
	case alarms.Raised:
		c.alarms = append(c.alarms, thing{alarms.ID(e.Number), e.User, "", nil})
	}
}
