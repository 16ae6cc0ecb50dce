// Who waits: a row in the line of their waiting list for as long as they have no offer, then one among the offers. A place
// that is over has neither, but for an offer of coupons that ran out: that stays, marked, so that a late comer hears why.
package projections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// A place in line is written as its section, a line feed, which no name of a section has, and the rest in JSON.

// lineKey names a waiting list: "coupons.<promotion>" or "seats.<schedule>".
func lineKey(kind, entity string) []byte { return []byte(kind + "." + entity) }

// offerRow is a place that has an offer. What seats are offered stands in the holding with its sequence, and until when.
type offerRow struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	Section     string `json:"section,omitempty"`
	coupons.Offer
	Ended bool `json:"ended,omitempty"`
}

// putCouponPlace writes the place with this sequence as p has it now.
func putCouponPlace(tx *bolt.Tx, p *coupons.Promotion, sequence uint64) error {
	e, waits := p.Waiting.Entry(sequence)
	if err := putInLine(tx, lineKey("coupons", p.PromotionID), seats.Place{Entry: e}, sequence, waits); err != nil {
		return err
	}
	offer, stands := p.Offers[sequence]
	ended, over := p.Ended[sequence]
	if over {
		offer = ended
	}
	return putOffer(tx, offerRow{PromotionID: p.PromotionID, Offer: offer, Ended: over}, sequence, stands || over)
}

// putSeatPlace writes the place with this sequence as sc has it now.
func putSeatPlace(tx *bolt.Tx, sc *seats.Schedule, sequence uint64) error {
	place, waits := sc.Waiting[sequence]
	offered := sc.Holdings[sequence] != nil
	if err := putInLine(tx, lineKey("seats", sc.ScheduleID), place, sequence, waits && !offered); err != nil {
		return err
	}
	row := offerRow{ScheduleID: sc.ScheduleID, Section: place.Section, Offer: coupons.Offer{Entry: place.Entry}}
	return putOffer(tx, row, sequence, waits && offered)
}

func putInLine(tx *bolt.Tx, line []byte, p seats.Place, sequence uint64, waits bool) error {
	b, err := tx.Bucket(bucketLines).CreateBucketIfNotExists(line)
	if err != nil {
		return err
	}
	if !waits {
		return b.Delete(key(sequence))
	}
	v, err := json.Marshal(p.Entry)
	if err != nil {
		return err
	}
	return b.Put(key(sequence), append([]byte(p.Section+"\n"), v...))
}

func decodePlace(k, v []byte) (seats.Place, error) {
	section, entry, _ := bytes.Cut(v, []byte("\n"))
	p := seats.Place{Section: string(section)}
	if err := json.Unmarshal(entry, &p.Entry); err != nil {
		return p, fmt.Errorf("%w: place %d in a waiting list", errDamaged, number(k))
	}
	return p, nil
}

func putOffer(tx *bolt.Tx, row offerRow, sequence uint64, stands bool) error {
	b := tx.Bucket(bucketOffers)
	if !stands {
		return b.Delete(key(sequence))
	}
	v, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return b.Put(key(sequence), v)
}

// loadWaiting comes last: what is offered has to be there.
func (p *past) loadWaiting(tx *bolt.Tx) error {
	err := tx.Bucket(bucketOffers).ForEach(func(k, v []byte) error {
		var row offerRow
		err := json.Unmarshal(v, &row)
		promotion, schedule := p.shop.Coupons.Promotion(row.PromotionID), p.shop.Seats.Schedule(row.ScheduleID)
		switch {
		case err != nil || promotion == nil && schedule == nil:
			return fmt.Errorf("%w: offer %d", errDamaged, number(k))
		case schedule != nil:
			p.shop.Seats.PutWaiting(schedule, seats.Place{Entry: row.Entry, Section: row.Section})
		case row.Ended:
			promotion.PutEnded(row.Offer)
		default:
			p.shop.Coupons.PutOffer(promotion, row.Offer)
		}
		return nil
	})
	if err != nil {
		return err
	}
	lines := tx.Bucket(bucketLines)
	return lines.ForEachBucket(func(name []byte) error {
		kind, entity, _ := strings.Cut(string(name), ".")
		promotion, schedule := p.shop.Coupons.Promotion(entity), p.shop.Seats.Schedule(entity)
		return lines.Bucket(name).ForEach(func(k, v []byte) error {
			place, err := decodePlace(k, v)
			switch {
			case err != nil:
				return err
			case kind == "coupons" && promotion != nil:
				p.shop.Coupons.PutWaiting(promotion, place.Entry)
			case kind == "seats" && schedule != nil:
				p.shop.Seats.PutWaiting(schedule, place)
			default:
				return fmt.Errorf("%w: somebody waits for %s, which is not there", errDamaged, name)
			}
			return nil
		})
	})
}
