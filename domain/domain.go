// Package domain is the vocabulary of onsale and the promise its rules keep.
//
// A rule is a pure function: the same commands, in the same order, with the same log times, give the same events, byte
// for byte, on every node and on every day. So nothing below this folder reads a clock, draws a random number, does I/O,
// or lets the order of a map show. Time and identity arrive as data: a command carries the time at which the log stored
// it and its place in line, and every id is made from those.
//
// Three things cross entities: request ids (they belong to a user and are remembered for ever), the log time, which never
// goes back, and alarms. They live in package shop, which sends each command through the rules of its kind.
package domain

import (
	"bytes"
	"strings"
)

// SystemEntity and Nobody stand in subjects where an event has no entity or no user. They are no valid ids.
const (
	SystemEntity = "~"
	NoUser       = "~"
)

// Body is what a command asks or an event says: a plain struct that knows its name and version in the log.
// The name begins with the kind ("coupons.issue", "seats.held"); the version goes up when the bytes change their meaning.
type Body interface {
	Type() (name string, version int)
}

// Kind is the part of a type's name that says whose rules decide it: coupons, seats, orders, alarms or system.
func Kind(typeName string) string {
	kind, _, _ := strings.Cut(typeName, ".")
	return kind
}

// Command is one wish of one user, as it stands in COMMANDS. Sequence and At are given by the log.
type Command struct {
	Entity      string      // the promotion, the schedule, …; SystemEntity for the clock
	User        string      // who asks; "" for the clock
	Request     RequestID   // the zero id for the clock
	Fingerprint Fingerprint // of method, path and body: the same key with another body is told so
	Body        Body

	Sequence uint64 // its place in line: stream sequence × 1000 + index in its message
	At       Time   // when the log stored its message
}

// SequencesPerMessage is how many places in line one message of COMMANDS has: sequence = message × 1000 + index.
const SequencesPerMessage = 1000

// Batch is one message of COMMANDS: 1 to 256 commands that arrived together.
type Batch struct {
	Message  uint64 // its stream sequence
	At       Time
	Commands []Command
}

// Event is what a command led to, as it stands in EVENTS. Number n is the event at stream sequence n.
type Event struct {
	Number      uint64
	Sequence    uint64 // of the command that caused it
	Now         Time   // the log's time when it was decided: max(time before, time of the message)
	Entity      string
	User        string      // whom it concerns; "" when nobody
	Request     RequestID   // set on the one event that is the outcome of a user's command
	Fingerprint Fingerprint // of that command
	Last        bool        // true on the last event of its command
	Body        Body
}

// Record is an event as bytes, with its place in the chain: Hash covers the hash before it, the subject and the payload.
type Record struct {
	Number  uint64
	Subject string
	Payload []byte
	Hash    Hash
}

// Data is the event's body within the payload. It is the payload's last field and left out when empty; nothing before it
// can hold a quoted text of that look, since ids and types have no quotes.
func (r Record) Data() []byte {
	_, data, found := bytes.Cut(r.Payload, []byte(`,"data":`))
	if !found || len(data) == 0 {
		return []byte("{}")
	}
	return data[:len(data)-1]
}

// NewOutcome is the event that answers command c.
func NewOutcome(c Command, body Body) Event {
	return Event{Entity: c.Entity, User: c.User, Request: c.Request, Fingerprint: c.Fingerprint, Body: body}
}
