// The ids that the box office makes, each of the place in line of the command that it comes from.

package seats

import (
	"strconv"

	"onsale/domain"
)

// HoldID is the id of the hold that the command at sequence made.
func HoldID(sequence uint64) string { return "h" + strconv.FormatUint(sequence, 10) }

// HoldSequence is the reverse of HoldID; 0 is no hold's.
func HoldSequence(id string) uint64 { return domain.SequenceAfter("h", id) }

// ReservationID is the id of the reservation that the command at sequence made.
func ReservationID(schedule string, sequence uint64) string {
	return schedule + "-r" + strconv.FormatUint(sequence, 10)
}

// ReservationSequence is the reverse of ReservationID; 0 is no reservation's of this schedule.
func ReservationSequence(schedule, id string) uint64 { return domain.SequenceAfter(schedule+"-r", id) }

// WaitingID is the id of the place in a waiting list that the command at sequence took.
func WaitingID(schedule string, sequence uint64) string {
	return schedule + "-ws" + strconv.FormatUint(sequence, 10)
}

// WaitingSequence is the reverse of WaitingID; 0 is nobody's who waits for this schedule.
func WaitingSequence(schedule, id string) uint64 { return domain.SequenceAfter(schedule+"-ws", id) }
