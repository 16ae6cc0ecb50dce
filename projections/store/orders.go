// Products, preparations and orders: JSON rows of what the rules know of them. An order changes several times while its payment
// is verified, and its product with it, so both are written once per transaction.

package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// putOrders notes what event e has changed.
func (w *Writer) putOrders(e domain.Event) error {
	state := w.machine.Orders
	if prepared, ok := e.Body.(orders.Prepared); ok {
		return putJSON(w.tx.table(bucketPreparations), []byte(prepared.MerchantUID), state.Preparation(prepared.MerchantUID))
	}
	if due, ok := e.Body.(orders.PreparationDue); ok {
		return putJSON(w.tx.table(bucketPreparations), []byte(due.MerchantUID), state.Preparation(due.MerchantUID))
	}
	if domain.Kind(typeOf(e)) == "products" {
		w.products[e.Entity] = true
		return nil
	}
	w.orders[e.Entity] = true
	if product := state.Order(e.Entity).ProductID; product != "" {
		w.products[product] = true // its stock
	}
	return nil
}

// flushOrders writes what was noted, as the machine has it now.
func (w *Writer) flushOrders() error {
	for id := range w.products {
		if err := putJSON(w.tx.table(bucketProducts), []byte(id), w.machine.Orders.Product(id)); err != nil {
			return err
		}
	}
	for impUID := range w.orders {
		if err := putJSON(w.tx.table(bucketOrders), []byte(impUID), w.machine.Orders.Order(impUID)); err != nil {
			return err
		}
	}
	return nil
}

// loadOrders restores all products, preparations and orders.
func (s *State) loadOrders(tx *transaction) error {
	state := s.Machine.Orders
	product := func(p orders.Product) error { state.RestoreProduct(p); return nil }
	preparation := func(p orders.Preparation) error { state.RestorePreparation(p); return nil }
	if err := errors.Join(loadRows(tx, bucketProducts, product), loadRows(tx, bucketPreparations, preparation)); err != nil {
		return err
	}
	return loadRows(tx, bucketOrders, func(o orders.Order) error {
		if o.ProductID != "" && state.Product(o.ProductID) == nil {
			return fmt.Errorf("%w: order %s has the unknown product %q", ErrDamaged, o.PaymentID, o.ProductID)
		}
		state.RestoreOrder(o)
		return nil
	})
}

// Product is one product; false when there is none.
func (v *View) Product(id string) (orders.Product, bool, error) {
	return findRow[orders.Product](v.tx, bucketProducts, []byte(id))
}

// Products are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Products(after string, limit int) ([]orders.Product, error) {
	return rowsAfter(v.tx.table(bucketProducts), after, limit, decoderOf[orders.Product](bucketProducts))
}

// Order is the one with this payment, of any user, as it was last decided.
func (v *View) Order(impUID string) (orders.Order, bool, error) {
	return findRow[orders.Order](v.tx, bucketOrders, []byte(impUID))
}

// Preparation is that of a merchant_uid, of any user.
func (v *View) Preparation(merchantUID string) (orders.Preparation, bool, error) {
	return findRow[orders.Preparation](v.tx, bucketPreparations, []byte(merchantUID))
}

// Orders are the user's whose placing is confirmed, newest first. An order whose payment belongs to another user leaves the list
// when that user orders with it.
func (v *View) Orders(from uint64, limit int) (Page[orders.Order], error) {
	return userPage(v, from, limit, func(r journalRow) ([]orders.Order, error) {
		if r.name != "orders.placed" && r.name != "orders.rejected-paid" {
			return nil, nil
		}
		o, ok, err := v.Order(r.Entity)
		if err != nil || !ok || o.Sequence != r.Sequence {
			return nil, err
		}
		return []orders.Order{o}, nil
	})
}

// Rows of JSON.

func putJSON(b table, k []byte, row any) error {
	v, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return b.put(k, v)
}

func decodeJSON[T any](bucket, k, v []byte) (row T, err error) {
	if err := json.Unmarshal(v, &row); err != nil {
		return row, fmt.Errorf("%w: %s %q: %w", ErrDamaged, bucket, k, err)
	}
	return row, nil
}

func decoderOf[T any](bucket []byte) func(k, v []byte) (T, error) {
	return func(k, v []byte) (T, error) { return decodeJSON[T](bucket, k, v) }
}

func findRow[T any](tx *transaction, bucket, k []byte) (row T, ok bool, err error) {
	raw := tx.table(bucket).get(k)
	if raw == nil {
		return row, false, nil
	}
	row, err = decodeJSON[T](bucket, k, raw)
	return row, err == nil, err
}

func loadRows[T any](tx *transaction, bucket []byte, put func(T) error) error {
	return tx.table(bucket).each(func(k, v []byte) error {
		row, err := decodeJSON[T](bucket, k, v)
		if err != nil {
			return err
		}
		return put(row)
	})
}
