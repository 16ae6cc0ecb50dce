// Seats and their schedules on the wire: what may be asked of them, and how they are counted.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/projections"
)

// What may be done with the seats of a schedule, by users and by the shop.
var (
	holdSeats = entityCommand("scheduleId", func(o *object) validatedBody {
		h := seats.Hold{ScheduleSeatIDs: o.Integers("scheduleSeatIds")}
		o.Object("bestAvailable", func(o *object) {
			h.BestAvailable = &seats.BestAvailable{Count: int(o.Integer("count", 0)), Section: o.Text("section")}
		})
		return h
	})
	extendHold = entityCommand("scheduleId", func(o *object) validatedBody { return seats.Extend{HoldID: idField(o, "holdId", maxID)} })
	swapSeats  = entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Swap{HoldID: idField(o, "holdId", maxID), Release: o.Integers("release"), Take: o.Integers("take")}
	})
	releaseSeats = entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Release{HoldID: idField(o, "holdId", maxID), ScheduleSeatIDs: o.Integers("scheduleSeatIds")}
	})
	reserveSeats = entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Reserve{HoldID: idField(o, "holdId", maxID), ScheduleSeatIDs: o.Integers("scheduleSeatIds")}
	})
	blockSeats = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Block{ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: o.Text("reason")}
	}))
	unblockSeats = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Unblock{ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: o.Text("reason")}
	}))
	reclaimSeats = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Reclaim{ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: o.Text("reason")}
	}))
	closeSchedule = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody { return seats.Close{Reason: o.Text("reason")} }))
)

// cancelReservation reads POST /api/v1/reservations/:reservationId/cancel.
var cancelReservation = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	id, err := generatedID(r, "reservationId")
	schedule, _ := splitID(id, "-r")
	return schedule, seats.Cancel{ReservationID: id}, err
})

type scheduleView struct {
	ScheduleID      string      `json:"scheduleId"`
	Title           string      `json:"title"`
	StartsAt        domain.Time `json:"startsAt"`
	HoldSeconds     int         `json:"holdSeconds"`
	MaxSeatsPerUser int         `json:"maxSeatsPerUser"`
	Seats           seatCounts  `json:"seats"`
}

type seatCounts struct {
	Total     int `json:"total"`
	Available int `json:"available"`
	Held      int `json:"held"`
	Reserved  int `json:"reserved"`
	Blocked   int `json:"blocked"`
}

func viewSchedule(s projections.Schedule) scheduleView {
	return scheduleView{
		ScheduleID: s.ScheduleID, Title: s.Title, StartsAt: s.StartsAt, HoldSeconds: s.HoldSeconds,
		MaxSeatsPerUser: s.MaxSeatsPerUser, Seats: seatCounts{s.Total, s.Available, s.Held, s.Reserved, s.Blocked},
	}
}

func schedules(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Schedules(page.after, page.limit+1)
	return listByID(found, page, viewSchedule, func(s projections.Schedule) string { return s.ScheduleID }), err
}

func schedule(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	s, err := findSchedule(r, v)
	return viewSchedule(s), err
}

func findSchedule(r *http.Request, v *projections.View) (projections.Schedule, error) {
	id, err := pathID(r, "scheduleId")
	if err != nil {
		return projections.Schedule{}, err
	}
	s, found, err := v.Schedule(id)
	if err == nil && !found {
		err = problemf(domain.ScheduleNotFound, "")
	}
	return s, err
}

// seatsSummary counts the seats by status; for old clients those that are blocked are reserved.
func seatsSummary(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	s, err := findSchedule(r, v)
	counts := viewSchedule(s).Seats
	if isLegacyRequest(r) {
		counts.Reserved, counts.Blocked = counts.Reserved+counts.Blocked, 0
	}
	return counts, err
}

// isLegacyRequest says that the path is one of the older system's, whose seats know three statuses.
func isLegacyRequest(r *http.Request) bool { return canonicalPath(r.URL.Path) != r.URL.Path }
