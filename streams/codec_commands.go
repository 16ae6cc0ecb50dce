// The bytes of commands: one line each, up to 256 in a message of COMMANDS.
package streams

import (
	"bytes"
	"errors"
	"fmt"

	"onsale/domain"
)

// EncodeCommand makes the line of a command. Sequence and At are not in it: they are given by the log.
func EncodeCommand(c domain.Command) ([]byte, error) {
	name, version := c.Body.Type()
	if _, err := lookUp(commandTypes, name, version); err != nil {
		return nil, err
	}
	if err := checkIDs(c.Entity, c.User, nobodys(name)); err != nil {
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
	if len(b) > maxMessage {
		return nil, fmt.Errorf("command %s: %d bytes are more than the %d that a command may have", name, len(b), maxMessage)
	}
	return b, nil
}

// DecodeBatch reads a message of COMMANDS. Bytes that are no command become a domain.Malformed in their place, so that the
// line moves on; a command of an unknown type is ErrUnknownType, so that nobody moves on.
func DecodeBatch(message uint64, at domain.Time, payload []byte) (domain.Batch, error) {
	batch := domain.Batch{Message: message, At: at}
	lines := bytes.Count(payload, []byte{'\n'}) + 1
	if len(payload) == 0 || len(payload) > maxMessage || lines > maxLines {
		batch.Commands = []domain.Command{malformed(payload)}
		batch.Commands[0].Sequence, batch.Commands[0].At = message*domain.PlacesPerMessage, at
		return batch, nil
	}
	batch.Commands = make([]domain.Command, 0, lines)
	for line := range bytes.SplitSeq(payload, []byte{'\n'}) {
		c, err := decodeCommand(line)
		c.Sequence, c.At = message*domain.PlacesPerMessage+uint64(len(batch.Commands)), at
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
	if !ok || p.checkIDs(nobodys(string(p.name))) != nil {
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

// nobodys says that no user sends such a command: the system's, and what a payment provider was heard to say.
func nobodys(name string) bool { return domain.Kind(name) == "system" || name == "orders.learn" }

func malformed(b []byte) domain.Command {
	return domain.Command{Entity: domain.SystemEntity, Body: domain.Malformed{Bytes: bytes.Clone(b[:min(len(b), maxKept)])}}
}
