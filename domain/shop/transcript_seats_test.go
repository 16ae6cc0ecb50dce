// The language of the transcripts: what can be asked of a schedule that stands, and what happened to it.
package shop_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

// What the shop does may end with a reason: ", since …".
var seatWishes = []wishForm{
	{regexp.MustCompile(`^holds the best (\S+)(?: in (\S+))? of (\S+)$`), func(m []string) (string, domain.Body, error) {
		n, err := strconv.Atoi(m[1])
		return m[3], seats.Hold{BestAvailable: &seats.Best{Count: n, Section: m[2]}}, err
	}},
	{regexp.MustCompile(`^(holds|releases|reserves) (.+) of (\S+)$`), func(m []string) (string, domain.Body, error) {
		hold, ids, err := parseSeats(m[2])
		switch m[1] {
		case "holds":
			return m[3], seats.Hold{ScheduleSeatIDs: ids}, err
		case "releases":
			return m[3], seats.Release{HoldID: hold, ScheduleSeatIDs: ids}, err
		}
		return m[3], seats.Reserve{HoldID: hold, ScheduleSeatIDs: ids}, err
	}},
	{regexp.MustCompile(`^extends (\S+) of (\S+)$`), func(m []string) (string, domain.Body, error) {
		return m[2], seats.Extend{HoldID: m[1]}, nil
	}},
	{regexp.MustCompile(`^swaps (.+) for (.+) in (\S+) of (\S+)$`), func(m []string) (string, domain.Body, error) {
		_, release, err := parseSeats(m[1])
		_, take, wrong := parseSeats(m[2])
		if err == nil {
			err = wrong
		}
		return m[4], seats.Swap{HoldID: m[3], Release: release, Take: take}, err
	}},
	{regexp.MustCompile(`^cancels (\S+)(?: of (\S+))?$`), func(m []string) (string, domain.Body, error) {
		return scheduleOf(m[1], "-r", m[2]), seats.Cancel{ReservationID: m[1]}, nil
	}},
	{regexp.MustCompile(`^(blocks|unblocks|frees) (.+?) of ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		_, ids, err := parseSeats(m[2])
		switch m[1] {
		case "blocks":
			return m[3], seats.Block{ScheduleSeatIDs: ids, Reason: m[4]}, err
		case "unblocks":
			return m[3], seats.Unblock{ScheduleSeatIDs: ids, Reason: m[4]}, err
		}
		return m[3], seats.Free{ScheduleSeatIDs: ids, Reason: m[4]}, err
	}},
	{regexp.MustCompile(`^closes schedule ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		return m[1], seats.Close{Reason: m[2]}, nil
	}},
	{regexp.MustCompile(`^waits for (\S+) seats?(?: in (\S+))? of (\S+)$`), func(m []string) (string, domain.Body, error) {
		n, err := strconv.Atoi(m[1])
		return m[3], seats.Join{Quantity: n, Section: m[2]}, err
	}},
	{regexp.MustCompile(`^(accepts|declines|leaves) (\S+)(?: of (\S+))?$`), func(m []string) (string, domain.Body, error) {
		schedule := scheduleOf(m[2], "-ws", m[3])
		switch m[1] {
		case "accepts":
			return schedule, seats.Accept{WaitingID: m[2]}, nil
		case "declines":
			return schedule, seats.Decline{WaitingID: m[2]}, nil
		}
		return schedule, seats.Leave{WaitingID: m[2]}, nil
	}},
}

// scheduleOf is the schedule that an id names, or the one that is said.
func scheduleOf(id, mark, said string) string {
	if said == "" {
		said, _, _ = strings.Cut(id, mark)
	}
	return said
}

// parseOption takes "extended 2 times to 1200 s", "no orphans" and "back every 30 s".
func parseOption(o *seats.Options, part string) bool {
	if part == "no orphans" {
		o.NoOrphans = true
		return true
	}
	n, _ := fmt.Sscanf(part, "extended %d times to %d s", &o.MaxExtensions, &o.MaxHoldSeconds)
	back, _ := fmt.Sscanf(part, "back every %d s", &o.ReleaseEverySeconds)
	return n > 0 || back > 0
}

// seatSentence tells what happened to a schedule; "" when it is something else.
func seatSentence(e domain.Event) string {
	switch b := e.Body.(type) {
	case seats.Created:
		return createdSentence(e.User, b)
	case seats.Held:
		s := fmt.Sprintf("%s holds %s of %s as %s from %s until %s for %s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.HoldID,
			clockText(b.Now), clockText(b.ExpiresAt), places(b.TotalPrice, b.HeldSeats))
		if b.BestAvailable != nil {
			if s += "; the best in " + b.BestAvailable.Section; b.BestAvailable.Orphans != nil {
				s += ", though it leaves " + seatsText(b.BestAvailable.Orphans) + " alone"
			}
		}
		return s
	case seats.Released:
		if e.Request.IsZero() {
			return fmt.Sprintf("%s loses %s of %s, %d in all%s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount, since(b.Reason))
		}
		return fmt.Sprintf("%s gives back %s of %s, %d in all", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount)
	case seats.Reserved:
		return fmt.Sprintf("%s has %s of %s for good as %s for %d", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.ReservationID, b.TotalPrice)
	case seats.Cancelled:
		who := " gives back "
		if e.Request.IsZero() {
			who = " loses "
		}
		return e.User + who + fmt.Sprintf("%s of %s, of %s%s", seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.ReservationID, since(b.Reason))
	case seats.Expired:
		s := fmt.Sprintf("%s of %s is over since %s and gives back %s of %s", b.HoldID, e.User, clockText(b.ExpiresAt), seatsText(b.ScheduleSeatIDs), b.ScheduleID)
		return s + when(" at ", b.FreeAt)
	case seats.Returned:
		return fmt.Sprintf("%s of %s are back", seatsText(b.ScheduleSeatIDs), b.ScheduleID)
	case seats.Expiring:
		return fmt.Sprintf("%s of %s in %s will be over at %s", b.HoldID, e.User, b.ScheduleID, clockText(b.ExpiresAt))
	case seats.Extended:
		return fmt.Sprintf("%s keeps %s of %s from %s until %s", e.User, b.HoldID, b.ScheduleID, clockText(b.Now), clockText(b.ExpiresAt))
	case seats.Swapped:
		return fmt.Sprintf("%s changes %s of %s at %s: gives back %s, takes %s, and holds %s until %s for %s", e.User, b.HoldID, b.ScheduleID,
			clockText(b.Now), seatsText(b.Released), seatsText(b.Taken), seatsText(b.ScheduleSeatIDs), clockText(b.ExpiresAt), places(b.TotalPrice, b.HeldSeats))
	case seats.Freed:
		return fmt.Sprintf("%s has freed %s of %s, %d in all%s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount, since(b.Reason))
	case seats.Blocked:
		return fmt.Sprintf("%s takes %s of %s off sale%s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, since(b.Reason))
	case seats.Unblocked:
		return fmt.Sprintf("%s puts %s of %s on sale%s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, since(b.Reason))
	case seats.Closed:
		return fmt.Sprintf("%s has closed %s%s", e.User, b.ScheduleID, since(b.Reason))
	}
	return seatWaitingSentence(e)
}

func seatWaitingSentence(e domain.Event) string {
	switch b := e.Body.(type) {
	case seats.Joined:
		s := fmt.Sprintf("%s waits for %s of %s as %s, at place %d", e.User, count(b.Quantity, "seat"), b.ScheduleID, b.WaitingID, b.Position)
		if b.Section != "" {
			s += " of section " + b.Section
		}
		return s
	case seats.Left:
		s := fmt.Sprintf("%s no longer waits for %s as %s", e.User, b.ScheduleID, b.WaitingID)
		if b.ScheduleSeatIDs != nil {
			s += " and gives back " + seatsText(b.ScheduleSeatIDs)
		}
		return s
	case seats.Offered:
		return fmt.Sprintf("%s is offered %s of %s for %s until %s for %s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.WaitingID,
			clockText(b.ExpiresAt), places(b.TotalPrice, b.HeldSeats))
	case seats.Accepted:
		return fmt.Sprintf("%s takes %s of %s for %s and holds them as %s from %s until %s for %s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID,
			b.WaitingID, b.HoldID, clockText(b.Now), clockText(b.ExpiresAt), places(b.TotalPrice, b.HeldSeats))
	case seats.Declined:
		return fmt.Sprintf("%s does not want %s of %s for %s", e.User, seatsText(b.ScheduleSeatIDs), b.ScheduleID, b.WaitingID)
	case seats.OfferExpired:
		return fmt.Sprintf("the offer of %s of %s to %s for %s is over since %s", seatsText(b.ScheduleSeatIDs), b.ScheduleID, e.User, b.WaitingID, clockText(b.ExpiresAt))
	}
	return ""
}
