// Schedules, seats, holds and reservations: what an event changes.
package projections

import (
	"slices"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// putSeats writes the rows that event e has touched, as state has them now. Every event that makes or ends a holding, a
// reservation or a place names it or its seats; so whatever later events of the same command did to it, its row is right.
func putSeats(tx *bolt.Tx, state *seats.State, e domain.Event) error {
	sc := state.Schedule(e.Entity)
	switch body := e.Body.(type) {
	case seats.Created, seats.Closed:
		return putSchedule(tx, sc)
	case seats.Held:
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	case seats.Extended:
		sequence := seats.HoldSequence(body.HoldID)
		if h := sc.Holdings[sequence]; h != nil {
			if err := putTouched(tx, sc, h.ScheduleSeatIDs); err != nil { // a seat knows until when
				return err
			}
		}
		return putHolding(tx, sc, sequence)
	case seats.Expiring:
		return putHolding(tx, sc, seats.HoldSequence(body.HoldID))
	case seats.Swapped:
		return putTouched(tx, sc, slices.Concat(body.Released, body.Taken))
	case seats.Released:
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	case seats.Reserved:
		return putReserved(tx, sc, e.Sequence, body.ScheduleSeatIDs)
	case seats.Cancelled:
		return putReserved(tx, sc, seats.ReservationSequence(body.ScheduleID, body.ReservationID), body.ScheduleSeatIDs)
	case seats.Expired:
		if err := putTouched(tx, sc, body.ScheduleSeatIDs); err != nil {
			return err
		}
		return putHolding(tx, sc, seats.HoldSequence(body.HoldID)) // also one that has no seats any more
	case seats.Returned:
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	case seats.Blocked:
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	case seats.Unblocked:
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	}
	return putSeatsWaiting(tx, sc, e)
}

// putSeatsWaiting does the same for what happened to those who wait.
func putSeatsWaiting(tx *bolt.Tx, sc *seats.Schedule, e domain.Event) error {
	var place string
	var ids []int
	switch body := e.Body.(type) {
	case seats.Joined:
		place = body.WaitingID
	case seats.Left:
		place, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Offered:
		place, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Accepted:
		place, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Declined:
		place, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.OfferExpired:
		place, ids = body.WaitingID, body.ScheduleSeatIDs
	default:
		return nil
	}
	if err := putTouched(tx, sc, ids); err != nil {
		return err
	}
	sequence := seats.WaitingSequence(sc.ScheduleID, place)
	if err := putHolding(tx, sc, sequence); err != nil {
		return err
	}
	return putSeatPlace(tx, sc, sequence)
}
