// Where a user waits, and what they are offered.
package projections

import (
	"bytes"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// Waiting is a place in a waiting list that is not over: of a promotion or of a schedule, whichever id is set.
type Waiting struct {
	WaitingID, PromotionID, ScheduleID string
	Section                            string // "": any, or not of seats
	Quantity                           int
	Position                           int         // 1 is the next in this list; 0 for an offer
	ExpiresAt                          domain.Time // of the offer; 0: there is none yet
	ScheduleSeatIDs                    []int       // on offer, where that is seats
}

// Waiting are the user's places, newest first.
func (v *View) Waiting(from uint64, limit int) (Page[Waiting], error) {
	return mine(v, from, limit, func(r row) ([]Waiting, error) {
		w := Waiting{}
		switch r.Type {
		case "coupons.joined":
			w.PromotionID, w.WaitingID = r.Entity, coupons.WaitingID(r.Entity, r.Sequence)
		case "seats.joined":
			w.ScheduleID, w.WaitingID = r.Entity, seats.WaitingID(r.Entity, r.Sequence)
		default:
			return nil, nil
		}
		stands, err := v.place(&w, domain.Kind(r.Type), r)
		if err != nil || !stands {
			return nil, err
		}
		return []Waiting{w}, nil
	})
}

// place fills in how the place stands that r says was taken; false when it is over.
func (v *View) place(w *Waiting, kind string, r row) (stands bool, err error) {
	if line := v.tx.Bucket(bucketLines).Bucket(lineKey(kind, r.Entity)); line != nil {
		if raw := line.Get(key(r.Sequence)); raw != nil {
			place, err := decodePlace(key(r.Sequence), raw)
			w.Section, w.Quantity, w.Position = place.Section, place.Quantity, positionIn(line, r.Sequence, place.Section)
			return true, err
		}
	}
	raw := v.tx.Bucket(bucketOffers).Get(key(r.Sequence))
	if raw == nil {
		return false, nil
	}
	var offer offerRow
	if err := json.Unmarshal(raw, &offer); err != nil || offer.Ended {
		return false, err
	}
	w.Section, w.Quantity, w.ExpiresAt = offer.Section, offer.Quantity, offer.ExpiresAt
	if kind == "seats" {
		var h holdingRow
		if err := unmarshalRow(v.tx.Bucket(bucketHoldings), r.Sequence, &h); err != nil || h.Holding == nil {
			return false, err
		}
		w.ExpiresAt, w.ScheduleSeatIDs = h.ExpiresAt, h.ScheduleSeatIDs
	}
	return true, nil
}

// positionIn counts who stands in the same list up to and with this place. A hundred thousand take some milliseconds.
func positionIn(line *bolt.Bucket, sequence uint64, section string) (position int) {
	list := []byte(section + "\n")
	c := line.Cursor()
	for k, place := c.First(); k != nil && number(k) <= sequence; k, place = c.Next() {
		if bytes.HasPrefix(place, list) {
			position++
		}
	}
	return position
}

// inLine is how many wait for units of a promotion or seats of a schedule and have no offer.
func (v *View) inLine(kind, id string) int {
	line := v.tx.Bucket(bucketLines).Bucket(lineKey(kind, id))
	if line == nil {
		return 0
	}
	return line.Stats().KeyN
}

// InLine is how many wait for units of a promotion and have no offer.
func (v *View) InLine(promotion string) int { return v.inLine("coupons", promotion) }
