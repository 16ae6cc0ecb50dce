// Seats and their schedules on the wire: what may be asked of them, and how they are counted.
package http

import (
	"encoding/json"
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/projections"
)

// checked is a body that knows its own shape.
type checked interface {
	domain.Body
	Check() error
}

// seatsWish reads a command on the seats of the path's schedule; read takes its fields out of the body.
func seatsWish(read func(*object) checked) wishReader {
	return func(w http.ResponseWriter, r *http.Request) (wish, error) {
		schedule, err := pathID(r, "scheduleId")
		if err != nil {
			return wish{}, err
		}
		body, decoded, err := readWish(w, r, read)
		return wish{entity: schedule, body: body, decoded: decoded}, err
	}
}

// readWish reads a body whole, checks its shape, and gives it back in the one spelling that fingerprints cover.
func readWish(w http.ResponseWriter, r *http.Request, read func(*object) checked) (body checked, decoded string, err error) {
	fields, err := readBody(w, r)
	if err != nil {
		return nil, "", err
	}
	body = read(fields)
	if err := fields.end(); err != nil {
		return nil, "", err
	}
	if err := body.Check(); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(body)
	return body, string(text), err
}

var (
	holdSeats = seatsWish(func(o *object) checked {
		return seats.Hold{ScheduleSeatIDs: o.integers("scheduleSeatIds")}
	})
	releaseSeats = seatsWish(func(o *object) checked {
		return seats.Release{HoldID: o.id("holdId", maxID), ScheduleSeatIDs: o.integers("scheduleSeatIds")}
	})
	reserveSeats = seatsWish(func(o *object) checked {
		return seats.Reserve{HoldID: o.id("holdId", maxID), ScheduleSeatIDs: o.integers("scheduleSeatIds")}
	})
)

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
		err = refuse(domain.ScheduleNotFound, "")
	}
	return s, err
}

// seatsSummary counts the seats by status; for old clients those that are blocked are reserved.
func seatsSummary(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	s, err := findSchedule(r, v)
	counts := viewSchedule(s).Seats
	if fromOldClient(r) {
		counts.Reserved, counts.Blocked = counts.Reserved+counts.Blocked, 0
	}
	return counts, err
}

// fromOldClient says that the path is one of the older system's, whose seats know three statuses.
func fromOldClient(r *http.Request) bool { return canonicalPath(r.URL.Path) != r.URL.Path }
