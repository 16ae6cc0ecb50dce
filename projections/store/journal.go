// The journal: one row per event, by number, kept permanently. It answers requests with their outcomes; each row is linked to
// the row before it of the same user and of the same entity, which gives a user's lists and what a reconnecting reader has
// missed. A row takes about 150 bytes.

package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"onsale/domain"
	"onsale/domain/machine"
)

// journalRow is a row whose body is not decoded yet.
type journalRow struct {
	domain.Event // without Body and Last
	Links
	name string // the event's type
	data []byte // the body in JSON
}

// Chain is a chain of links through the journal: where a row has the number of the row before it.
type Chain int

const (
	OfUser   Chain = 16
	OfEntity Chain = 24
)

// encodeRow writes five numbers, the request, three short texts and the body.
func encodeRow(e domain.Event, name string, links Links, data []byte) []byte {
	v := make([]byte, 0, 5*8+22+len(e.User)+len(e.Entity)+len(name)+4+len(data)+checksumSize)
	for _, n := range []uint64{e.Sequence, uint64(e.Now), links.PrevOfUser, links.PrevOfEntity, uint64(e.Fingerprint)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	for _, text := range []string{e.Request.String(), e.User, e.Entity, name} {
		v = append(append(v, byte(len(text))), text...) // ids and types are never longer than 64
	}
	return append(v, data...)
}

func decodeRow(k, v []byte) (journalRow, error) {
	h, err := readRowHeader(k, v)
	if err != nil {
		return journalRow{}, err
	}
	r := journalRow{name: string(h.name), data: bytes.Clone(h.data)} // bbolt's bytes end with the transaction
	r.Number, r.Sequence, r.Now, r.Fingerprint = number(k), number(v), domain.Time(number(v[8:])), domain.Fingerprint(number(v[32:]))
	r.Links = Links{number(v[OfUser:]), number(v[OfEntity:])}
	r.User, r.Entity = string(h.user), string(h.entity)
	return r, r.Request.UnmarshalText(h.request)
}

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
		v := b.get(key(uint64(i) + 1))
		return len(v) >= 16 && match(number(v), domain.Time(number(v[8:])))
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
			row := journal.get(key(n))
			if len(row) < int(chain)+8 {
				return fmt.Errorf("%w: event %d has no row", ErrDamaged, n)
			}
			prev := number(row[chain:])
			if prev >= n {
				return fmt.Errorf("%w: row %d of the journal links to row %d", ErrDamaged, n, prev)
			}
			n = prev
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
		if len(r.request) == 0 {
			return nil
		}
		m.RestoreRequest(domain.RequestID(r.request), machine.RequestRecord{EventNumber: n, Fingerprint: domain.Fingerprint(number(v[32:]))})
		return nil
	})
}

// rowHeader is the texts and the body of a row, in bbolt's own bytes.
type rowHeader struct{ request, user, entity, name, data []byte }

// rejectionCode is nil for all but rejections. It follows the type of the command, and neither has quotes in it.
func (h rowHeader) rejectionCode() []byte {
	if !bytes.HasSuffix(h.name, []byte(".rejected")) {
		return nil
	}
	_, code, _ := bytes.Cut(h.data, []byte(`,"code":"`))
	code, _, _ = bytes.Cut(code, []byte(`"`))
	return code
}

func readRowHeader(k, v []byte) (rowHeader, error) {
	var h rowHeader
	if len(k) != 8 || len(v) < 5*8 {
		return h, fmt.Errorf("%w: a row of the journal is truncated", ErrDamaged)
	}
	v = v[5*8:]
	for _, text := range []*[]byte{&h.request, &h.user, &h.entity, &h.name} {
		if len(v) == 0 || len(v)-1 < int(v[0]) {
			return h, fmt.Errorf("%w: row %d of the journal is truncated", ErrDamaged, number(k))
		}
		*text, v = v[1:1+v[0]], v[1+v[0]:]
	}
	h.data = v
	return h, nil
}
