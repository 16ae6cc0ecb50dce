// Waiting entries: a row in the waiting list until there is an offer, then a row among the offers. An entry that has ended has
// neither, but an expired offer of coupons stays, marked, so that a late accept is answered with the reason.

package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/domain/waitlist"
)

// listKey names a waiting list: "coupons.<promotion>" or "seats.<schedule>".
func listKey(kind, entity string) []byte { return []byte(kind + "." + entity) }

// offerRow is an entry with an offer. The seats on offer and their deadline are in the allocation with its sequence.
type offerRow struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	Section     string `json:"section,omitempty"`
	waitlist.Offer
	Expired bool `json:"ended,omitempty"`
}

// putCouponWaiting writes the entry with this sequence as p has it now.
func putCouponWaiting(tx *transaction, p *coupons.Promotion, sequence uint64) error {
	entry, waiting := p.WaitingEntry(sequence)
	if err := putWaiting(tx, listKey("coupons", p.PromotionID), seats.WaitingEntry{Entry: entry}, sequence, waiting); err != nil {
		return err
	}
	offer, active := p.Offer(sequence)
	expiredOffer, expired := p.ExpiredOffer(sequence)
	if expired {
		offer = expiredOffer
	}
	return putOffer(tx, offerRow{PromotionID: p.PromotionID, Offer: offer, Expired: expired}, sequence, active || expired)
}

// putSeatWaiting writes the entry with this sequence as sc has it now.
func putSeatWaiting(tx *transaction, sc *seats.Schedule, sequence uint64) error {
	entry, waiting := sc.WaitingEntry(sequence)
	_, offered := sc.Allocation(sequence)
	if err := putWaiting(tx, listKey("seats", sc.ScheduleID), entry, sequence, waiting && !offered); err != nil {
		return err
	}
	row := offerRow{ScheduleID: sc.ScheduleID, Section: entry.Section, Offer: waitlist.Offer{Entry: entry.Entry}}
	return putOffer(tx, row, sequence, waiting && offered)
}

// putWaiting writes an entry as its section, a line feed, which no name of a section has, and the rest in JSON.
func putWaiting(tx *transaction, list []byte, p seats.WaitingEntry, sequence uint64, waiting bool) error {
	b, err := tx.table(bucketWaitlists).create(list)
	if err != nil {
		return err
	}
	if !waiting {
		return b.delete(key(sequence))
	}
	v, err := json.Marshal(p.Entry)
	if err != nil {
		return err
	}
	return b.put(key(sequence), append([]byte(p.Section+"\n"), v...))
}

func decodeWaiting(k, v []byte) (seats.WaitingEntry, error) {
	section, entry, _ := bytes.Cut(v, []byte("\n"))
	p := seats.WaitingEntry{Section: string(section)}
	if err := json.Unmarshal(entry, &p.Entry); err != nil {
		return p, fmt.Errorf("%w: entry %d of a waiting list", ErrDamaged, number(k))
	}
	return p, nil
}

func putOffer(tx *transaction, row offerRow, sequence uint64, active bool) error {
	b := tx.table(bucketOffers)
	if !active {
		return b.delete(key(sequence))
	}
	return putJSON(b, key(sequence), row)
}

// loadWaiting comes last: what is on offer must be loaded before.
func (s *State) loadWaiting(tx *transaction) error {
	err := tx.table(bucketOffers).each(func(k, v []byte) error {
		var row offerRow
		err := json.Unmarshal(v, &row)
		promotion, schedule := s.Machine.Coupons.Promotion(row.PromotionID), s.Machine.Seats.Schedule(row.ScheduleID)
		switch {
		case err != nil || promotion == nil && schedule == nil:
			return fmt.Errorf("%w: offer %d", ErrDamaged, number(k))
		case schedule != nil:
			s.Machine.Seats.RestoreWaiting(schedule, seats.WaitingEntry{Entry: row.Entry, Section: row.Section})
		case row.Expired:
			promotion.RestoreExpired(row.Offer)
		default:
			s.Machine.Coupons.RestoreOffer(promotion, row.Offer)
		}
		return nil
	})
	if err != nil {
		return err
	}
	lists := tx.table(bucketWaitlists)
	return lists.eachWithin(func(name []byte, list table) error {
		kind, entity, _ := strings.Cut(string(name), ".")
		promotion, schedule := s.Machine.Coupons.Promotion(entity), s.Machine.Seats.Schedule(entity)
		return list.each(func(k, v []byte) error {
			entry, err := decodeWaiting(k, v)
			switch {
			case err != nil:
				return err
			case kind == "coupons" && promotion != nil:
				s.Machine.Coupons.RestoreWaiting(promotion, entry.Entry)
			case kind == "seats" && schedule != nil:
				s.Machine.Seats.RestoreWaiting(schedule, entry)
			default:
				return fmt.Errorf("%w: waiting list of the unknown %s", ErrDamaged, name)
			}
			return nil
		})
	})
}

// WaitingEntry is an entry that has not ended, of a promotion or of a schedule, whichever id is set.
type WaitingEntry struct {
	WaitingID, PromotionID, ScheduleID string
	Section                            string // "": any section, or coupons
	Quantity                           int
	Position                           int         // 1 is the next in this list; 0: it has an offer
	ExpiresAt                          domain.Time // of the offer; 0: none yet
	ScheduleSeatIDs                    []int       // on offer
}

// Waiting are the user's entries, newest first.
func (v *View) Waiting(from uint64, limit int) (Page[WaitingEntry], error) {
	return userPage(v, from, limit, func(r journalRow) ([]WaitingEntry, error) {
		w := WaitingEntry{}
		switch r.name {
		case "coupons.joined":
			w.PromotionID, w.WaitingID = r.Entity, coupons.WaitingID(r.Entity, r.Sequence)
		case "seats.joined":
			w.ScheduleID, w.WaitingID = r.Entity, seats.WaitingID(r.Entity, r.Sequence)
		default:
			return nil, nil
		}
		active, err := v.fillWaiting(&w, domain.Kind(r.name), r)
		if err != nil || !active {
			return nil, err
		}
		return []WaitingEntry{w}, nil
	})
}

// fillWaiting fills in the present state of the entry that r created; false when it has ended.
func (v *View) fillWaiting(w *WaitingEntry, kind string, r journalRow) (active bool, err error) {
	list := v.tx.table(bucketWaitlists).within(listKey(kind, r.Entity))
	if raw := list.get(key(r.Sequence)); raw != nil {
		entry, err := decodeWaiting(key(r.Sequence), raw)
		w.Section, w.Quantity, w.Position = entry.Section, entry.Quantity, positionIn(list, r.Sequence, entry.Section)
		return true, err
	}
	offer, ok, err := findRow[offerRow](v.tx, bucketOffers, key(r.Sequence))
	if !ok || offer.Expired {
		return false, err
	}
	w.Section, w.Quantity, w.ExpiresAt = offer.Section, offer.Quantity, offer.ExpiresAt
	if kind == "seats" {
		h, _, err := findRow[allocationRow](v.tx, bucketAllocations, key(r.Sequence))
		if err != nil || h.Allocation == nil {
			return false, err
		}
		w.ExpiresAt, w.ScheduleSeatIDs = h.ExpiresAt, h.ScheduleSeatIDs
	}
	return true, nil
}

// positionIn counts the entries of the same section up to and including this one. A hundred thousand take some milliseconds.
func positionIn(waitlist table, sequence uint64, section string) (position int) {
	prefix := []byte(section + "\n")
	c := waitlist.cursor()
	for k, v := c.First(); k != nil && number(k) <= sequence; k, v = c.Next() {
		if bytes.HasPrefix(v, prefix) {
			position++
		}
	}
	return position
}

func (v *View) waitingCount(kind, id string) int {
	return v.tx.table(bucketWaitlists).within(listKey(kind, id)).count()
}

// WaitingCount counts the entries of a promotion's waiting list without an offer.
func (v *View) WaitingCount(promotion string) int { return v.waitingCount("coupons", promotion) }
