// Promotions and their coupons: what an event changes, how they are loaded, and how screens read them.
package projections

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// A coupon's row: event number, then the user. When it was issued stands in the journal.

func (w *writer) putCoupon(e domain.Event, body coupons.Issued) error {
	b := w.coupons[body.PromotionID]
	if b == nil {
		var err error
		if b, err = w.tx.Bucket(bucketCoupons).CreateBucketIfNotExists([]byte(body.PromotionID)); err != nil {
			return err
		}
		b.FillPercent = 0.9 // numbers rise
		w.coupons[body.PromotionID] = b
	}
	return b.Put(key(uint64(body.Number)), append(key(e.Number), e.User...))
}

func putPromotion(tx *bolt.Tx, p *coupons.Promotion) error {
	v, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketPromotions).Put([]byte(p.PromotionID), v)
}

func loadPromotions(tx *bolt.Tx, state *coupons.State) error {
	return tx.Bucket(bucketPromotions).ForEach(func(k, v []byte) error {
		p, err := decodePromotion(k, v)
		if err != nil {
			return err
		}
		loaded := state.Put(p)
		issued := tx.Bucket(bucketCoupons).Bucket(k)
		if issued == nil {
			return nil
		}
		return issued.ForEach(func(k, v []byte) error {
			loaded.Hold(string(v[8:]), int(number(k)))
			return nil
		})
	})
}

func decodePromotion(k, v []byte) (coupons.Promotion, error) {
	var p coupons.Promotion
	if err := json.Unmarshal(v, &p); err != nil {
		return p, fmt.Errorf("%w: promotion %s: %w", errDamaged, k, err)
	}
	return p, nil
}

// Promotion is one promotion. Its Holders are not filled.
func (v *View) Promotion(id string) (coupons.Promotion, bool, error) {
	raw := v.tx.Bucket(bucketPromotions).Get([]byte(id))
	if raw == nil {
		return coupons.Promotion{}, false, nil
	}
	p, err := decodePromotion([]byte(id), raw)
	return p, err == nil, err
}

// Promotions are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Promotions(after string, limit int) ([]coupons.Promotion, error) {
	var list []coupons.Promotion
	err := eachAfter(v.tx.Bucket(bucketPromotions), after, limit, func(k, raw []byte) error {
		p, err := decodePromotion(k, raw)
		list = append(list, p)
		return err
	})
	return list, err
}

// eachAfter calls read for at most limit rows whose key comes after the given one.
func eachAfter(b *bolt.Bucket, after string, limit int, read func(k, v []byte) error) error {
	c := b.Cursor()
	k, v := c.Seek([]byte(after))
	if string(k) == after {
		k, v = c.Next()
	}
	for ; k != nil && limit > 0; k, v = c.Next() {
		if err := read(k, v); err != nil {
			return err
		}
		limit--
	}
	return nil
}

// Coupon is a unit that a user has.
type Coupon struct {
	CouponID, PromotionID string
	Number                int
	IssuedAt              domain.Time
}

// Coupons are the user's, newest first.
func (v *View) Coupons(before uint64, limit int) (Page[Coupon], error) {
	return mine(v, before, limit, func(r row) (Coupon, bool, error) {
		if r.Type != "coupons.issued" {
			return Coupon{}, false, nil
		}
		var body coupons.Issued
		err := json.Unmarshal(r.Data, &body)
		return Coupon{body.CouponID, body.PromotionID, body.Number, r.At}, true, err
	})
}
