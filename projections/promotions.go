// Promotions: what an event changes, how they are loaded with their coupons, and how screens read them.

package projections

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// applyCoupons writes the rows that event e has touched, as state has them now; the promotion's own row at the end.
func (w *writer) applyCoupons(state *coupons.State, e domain.Event) error {
	w.promotions[e.Entity] = true
	waitingID := ""
	switch body := e.Body.(type) {
	case coupons.Issued:
		return w.putIssued(e, body.Number, 1)
	case coupons.Used:
		return w.setCouponStatus(e.Entity, body.Number, coupons.StatusUsed)
	case coupons.Revoked:
		return w.setCouponStatus(e.Entity, body.Number, coupons.StatusRevoked)
	case coupons.Accepted:
		waitingID = body.WaitingID
		if err := w.putIssued(e, body.Number, body.Quantity); err != nil {
			return err
		}
	case coupons.Joined:
		waitingID = body.WaitingID
	case coupons.Left:
		waitingID = body.WaitingID
	case coupons.Offered:
		waitingID = body.WaitingID
	case coupons.Declined:
		waitingID = body.WaitingID
	case coupons.OfferExpired:
		waitingID = body.WaitingID
	default:
		return nil
	}
	return putCouponWaiting(w.tx, state.Promotion(e.Entity), coupons.WaitingSequence(e.Entity, waitingID))
}

func putPromotion(tx *bolt.Tx, p *coupons.Promotion) error {
	v, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketPromotions).Put([]byte(p.PromotionID), v)
}

// loadPromotions fills in the promotions with their coupons. Who waits comes later: see loadWaiting.
func (p *loadedState) loadPromotions(tx *bolt.Tx) error {
	state := p.machine.Coupons
	return tx.Bucket(bucketPromotions).ForEach(func(k, v []byte) error {
		p, err := decodePromotion(k, v)
		if err != nil {
			return err
		}
		loaded := state.Restore(p)
		issued := tx.Bucket(bucketCoupons).Bucket(k)
		if issued == nil {
			return nil
		}
		return issued.ForEach(func(k, v []byte) error {
			row, err := decodeCoupon(v)
			loaded.RestoreCoupon(coupons.Coupon{Owner: row.user, Status: row.status})
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

// Coupons: a row for each, by its number in the sale, with what became of it; when it was issued stands in the journal.

// couponRow is the number of the event that issued it, the status and the user.
type couponRow struct {
	eventNumber uint64
	status      coupons.Status
	user        string
}

func (r couponRow) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 9+len(r.user)), r.eventNumber)
	return append(append(v, byte(r.status)), r.user...)
}

func decodeCoupon(v []byte) (couponRow, error) {
	if len(v) < 9 || v[8] > byte(coupons.StatusRevoked) {
		return couponRow{}, fmt.Errorf("%w: the row of a coupon is no such", errDamaged)
	}
	return couponRow{number(v), coupons.Status(v[8]), string(v[9:])}, nil
}

// couponBucket is the bucket of a promotion.
func (w *writer) couponBucket(promotion string) (*bolt.Bucket, error) {
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

// putIssued writes those that event e gave to its user, with numbers from first on.
func (w *writer) putIssued(e domain.Event, first, quantity int) error {
	b, err := w.couponBucket(e.Entity)
	if err != nil {
		return err
	}
	row := couponRow{eventNumber: e.Number, user: e.User}.encode()
	for n := range quantity {
		if err := b.Put(key(uint64(first+n)), row); err != nil {
			return err
		}
	}
	return nil
}

// setCouponStatus writes what became of one.
func (w *writer) setCouponStatus(promotion string, number int, status coupons.Status) error {
	b, err := w.couponBucket(promotion)
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
	return userPage(v, from, limit, func(r journalRow) ([]Coupon, error) {
		var issued struct{ Number, Quantity int }
		switch r.Type {
		case "coupons.issued":
			issued.Quantity = 1
		case "coupons.accepted":
		default:
			return nil, nil
		}
		if err := json.Unmarshal(r.Data, &issued); err != nil {
			return nil, err
		}
		b := v.tx.Bucket(bucketCoupons).Bucket([]byte(r.Entity))
		if b == nil {
			return nil, fmt.Errorf("no coupons of %s", r.Entity)
		}
		list := make([]Coupon, issued.Quantity)
		for i := range list {
			n := issued.Number + i
			row, err := decodeCoupon(b.Get(key(uint64(n))))
			if err != nil {
				return nil, err
			}
			list[i] = Coupon{coupons.CouponID(r.Entity, n), r.Entity, n, row.status, r.At}
		}
		return list, nil
	})
}
