// The outbox: events that are decided and committed, as bytes, on their way to EVENTS. A row stays until EVENTS was surely
// written to disk past it, so that a log that lost its last second with the power can be completed from here.

package projections

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

func putOutbox(b *bolt.Bucket, r domain.Record) error {
	v := make([]byte, 0, 1+len(r.Subject)+len(r.Hash)+len(r.Payload))
	v = append(append(v, byte(len(r.Subject))), r.Subject...) // kind, entity and user: at most 4 + 8 + 64 + 64 + 3 bytes
	v = append(append(v, r.Hash[:]...), r.Payload...)
	return b.Put(key(r.Number), v)
}

// readOutbox are the records from number on.
func readOutbox(tx *bolt.Tx, from uint64) ([]domain.Record, error) {
	var records []domain.Record
	c := tx.Bucket(bucketOutbox).Cursor()
	for k, v := c.Seek(key(from)); k != nil; k, v = c.Next() {
		r := domain.Record{Number: number(k)}
		if len(v) < 1 || len(v) < 1+int(v[0])+len(r.Hash) {
			return nil, fmt.Errorf("%w: event %d of the outbox is cut short", errDamaged, r.Number)
		}
		if len(records) > 0 && r.Number != records[len(records)-1].Number+1 {
			return nil, fmt.Errorf("%w: event %d of the outbox is missing", errDamaged, r.Number-1)
		}
		r.Subject, v = string(v[1:1+v[0]]), v[1+v[0]:]
		copy(r.Hash[:], v)
		r.Payload = append([]byte{}, v[len(r.Hash):]...)
		records = append(records, r)
	}
	return records, nil
}

// outboxRange is the first and the last number in the outbox; 0 and 0 when it is empty.
func outboxRange(tx *bolt.Tx) (first, last uint64) {
	c := tx.Bucket(bucketOutbox).Cursor()
	if k, _ := c.First(); k != nil {
		first = number(k)
		k, _ = c.Last()
		last = number(k)
	}
	return first, last
}

// trimOutbox deletes the rows up to and including number, at most so many that a transaction does not feel it.
func trimOutbox(b *bolt.Bucket, upTo uint64) error {
	k, _ := b.Cursor().First()
	if k == nil {
		return nil
	}
	first := number(k)
	for n := first; n <= upTo && n < first+4096; n++ {
		if err := b.Delete(key(n)); err != nil {
			return err
		}
	}
	return nil
}
