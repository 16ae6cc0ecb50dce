// Positions: what the id of a frame says. `<epoch>-<n>` means that everything up to and with event n was seen,
// `<epoch>-<n>.<k>` everything before event n and the first k of its frames. The epoch identifies the log in which the
// numbers count.

package view

import "strconv"

// Position is a point between two frames of a stream.
type Position struct {
	Number uint64
	Sub    uint32 // 0: all frames of event Number were seen; k: its first k frames
}

const epochLength = 8

// ParsePosition parses an id. It is false for what no stream can have sent; an id of another epoch is valid.
func ParsePosition(id string) (epoch string, p Position, ok bool) {
	if len(id) < epochLength+2 || id[epochLength] != '-' {
		return "", Position{}, false
	}
	for i := range epochLength {
		if c := id[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z') {
			return "", Position{}, false
		}
	}
	number, rest, ok := digits(id[epochLength+1:], 64)
	if !ok {
		return "", Position{}, false
	}
	var sub uint64
	if rest != "" {
		if rest[0] != '.' {
			return "", Position{}, false
		}
		// Frames are counted from 1, and there is no event 0.
		if sub, rest, ok = digits(rest[1:], 32); !ok || rest != "" || sub == 0 || number == 0 {
			return "", Position{}, false
		}
	}
	return id[:epochLength], Position{Number: number, Sub: uint32(sub)}, true
}

// digits splits off the decimal number that s begins with; false: it has more bits.
func digits(s string, bits int) (n uint64, rest string, ok bool) {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(s[:end], 10, bits)
	return n, s[end:], err == nil
}

// ID is the position as clients see it.
func (p Position) ID(epoch string) string { return string(p.append(nil, epoch)) }

func (p Position) append(b []byte, epoch string) []byte {
	b = append(b, epoch...)
	b = append(b, '-')
	b = strconv.AppendUint(b, p.Number, 10)
	if p.Sub != 0 {
		b = append(b, '.')
		b = strconv.AppendUint(b, uint64(p.Sub), 10)
	}
	return b
}

// Seen is the number of the last event of which every frame was seen.
func (p Position) Seen() uint64 {
	if p.Sub != 0 {
		return p.Number - 1
	}
	return p.Number
}
