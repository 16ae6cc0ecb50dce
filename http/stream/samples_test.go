package stream

import (
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

const epoch = "k3v9x0ab"

var noon = func() domain.Time {
	t, err := domain.ParseTime("2026-11-22T12:00:00.123Z")
	if err != nil {
		panic(err)
	}
	return t
}()

// samples are events of every type that the domain knows, several of those that look different by what is in them.
var samples = map[string]domain.Event{
	"promotion": mine(domain.Event{Entity: "1", Body: coupons.Created{PromotionID: "1", Name: "<첫 구매>\r\nid: 9", Stock: 100, PerUserLimit: 1}}),
	"issued":    mine(domain.Event{Entity: "1", Body: coupons.Issued{PromotionID: "1", CouponID: "1-17", Number: 17}}),
	"schedule": mine(domain.Event{Entity: "s", Body: seats.Created{ScheduleID: "s", Title: "봄 공연", HoldSeconds: 600, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 50000, Rows: []seats.Row{{Name: "1", Seats: 20}}}}}}),
	"held": mine(domain.Event{Entity: "s", Body: seats.Held{ScheduleID: "s", HoldID: "h4711000", ScheduleSeatIDs: []int{7, 3, 5},
		HeldSeats: []seats.HeldSeat{{ScheduleSeatID: 7, DisplayName: "A-1-7", Price: 50000}, {ScheduleSeatID: 3, DisplayName: "A-1-3", Price: 50000},
			{ScheduleSeatID: 5, DisplayName: "A-1-5", Price: 50000}}, TotalPrice: 150000, ExpiresAt: noon + 600_000, Now: noon}}),
	"held one": mine(domain.Event{Entity: "s", Body: seats.Held{ScheduleID: "s", HoldID: "h1", ScheduleSeatIDs: []int{7},
		HeldSeats: []seats.HeldSeat{{ScheduleSeatID: 7, DisplayName: "A-1-7"}}, ExpiresAt: noon + 600_000, Now: noon}}),
	"released":       mine(domain.Event{Entity: "s", Body: seats.Released{ScheduleID: "s", ScheduleSeatIDs: []int{3, 7}, ReleasedCount: 2}}),
	"released none":  mine(domain.Event{Entity: "s", Body: seats.Released{ScheduleID: "s", ScheduleSeatIDs: []int{}}}),
	"reserved":       mine(domain.Event{Entity: "s", Body: seats.Reserved{ScheduleID: "s", ReservationID: "s-r4711000", ScheduleSeatIDs: []int{5}, TotalPrice: 50000}}),
	"expired":        happened(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{1, 2}, ExpiresAt: noon - 1}}),
	"expired none":   happened(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{}, ExpiresAt: noon - 1}}),
	"dead":           mine(domain.Event{Entity: "1", Body: domain.Dead{Reason: domain.DeadPanicked}}),
	"sold out":       refusedBy("coupons.issue", "1", domain.SoldOut, domain.Facts{SoldOutSequence: 4700001}),
	"already issued": refusedBy("coupons.issue", "1", domain.AlreadyIssued, domain.Facts{CouponID: "1-3"}),
	"unavailable":    refusedBy("seats.hold", "s", domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: []int{7}}),
	"not released":   refusedBy("seats.release", "s", domain.ScheduleNotFound, domain.Facts{}),
	"hold expired":   refusedBy("seats.reserve", "s", domain.HoldExpired, domain.Facts{ExpiredAt: noon - 5}),
	"exists":         refusedBy("coupons.create", "1", domain.PromotionExists, domain.Facts{}),
	"schedule there": refusedBy("seats.create", "s", domain.ScheduleExists, domain.Facts{}),
	"unknown":        refusedBy("orders.place", "1", "payment_already_used", domain.Facts{}),
}

// mine is the outcome of a command of user 1.
func mine(e domain.Event) domain.Event {
	e.Number, e.Sequence, e.Now, e.User, e.Request, e.Last = 42, 4711000, noon, "1", domain.NewRequestID("1", "key"), true
	return e
}

// happened is what befell user 1 without asking.
func happened(e domain.Event) domain.Event {
	e.Number, e.Sequence, e.Now, e.User = 42, 4711000, noon, "1"
	return e
}

func refusedBy(command, entity, code string, facts domain.Facts) domain.Event {
	return mine(domain.Event{Entity: entity, Body: domain.Rejection{Command: command, Code: code, Facts: facts}})
}
