// What one event writes: a row of the journal, its bytes into the outbox, and the rows of its kind.
package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/shop"
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
		tx: tx, journal: rising(tx, bucketJournal), outbox: rising(tx, bucketOutbox), coupons: map[string]*bolt.Bucket{},
		promotions: map[string]bool{}, products: map[string]bool{}, orders: map[string]bool{},
	}
}

// put writes everything that event e, already made so in the shop, has changed.
func (w *writer) put(sh *shop.Shop, e domain.Event, record domain.Record, r row) error {
	if err := w.journal.Put(key(e.Number), r.encode()); err != nil {
		return err
	}
	if record.Payload != nil { // a rebuild has it in EVENTS already
		if err := putOutbox(w.outbox, record); err != nil {
			return err
		}
	}
	if _, refused := e.Body.(domain.Rejection); refused {
		return nil
	}
	switch domain.Kind(r.Type) {
	case "coupons":
		return w.putCoupons(sh.Coupons, e)
	case "seats":
		return putSeats(w.tx, sh.Seats, e)
	case "alarms":
		return putAlarms(w.tx, e)
	case "products", "orders":
		return w.putOrders(sh.Orders, e)
	}
	return nil
}

// finish writes what is written once for a transaction, and forgets the outbox up to and including done.
func (w *writer) finish(sh *shop.Shop, done uint64) error {
	for id := range w.promotions {
		if err := putPromotion(w.tx, sh.Coupons.Promotion(id)); err != nil {
			return err
		}
	}
	if err := w.finishOrders(sh.Orders); err != nil {
		return err
	}
	return trimOutbox(w.outbox, done)
}
