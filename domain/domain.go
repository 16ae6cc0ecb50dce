// Package domain holds the rules of onsale and the words they share: commands, events, log time, ids and codes.
//
// A rule is a pure function: the same commands, in the same order and with the same log times, give the same events, byte
// for byte, on every node at any time. So nothing below this folder reads a clock, draws a random number, does I/O, or lets
// the order of a map show. Time and identity are data: a command carries the time at which the log stored it and its
// sequence, and every id is made from those. DESIGN.md says how the rules work and how to add a command.
package domain

import (
	"bytes"
	"strings"
)

// SystemEntity and NoUser stand in subjects of the log where an event has no entity or no user. They are not valid ids.
const (
	SystemEntity = "~"
	NoUser       = "~"
)

// Body is the content of a command or an event: a plain struct that knows its type name and version in the log. The name
// begins with the kind ("coupons.issue", "seats.held"); the version goes up when the bytes change their meaning.
type Body interface {
	Type() (name string, version int)
}

// Kind returns the part of a type name that says whose rules apply: coupons, seats, products, orders, alarms or system.
func Kind(typeName string) string {
	kind, _, _ := strings.Cut(typeName, ".")
	return kind
}

// Command is a request to change something, as it is in COMMANDS. The log gives it Sequence and At.
type Command struct {
	Entity      string      // the promotion, the schedule, …; SystemEntity for a tick
	User        string      // the authenticated user; "" for a tick
	Request     RequestID   // the zero id for a tick
	Fingerprint Fingerprint // of method, path and body, to find a key that is reused for another request
	Body        Body

	Sequence uint64 // number of its message × SequencesPerMessage + its index in the message
	At       Time   // when the log stored its message
}

// SequencesPerMessage is how many sequences one message of COMMANDS has.
const SequencesPerMessage = 1000

// Batch is one message of COMMANDS: 1 to 256 commands that arrived together.
type Batch struct {
	Message  uint64 // its stream sequence
	At       Time
	Commands []Command
}

// Event is something that happened, as it is in EVENTS. Event number n has stream sequence n.
type Event struct {
	Number      uint64
	Sequence    uint64 // of the command that caused it
	Now         Time   // log time of the decision: max(Now of the event before, At of the command)
	Entity      string
	User        string      // the user it concerns; "" for none
	Request     RequestID   // set on the one event that is the outcome of a user's command
	Fingerprint Fingerprint // of that command
	Last        bool        // the last event of its command
	Body        Body
}

// Record is an event as bytes. Hash covers the hash of the record before it, the subject and the payload.
type Record struct {
	Number  uint64
	Subject string
	Payload []byte
	Hash    Hash
}

// Data returns the event's body within the payload: the payload's last field, left out when it is empty. Ids and types have
// no quotes, so nothing before it can look like it.
func (r Record) Data() []byte {
	_, data, found := bytes.Cut(r.Payload, []byte(`,"data":`))
	if !found || len(data) == 0 {
		return []byte("{}")
	}
	return data[:len(data)-1]
}

// NewOutcome returns the event that answers command c, alone: most commands lead to no other.
func NewOutcome(c Command, body Body) []Event {
	return []Event{{Entity: c.Entity, User: c.User, Request: c.Request, Fingerprint: c.Fingerprint, Body: body}}
}

// Commands and events of the system itself.

// Tick is appended by a node when a deadline is due and no other command arrives. It lets log time pass.
type Tick struct{}

func (Tick) Type() (string, int) { return "system.tick", 1 }

// Noop replaces a command that a power loss took from COMMANDS after its outcome was in EVENTS. It decides nothing.
type Noop struct{}

func (Noop) Type() (string, int) { return "system.noop", 1 }

// Malformed is what the codec makes of bytes in COMMANDS that are not a command.
type Malformed struct{ Bytes []byte }

func (Malformed) Type() (string, int) { return "system.malformed", 1 }

// DeadLetter says that a command was skipped, and keeps its bytes.
type DeadLetter struct {
	Reason string `json:"reason"`
	Bytes  []byte `json:"bytes,omitempty"`
}

func (DeadLetter) Type() (string, int) { return "system.dead-letter", 1 }

// Reasons of a DeadLetter.
const (
	DeadLetterMalformed = "malformed" // the bytes are not a command
	DeadLetterPanicked  = "panicked"  // the rule panicked while it decided
)
