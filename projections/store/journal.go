// The journal: one row per event, by number, kept permanently. It answers requests with their outcomes; each row is linked to
// the row before it of the same user and of the same entity, which gives a user's lists and what a reconnecting reader has
// missed. journal_row.go has the format of a row.

package store

import (
	"fmt"
	"slices"
	"sort"

	"onsale/domain"
	"onsale/domain/machine"
)

func readRow(tx *transaction, n uint64) (journalRow, bool, error) {
	k := key(n)
	v := tx.table(bucketJournal).get(k)
	if v == nil {
		return journalRow{}, false, nil
	}
	r, err := decodeRow(k, v)
	return r, err == nil, err
}

// mustReadRow is for events that must be in the journal.
func mustReadRow(tx *transaction, n uint64) (journalRow, error) {
	r, ok, err := readRow(tx, n)
	if err == nil && !ok {
		err = fmt.Errorf("%w: event %d has no row", ErrDamaged, n)
	}
	return r, err
}

// event decodes the body of a row.
func (s *Store) event(r journalRow) (domain.Event, error) {
	body, err := s.log.DecodeBody(r.name, r.data)
	if err != nil {
		return r.Event, fmt.Errorf("row %d of the journal: %w", r.Number, err)
	}
	r.Body = body
	return r.Event, nil
}

// Event is event n; false when there is none.
func (s *Store) Event(n uint64) (e domain.Event, ok bool, err error) {
	err = s.view(func(tx *transaction) error {
		var r journalRow
		if r, ok, err = readRow(tx, n); ok {
			e, err = s.event(r)
		}
		return err
	})
	return e, ok && err == nil, err
}

// Events are the events with these numbers.
func (s *Store) Events(numbers []uint64) ([]domain.Event, error) {
	events := make([]domain.Event, 0, len(numbers))
	err := s.view(func(tx *transaction) error {
		for _, n := range numbers {
			r, err := mustReadRow(tx, n)
			if err != nil {
				return err
			}
			e, err := s.event(r)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
		return nil
	})
	return events, err
}

// Links are those of the events first to last.
func (s *Store) Links(first, last uint64) ([]Links, error) {
	var links []Links
	err := s.view(func(tx *transaction) error {
		for n := first; n <= last; n++ {
			r, err := mustReadRow(tx, n)
			if err != nil {
				return err
			}
			links = append(links, r.Links)
		}
		return nil
	})
	return links, err
}

// OutcomeAt is the event that answers the command at sequence; false when it has none of its own.
func (s *Store) OutcomeAt(sequence uint64) (e domain.Event, ok bool, err error) {
	err = s.view(func(tx *transaction) error {
		after, err := searchJournal(tx, func(s uint64, _ domain.Time) bool { return s > sequence })
		if err != nil {
			return err
		}
		r, found, err := readRow(tx, after-1) // the outcome is a command's last event
		if ok = found && r.Sequence == sequence && !r.Request.IsZero(); ok {
			e, err = s.event(r)
		}
		return err
	})
	return e, ok && err == nil, err
}

// EventNumberAt is the number of the first event at or after t; one more than the last when there is none.
func (s *Store) EventNumberAt(t domain.Time) (n uint64, err error) {
	err = s.view(func(tx *transaction) error {
		n, err = searchJournal(tx, func(_ uint64, at domain.Time) bool { return at >= t })
		return err
	})
	return n, err
}

// EventNumberAfter is the number of the first event of a command after sequence; one more than the last when there is none.
func (s *Store) EventNumberAfter(sequence uint64) (n uint64, err error) {
	err = s.view(func(tx *transaction) error {
		n, err = searchJournal(tx, func(s uint64, _ domain.Time) bool { return s > sequence })
		return err
	})
	return n, err
}

// searchJournal is the number of the first event whose row matches; one more than the last when none does. Rows are in the order
// of their sequences and times.
func searchJournal(tx *transaction, match func(sequence uint64, at domain.Time) bool) (uint64, error) {
	cp, err := readCheckpoint(tx)
	if err != nil {
		return 0, err
	}
	b := tx.table(bucketJournal)
	return uint64(sort.Search(int(cp.Events), func(i int) bool {
		k := key(uint64(i) + 1)
		h, err := readRowHeader(k, b.get(k))
		return err == nil && match(h.sequence, h.now)
	})) + 1, nil
}

// maxNumbersPerWalk bounds the numbers that one walk returns. A walk leads from the newest row to the oldest.
const maxNumbersPerWalk = 4096

// NumbersBack follows a chain back from last, its last event or a resume point, to from and returns the oldest numbers in rising
// order, at most maxNumbersPerWalk. For the numbers that it passed over it returns resume points, in falling order: the next walk
// starts at the lowest one that is not before its own from, so a reader that missed a million events does not walk all of them
// for every part.
func (s *Store) NumbersBack(chain Chain, from, last uint64) (numbers, resumePoints []uint64, err error) {
	err = s.view(func(tx *transaction) error {
		journal := tx.table(bucketJournal)
		for n := last; n >= from && n > 0; {
			if len(numbers) == 2*maxNumbersPerWalk { // the newer half is for a later walk
				resumePoints = append(resumePoints, numbers[maxNumbersPerWalk-1])
				numbers = append(numbers[:0], numbers[maxNumbersPerWalk:]...)
			}
			numbers = append(numbers, n)
			k := key(n)
			row, err := readRowHeader(k, journal.get(k))
			if err != nil {
				return err
			}
			n = row.links.Of(chain)
		}
		return nil
	})
	slices.Reverse(numbers)
	return numbers[:min(len(numbers), maxNumbersPerWalk)], resumePoints, err
}

// loadJournal fills the machine's requests and alarms, the last events and the counters. It reads every row, so it decodes
// no more than it needs.
func (s *State) loadJournal(tx *transaction) error {
	m, last := s.Machine, s.LastEvents
	unread := tx.table(bucketUnread)
	var entities entityKeys
	return tx.table(bucketJournal).each(func(k, v []byte) error {
		r, err := readRowHeader(k, v)
		if err != nil {
			return err
		}
		n := number(k)
		if len(r.user) > 0 {
			last.Set(keyOf(r.user), n)
		}
		last.Set(entities.of(r), n)
		s.Counters.addRow(r)
		if string(r.name) == "alarms.raised" {
			user := string(r.user)
			m.Alarms.Restore(user, n, unread.get(unreadKey(user, n)) == nil)
		}
		if r.hasRequest {
			m.RestoreRequest(r.request.Unpack(), machine.RequestRecord{EventNumber: n, Fingerprint: r.fingerprint})
		}
		return nil
	})
}
