// Coupons: a row for each, by its number in the sale, with what became of it; when it was issued stands in the journal.
package projections

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// couponRow is the number of the event that issued it, the status and the user.
type couponRow struct {
	event  uint64
	status coupons.Status
	user   string
}

func (r couponRow) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 9+len(r.user)), r.event)
	return append(append(v, byte(r.status)), r.user...)
}

func decodeCoupon(v []byte) (couponRow, error) {
	if len(v) < 9 || v[8] > byte(coupons.StatusRevoked) {
		return couponRow{}, fmt.Errorf("%w: the row of a coupon is no such", errDamaged)
	}
	return couponRow{number(v), coupons.Status(v[8]), string(v[9:])}, nil
}

// couponsOf is the bucket of a promotion.
func (w *writer) couponsOf(promotion string) (*bolt.Bucket, error) {
	if b := w.coupons[promotion]; b != nil {
		return b, nil
	}
	b, err := w.tx.Bucket(bucketCoupons).CreateBucketIfNotExists([]byte(promotion))
	if err != nil {
		return nil, err
	}
	b.FillPercent = 0.9 // numbers rise
	w.coupons[promotion] = b
	return b, nil
}

// giveCoupons writes those that event e gave to its user, with numbers from first on.
func (w *writer) giveCoupons(e domain.Event, first, quantity int) error {
	b, err := w.couponsOf(e.Entity)
	if err != nil {
		return err
	}
	row := couponRow{event: e.Number, user: e.User}.encode()
	for n := range quantity {
		if err := b.Put(key(uint64(first+n)), row); err != nil {
			return err
		}
	}
	return nil
}

// markCoupon writes what became of one.
func (w *writer) markCoupon(promotion string, number int, status coupons.Status) error {
	b, err := w.couponsOf(promotion)
	if err != nil {
		return err
	}
	row, err := decodeCoupon(b.Get(key(uint64(number))))
	if err != nil {
		return err
	}
	row.status = status
	return b.Put(key(uint64(number)), row.encode())
}

// Coupon is a unit that a user has or had.
type Coupon struct {
	CouponID, PromotionID string
	Number                int
	Status                coupons.Status
	IssuedAt              domain.Time
}

// Coupons are the user's, newest first; those of one offer in the order of their numbers.
func (v *View) Coupons(from uint64, limit int) (Page[Coupon], error) {
	return mine(v, from, limit, func(r row) ([]Coupon, error) {
		var given struct{ Number, Quantity int }
		switch r.Type {
		case "coupons.issued":
			given.Quantity = 1
		case "coupons.accepted":
		default:
			return nil, nil
		}
		if err := json.Unmarshal(r.Data, &given); err != nil {
			return nil, err
		}
		b := v.tx.Bucket(bucketCoupons).Bucket([]byte(r.Entity))
		if b == nil {
			return nil, fmt.Errorf("no coupons of %s", r.Entity)
		}
		list := make([]Coupon, given.Quantity)
		for i := range list {
			n := given.Number + i
			row, err := decodeCoupon(b.Get(key(uint64(n))))
			if err != nil {
				return nil, err
			}
			list[i] = Coupon{coupons.CouponID(r.Entity, n), r.Entity, n, row.status, r.At}
		}
		return list, nil
	})
}
