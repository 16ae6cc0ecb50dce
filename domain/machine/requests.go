// The first outcomes of all requests, kept permanently: a request id is never forgotten, so a repetition is never a second decision.

package machine

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"onsale/domain"
	"onsale/domain/compact"
)

// RequestRecord is the first outcome of a request.
type RequestRecord struct {
	EventNumber uint64
	Fingerprint domain.Fingerprint
}

// requests is a map from request ids to their records, in some 33 bytes each: the place of an entry is the number of its event.
type requests struct {
	entries compact.Array[requestEntry] // at the event's number; events that answer no request have an empty one
	index   compact.Index
}

type requestEntry struct {
	id          packedID
	fingerprint [8]byte
}

// packedID is a request id of 22 characters of 6 bits each; the other 4 bits are set, so that none is zero.
type packedID [17]byte

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// idDigits has the place of each character in idAlphabet, and 64 for all others.
var idDigits = func() (digits [256]byte) {
	for c := range digits {
		digits[c] = 64
		if place := strings.IndexByte(idAlphabet, byte(c)); place >= 0 {
			digits[c] = byte(place)
		}
	}
	return digits
}()

// pack returns false for what is no request id, such as the zero id.
func pack(id domain.RequestID) (p packedID, ok bool) {
	bits, count, next := uint32(0xf), 4, 0
	for _, c := range id {
		digit := idDigits[c]
		if digit == 64 {
			return p, false
		}
		bits, count = bits<<6|uint32(digit), count+6
		if count >= 8 {
			count -= 8
			p[next] = byte(bits >> count)
			next++
		}
	}
	return p, true
}

func (p packedID) unpack() (id domain.RequestID) {
	bits, count, next := uint32(p[0]&0xf), 4, 1
	for i := range id {
		if count < 6 {
			bits, count, next = bits<<8|uint32(p[next]), count+8, next+1
		}
		count -= 6
		id[i] = idAlphabet[bits>>count&63]
	}
	return id
}

// hash needs no cryptography: ids are parts of a cryptographic hash already.
func (p packedID) hash() uint64 {
	return compact.Mix(binary.BigEndian.Uint64(p[1:]) ^ compact.Mix(binary.BigEndian.Uint64(p[9:])))
}

// find returns the first outcome of a request; false when there is none.
func (r *requests) find(id domain.RequestID) (RequestRecord, bool) {
	packed, ok := pack(id)
	if !ok {
		return RequestRecord{}, false
	}
	n, found := r.index.Find(packed.hash(), func(n uint32) bool { return r.entries.At(int(n)).id == packed })
	if !found {
		return RequestRecord{}, false
	}
	return r.record(int(n)), true
}

func (r *requests) record(n int) RequestRecord {
	return RequestRecord{uint64(n), domain.Fingerprint(binary.BigEndian.Uint64(r.entries.At(n).fingerprint[:]))}
}

// add adds the outcome of a request, unless it has one. The numbers of events rise.
func (r *requests) add(id domain.RequestID, first RequestRecord) {
	if _, known := r.find(id); known {
		return
	}
	packed, ok := pack(id)
	if !ok || uint64(r.entries.Len()) > first.EventNumber {
		panic(fmt.Sprintf("machine: request %q of event %d: no id, or a number that does not rise", id[:], first.EventNumber))
	}
	for uint64(r.entries.Len()) < first.EventNumber {
		r.entries.Append(requestEntry{})
	}
	entry := requestEntry{id: packed}
	binary.BigEndian.PutUint64(entry.fingerprint[:], uint64(first.Fingerprint))
	r.entries.Append(entry)
	r.index.Add(entry.id.hash(), first.EventNumber, func(n uint32) uint64 { return r.entries.At(int(n)).id.hash() })
}

// all yields the requests in the order of their outcomes.
func (r *requests) all() iter.Seq2[domain.RequestID, RequestRecord] {
	return func(yield func(domain.RequestID, RequestRecord) bool) {
		for n, entry := range r.entries.All() {
			if entry.id != (packedID{}) && !yield(entry.id.unpack(), r.record(n)) {
				return
			}
		}
	}
}
