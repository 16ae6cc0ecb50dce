// EVENTS, handed out command by command, for those who go over both logs.
package projections

import (
	"fmt"
	"iter"

	"onsale/domain"
)

// upTo ends an endless sequence with the record that has this number.
func upTo(records iter.Seq2[domain.Record, error], last uint64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		if last == 0 {
			return
		}
		for r, err := range records {
			if !yield(r, err) || err != nil || r.Number >= last {
				return
			}
		}
	}
}

// reader hands out the records of EVENTS command by command.
type reader struct {
	history History
	next    func() (domain.Record, error, bool)
	last    uint64
	taken   uint64      // number of the last record read
	chain   domain.Hash // of the last record taken
	ahead   *decodedEvent
}

// hash is the link before the i-th of these events.
func (r *reader) hash(i int, there []decodedEvent) domain.Hash {
	if i == 0 || i > len(there) {
		return r.chain
	}
	return there[i-1].record.Hash
}

// peek is the next event, nil at the end.
func (r *reader) peek() (*decodedEvent, error) {
	if r.ahead != nil {
		return r.ahead, nil
	}
	record, err, ok := r.next()
	if !ok && r.taken < r.last {
		return nil, fmt.Errorf("reading EVENTS was broken off at event %d of %d", r.taken, r.last)
	}
	if !ok || err != nil {
		return nil, err
	}
	r.taken = record.Number
	e, err := r.history.DecodeEvent(record)
	if err != nil {
		return nil, err
	}
	r.ahead = &decodedEvent{e, record}
	return r.ahead, nil
}

// of are the events of the commands in these places. One of an earlier command that is still there belongs to none.
func (r *reader) of(first, last uint64) ([]decodedEvent, error) {
	var found []decodedEvent
	for {
		d, err := r.peek()
		if err != nil || d == nil || d.event.Sequence > last {
			return found, err
		}
		if d.event.Sequence < first {
			return nil, fmt.Errorf("%w: event %d belongs to command %d, which led to nothing or is not in COMMANDS", ErrDifference,
				d.event.Number, d.event.Sequence)
		}
		found, r.ahead = append(found, *d), nil
	}
}
