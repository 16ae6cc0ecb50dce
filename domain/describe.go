// What the bodies of events and commands say of themselves beyond their type. Each question is an optional interface with its
// method beside the struct. The answers of every registered type are in streams/testdata/descriptions.golden.

package domain

import "slices"

// Outcome is an event that answers a command with success. Rejection and DeadLetter are answers too, but no
// Outcomes.
type Outcome interface {
	Result() any // what the HTTP response shows as the result
}

// Creation is an Outcome of a command that made something that has an id: the HTTP response is 201 instead of 200.
type Creation interface {
	Outcome
	Created()
}

// Administrative is an Outcome of a command that only admins send. Some of these events also happen without a command, by
// time: then they have no request.
type Administrative interface {
	Command() string // the type name of that command
}

// Checked is a command whose fields have limits. The API calls Check before it appends, and the state machine before it asks the
// rules, because COMMANDS may have other writers.
type Checked interface {
	Check() error // a *FieldError for the first invalid field
}

// Identified is a body that names ids: of coupons, holds, reservations, waiting entries, payments, products or alarms.
// entity is the entity of its event or command. Event.IDs and Command.IDs drop empty ids.
type Identified interface {
	IDs(entity string) []string
}

// Seated is a body that names seats of the schedule that is its entity.
type Seated interface {
	Seats() []int
}

// IDs returns every id that the event names, except promotions, schedules and users.
func (e Event) IDs() []string { return idsOf(e.Body, e.Entity) }

// IDs returns every id that the command names, except promotions, schedules and users.
func (c Command) IDs() []string { return idsOf(c.Body, c.Entity) }

// Seats returns every seat that the event names.
func (e Event) Seats() []int { return seatsOf(e.Body) }

// Seats returns every seat that the command names.
func (c Command) Seats() []int { return seatsOf(c.Body) }

func idsOf(body Body, entity string) []string {
	b, ok := body.(Identified)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(b.IDs(entity), func(id string) bool { return id == "" })
}

func seatsOf(body Body) []int {
	if b, ok := body.(Seated); ok {
		return b.Seats()
	}
	return nil
}
