// Writing: the rows that an event changes, and the outbox. The outbox holds committed events on their way to EVENTS; a record
// stays until EVENTS is certainly on disk past it, so that EVENTS can be completed when it lost its last second in a power loss.

package store

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/machine"
)

// Writer writes the events of one transaction.
type Writer struct {
	tx              *transaction
	machine         *machine.Machine
	journal, outbox table            // outbox is empty in a rebuild: EVENTS has the records
	coupons         map[string]table // by promotion, as they are used
	promotions      map[string]bool  // changed; each is written once, by Finish …
	products        map[string]bool  // … as are products …
	orders          map[string]bool  // … and orders
}

// Update runs one transaction. m has the state after each event that is put; on an error nothing is written.
func (s *Store) Update(m *machine.Machine, write func(*Writer) error) error {
	return s.update(func(tx *transaction) error {
		w := newWriter(tx, m)
		w.outbox = tx.table(bucketOutbox).appendOnly()
		return write(w)
	})
}

func newWriter(tx *transaction, m *machine.Machine) *Writer {
	return &Writer{
		tx: tx, machine: m, journal: tx.table(bucketJournal).appendOnly(), coupons: map[string]table{},
		promotions: map[string]bool{}, products: map[string]bool{}, orders: map[string]bool{},
	}
}

// Put writes everything that event e, which the machine has applied, changes.
func (w *Writer) Put(e domain.Event, links Links, record domain.Record) error {
	name := typeOf(e)
	if err := w.journal.putNew(key(e.Number), encodeRow(e, name, links, record.Data())); err != nil {
		return err
	}
	if w.outbox.bucket != nil {
		if err := putOutbox(w.outbox, record); err != nil {
			return err
		}
	}
	if _, rejected := e.Body.(domain.Rejection); rejected {
		return nil
	}
	switch domain.Kind(name) {
	case "coupons":
		return w.putCoupons(e)
	case "seats":
		return putSeatEvent(w.tx, w.machine.Seats, e)
	case "alarms":
		return putAlarms(w.tx, e)
	case "products", "orders":
		return w.putOrders(e)
	}
	return nil
}

// Finish writes the rows that are written once per transaction, and the checkpoint, and deletes the outbox up to and
// including trimUpTo.
func (w *Writer) Finish(cp Checkpoint, trimUpTo uint64) error {
	for id := range w.promotions {
		if err := putJSON(w.tx.table(bucketPromotions), []byte(id), w.machine.Coupons.Promotion(id)); err != nil {
			return err
		}
	}
	if err := w.flushOrders(); err != nil {
		return err
	}
	if w.outbox.bucket != nil {
		if err := trimOutbox(w.outbox, trimUpTo); err != nil {
			return err
		}
	}
	return cp.write(w.tx)
}

func putOutbox(b table, r domain.Record) error {
	v := make([]byte, 0, 1+len(r.Subject)+len(r.Hash)+len(r.Payload)+checksumSize)
	v = append(append(v, byte(len(r.Subject))), r.Subject...) // kind, entity and user: at most 4 + 8 + 64 + 64 + 3 bytes
	v = append(append(v, r.Hash[:]...), r.Payload...)
	return b.putNew(key(r.Number), v)
}

// trimOutbox deletes at most 4096 rows, which a transaction does not notice.
func trimOutbox(b table, upTo uint64) error {
	k, _ := b.cursor().First()
	if k == nil {
		return nil
	}
	first := number(k)
	for n := first; n <= upTo && n < first+4096; n++ {
		if err := b.delete(key(n)); err != nil {
			return err
		}
	}
	return nil
}

// Outbox are the records in the outbox from a number on.
func (s *Store) Outbox(from uint64) (records []domain.Record, err error) {
	err = s.view(func(tx *transaction) error {
		c := tx.table(bucketOutbox).cursor()
		for k, v := c.Seek(key(from)); k != nil; k, v = c.Next() {
			r := domain.Record{Number: number(k)}
			if len(v) < 1 || len(v) < 1+int(v[0])+len(r.Hash) {
				return fmt.Errorf("%w: event %d of the outbox is truncated", ErrDamaged, r.Number)
			}
			if len(records) > 0 && r.Number != records[len(records)-1].Number+1 {
				return fmt.Errorf("%w: event %d of the outbox is missing", ErrDamaged, r.Number-1)
			}
			r.Subject, v = string(v[1:1+v[0]]), v[1+v[0]:]
			copy(r.Hash[:], v)
			r.Payload = append([]byte{}, v[len(r.Hash):]...)
			records = append(records, r)
		}
		return nil
	})
	return records, err
}

// OutboxRange is the first and the last number in the outbox; 0 and 0 when it is empty.
func (s *Store) OutboxRange() (first, last uint64, err error) {
	err = s.view(func(tx *transaction) error {
		c := tx.table(bucketOutbox).cursor()
		if k, _ := c.First(); k != nil {
			first = number(k)
			k, _ = c.Last()
			last = number(k)
		}
		return nil
	})
	return first, last, err
}
