// Promotions: what an event changes, how they are loaded with their coupons, and how screens read them.
package projections

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// putCoupons writes the rows that event e has touched, as state has them now; the promotion's own row at the end.
func (w *writer) putCoupons(state *coupons.State, e domain.Event) error {
	w.promotions[e.Entity] = true
	place := ""
	switch body := e.Body.(type) {
	case coupons.Issued:
		return w.giveCoupons(e, body.Number, 1)
	case coupons.Used:
		return w.markCoupon(e.Entity, body.Number, coupons.StatusUsed)
	case coupons.Revoked:
		return w.markCoupon(e.Entity, body.Number, coupons.StatusRevoked)
	case coupons.Accepted:
		place = body.WaitingID
		if err := w.giveCoupons(e, body.Number, body.Quantity); err != nil {
			return err
		}
	case coupons.Joined:
		place = body.WaitingID
	case coupons.Left:
		place = body.WaitingID
	case coupons.Offered:
		place = body.WaitingID
	case coupons.Declined:
		place = body.WaitingID
	case coupons.OfferExpired:
		place = body.WaitingID
	default:
		return nil
	}
	_, sequence := coupons.WaitingSequence(place)
	return putCouponPlace(w.tx, state.Promotion(e.Entity), sequence)
}

func putPromotion(tx *bolt.Tx, p *coupons.Promotion) error {
	v, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketPromotions).Put([]byte(p.PromotionID), v)
}

// loadPromotions fills in the promotions with their coupons. Who waits comes later: see loadWaiting.
func (p *past) loadPromotions(tx *bolt.Tx) error {
	state := p.shop.Coupons
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
			row, err := decodeCoupon(v)
			loaded.PutCoupon(coupons.Coupon{Owner: row.user, Status: row.status})
			return err
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

// Promotion is one promotion, with its counters and flags. Its coupons and those who wait are not filled in.
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
