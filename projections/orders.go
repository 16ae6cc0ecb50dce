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

// putOrders notes what event e has changed.
func (w *writer) putOrders(state *orders.State, e domain.Event) error {
	if prepared, ok := e.Body.(orders.Prepared); ok {
		return putJSON(w.tx.Bucket(bucketPreparations), prepared.MerchantUID, state.Preparation(prepared.MerchantUID))
	}
	if domain.Kind(typeOf(e)) == "products" {
		w.products[e.Entity] = true
		return nil
	}
	w.orders[e.Entity] = true
	w.products[state.Order(e.Entity).SalePostID] = true // its units
	return nil
}

// finishOrders writes what was noted, as state has it now.
func (w *writer) finishOrders(state *orders.State) error {
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
func (p *past) loadOrders(tx *bolt.Tx) error {
	state := p.shop.Orders
	product := func(p orders.Product) error { state.PutProduct(p); return nil }
	preparation := func(p orders.Preparation) error { state.PutPreparation(p); return nil }
	if err := errors.Join(loadRows(tx, bucketProducts, product), loadRows(tx, bucketPreparations, preparation)); err != nil {
		return err
	}
	return loadRows(tx, bucketOrders, func(o orders.Order) error {
		if state.Product(o.SalePostID) == nil {
			return fmt.Errorf("%w: order %s is one of %q, which is not there", errDamaged, o.ImpUID, o.SalePostID)
		}
		state.PutOrder(o)
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
