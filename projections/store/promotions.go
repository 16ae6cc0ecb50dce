// Promotions and coupons.

package store

import (
	"encoding/binary"
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// putCoupons writes the rows of coupons and waiting entries that event e has changed, and notes its promotion for Finish.
func (w *Writer) putCoupons(e domain.Event) error {
	w.promotions[e.Entity] = true
	if body, changes := e.Body.(coupons.Changer); changes {
		if err := w.putCouponChanges(e, body); err != nil {
			return err
		}
	}
	for _, id := range e.IDs() {
		if sequence := coupons.WaitingSequence(e.Entity, id); sequence != 0 {
			return putCouponWaiting(w.tx, w.machine.Coupons.Promotion(e.Entity), sequence)
		}
	}
	return nil
}

// loadPromotions restores the promotions. Their coupons come next, and waiting entries later, see loadWaiting.
func (s *State) loadPromotions(tx *transaction) error {
	return tx.table(bucketPromotions).each(func(k, v []byte) error {
		p, err := decodePromotion(k, v)
		if err == nil {
			s.Machine.Coupons.Restore(p)
		}
		return err
	})
}

// loadCoupons restores the coupons of all promotions.
func (s *State) loadCoupons(tx *transaction) error {
	journal := tx.table(bucketJournal).cursor()
	for _, id := range s.Machine.Coupons.IDs() {
		p := s.Machine.Coupons.Promotion(id)
		at := uint64(0) // where the cursor is; the events of one promotion's coupons are mostly beside each other
		err := tx.table(bucketCoupons).within([]byte(id)).each(func(_, v []byte) error {
			row, err := decodeCoupon(v)
			if err != nil {
				return err
			}
			var k, issued []byte
			if row.eventNumber == at+1 {
				k, issued = journal.Next()
			} else {
				k, issued = journal.Seek(key(row.eventNumber))
			}
			if at = row.eventNumber; k == nil || number(k) != at {
				return fmt.Errorf("%w: event %d has no row", ErrDamaged, at)
			}
			event, err := readRowHeader(k, issued)
			p.RestoreCoupon(coupons.Coupon{Owner: string(event.user), Status: row.status})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var decodePromotion = decoderOf[coupons.Promotion](bucketPromotions)

// Promotion is one promotion with its counters and flags, without its coupons and waiting entries; false when there is none.
func (v *View) Promotion(id string) (coupons.Promotion, bool, error) {
	return findRow[coupons.Promotion](v.tx, bucketPromotions, []byte(id))
}

// Promotions are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Promotions(after string, limit int) ([]coupons.Promotion, error) {
	return rowsAfter(v.tx.table(bucketPromotions), after, limit, decodePromotion)
}

// Coupons: one row each, by number within the promotion.

type couponRow struct {
	eventNumber uint64 // of the event that issued it to its user
	status      coupons.Status
	paymentID   string // of the order that it is in, or was used for; "": none
}

// encode writes the status, the number, and the payment.
func (r couponRow) encode() []byte {
	v := make([]byte, 0, 1+binary.MaxVarintLen64+len(r.paymentID)+checksumSize)
	v = binary.AppendUvarint(append(v, byte(r.status)), r.eventNumber)
	return append(v, r.paymentID...)
}

func decodeCoupon(v []byte) (couponRow, error) {
	r := rowReader{rest: v}
	row := couponRow{status: coupons.Status(r.bytes(1)[0]), eventNumber: r.integer()}
	row.paymentID = string(r.rest)
	if r.bad || row.status > coupons.StatusInOrder {
		return couponRow{}, fmt.Errorf("%w: the row of a coupon is malformed", ErrDamaged)
	}
	return row, nil
}

// paymentOf is the order that a coupon is in after event e; it was in the one given before.
func paymentOf(e domain.Event, before string) string {
	switch body := e.Body.(type) {
	case coupons.Bound:
		return body.PaymentID
	case coupons.GivenBack:
		return ""
	}
	return before
}

// putCouponChanges writes the coupons that event e has issued, or given another status.
func (w *Writer) putCouponChanges(e domain.Event, body coupons.Changer) error {
	b, used := w.coupons[e.Entity]
	if !used {
		var err error
		if b, err = w.tx.table(bucketCoupons).create([]byte(e.Entity)); err != nil {
			return err
		}
		b = b.rising()
		w.coupons[e.Entity] = b
	}
	for n, status := range body.CouponChanges() {
		k, row := key(uint64(n)), couponRow{e.Number, status, ""}
		var stored []byte // a coupon is issued once, but may be given back
		if _, back := e.Body.(coupons.GivenBack); back || status != coupons.StatusIssued {
			stored = b.get(k)
			old, err := decodeCoupon(stored)
			if err != nil {
				return err
			}
			row = couponRow{old.eventNumber, status, paymentOf(e, old.paymentID)}
		}
		if err := b.replace(k, stored, row.encode()); err != nil {
			return err
		}
	}
	return nil
}

// Coupon is a coupon of a user.
type Coupon struct {
	CouponID, PromotionID string
	Number                int
	Status                coupons.Status
	IssuedAt              domain.Time
	DiscountTerms         coupons.DiscountTerms // of the promotion
	PaymentID             string                // of the order that it is in, or was used for; "": none
}

// Coupons are the user's, newest first; those of one offer in the order of their numbers.
func (v *View) Coupons(from uint64, limit int) (Page[Coupon], error) {
	promotions := map[string]coupons.Promotion{}
	return userPage(v, from, limit, func(r journalRow) ([]Coupon, error) {
		if r.name != "coupons.issued" && r.name != "coupons.accepted" {
			return nil, nil
		}
		e, err := v.store.event(r)
		if err != nil {
			return nil, err
		}
		promotion, known := promotions[r.Entity]
		if !known {
			if promotion, _, err = v.Promotion(r.Entity); err != nil {
				return nil, err
			}
			promotions[r.Entity] = promotion
		}
		b := v.tx.table(bucketCoupons).within([]byte(r.Entity))
		var list []Coupon
		for n := range e.Body.(coupons.Changer).CouponChanges() {
			row, err := decodeCoupon(b.get(key(uint64(n))))
			if err != nil {
				return nil, err
			}
			list = append(list, Coupon{coupons.CouponID(r.Entity, n), r.Entity, n, row.status, r.Now, promotion.DiscountTerms, row.paymentID})
		}
		return list, nil
	})
}
