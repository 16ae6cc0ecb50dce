// Messages in EVENTS that onsale has not published. Such a message takes the number of an event that every node has decided otherwise, so
// all nodes halt, and none can publish its events behind it: whatever is foreign is at the end. It is cut off, and the nodes publish
// the events at its numbers from their outboxes.

package streams

import (
	"context"
	"fmt"

	"onsale/domain"
)

// foreignError names a message in EVENTS that is not an event.
func foreignError(number uint64, subject string, err error) error {
	return fmt.Errorf("%w: message %d on %s is not an event of this log (%w): stop all nodes and run \"onsale repair\"", domain.ErrForeign, number, subject, err)
}

// Foreign are the messages at the end of EVENTS that are not onsale's. First is 0 if there are none.
type Foreign struct {
	First, Last uint64
	Subject     string // of the first
}

func (f Foreign) String() string {
	return fmt.Sprintf("EVENTS: messages %d to %d are not onsale's; the first is on %s", f.First, f.Last, f.Subject)
}

// foreignFinder looks at all messages of EVENTS in their order.
type foreignFinder struct {
	chain   hashChain
	foreign Foreign
}

// note returns an error for an event that is onsale's and does not follow from the one before it: then one was altered, which no cut heals.
func (f *foreignFinder) note(record domain.Record) error {
	event, err := DecodeEvent(record)
	follows := f.chain.hash.Next(record.Subject, record.Payload) == record.Hash
	switch {
	case err == nil && follows && f.foreign.First == 0:
		f.chain.hash = record.Hash
	case err == nil && event.Number == record.Number:
		return fmt.Errorf("%w: event %d in EVENTS does not follow from the one before it: it or an earlier one was altered", ErrDamaged, record.Number)
	case f.foreign.First == 0:
		f.foreign = Foreign{record.Number, record.Number, record.Subject}
	default:
		f.foreign.Last = record.Number
	}
	return nil
}

// FindForeign reads EVENTS of a data directory.
func (s *StoredLog) FindForeign(ctx context.Context) (Foreign, error) {
	var f foreignFinder
	r := newBlockReader(s.dir, s.prefix, eventsStream)
	err := r.read(ctx, func(m *storedMessage) error {
		if len(r.damage) > 0 {
			return r.damage[0]
		}
		return f.note(m.anyRecord())
	})
	return f.foreign, err
}

// anyRecord is a message of EVENTS as an event, with no hash if it has none.
func (m *storedMessage) anyRecord() domain.Record {
	record, err := m.record()
	if err != nil {
		record = domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload}
	}
	return record
}

// CutForeign writes EVENTS of a data directory anew, without what is foreign, and keeps the old files under the returned path.
func (s *StoredLog) CutForeign(ctx context.Context, f Foreign) (kept string, err error) {
	kept, _, err = s.rewrite(ctx, eventsStream, func(r *blockReader, w *streamWriter) (uint64, error) {
		err := r.read(ctx, func(m *storedMessage) error {
			if m.number >= f.First {
				return nil
			}
			return w.append(m)
		})
		return f.First - 1, err
	})
	return kept, err
}
