// Products, preparations and orders: rows of JSON that hold what the rules know of them. An order changes several times
// while its payment is verified, and each time its product may; so both are written once, at the end of a transaction.

package projections

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/orders"
)

// applyOrders notes what event e has changed.
func (w *writer) applyOrders(state *orders.State, e domain.Event) error {
	if prepared, ok := e.Body.(orders.Prepared); ok {
		return putJSON(w.tx.Bucket(bucketPreparations), prepared.MerchantUID, state.Preparation(prepared.MerchantUID))
	}
	if domain.Kind(typeOf(e)) == "products" {
		w.products[e.Entity] = true
		return nil
	}
	w.orders[e.Entity] = true
	w.products[state.Order(e.Entity).ProductID] = true // its units
	return nil
}

// flushOrders writes what was noted, as state has it now.
func (w *writer) flushOrders(state *orders.State) error {
	for id := range w.products {
		if err := putJSON(w.tx.Bucket(bucketProducts), id, state.Product(id)); err != nil {
			return err
		}
	}
	for impUID := range w.orders {
		if err := putJSON(w.tx.Bucket(bucketOrders), impUID, state.Order(impUID)); err != nil {
			return err
		}
	}
	return nil
}

func putJSON(b *bolt.Bucket, id string, row any) error {
	v, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return b.Put([]byte(id), v)
}

// loadOrders fills in all products, preparations and orders.
func (p *loadedState) loadOrders(tx *bolt.Tx) error {
	state := p.machine.Orders
	product := func(p orders.Product) error { state.RestoreProduct(p); return nil }
	preparation := func(p orders.Preparation) error { state.RestorePreparation(p); return nil }
	if err := errors.Join(loadRows(tx, bucketProducts, product), loadRows(tx, bucketPreparations, preparation)); err != nil {
		return err
	}
	return loadRows(tx, bucketOrders, func(o orders.Order) error {
		if state.Product(o.ProductID) == nil {
			return fmt.Errorf("%w: order %s is one of %q, which is not there", errDamaged, o.PaymentID, o.ProductID)
		}
		state.RestoreOrder(o)
		return nil
	})
}

func loadRows[T any](tx *bolt.Tx, bucket []byte, put func(T) error) error {
	return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
		row, err := decodeJSON[T](bucket, k, v)
		if err != nil {
			return err
		}
		return put(row)
	})
}

func decodeJSON[T any](bucket, k, v []byte) (row T, err error) {
	if err := json.Unmarshal(v, &row); err != nil {
		return row, fmt.Errorf("%w: %s %s: %w", errDamaged, bucket, k, err)
	}
	return row, nil
}

// Products and orders as screens and the payment worker read them. They are as the decider has them; a list of what is the
// user's has only orders whose placing is confirmed.

// Product is one product, with its units counted.
func (v *View) Product(id string) (orders.Product, bool, error) {
	return findRow[orders.Product](v.tx, bucketProducts, id)
}

// Products are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Products(after string, limit int) ([]orders.Product, error) {
	var list []orders.Product
	err := eachAfter(v.tx.Bucket(bucketProducts), after, limit, func(k, raw []byte) error {
		p, err := decodeJSON[orders.Product](bucketProducts, k, raw)
		list = append(list, p)
		return err
	})
	return list, err
}

// Order is the one that has this payment, whoever's it is.
func (v *View) Order(impUID string) (orders.Order, bool, error) {
	return findRow[orders.Order](v.tx, bucketOrders, impUID)
}

// Preparation is that of a merchant_uid, whoever's it is.
func (v *View) Preparation(merchantUID string) (orders.Preparation, bool, error) {
	return findRow[orders.Preparation](v.tx, bucketPreparations, merchantUID)
}

// Orders are the user's, newest first. One whose payment was found to be another's is no longer theirs once that other has
// ordered with it.
func (v *View) Orders(from uint64, limit int) (Page[orders.Order], error) {
	return userPage(v, from, limit, func(r journalRow) ([]orders.Order, error) {
		if r.Type != "orders.placed" && r.Type != "orders.rejected-paid" {
			return nil, nil
		}
		o, ok, err := v.Order(r.Entity)
		if err != nil || !ok || o.Sequence != r.Sequence {
			return nil, err
		}
		return []orders.Order{o}, nil
	})
}

func findRow[T any](tx *bolt.Tx, bucket []byte, id string) (row T, ok bool, err error) {
	raw := tx.Bucket(bucket).Get([]byte(id))
	if raw == nil {
		return row, false, nil
	}
	row, err = decodeJSON[T](bucket, []byte(id), raw)
	return row, err == nil, err
}
