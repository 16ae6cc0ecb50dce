// Schedules, and holding and reserving their seats.

package http

import (
	"cmp"
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/projections/store"
)

var (
	holdSeats = entityCommand("scheduleId", func(o *object) validatedBody {
		h := seats.Hold{ScheduleSeatIDs: o.Integers("scheduleSeatIds")}
		o.Object("bestAvailable", func(o *object) {
			h.BestAvailable = &seats.BestAvailable{Count: int(o.Integer("count", 0)), Section: textField(o, "section")}
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
		return seats.Block{ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: textField(o, "reason")}
	}))
	unblockSeats = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Unblock{ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: textField(o, "reason")}
	}))
	closeSchedule  = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody { return seats.Close{Reason: textField(o, "reason")} }))
	cancelSchedule = adminCommand(entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.CancelSchedule{Reason: textField(o, "reason")}
	}))
)

// reclaimSeats reads POST /api/v1/admin/schedules/:scheduleId/release. Refunds are for those who may cancel orders.
func reclaimSeats(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var body seats.Reclaim
	req, err := entityCommand("scheduleId", func(o *object) validatedBody {
		body = seats.Reclaim{
			ScheduleSeatIDs: o.Integers("scheduleSeatIds"), Reason: textField(o, "reason"), Refund: o.Bool("refund", false),
		}
		return body
	})(w, r)
	if req.admin = true; body.Refund {
		req.row = admins
	}
	return req, err
}

// cancelReservation reads POST /api/v1/reservations/:reservationId/cancel.
var cancelReservation = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	id, err := generatedID(r, "reservationId")
	schedule, _ := splitID(id, "-r")
	return schedule, seats.Cancel{ReservationID: id}, err
})

// createSchedule reads POST /api/v1/admin/schedules.
func createSchedule(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "scheduleId", decodeSchedule)
}

// decodeSchedule reads a schedule from a body or a file. By default a hold can be extended once, to twice its time.
func decodeSchedule(o *object) validatedBody {
	hold := o.Integer("holdSeconds", 600)
	c := seats.Create{
		Title: textField(o, "title"), StartsAt: timeField(o, "startsAt"),
		HoldSeconds: int(hold), MaxSeatsPerUser: int(o.Integer("maxSeatsPerUser", 4)),
		Options: seats.Options{
			Payment:        paymentField(o),
			MaxExtensions:  int(o.Integer("maxExtensions", 1)),
			MaxHoldSeconds: int(o.Integer("maxHoldSeconds", 2*min(hold, seats.MaxHoldSeconds/2))),
			NoOrphans:      o.Bool("noOrphans", false), ReleaseEverySeconds: int(o.Integer("releaseEverySeconds", 0)),
		},
	}
	o.Each("refundTiers", func(o *object) {
		c.RefundTiers = append(c.RefundTiers, seats.RefundTier{
			UntilSeconds: o.RequiredInteger("untilSeconds"), Percent: int(o.RequiredInteger("percent")),
		})
	})
	o.Each("sections", func(o *object) { c.Sections = append(c.Sections, decodeSection(o)) })
	return c
}

// paymentField is whether seats are paid for. In the log "none" is "", as in schedules from before there was a choice.
func paymentField(o *object) string {
	text := o.Text("payment")
	switch {
	case text == "none":
		return ""
	case text == "" && o.Has("payment"):
		o.Invalid("payment", "is empty")
	}
	return text
}

func decodeSection(o *object) seats.Section {
	s := seats.Section{Name: textField(o, "name"), Price: o.Integer("price", -1)}
	o.Each("rows", func(o *object) {
		s.Rows = append(s.Rows, seats.Row{Name: textField(o, "name"), Seats: int(o.Integer("seats", 0))})
	})
	return s
}

type scheduleView struct {
	ScheduleID      string             `json:"scheduleId"`
	Title           string             `json:"title"`
	StartsAt        domain.Time        `json:"startsAt"`
	HoldSeconds     int                `json:"holdSeconds"`
	MaxSeatsPerUser int                `json:"maxSeatsPerUser"`
	Status          string             `json:"status"`
	CancelReason    string             `json:"cancelReason,omitempty"` // why it was called off
	CancelledAt     domain.Time        `json:"cancelledAt,omitzero"`
	Payment         string             `json:"payment"` // none or required
	RefundTiers     []seats.RefundTier `json:"refundTiers,omitempty"`
	Seats           seatCounts         `json:"seats"`
}

type seatCounts struct {
	Total     int `json:"total"`
	Available int `json:"available"`
	Held      int `json:"held"`
	Reserved  int `json:"reserved"`
	Blocked   int `json:"blocked"`
}

func viewSchedule(s store.Schedule) scheduleView {
	v := scheduleView{
		ScheduleID: s.ScheduleID, Title: s.Title, StartsAt: s.StartsAt, HoldSeconds: s.HoldSeconds, MaxSeatsPerUser: s.MaxSeatsPerUser,
		Status: "OPEN", Payment: cmp.Or(s.Payment, "none"), RefundTiers: s.RefundTiers, Seats: seatCounts(s.Counts),
	}
	switch {
	case s.Cancelled != nil:
		v.Status, v.CancelReason, v.CancelledAt = "CANCELLED", s.Cancelled.Reason, s.Cancelled.At
	case s.Closed:
		v.Status = "CLOSED"
	}
	return v
}

func schedules(_ *http.Request, query url.Values, v *store.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Schedules(page.after, page.limit+1)
	return listByID(found, page, viewSchedule, func(s store.Schedule) string { return s.ScheduleID }), err
}

func schedule(r *http.Request, _ url.Values, v *store.View) (any, error) {
	s, err := findSchedule(r, v)
	return viewSchedule(s), err
}

func findSchedule(r *http.Request, v *store.View) (store.Schedule, error) {
	return findByPath(r, "scheduleId", domain.ScheduleNotFound, v.Schedule)
}

// seatsSummary counts the seats by status. Older clients see blocked seats as reserved.
func seatsSummary(r *http.Request, _ url.Values, v *store.View) (any, error) {
	s, err := findSchedule(r, v)
	counts := viewSchedule(s).Seats
	if isLegacyRequest(r) {
		counts.Reserved, counts.Blocked = counts.Reserved+counts.Blocked, 0
	}
	return counts, err
}

type holdView struct {
	HoldID          string      `json:"holdId"`
	ScheduleID      string      `json:"scheduleId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	ImpUID          string      `json:"imp_uid,omitempty"` // of its order, until that has a result
}

// holds are the user's holds in one schedule, or in all if that is "".
func holds(schedule string) viewReader {
	return userList(func(v *store.View, before uint64, limit int) (store.Page[store.Hold], error) {
		return v.Holds(schedule, before, limit)
	}, func(h store.Hold) holdView {
		return holdView{h.HoldID, h.ScheduleID, h.ScheduleSeatIDs, h.TotalPrice, h.ExpiresAt, h.PaymentID}
	})
}

func holdsInSchedule(r *http.Request, query url.Values, v *store.View) (any, error) {
	s, err := findSchedule(r, v)
	if err != nil {
		return nil, err
	}
	return holds(s.ScheduleID)(r, query, v)
}

// isLegacyRequest says whether the path is one of older clients, which know no status BLOCKED.
func isLegacyRequest(r *http.Request) bool { return canonicalPath(r.URL.Path) != r.URL.Path }
