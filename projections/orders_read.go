// Products and orders as screens and the payment worker read them. They are as the decider has them; a list of what is the
// user's has only orders whose placing is confirmed.
package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain/orders"
)

// Product is one product, with its units counted.
func (v *View) Product(id string) (orders.Product, bool, error) {
	return find[orders.Product](v.tx, bucketProducts, id)
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
	return find[orders.Order](v.tx, bucketOrders, impUID)
}

// Preparation is that of a merchant_uid, whoever's it is.
func (v *View) Preparation(merchantUID string) (orders.Preparation, bool, error) {
	return find[orders.Preparation](v.tx, bucketPreparations, merchantUID)
}

// Orders are the user's, newest first. One whose payment was found to be another's is no longer theirs once that other has
// ordered with it.
func (v *View) Orders(from uint64, limit int) (Page[orders.Order], error) {
	return mine(v, from, limit, func(r row) ([]orders.Order, error) {
		if r.Type != "orders.placed" && r.Type != "orders.kept" {
			return nil, nil
		}
		o, ok, err := v.Order(r.Entity)
		if err != nil || !ok || o.Sequence != r.Sequence {
			return nil, err
		}
		return []orders.Order{o}, nil
	})
}

func find[T any](tx *bolt.Tx, bucket []byte, id string) (row T, ok bool, err error) {
	raw := tx.Bucket(bucket).Get([]byte(id))
	if raw == nil {
		return row, false, nil
	}
	row, err = decodeJSON[T](bucket, []byte(id), raw)
	return row, err == nil, err
}
