// Exports: everything of a kind, row by row, for whoever takes it home. An old transaction keeps bbolt from using pages
// again, so each thousand rows are read in one of their own: what changes meanwhile may be seen before or after.
package projections

import (
	"bytes"
	"encoding/json"
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

const chunk = 1_000 // rows of one transaction

// exported reads a bucket; row may leave rows out.
func exported[T any](p *Projector, bucket func(*bolt.Tx) *bolt.Bucket, row func(tx *bolt.Tx, k, v []byte) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var next []byte // the key to go on with; nil: the first
		for {
			var found []T
			err := p.haltedError()
			if err == nil {
				err = p.store.view(func(tx *bolt.Tx) (err error) {
					found, next, err = readChunk(tx, bucket(tx), next, row)
					return err
				})
			}
			for _, t := range found {
				if !yield(t, nil) {
					return
				}
			}
			if err != nil {
				var none T
				yield(none, err)
			}
			if err != nil || next == nil {
				return
			}
		}
	}
}

func readChunk[T any](tx *bolt.Tx, b *bolt.Bucket, from []byte, row func(tx *bolt.Tx, k, v []byte) ([]T, error)) (found []T, next []byte, err error) {
	if b == nil {
		return nil, nil, nil
	}
	c := b.Cursor()
	k, v := c.Seek(from)
	for n := 0; k != nil; k, v = c.Next() {
		if n++; n > chunk {
			return found, bytes.Clone(k), nil
		}
		more, err := row(tx, k, v)
		if err != nil {
			return found, nil, err
		}
		found = append(found, more...)
	}
	return found, nil, nil
}

// ExportPromotions are all promotions.
func (p *Projector) ExportPromotions() iter.Seq2[coupons.Promotion, error] {
	return exported(p, in(bucketPromotions), func(_ *bolt.Tx, k, v []byte) ([]coupons.Promotion, error) {
		promotion, err := decodePromotion(k, v)
		return []coupons.Promotion{promotion}, err
	})
}

func in(name []byte) func(*bolt.Tx) *bolt.Bucket {
	return func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(name) }
}

// OwnedCoupon is a coupon and the user who has or had it.
type OwnedCoupon struct {
	Coupon
	UserID string
}

// ExportCoupons are those of a promotion by number, or of all promotions for "".
func (p *Projector) ExportCoupons(promotion string) iter.Seq2[OwnedCoupon, error] {
	if promotion == "" {
		return all(p.ExportPromotions(), func(of coupons.Promotion) iter.Seq2[OwnedCoupon, error] { return p.ExportCoupons(of.PromotionID) })
	}
	bucket := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(bucketCoupons).Bucket([]byte(promotion)) }
	return exported(p, bucket, func(tx *bolt.Tx, k, v []byte) ([]OwnedCoupon, error) {
		row, err := decodeCoupon(v)
		if err != nil {
			return nil, err
		}
		issued, _, err := journalRow(tx, row.event)
		n := int(number(k))
		return []OwnedCoupon{{Coupon{coupons.CouponID(promotion, n), promotion, n, row.status, issued.At}, row.user}}, err
	})
}

// all is one export after the other.
func all[K, T any](kinds iter.Seq2[K, error], of func(K) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for kind, err := range kinds {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for t, err := range of(kind) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// OwnedReservation is a reservation and whose it is or was.
type OwnedReservation struct {
	Reservation
	UserID string
}

// ExportReservations are all reservations in the order of the line.
func (p *Projector) ExportReservations() iter.Seq2[OwnedReservation, error] {
	return exported(p, in(bucketReservations), func(_ *bolt.Tx, k, v []byte) ([]OwnedReservation, error) {
		var r reservationRow
		err := json.Unmarshal(v, &r)
		id := seats.ReservationID(r.ScheduleID, number(k))
		return []OwnedReservation{{Reservation{id, r.ScheduleID, r.ScheduleSeatIDs, r.TotalPrice, r.Cancelled}, r.User}}, err
	})
}

// ExportProducts are all products.
func (p *Projector) ExportProducts() iter.Seq2[orders.Product, error] {
	return exported(p, in(bucketProducts), func(_ *bolt.Tx, k, v []byte) ([]orders.Product, error) {
		product, err := decodeJSON[orders.Product](bucketProducts, k, v)
		return []orders.Product{product}, err
	})
}

// ExportOrders are all orders by imp_uid, with everything that is known of them.
func (p *Projector) ExportOrders() iter.Seq2[orders.Order, error] {
	return exported(p, in(bucketOrders), func(_ *bolt.Tx, k, v []byte) ([]orders.Order, error) {
		o, err := decodeJSON[orders.Order](bucketOrders, k, v)
		return []orders.Order{o}, err
	})
}
