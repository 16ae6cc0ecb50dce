// The first outcomes of all requests, kept permanently: a request id is never forgotten, so a repetition is never a second decision.

package machine

import (
	"encoding/binary"
	"fmt"
	"iter"

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
	id          domain.PackedRequestID
	fingerprint [8]byte
}

// hashOf needs no cryptography: ids are parts of a cryptographic hash already.
func hashOf(p domain.PackedRequestID) uint64 {
	return compact.Mix(binary.BigEndian.Uint64(p[1:]) ^ compact.Mix(binary.BigEndian.Uint64(p[9:])))
}

// find returns the first outcome of a request; false when there is none.
func (r *requests) find(id domain.RequestID) (RequestRecord, bool) {
	packed, ok := id.Pack()
	if !ok {
		return RequestRecord{}, false
	}
	n, found := r.index.Find(hashOf(packed), func(n uint32) bool { return r.entries.At(int(n)).id == packed })
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
	packed, ok := id.Pack()
	if !ok || uint64(r.entries.Len()) > first.EventNumber {
		panic(fmt.Sprintf("machine: request %q of event %d: no id, or a number that does not rise", id[:], first.EventNumber))
	}
	for uint64(r.entries.Len()) < first.EventNumber {
		r.entries.Append(requestEntry{})
	}
	entry := requestEntry{id: packed}
	binary.BigEndian.PutUint64(entry.fingerprint[:], uint64(first.Fingerprint))
	r.entries.Append(entry)
	r.index.Add(hashOf(entry.id), first.EventNumber, func(n uint32) uint64 { return hashOf(r.entries.At(int(n)).id) })
}

// all yields the requests in the order of their outcomes.
func (r *requests) all() iter.Seq2[domain.RequestID, RequestRecord] {
	return func(yield func(domain.RequestID, RequestRecord) bool) {
		for n, entry := range r.entries.All() {
			if entry.id != (domain.PackedRequestID{}) && !yield(entry.id.Unpack(), r.record(n)) {
				return
			}
		}
	}
}
