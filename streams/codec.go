// Encoding and decoding of events (one in each message of EVENTS) and commands (one in each line of a message of COMMANDS), and
// their subjects. Whatever is encoded here can be decoded here: an unknown type or an unchecked id is refused.

package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"

	"onsale/domain"
)

const (
	maxMessageCommands = 256       // commands in a message
	maxMessageBytes    = 512 << 10 // bytes in a message, and in one command
	maxMalformedBytes  = 64 << 10  // bytes of a malformed message or line that are kept
	maxEventBytes      = 1<<20 - 4<<10
)

// EncodeEvent encodes an event as the record after the one with hash prev.
func EncodeEvent(prev domain.Hash, e domain.Event) (domain.Record, error) {
	name, version := e.Body.Type()
	if _, err := decoderFor(eventTypes, name, version); err != nil {
		return domain.Record{}, err
	}
	if err := checkIDs(e.Entity, e.User, true); err != nil {
		return domain.Record{}, fmt.Errorf("event %d, %s: %w", e.Number, name, err)
	}
	b := make([]byte, 0, 448)
	b = appendHead(b, name, version)
	b = append(b, `,"n":`...)
	b = strconv.AppendUint(b, e.Number, 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, e.Sequence, 10)
	b = appendField(b, "now", e.Now.String())
	b = appendField(b, "entity", e.Entity)
	if e.User != "" {
		b = appendField(b, "user", e.User)
	}
	if !e.Request.IsZero() {
		b = appendField(b, "request", e.Request[:])
	}
	b = appendFingerprint(b, e.Fingerprint)
	if e.Last {
		b = append(b, `,"last":true`...)
	}
	b, err := appendData(b, e.Body)
	if err != nil {
		return domain.Record{}, fmt.Errorf("event %d, %s: %w", e.Number, name, err)
	}
	if len(b) > maxEventBytes {
		return domain.Record{}, fmt.Errorf("event %d, %s: %d bytes are more than the %d that a message may have", e.Number, name, len(b), maxEventBytes)
	}
	var buf [192]byte
	subject := string(appendEventSubject(buf[:0], domain.Kind(name), e.Entity, e.User))
	return domain.Record{Number: e.Number, Subject: subject, Payload: b, Hash: prev.Next(subject, b)}, nil
}

// DecodeEvent decodes a record, and checks that its number and subject match its payload. Checking its hash takes the hash
// before it and is left to the caller.
func DecodeEvent(r domain.Record) (domain.Event, error) {
	e, err := decodeEvent(r.Payload)
	if err != nil {
		return domain.Event{}, fmt.Errorf("event %d: %w", r.Number, err)
	}
	name, _ := e.Body.Type()
	var buf [192]byte
	subject := appendEventSubject(buf[:0], domain.Kind(name), e.Entity, e.User)
	if e.Number != r.Number || string(subject) != r.Subject {
		return domain.Event{}, fmt.Errorf("event %d on %s has the payload of event %d on %s", r.Number, r.Subject, e.Number, subject)
	}
	return e, nil
}

func decodeEvent(payload []byte) (domain.Event, error) {
	p, ok := parseEvent(payload)
	if !ok {
		return domain.Event{}, errors.New("not an event")
	}
	body, err := p.body(eventTypes)
	if err != nil {
		return domain.Event{}, err
	}
	if err := p.checkIDs(true); err != nil {
		return domain.Event{}, err
	}
	now, err := domain.ParseTime(string(p.now))
	if err != nil {
		return domain.Event{}, err
	}
	return domain.Event{Number: p.number, Sequence: p.sequence, Now: now, Entity: string(p.entity), User: string(p.user),
		Request: p.request, Fingerprint: p.fingerprint, Last: p.last, Body: body}, nil
}

// body decodes the data as the envelope's type.
func (e *envelope) body(types map[string]decoder) (domain.Body, error) {
	decode, err := decoderFor(types, string(e.name), e.version)
	if err != nil {
		if len(e.data) > 0 && !json.Valid(e.data) {
			return nil, errors.New("the data is not JSON") // so not written by a newer onsale either
		}
		return nil, err
	}
	body, err := decode(e.data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e, err)
	}
	// The type of a rejection depends on its data.
	if name, version := body.Type(); name != string(e.name) || version != e.version {
		return nil, fmt.Errorf("%s holds a %s.v%d", e, name, version)
	}
	return body, nil
}

func (e *envelope) checkIDs(system bool) error {
	return checkIDs(string(e.entity), string(e.user), system)
}

// checkIDs keeps separators and wildcards out of subjects. With system set, the system's entity and an empty user are allowed.
func checkIDs(entity, user string, system bool) error {
	if err := domain.CheckID(entity); err != nil && !(system && entity == domain.SystemEntity) {
		return fmt.Errorf("entity %q: %w", entity, err)
	}
	if err := domain.CheckID(user); err != nil && !(system && user == "") {
		return fmt.Errorf("user %q: %w", user, err)
	}
	return nil
}

// codec has the functions of this package as methods, for packages that take a log by an interface.
type codec struct{}

// EncodeEvent is the function EncodeEvent.
func (codec) EncodeEvent(prev domain.Hash, e domain.Event) (domain.Record, error) {
	return EncodeEvent(prev, e)
}

// DecodeEvent is the function DecodeEvent.
func (codec) DecodeEvent(r domain.Record) (domain.Event, error) { return DecodeEvent(r) }

// DecodeBody decodes the data of an event of this type. All types have version 1 so far.
func (codec) DecodeBody(name string, data []byte) (domain.Body, error) {
	decode, err := decoderFor(eventTypes, name, 1)
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// AdminCommand is the function AdminCommand.
func (codec) AdminCommand(name string) (command string, ok bool) { return AdminCommand(name) }

// EncodeCommand encodes a command as a line. Sequence and At are not part of it: the log assigns them.
func EncodeCommand(c domain.Command) ([]byte, error) {
	name, version := c.Body.Type()
	if _, err := decoderFor(commandTypes, name, version); err != nil {
		return nil, err
	}
	if err := checkIDs(c.Entity, c.User, allowsNoUser(name)); err != nil {
		return nil, fmt.Errorf("command %s: %w", name, err)
	}
	b := make([]byte, 0, 320)
	b = appendHead(b, name, version)
	b = appendField(b, "entity", c.Entity)
	if !c.Request.IsZero() {
		b = appendField(b, "request", c.Request[:])
	}
	if c.User != "" {
		b = appendField(b, "user", c.User)
	}
	b = appendFingerprint(b, c.Fingerprint)
	b, err := appendData(b, c.Body)
	if err != nil {
		return nil, fmt.Errorf("command %s: %w", name, err)
	}
	if len(b) > maxMessageBytes {
		return nil, fmt.Errorf("command %s: %d bytes are more than the %d that a command may have", name, len(b), maxMessageBytes)
	}
	return b, nil
}

// DecodeBatch decodes a message of COMMANDS. Bytes that are no command become a domain.Malformed, so that they do not block the
// commands after them; a command of an unknown type is ErrUnknownType, which stops the node.
func DecodeBatch(message uint64, at domain.Time, payload []byte) (domain.Batch, error) {
	batch := domain.Batch{Message: message, At: at}
	lines := bytes.Count(payload, []byte{'\n'}) + 1
	if len(payload) == 0 || len(payload) > maxMessageBytes || lines > maxMessageCommands {
		batch.Commands = []domain.Command{malformed(payload)}
		batch.Commands[0].Sequence, batch.Commands[0].At = message*domain.SequencesPerMessage, at
		return batch, nil
	}
	batch.Commands = make([]domain.Command, 0, lines)
	for line := range bytes.SplitSeq(payload, []byte{'\n'}) {
		c, err := decodeCommand(line)
		c.Sequence, c.At = message*domain.SequencesPerMessage+uint64(len(batch.Commands)), at
		if err != nil {
			return domain.Batch{}, fmt.Errorf("command %d: %w", c.Sequence, err)
		}
		batch.Commands = append(batch.Commands, c)
	}
	return batch, nil
}

// decodeCommand returns an error only for an unknown type.
func decodeCommand(line []byte) (domain.Command, error) {
	p, ok := parseCommand(line)
	if !ok || p.checkIDs(allowsNoUser(string(p.name))) != nil {
		return malformed(line), nil
	}
	body, err := p.body(commandTypes)
	if errors.Is(err, domain.ErrUnknownType) {
		return domain.Command{}, err
	}
	if err != nil {
		return malformed(line), nil
	}
	return domain.Command{Entity: string(p.entity), User: string(p.user), Request: p.request, Fingerprint: p.fingerprint, Body: body}, nil
}

// allowsNoUser reports whether a command may have no user: the system's commands, and payment results.
func allowsNoUser(name string) bool {
	return domain.Kind(name) == "system" || name == "orders.record-payment" || name == "orders.place-prepared"
}

func malformed(b []byte) domain.Command {
	return domain.Command{Entity: domain.SystemEntity, Body: domain.Malformed{Bytes: bytes.Clone(b[:min(len(b), maxMalformedBytes)])}}
}

// Every token of a subject is a checked id, so it never contains a separator or a wildcard.
const (
	commandsStream = "COMMANDS" // cmd.<node>
	eventsStream   = "EVENTS"   // evt.<kind>.<entity>.<user>
)

func commandSubject(node string) string { return "cmd." + node }

// appendEventSubject appends the subject of an event; without a user the last token is domain.NoUser.
func appendEventSubject(b []byte, kind, entity, user string) []byte {
	if user == "" {
		user = domain.NoUser
	}
	b = append(b, "evt."...)
	b = append(b, kind...)
	b = append(b, '.')
	b = append(b, entity...)
	b = append(b, '.')
	return append(b, user...)
}

// CanMatchEvents reports whether some event can have a subject that matches the filter.
func CanMatchEvents(filter string) bool {
	if !server.IsValidSubject(filter) {
		return false
	}
	for name := range eventTypes {
		if server.SubjectsCollide(filter, "evt."+domain.Kind(name)+".*.*") {
			return true
		}
	}
	return false
}

// SubjectMatches reports whether a subject matches a filter with the wildcards * (one token) and > (the rest).
func SubjectMatches(subject, filter string) bool { return server.SubjectMatchesFilter(subject, filter) }
