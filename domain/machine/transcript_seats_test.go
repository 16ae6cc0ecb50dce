// The language of the transcripts: what can be asked of a schedule that stands, and what happened to it.

package machine_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/seats"
)

// What the shop does may end with a reason: ", since …".
var seatPatterns = []commandPattern{
	{regexp.MustCompile(`^holds the best (\S+)(?: in (\S+))? of (\S+)$`), func(m []string) (string, domain.Body, error) {
		n, err := strconv.Atoi(m[1])
		return m[3], seats.Hold{BestAvailable: &seats.BestAvailable{Count: n, Section: m[2]}}, err
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
		return m[3], seats.Reclaim{ScheduleSeatIDs: ids, Reason: m[4]}, err
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
func scheduleOf(id, mark, given string) string {
	if given == "" {
		given, _, _ = strings.Cut(id, mark)
	}
	return given
}

// parseOption takes "extended 2 times to 1200 s", "no orphans" and "back every 30 s".
func parseOption(o *seats.Options, part string) bool {
	if part == "no orphans" {
		o.NoOrphans = true
		return true
	}
	n, _ := fmt.Sscanf(part, "extended %d times to %d s", &o.MaxExtensions, &o.MaxHoldSeconds)
	releases, _ := fmt.Sscanf(part, "back every %d s", &o.ReleaseEverySeconds)
	return n > 0 || releases > 0
}

// formatSeat tells what happened to a schedule; "" when it is something else.
func formatSeat(e domain.Event) string {
	switch b := e.Body.(type) {
	case seats.Created:
		return formatSchedule(e.User, b)
	case seats.Held:
		s := fmt.Sprintf("%s holds %s of %s as %s from %s until %s for %s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.HoldID,
			formatClock(b.Now), formatClock(b.ExpiresAt), formatHeldSeats(b.TotalPrice, b.HeldSeats))
		if b.BestAvailable != nil {
			if s += "; the best in " + b.BestAvailable.Section; b.BestAvailable.Orphans != nil {
				s += ", though it leaves " + formatSeats(b.BestAvailable.Orphans) + " alone"
			}
		}
		return s
	case seats.Released:
		if e.Request.IsZero() {
			return fmt.Sprintf("%s loses %s of %s, %d in all%s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount, formatReason(b.Reason))
		}
		return fmt.Sprintf("%s gives back %s of %s, %d in all", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount)
	case seats.Reserved:
		return fmt.Sprintf("%s has %s of %s for good as %s for %d", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.ReservationID, b.TotalPrice)
	case seats.Cancelled:
		verb := " gives back "
		if e.Request.IsZero() {
			verb = " loses "
		}
		return e.User + verb + fmt.Sprintf("%s of %s, of %s%s", formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.ReservationID, formatReason(b.Reason))
	case seats.Expired:
		s := fmt.Sprintf("%s of %s is over since %s and gives back %s of %s", b.HoldID, e.User, formatClock(b.ExpiresAt), formatSeats(b.ScheduleSeatIDs), b.ScheduleID)
		return s + formatOptionalTime(" at ", b.ReleaseAt)
	case seats.ReleasedToSale:
		return fmt.Sprintf("%s of %s are back", formatSeats(b.ScheduleSeatIDs), b.ScheduleID)
	case seats.Expiring:
		return fmt.Sprintf("%s of %s in %s will be over at %s", b.HoldID, e.User, b.ScheduleID, formatClock(b.ExpiresAt))
	case seats.Extended:
		return fmt.Sprintf("%s keeps %s of %s from %s until %s", e.User, b.HoldID, b.ScheduleID, formatClock(b.Now), formatClock(b.ExpiresAt))
	case seats.Swapped:
		return fmt.Sprintf("%s changes %s of %s at %s: gives back %s, takes %s, and holds %s until %s for %s", e.User, b.HoldID, b.ScheduleID,
			formatClock(b.Now), formatSeats(b.Released), formatSeats(b.Taken), formatSeats(b.ScheduleSeatIDs), formatClock(b.ExpiresAt), formatHeldSeats(b.TotalPrice, b.HeldSeats))
	case seats.Reclaimed:
		return fmt.Sprintf("%s has freed %s of %s, %d in all%s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.ReleasedCount, formatReason(b.Reason))
	case seats.Blocked:
		return fmt.Sprintf("%s takes %s of %s off sale%s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, formatReason(b.Reason))
	case seats.Unblocked:
		return fmt.Sprintf("%s puts %s of %s on sale%s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, formatReason(b.Reason))
	case seats.Closed:
		return fmt.Sprintf("%s has closed %s%s", e.User, b.ScheduleID, formatReason(b.Reason))
	}
	return formatSeatWaiting(e)
}

func formatSeatWaiting(e domain.Event) string {
	switch b := e.Body.(type) {
	case seats.Joined:
		s := fmt.Sprintf("%s waits for %s of %s as %s, at place %d", e.User, pluralize(b.Quantity, "seat"), b.ScheduleID, b.WaitingID, b.Position)
		if b.Section != "" {
			s += " of section " + b.Section
		}
		return s
	case seats.Left:
		s := fmt.Sprintf("%s no longer waits for %s as %s", e.User, b.ScheduleID, b.WaitingID)
		if b.ScheduleSeatIDs != nil {
			s += " and gives back " + formatSeats(b.ScheduleSeatIDs)
		}
		return s
	case seats.Offered:
		return fmt.Sprintf("%s is offered %s of %s for %s until %s for %s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.WaitingID,
			formatClock(b.ExpiresAt), formatHeldSeats(b.TotalPrice, b.HeldSeats))
	case seats.Accepted:
		return fmt.Sprintf("%s takes %s of %s for %s and holds them as %s from %s until %s for %s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID,
			b.WaitingID, b.HoldID, formatClock(b.Now), formatClock(b.ExpiresAt), formatHeldSeats(b.TotalPrice, b.HeldSeats))
	case seats.Declined:
		return fmt.Sprintf("%s does not want %s of %s for %s", e.User, formatSeats(b.ScheduleSeatIDs), b.ScheduleID, b.WaitingID)
	case seats.OfferExpired:
		return fmt.Sprintf("the offer of %s of %s to %s for %s is over since %s", formatSeats(b.ScheduleSeatIDs), b.ScheduleID, e.User, b.WaitingID, formatClock(b.ExpiresAt))
	}
	return ""
}

// The language of the transcripts: what a schedule looks like.

func formatSchedule(user string, b seats.Created) string {
	s := fmt.Sprintf("%s has schedule %s %q, %d each, held %d s", user, b.ScheduleID, b.Title, b.MaxSeatsPerUser, b.HoldSeconds)
	s += formatOptionalTime(", starts ", b.StartsAt)
	if b.MaxExtensions > 0 || b.MaxHoldSeconds > 0 {
		s += fmt.Sprintf(", extended %d times to %d s", b.MaxExtensions, b.MaxHoldSeconds)
	}
	if b.NoOrphans {
		s += ", no orphans"
	}
	if b.ReleaseEverySeconds > 0 {
		s += fmt.Sprintf(", back every %d s", b.ReleaseEverySeconds)
	}
	for _, section := range b.Sections {
		s += fmt.Sprintf("; section %s at %d", section.Name, section.Price)
		for _, row := range section.Rows {
			s += fmt.Sprintf(", row %s of %d", row.Name, row.Seats)
		}
	}
	return s
}

// formatHeldSeats is "7: 1 = A-1-1 at 3, 2 = A-1-2 at 4".
func formatHeldSeats(total int64, held []seats.HeldSeat) string {
	var parts []string
	for _, seat := range held {
		parts = append(parts, fmt.Sprintf("%d = %s at %d", seat.ScheduleSeatID, seat.DisplayName, seat.Price))
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(parts, ", "))
}

func (d *transcript) showSchedule(sc *seats.Schedule) {
	if sc.Closed {
		d.printf("    · closed")
	}
	seen := map[seats.Seat][]int{}
	var order []seats.Seat
	for i := range sc.Layout.Total() {
		seat := sc.Seat(i + 1)
		if seen[seat] == nil {
			order = append(order, seat)
		}
		seen[seat] = append(seen[seat], i+1)
	}
	for _, seat := range order {
		owner := ""
		if h, ok := sc.Allocation(seat.Ref); h.Offer {
			owner = fmt.Sprintf(" on offer to %s for %s until %s", h.User, seats.WaitingID(sc.ScheduleID, seat.Ref), formatClock(h.ExpiresAt))
		} else if ok {
			owner = fmt.Sprintf(" by %s in %s until %s", h.User, seats.HoldID(seat.Ref), formatClock(h.ExpiresAt))
		} else if r, ok := sc.Reservation(seat.Ref); ok {
			owner = fmt.Sprintf(" by %s in %s", r.User, seats.ReservationID(sc.ScheduleID, seat.Ref))
		}
		d.printf("    · %s %s%s%s", seat.Status(), formatRuns(seen[seat]), owner, formatOptionalTime(" by nobody until ", seat.ReleaseAt()))
	}
	for sequence, r := range inOrder(sc.Reservations()) {
		if r.Cancelled {
			d.printf("    · %s had %s in %s for %d", r.User, formatSeats(r.ScheduleSeatIDs), seats.ReservationID(sc.ScheduleID, sequence), r.TotalPrice)
		}
	}
	for sequence, p := range inOrder(sc.Waiting()) {
		if _, offered := sc.Allocation(sequence); !offered {
			d.printf("    · %s waits for %s as %s", p.User, pluralize(p.Quantity, "seat"), seats.WaitingID(sc.ScheduleID, sequence))
		}
	}
	for user, taken := range inOrder(sc.Taken()) {
		d.printf("    · %s has taken %d of %d", user, taken, sc.MaxSeatsPerUser)
	}
}
