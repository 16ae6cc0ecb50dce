// Package alarms holds what a user is told without having asked: by the shop, or by something that happened to them. An
// alarm stays until there is no log; it is unread until its user says otherwise.
package alarms

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
)

// MaxMessage and MaxKind bound what the shop can say, in bytes.
const (
	MaxMessage = 1_000
	MaxKind    = 40
)

// State is all alarms, by user. It changes only by Apply.
type State struct{ boxes map[string]*box }

// box is a user's alarms, by event number in rising order.
type box struct {
	all    []uint64
	unread map[uint64]bool
}

// New is a world without alarms.
func New() *State { return &State{map[string]*box{}} }

// ID is the id of the alarm that event number raised.
func ID(number uint64) string { return "a" + strconv.FormatUint(number, 10) }

// Number is the reverse of ID; 0 is no alarm's.
func Number(id string) uint64 {
	digits, ok := strings.CutPrefix(id, "a")
	number, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || ID(number) != id {
		return 0
	}
	return number
}

// Put takes an alarm from a store at start-up. They come in the order of their numbers.
func (s *State) Put(user string, number uint64, read bool) {
	b := s.boxes[user]
	if b == nil {
		b = &box{unread: map[uint64]bool{}}
		s.boxes[user] = b
	}
	b.all = append(b.all, number)
	if !read {
		b.unread[number] = true
	}
}

// Unread is how many of the user's alarms are.
func (s *State) Unread(user string) int {
	if b := s.boxes[user]; b != nil {
		return len(b.unread)
	}
	return 0
}

// UnreadNumbers are they, the oldest first.
func (s *State) UnreadNumbers(user string) []uint64 {
	if b := s.boxes[user]; b != nil {
		return slices.Sorted(maps.Keys(b.unread))
	}
	return nil
}

// has says whether the alarm is the user's.
func (s *State) has(user string, number uint64) bool {
	b := s.boxes[user]
	if b == nil {
		return false
	}
	_, found := slices.BinarySearch(b.all, number)
	return found
}

// Decide says what command c leads to, whose first event will have this number. It changes nothing.
func (s *State) Decide(c domain.Command, number uint64) []domain.Event {
	switch body := c.Body.(type) {
	case Raise:
		if body.Check() != nil {
			return []domain.Event{domain.Reject(c, domain.InvalidBody, domain.Facts{})}
		}
		return []domain.Event{
			{Entity: c.Entity, User: c.Entity, Body: Raised{Kind: body.Kind, Text: body.Message}},
			domain.Outcome(c, Sent{UserID: c.Entity, AlarmID: ID(number)}),
		}
	case Mark:
		if !s.has(c.User, Number(body.AlarmID)) {
			return []domain.Event{domain.Reject(c, domain.AlarmNotFound, domain.Facts{})}
		}
		return []domain.Event{domain.Outcome(c, Marked(body))}
	case MarkAll:
		return []domain.Event{domain.Outcome(c, AllMarked{Count: s.Unread(c.User)})}
	}
	panic("alarms: no rule for this command")
}

// Apply makes e so.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case Raised:
		s.Put(e.User, e.Number, false)
	case Marked:
		delete(s.boxes[e.User].unread, Number(body.AlarmID))
	case AllMarked:
		if b := s.boxes[e.User]; b != nil {
			clear(b.unread)
		}
	}
}
