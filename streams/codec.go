// The bytes of events, one in each message of EVENTS, and what commands have in common with them. What leaves here can be
// read back here: an unknown type or an unchecked id is refused before it is in a log for ever.

package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"onsale/domain"
)

const (
	maxMessageCommands = 256       // commands in a message
	maxMessageBytes    = 512 << 10 // bytes in a message, and in one command
	maxMalformedBytes  = 64 << 10  // bytes of a malformed message or line that are kept
	maxEventBytes      = 1<<20 - 4<<10
)

// EncodeEvent makes the record that follows the record with hash prev.
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
		return domain.Record{}, fmt.Errorf("event %d, %s: %d bytes are more than a message may have", e.Number, name, len(b))
	}
	var buf [192]byte
	subject := string(appendEventSubject(buf[:0], domain.Kind(name), e.Entity, e.User))
	return domain.Record{Number: e.Number, Subject: subject, Payload: b, Hash: prev.Next(subject, b)}, nil
}

// DecodeEvent reads a record. That its number and its subject are those that its payload names is checked here; its hash
// is checked by whoever knows the hash before it.
func DecodeEvent(r domain.Record) (domain.Event, error) {
	e, err := decodeEvent(r.Payload)
	if err != nil {
		return domain.Event{}, fmt.Errorf("event %d: %w", r.Number, err)
	}
	name, _ := e.Body.Type()
	var buf [192]byte
	subject := appendEventSubject(buf[:0], domain.Kind(name), e.Entity, e.User)
	if e.Number != r.Number || string(subject) != r.Subject {
		return domain.Event{}, fmt.Errorf("event %d on %s says of itself that it is event %d on %s", r.Number, r.Subject, e.Number, subject)
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

// body decodes the data as what the envelope says it is.
func (e *envelope) body(types map[string]decoder) (domain.Body, error) {
	decode, err := decoderFor(types, string(e.name), e.version)
	if err != nil {
		if len(e.data) > 0 && !json.Valid(e.data) {
			return nil, errors.New("the data is no JSON") // of no onsale, newer or not
		}
		return nil, err
	}
	body, err := decode(e.data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e, err)
	}
	// A rejection carries the type of its command, and with it its own.
	if name, version := body.Type(); name != string(e.name) || version != e.version {
		return nil, fmt.Errorf("%s holds a %s.v%d", e, name, version)
	}
	return body, nil
}

func (e *envelope) checkIDs(system bool) error {
	return checkIDs(string(e.entity), string(e.user), system)
}

// checkIDs lets no separator and no wildcard into a subject. Only what belongs to the system has no entity or no user.
func checkIDs(entity, user string, system bool) error {
	if err := domain.CheckID(entity); err != nil && !(system && entity == domain.SystemEntity) {
		return fmt.Errorf("entity %q: %w", entity, err)
	}
	if err := domain.CheckID(user); err != nil && !(system && user == "") {
		return fmt.Errorf("user %q: %w", user, err)
	}
	return nil
}

// EncodeEvent and DecodeEvent as methods, so that whoever is handed a Log has the format of what stands in it too.
func (l *Log) EncodeEvent(prev domain.Hash, e domain.Event) (domain.Record, error) {
	return EncodeEvent(prev, e)
}

func (l *Log) DecodeEvent(r domain.Record) (domain.Event, error) { return DecodeEvent(r) }

// DecodeBody reads the data of an event of this type; "{}" is none. All that there is has version 1: who adds another one
// lets the name say so.
func (l *Log) DecodeBody(name string, data []byte) (domain.Body, error) {
	decode, err := decoderFor(eventTypes, name, 1)
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// AdminCommand is the package's AdminCommand.
func (l *Log) AdminCommand(name string) (command string, ok bool) { return AdminCommand(name) }

// The bytes of commands: one line each, up to 256 in a message of COMMANDS.

// EncodeCommand makes the line of a command. Sequence and At are not in it: they are given by the log.
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

// DecodeBatch reads a message of COMMANDS. Bytes that are no command become a domain.Malformed in their place, so that the
// line moves on; a command of an unknown type is ErrUnknownType, so that nobody moves on.
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

// decodeCommand errs on an unknown type only.
func decodeCommand(line []byte) (domain.Command, error) {
	p, ok := parseCommand(line)
	if !ok || p.checkIDs(allowsNoUser(string(p.name))) != nil {
		return malformed(line), nil
	}
	body, err := p.body(commandTypes)
	if errors.Is(err, ErrUnknownType) {
		return domain.Command{}, err
	}
	if err != nil {
		return malformed(line), nil
	}
	return domain.Command{Entity: string(p.entity), User: string(p.user), Request: p.request, Fingerprint: p.fingerprint, Body: body}, nil
}

// allowsNoUser says that no user sends such a command: the system's, and what a payment provider was heard to say.
func allowsNoUser(name string) bool {
	return domain.Kind(name) == "system" || name == "orders.record-payment"
}

func malformed(b []byte) domain.Command {
	return domain.Command{Entity: domain.SystemEntity, Body: domain.Malformed{Bytes: bytes.Clone(b[:min(len(b), maxMalformedBytes)])}}
}

// Subjects: where a command and an event stand, and what a reader filters by. Every token is a checked id, so no id is
// ever a separator or a wildcard.

const (
	commandsStream = "COMMANDS" // cmd.<node>
	eventsStream   = "EVENTS"   // evt.<kind>.<entity>.<user>
)

// commandSubject is the subject of a node's lane.
func commandSubject(node string) string { return "cmd." + node }

// appendEventSubject builds the subject of an event; nobody stands where there is no user.
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
