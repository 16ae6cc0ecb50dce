// The journal: one row for every event, by its number, for ever. It is where a request finds its outcome, where a user
// finds what is theirs (each row knows the user's row before it), and where streams learn whether somebody missed anything.
// About 150 bytes an event.

package projections

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/machine"
)

// journalRow is an event as the journal keeps it.
type journalRow struct {
	Outcome
	prevOfUser, prevOfEntity uint64
}

// encode writes five numbers, the request, three short texts and the data.
func (r journalRow) encode() []byte {
	v := make([]byte, 0, 6*8+22+len(r.User)+len(r.Entity)+len(r.Type)+3+len(r.Data))
	for _, n := range []uint64{r.Sequence, uint64(r.At), r.prevOfUser, r.prevOfEntity, uint64(r.Fingerprint)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	for _, text := range []string{r.Request.String(), r.User, r.Entity, r.Type} {
		v = append(append(v, byte(len(text))), text...) // ids and types are never longer than 64
	}
	return append(v, r.Data...)
}

func decodeJournalRow(k, v []byte) (journalRow, error) {
	var r journalRow
	if len(k) != 8 || len(v) < 5*8 {
		return r, fmt.Errorf("%w: a row of the journal is cut short", errDamaged)
	}
	r.EventNumber, r.Sequence, r.At = number(k), number(v), domain.Time(number(v[8:]))
	r.prevOfUser, r.prevOfEntity, r.Fingerprint = number(v[16:]), number(v[24:]), domain.Fingerprint(number(v[32:]))
	v = v[40:]
	var request string
	for _, text := range []*string{&request, &r.User, &r.Entity, &r.Type} {
		if len(v) == 0 || len(v)-1 < int(v[0]) {
			return r, fmt.Errorf("%w: row %d of the journal is cut short", errDamaged, r.EventNumber)
		}
		*text, v = string(v[1:1+v[0]]), v[1+v[0]:]
	}
	r.Data = append([]byte{}, v...) // bbolt's bytes end with the transaction
	return r, r.Request.UnmarshalText([]byte(request))
}

func readJournalRow(tx *bolt.Tx, n uint64) (journalRow, bool, error) {
	k := key(n)
	v := tx.Bucket(bucketJournal).Get(k)
	if v == nil {
		return journalRow{}, false, nil
	}
	r, err := decodeJournalRow(k, v)
	return r, err == nil, err
}

// loadJournal fills the shop's requests and alarms, the heads and the tally. It reads every row, so it stays clear of
// decodeJournalRow's copies.
func (p *loadedState) loadJournal(tx *bolt.Tx) error {
	m, last := p.machine, p.lastEvents
	unread := tx.Bucket(bucketUnread)
	var name, entity []byte // of the row before, and mostly of this one too
	var key string
	return tx.Bucket(bucketJournal).ForEach(func(k, v []byte) error {
		r, err := readRowHeader(k, v)
		if err != nil {
			return err
		}
		n := number(k)
		if len(r.user) > 0 {
			last.user[string(r.user)] = n
		}
		if !bytes.Equal(r.name, name) || !bytes.Equal(r.entity, entity) {
			name, entity, key = r.name, r.entity, domain.Kind(string(r.name))+"."+string(r.entity)
		}
		last.entity[key] = n
		p.counters.addRow(r)
		if string(r.name) == "alarms.raised" {
			user := string(r.user)
			m.Alarms.Restore(user, n, unread.Get(unreadKey(user, n)) == nil)
		}
		if len(r.request) == 0 {
			return nil
		}
		m.RestoreRequest(domain.RequestID(r.request), machine.RequestRecord{EventNumber: n, Fingerprint: domain.Fingerprint(number(v[32:]))})
		return nil
	})
}

// rowHeader is the part of a row that loading needs, in bbolt's own bytes.
type rowHeader struct{ request, user, entity, name, data []byte }

// rejectionCode is that of a refusal; nil for all else. It stands behind the type of the command, and neither has quotes in it.
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
	if len(v) < 40 {
		return h, fmt.Errorf("%w: a row of the journal is cut short", errDamaged)
	}
	v = v[40:]
	for _, text := range []*[]byte{&h.request, &h.user, &h.entity, &h.name} {
		if len(v) == 0 || len(v)-1 < int(v[0]) {
			return h, fmt.Errorf("%w: row %d of the journal is cut short", errDamaged, number(k))
		}
		*text, v = v[1:1+v[0]], v[1+v[0]:]
	}
	h.data = v
	return h, nil
}

// searchJournal is the smallest event number from 1 to last whose row fulfils later; last+1 when none does. Rows are in the
// order of their sequences and times.
func searchJournal(tx *bolt.Tx, last uint64, match func(sequence uint64, at domain.Time) bool) uint64 {
	b := tx.Bucket(bucketJournal)
	return uint64(sort.Search(int(last), func(i int) bool {
		v := b.Get(key(uint64(i) + 1))
		return len(v) >= 16 && match(number(v), domain.Time(number(v[8:])))
	})) + 1
}
