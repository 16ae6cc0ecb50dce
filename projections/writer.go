// What one event writes: a row of the journal, its bytes into the outbox, and the rows of its kind.

package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/machine"
)

// writer is one transaction's hand on the buckets.
type writer struct {
	tx              *bolt.Tx
	journal, outbox *bolt.Bucket
	coupons         map[string]*bolt.Bucket // by promotion, as they are met
	promotions      map[string]bool         // changed: each is written once, at the end …
	products        map[string]bool         // … as are products …
	orders          map[string]bool         // … and orders
}

func newWriter(tx *bolt.Tx) *writer {
	return &writer{
		tx: tx, journal: appendOnly(tx, bucketJournal), outbox: appendOnly(tx, bucketOutbox), coupons: map[string]*bolt.Bucket{},
		promotions: map[string]bool{}, products: map[string]bool{}, orders: map[string]bool{},
	}
}

// writeEvent writes everything that event e, already made so in the shop, has changed.
func (w *writer) writeEvent(m *machine.Machine, e domain.Event, record domain.Record, r journalRow) error {
	if err := w.journal.Put(key(e.Number), r.encode()); err != nil {
		return err
	}
	if record.Payload != nil { // a rebuild has it in EVENTS already
		if err := putOutbox(w.outbox, record); err != nil {
			return err
		}
	}
	if _, rejected := e.Body.(domain.Rejection); rejected {
		return nil
	}
	switch domain.Kind(r.Type) {
	case "coupons":
		return w.applyCoupons(m.Coupons, e)
	case "seats":
		return applySeats(w.tx, m.Seats, e)
	case "alarms":
		return applyAlarms(w.tx, e)
	case "products", "orders":
		return w.applyOrders(m.Orders, e)
	}
	return nil
}

// flush writes what is written once for a transaction, and forgets the outbox up to and including done.
func (w *writer) flush(m *machine.Machine, trimUpTo uint64) error {
	for id := range w.promotions {
		if err := putPromotion(w.tx, m.Coupons.Promotion(id)); err != nil {
			return err
		}
	}
	if err := w.flushOrders(m.Orders); err != nil {
		return err
	}
	return trimOutbox(w.outbox, trimUpTo)
}
