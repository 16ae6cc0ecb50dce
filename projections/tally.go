// How many events there are of each type, since there is a log: counted once while the journal is loaded, and then with
// each commit.
package projections

import "onsale/domain"

// eventKind is the type of an event, and where that is a refusal its code too.
type eventKind struct{ name, code string }

// String is "seats.held" or "seats.rejected seat_unavailable".
func (k eventKind) String() string {
	if k.code == "" {
		return k.name
	}
	return k.name + " " + k.code
}

func kindOf(name string, e domain.Event) eventKind {
	if no, refused := e.Body.(domain.Rejection); refused {
		return eventKind{name, no.Code}
	}
	return eventKind{name: name}
}

type tally struct {
	kinds    map[eventKind]*uint64
	outcomes uint64 // events that answer a request
}

func newTally() tally { return tally{kinds: map[eventKind]*uint64{}} }

func (t *tally) add(kind eventKind, outcome bool) {
	count := t.kinds[kind]
	if count == nil {
		count = new(uint64)
		t.kinds[kind] = count
	}
	*count++
	if outcome {
		t.outcomes++
	}
}

// read counts a row of the journal, whose bytes are copied only where they are the first of their kind.
func (t *tally) read(r peeked) {
	code := r.code()
	if count := t.kinds[eventKind{string(r.name), string(code)}]; count != nil {
		*count++
	} else {
		t.kinds[eventKind{string(r.name), string(code)}] = new(uint64(1))
	}
	if len(r.request) > 0 {
		t.outcomes++
	}
}

func (t *tally) byName() map[string]uint64 {
	counts := make(map[string]uint64, len(t.kinds))
	for kind, count := range t.kinds {
		counts[kind.String()] = *count
	}
	return counts
}
