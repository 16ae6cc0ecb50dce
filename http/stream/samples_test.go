package stream

import (
	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
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
	"used":           mine(domain.Event{Entity: "1", Body: coupons.Used{PromotionID: "1", CouponID: "1-17", Number: 17}}),
	"opened":         nobodys(domain.Event{Entity: "1", Body: coupons.Opened{PromotionID: "1"}}),
	"paused":         mine(domain.Event{Entity: "1", Body: coupons.Paused{PromotionID: "1", Reason: "점검"}}),
	"resumed":        mine(domain.Event{Entity: "1", Body: coupons.Resumed{PromotionID: "1"}}),
	"closed":         mine(domain.Event{Entity: "1", Body: coupons.Closed{PromotionID: "1"}}),
	"restocked":      mine(domain.Event{Entity: "1", Body: coupons.Restocked{PromotionID: "1", Delta: -3, Stock: 97}}),
	"revoked":        happened(domain.Event{Entity: "1", Body: coupons.Revoked{PromotionID: "1", CouponID: "1-17", Number: 17, Returned: true, Reason: "부정 사용"}}),
	"withdrawn":      mine(domain.Event{Entity: "1", Body: coupons.Withdrawn{PromotionID: "1", CouponID: "1-17", Number: 17, UserID: "7"}}),
	"joined":         mine(domain.Event{Entity: "1", Body: coupons.Joined{PromotionID: "1", WaitingID: "1-wc4711000", Quantity: 1, Position: 3}}),
	"left":           mine(domain.Event{Entity: "1", Body: coupons.Left{PromotionID: "1", WaitingID: "1-wc4711000"}}),
	"offered":        happened(domain.Event{Entity: "1", Body: coupons.Offered{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1, ExpiresAt: noon + 600_000}}),
	"accepted":       mine(domain.Event{Entity: "1", Body: coupons.Accepted{PromotionID: "1", WaitingID: "1-wc4700000", CouponID: "1-18", Number: 18, Quantity: 2}}),
	"declined":       mine(domain.Event{Entity: "1", Body: coupons.Declined{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1}}),
	"too late":       happened(domain.Event{Entity: "1", Body: coupons.OfferExpired{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1, ExpiresAt: noon}}),

	"cooling":  happened(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{1}, ExpiresAt: noon - 1, FreeAt: noon + 59_877}}),
	"returned": nobodys(domain.Event{Entity: "s", Body: seats.Returned{ScheduleID: "s", ScheduleSeatIDs: []int{1, 9}}}),
	"expiring": happened(domain.Event{Entity: "s", Body: seats.Expiring{ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 60_000}}),
	"extended": mine(domain.Event{Entity: "s", Body: seats.Extended{ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 600_000, Now: noon}}),
	"swapped": mine(domain.Event{Entity: "s", Body: seats.Swapped{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{4, 5}, HeldSeats: []seats.HeldSeat{},
		ExpiresAt: noon + 600_000, Now: noon, Released: []int{3}, Taken: []int{5}}}),
	"cancelled":   mine(domain.Event{Entity: "s", Body: seats.Cancelled{ScheduleID: "s", ReservationID: "s-r4000", ScheduleSeatIDs: []int{5}}}),
	"freed":       mine(domain.Event{Entity: "s", Body: seats.Freed{ScheduleID: "s", ScheduleSeatIDs: []int{5}, ReleasedCount: 1, Reason: "환불"}}),
	"blocked":     mine(domain.Event{Entity: "s", Body: seats.Blocked{ScheduleID: "s", ScheduleSeatIDs: []int{5, 6}, Reason: "시야 방해"}}),
	"unblocked":   mine(domain.Event{Entity: "s", Body: seats.Unblocked{ScheduleID: "s", ScheduleSeatIDs: []int{5}}}),
	"sale closed": mine(domain.Event{Entity: "s", Body: seats.Closed{ScheduleID: "s"}}),
	"seat joined": mine(domain.Event{Entity: "s", Body: seats.Joined{ScheduleID: "s", WaitingID: "s-ws4711000", Quantity: 2, Section: "A", Position: 1}}),
	"seat left":   mine(domain.Event{Entity: "s", Body: seats.Left{ScheduleID: "s", WaitingID: "s-ws4711000", ScheduleSeatIDs: []int{5}}}),
	"seat offered": happened(domain.Event{Entity: "s", Body: seats.Offered{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5, 6},
		HeldSeats: []seats.HeldSeat{}, ExpiresAt: noon + 600_000}}),
	"seat accepted": mine(domain.Event{Entity: "s", Body: seats.Accepted{ScheduleID: "s", WaitingID: "s-ws4700000", HoldID: "h4711000", ScheduleSeatIDs: []int{5, 6},
		HeldSeats: []seats.HeldSeat{}, ExpiresAt: noon + 600_000, Now: noon}}),
	"seat declined": mine(domain.Event{Entity: "s", Body: seats.Declined{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5, 6}}}),
	"seat too late": happened(domain.Event{Entity: "s", Body: seats.OfferExpired{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5}, ExpiresAt: noon}}),

	"alarm":         happened(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindShop, Text: "내일 \"오픈\"\n합니다"}}),
	"alarm offer":   happened(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindOffer, PromotionID: "1", WaitingID: "1-wc4700000", Count: 1, ExpiresAt: noon + 600_000}}),
	"alarm warning": happened(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindHoldExpiring, ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 60_000}}),
	"sent":          mine(domain.Event{Entity: "7", Body: alarms.Sent{UserID: "7", AlarmID: "a41"}}),
	"marked":        mine(domain.Event{Entity: "1", Body: alarms.Marked{AlarmID: "a41"}}),
	"all marked":    mine(domain.Event{Entity: "1", Body: alarms.AllMarked{Count: 3}}),

	"product":           mine(domain.Event{Entity: "tee", Body: orders.Created{SalePostID: "tee", Name: "티셔츠", Price: 10000, Stock: 100}}),
	"product restocked": mine(domain.Event{Entity: "tee", Body: orders.Restocked{SalePostID: "tee", Delta: 5, Stock: 105}}),
	"product closed":    mine(domain.Event{Entity: "tee", Body: orders.Closed{SalePostID: "tee", Reason: "종료"}}),
	"prepared":          mine(domain.Event{Entity: "tee", Body: orders.Prepared{MerchantUID: "m4711000-6tutWLQv", SalePostID: "tee", Count: 2, Amount: 20000}}),
	"not prepared":      refusedBy("products.prepare", "tee", domain.SoldOut, domain.Facts{SoldOutSequence: 4700001, Available: new(1)}),
	"too many units":    refusedBy("products.prepare", "tee", domain.InvalidCount, domain.Facts{Limit: orders.MaxCount}),
	"product there":     refusedBy("products.create", "tee", domain.ProductExists, domain.Facts{}),

	"placed":          mine(domain.Event{Entity: "imp_17", Body: placed}),
	"kept":            happened(domain.Event{Entity: "imp_17", Body: orders.Kept{Placed: placed, Reason: domain.SoldOut}}),
	"order sold out":  refusedBy("orders.place", "imp_17", domain.SoldOut, domain.Facts{SoldOutSequence: 4700001, Available: new(1)}),
	"wrong amount":    refusedBy("orders.place", "imp_17", domain.AmountMismatch, domain.Facts{Expected: 20000}),
	"payment used":    refusedBy("orders.place", "imp_17", domain.PaymentAlreadyUsed, domain.Facts{}),
	"order not there": refusedBy("orders.cancel", "imp_17", domain.OrderNotFound, domain.Facts{}),
	"order over":      refusedBy("orders.cancel", "imp_17", domain.AlreadyCancelled, domain.Facts{}),
	"pending":         happened(domain.Event{Entity: "imp_17", Body: orders.Pending{ImpUID: "imp_17", Payment: orders.Payment{State: orders.PaymentWaiting, Amount: 20000}}}),
	"paid":            happened(domain.Event{Entity: "imp_17", Body: orders.Succeeded{ImpUID: "imp_17", SalePostID: "tee", Count: 2, Amount: 20000, Payment: payment}}),
	"not paid":        happened(domain.Event{Entity: "imp_17", Body: unsuccessful(orders.ReasonTimeout, "", 0)}),
	"given up":        happened(domain.Event{Entity: "imp_17", Body: unsuccessful(orders.ReasonShop, "품절 <죄송>\r\nid: 9", 20000)}),
	"money due":       happened(domain.Event{Entity: "imp_17", Body: orders.RefundDue{ImpUID: "imp_17", Reason: orders.ReasonAmount, Payment: &payment}}),
	"shop cancels":    happened(domain.Event{Entity: "imp_17", Body: orders.RefundDue{ImpUID: "imp_17", Reason: orders.ReasonShop, Note: "품절"}}),
	"given back": happened(domain.Event{Entity: "imp_17", Body: orders.GivenBack{ImpUID: "imp_17", Reason: orders.ReasonAtProvider, Refunded: 20000,
		Payment: payment}}),
	"differs": nobodys(domain.Event{Entity: "imp_17", Body: orders.Differs{ImpUID: "imp_17", Payment: payment}}),
	"recheck": nobodys(domain.Event{Entity: "imp_17", Body: orders.Recheck{ImpUID: "imp_17", Round: 1}}),
	"order cancelled": mine(domain.Event{Entity: "imp_17", Body: orders.Cancelled{ImpUID: "imp_17", SalePostID: "tee", UserID: "7", Amount: 20000,
		Reason: "품절"}}),
	"alarm refund": happened(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindOrderRefunded, ImpUID: "imp_17", Amount: 20000, Reason: "품절"}}),

	"unknown": refusedBy("orders.place", "imp_17", "not_thought_of", domain.Facts{}),
}

var (
	placed = orders.Placed{ImpUID: "imp_17", SalePostID: "tee", Count: 2, Amount: 20000, PayBy: noon + 600_000,
		Terms: orders.Terms{Currency: "KRW", PaySeconds: 600, RequirePrepare: true}}
	payment = orders.Payment{State: orders.PaymentPaid, MerchantUID: "m4711000-6tutWLQv", Amount: 20000, Currency: "KRW", Test: true}
)

func unsuccessful(reason, note string, refunded int64) orders.Unsuccessful {
	return orders.Unsuccessful{ImpUID: "imp_17", SalePostID: "tee", Count: 2, Amount: 20000, Reason: reason, Note: note, Refunded: refunded, Payment: payment}
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

// nobodys is what time did.
func nobodys(e domain.Event) domain.Event {
	e = happened(e)
	e.User = ""
	return e
}

func refusedBy(command, entity, code string, facts domain.Facts) domain.Event {
	return mine(domain.Event{Entity: entity, Body: domain.Rejection{Command: command, Code: code, Facts: facts}})
}
