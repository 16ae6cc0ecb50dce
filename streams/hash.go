// The hash of an event in the header of its message: 43 characters of base64url, or 64 hex digits, as all were at first.

package streams

import (
	"encoding/base64"
	"errors"

	"onsale/domain"
)

const hashHeader = "Onsale-Hash"

// hashText is in hex on an external NATS, where nodes of an older version may read it.
func (l *Log) hashText(h domain.Hash) string {
	if l.hexHashes {
		return h.String()
	}
	return shortHash(h)
}

var hashEncoding = base64.RawURLEncoding.Strict()

func shortHash(h domain.Hash) string { return hashEncoding.EncodeToString(h[:]) }

// parseHash is the reverse of both spellings.
func parseHash(text string) (h domain.Hash, err error) {
	if len(text) != hashEncoding.EncodedLen(len(h)) {
		return domain.ParseHash(text)
	}
	if n, err := hashEncoding.Decode(h[:], []byte(text)); err != nil || n != len(h) { // it skips line breaks
		return domain.Hash{}, errors.New("a hash is 43 characters of base64url or 64 hex digits")
	}
	return h, nil
}
