// Package alarms holds what users are notified of without having asked: messages of admins, and alarms that the state machine
// raises for events. An alarm is kept permanently; it is unread until its user marks it as read.
package alarms

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"onsale/domain"
)

// State is all alarms, by user. Only Apply and Restore change it.
type State struct{ inboxes map[string]inbox }

// inbox is a user's alarms, by event number in rising order.
type inbox struct {
	numbers []uint64
	unread  map[uint64]bool
}

// New returns an empty state.
func New() *State { return &State{map[string]inbox{}} }

// ID returns the id of the alarm that event number raised.
func ID(number uint64) string { return "a" + strconv.FormatUint(number, 10) }

// EventNumber is the reverse of ID; 0 for any other id.
func EventNumber(id string) uint64 { return domain.SequenceAfter("a", id) }

// Restore adds an alarm. A user's alarms come in the order of their numbers.
func (s *State) Restore(user string, number uint64, read bool) {
	b := s.inboxes[user]
	if b.unread == nil {
		b.unread = map[uint64]bool{}
	}
	b.numbers = append(b.numbers, number)
	if !read {
		b.unread[number] = true
	}
	s.inboxes[user] = b
}

// UnreadCount returns how many of the user's alarms are unread.
func (s *State) UnreadCount(user string) int { return len(s.inboxes[user].unread) }

// UnreadNumbers returns the event numbers of the unread ones, oldest first.
func (s *State) UnreadNumbers(user string) []uint64 {
	return slices.Sorted(maps.Keys(s.inboxes[user].unread))
}

// has says whether the user has this alarm.
func (s *State) has(user string, number uint64) bool {
	_, found := slices.BinarySearch(s.inboxes[user].numbers, number)
	return found
}

// Decide returns the events that command c leads to; the first of them gets nextNumber. It changes nothing.
func (s *State) Decide(c domain.Command, nextNumber uint64) []domain.Event {
	switch body := c.Body.(type) {
	case Raise:
		raised := domain.Event{Entity: c.Entity, User: c.Entity, Body: Raised{Kind: body.Kind, Text: body.Message}}
		return append([]domain.Event{raised}, domain.NewOutcome(c, RaiseDone{UserID: c.Entity, AlarmID: ID(nextNumber)})...)
	case MarkRead:
		if !s.has(c.User, EventNumber(body.AlarmID)) {
			return domain.Reject(c, domain.AlarmNotFound, domain.Details{})
		}
		return domain.NewOutcome(c, MarkedRead(body))
	case MarkAllRead:
		return domain.NewOutcome(c, AllMarkedRead{Count: s.UnreadCount(c.User)})
	}
	panic("alarms: no rule for this command")
}

// Apply changes the state as e says.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case Raised:
		s.Restore(e.User, e.Number, false)
	case MarkedRead:
		delete(s.inboxes[e.User].unread, EventNumber(body.AlarmID))
	case AllMarkedRead:
		clear(s.inboxes[e.User].unread)
	}
}

// Dump writes the whole state, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	for _, user := range slices.Sorted(maps.Keys(s.inboxes)) {
		fmt.Fprintf(w, "alarms of %s:", user)
		for _, number := range s.inboxes[user].numbers {
			fmt.Fprintf(w, " %s", ID(number))
		}
		fmt.Fprintf(w, "; unread:")
		for _, number := range s.UnreadNumbers(user) {
			fmt.Fprintf(w, " %s", ID(number))
		}
		fmt.Fprintln(w)
	}
}
