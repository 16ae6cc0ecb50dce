// Ids as the wire and the subjects of the log allow them, request ids, fingerprints, and the hash chain.

package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrInvalidID is a string that is not an id. Dots, stars, spaces and the like are separators or wildcards in a subject.
var ErrInvalidID = errors.New("an id is 1 to 64 characters of A-Z a-z 0-9 _ -")

// CheckID returns ErrInvalidID when s is not an id.
func CheckID(s string) error {
	if len(s) == 0 || len(s) > 64 {
		return ErrInvalidID
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return ErrInvalidID
		}
	}
	return nil
}

// SequenceAfter returns the number in an id that consists of prefix and a number; 0 for any other id.
func SequenceAfter(prefix, id string) uint64 {
	digits, ok := strings.CutPrefix(id, prefix)
	if !ok {
		return 0
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(sequence, 10) != digits {
		return 0
	}
	return sequence
}

// RequestID identifies one request of one user: the first 22 characters of base64url(SHA-256(user ‖ 0x00 ‖ key)).
// The zero value means: no request.
type RequestID [22]byte

// NewRequestID computes the id from the user and the idempotency key.
func NewRequestID(user, key string) RequestID {
	sum := sha256.Sum256([]byte(user + "\x00" + key))
	return RequestID(base64.RawURLEncoding.AppendEncode(nil, sum[:]))
}

// ParseRequestID is the reverse of String.
func ParseRequestID(s string) (RequestID, error) {
	var id RequestID
	if len(s) != len(id) || CheckID(s) != nil {
		return id, errors.New("a request id is 22 characters of A-Z a-z 0-9 _ -")
	}
	copy(id[:], s)
	return id, nil
}

// IsZero is true when there is no request.
func (id RequestID) IsZero() bool { return id == RequestID{} }

func (id RequestID) String() string {
	if id.IsZero() {
		return ""
	}
	return string(id[:])
}

// MarshalText writes "" for no request.
func (id RequestID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (id *RequestID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = RequestID{}
		return nil
	}
	parsed, err := ParseRequestID(string(text))
	*id = parsed
	return err
}

// Fingerprint is the first 8 bytes of SHA-256 over method, path and decoded body of a request. In text: 16 hex digits.
type Fingerprint uint64

// NewFingerprint hashes parts, each closed by a zero byte.
func NewFingerprint(parts ...string) Fingerprint {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	var f Fingerprint
	for _, b := range h.Sum(nil)[:8] {
		f = f<<8 | Fingerprint(b)
	}
	return f
}

// MarshalText writes 16 hex digits.
func (f Fingerprint) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%016x", uint64(f)), nil
}

// UnmarshalText is the reverse of MarshalText.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*f = Fingerprint(n)
	return err
}

// Hash is one link of the chain over EVENTS.
type Hash [sha256.Size]byte

// Next returns the hash of the record that follows the one with hash h.
func (h Hash) Next(subject string, payload []byte) Hash {
	d := sha256.New()
	d.Write(h[:])
	d.Write([]byte(subject))
	d.Write([]byte{0})
	d.Write(payload)
	var next Hash
	d.Sum(next[:0])
	return next
}

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash is the reverse of String.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if hex.DecodedLen(len(s)) != len(h) {
		return h, errors.New("a hash is 64 hex digits")
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err
}
