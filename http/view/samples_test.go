package view

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

// samples are events of every type of the domain, several of those whose frames differ by what they contain.
var samples = map[string]domain.Event{
	"promotion": commandEvent(domain.Event{Entity: "1", Body: coupons.Created{PromotionID: "1", Name: "<첫 구매>\r\nid: 9", Stock: 100, PerUserLimit: 1}}),
	"issued":    commandEvent(domain.Event{Entity: "1", Body: coupons.Issued{PromotionID: "1", CouponID: "1-17", Number: 17}}),
	"schedule": commandEvent(domain.Event{Entity: "s", Body: seats.Created{ScheduleID: "s", Title: "봄 공연", HoldSeconds: 600, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 50000, Rows: []seats.Row{{Name: "1", Seats: 20}}}}}}),
	"held": commandEvent(domain.Event{Entity: "s", Body: seats.Held{ScheduleID: "s", HoldID: "h4711000", ScheduleSeatIDs: []int{7, 3, 5},
		HeldSeats: []seats.HeldSeat{{ScheduleSeatID: 7, DisplayName: "A-1-7", Price: 50000}, {ScheduleSeatID: 3, DisplayName: "A-1-3", Price: 50000},
			{ScheduleSeatID: 5, DisplayName: "A-1-5", Price: 50000}}, TotalPrice: 150000, ExpiresAt: noon + 600_000, Now: noon}}),
	"held one": commandEvent(domain.Event{Entity: "s", Body: seats.Held{ScheduleID: "s", HoldID: "h1", ScheduleSeatIDs: []int{7},
		HeldSeats: []seats.HeldSeat{{ScheduleSeatID: 7, DisplayName: "A-1-7"}}, ExpiresAt: noon + 600_000, Now: noon}}),
	"released":       commandEvent(domain.Event{Entity: "s", Body: seats.Released{ScheduleID: "s", ScheduleSeatIDs: []int{3, 7}, ReleasedCount: 2}}),
	"released none":  commandEvent(domain.Event{Entity: "s", Body: seats.Released{ScheduleID: "s", ScheduleSeatIDs: []int{}}}),
	"reserved":       commandEvent(domain.Event{Entity: "s", Body: seats.Reserved{ScheduleID: "s", ReservationID: "s-r4711000", ScheduleSeatIDs: []int{5}, TotalPrice: 50000}}),
	"expired":        userEvent(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{1, 2}, ExpiresAt: noon - 1}}),
	"expired none":   userEvent(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{}, ExpiresAt: noon - 1}}),
	"dead":           commandEvent(domain.Event{Entity: "1", Body: domain.DeadLetter{Reason: domain.DeadLetterPanicked}}),
	"sold out":       rejectionOf("coupons.issue", "1", domain.SoldOut, domain.Details{SoldOutSequence: 4700001}),
	"already issued": rejectionOf("coupons.issue", "1", domain.AlreadyIssued, domain.Details{CouponID: "1-3"}),
	"unavailable":    rejectionOf("seats.hold", "s", domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: []int{7}}),
	"not released":   rejectionOf("seats.release", "s", domain.ScheduleNotFound, domain.Details{}),
	"hold expired":   rejectionOf("seats.reserve", "s", domain.HoldExpired, domain.Details{ExpiredAt: noon - 5}),
	"exists":         rejectionOf("coupons.create", "1", domain.PromotionExists, domain.Details{}),
	"schedule there": rejectionOf("seats.create", "s", domain.ScheduleExists, domain.Details{}),
	"used":           commandEvent(domain.Event{Entity: "1", Body: coupons.Used{PromotionID: "1", CouponID: "1-17", Number: 17}}),
	"opened":         systemEvent(domain.Event{Entity: "1", Body: coupons.Opened{PromotionID: "1"}}),
	"paused":         commandEvent(domain.Event{Entity: "1", Body: coupons.Paused{PromotionID: "1", Reason: "점검"}}),
	"resumed":        commandEvent(domain.Event{Entity: "1", Body: coupons.Resumed{PromotionID: "1"}}),
	"closed":         commandEvent(domain.Event{Entity: "1", Body: coupons.Closed{PromotionID: "1"}}),
	"restocked":      commandEvent(domain.Event{Entity: "1", Body: coupons.StockChanged{PromotionID: "1", Delta: -3, Stock: 97}}),
	"revoked":        userEvent(domain.Event{Entity: "1", Body: coupons.Revoked{PromotionID: "1", CouponID: "1-17", Number: 17, Returned: true, Reason: "부정 사용"}}),
	"withdrawn":      commandEvent(domain.Event{Entity: "1", Body: coupons.RevocationDone{PromotionID: "1", CouponID: "1-17", Number: 17, UserID: "7"}}),
	"joined":         commandEvent(domain.Event{Entity: "1", Body: coupons.Joined{PromotionID: "1", WaitingID: "1-wc4711000", Quantity: 1, Position: 3}}),
	"left":           commandEvent(domain.Event{Entity: "1", Body: coupons.Left{PromotionID: "1", WaitingID: "1-wc4711000"}}),
	"offered":        userEvent(domain.Event{Entity: "1", Body: coupons.Offered{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1, ExpiresAt: noon + 600_000}}),
	"accepted":       commandEvent(domain.Event{Entity: "1", Body: coupons.Accepted{PromotionID: "1", WaitingID: "1-wc4700000", CouponID: "1-18", Number: 18, Quantity: 2}}),
	"declined":       commandEvent(domain.Event{Entity: "1", Body: coupons.Declined{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1}}),
	"too late":       userEvent(domain.Event{Entity: "1", Body: coupons.OfferExpired{PromotionID: "1", WaitingID: "1-wc4700000", Quantity: 1, ExpiresAt: noon}}),

	"cooling":  userEvent(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{1}, ExpiresAt: noon - 1, ReleaseAt: noon + 59_877}}),
	"returned": systemEvent(domain.Event{Entity: "s", Body: seats.ReleasedToSale{ScheduleID: "s", ScheduleSeatIDs: []int{1, 9}}}),
	"expiring": userEvent(domain.Event{Entity: "s", Body: seats.Expiring{ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 60_000}}),
	"extended": commandEvent(domain.Event{Entity: "s", Body: seats.Extended{ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 600_000, Now: noon}}),
	"swapped": commandEvent(domain.Event{Entity: "s", Body: seats.Swapped{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{4, 5}, HeldSeats: []seats.HeldSeat{},
		ExpiresAt: noon + 600_000, Now: noon, Released: []int{3}, Taken: []int{5}}}),
	"cancelled":   commandEvent(domain.Event{Entity: "s", Body: seats.Cancelled{ScheduleID: "s", ReservationID: "s-r4000", ScheduleSeatIDs: []int{5}}}),
	"freed":       commandEvent(domain.Event{Entity: "s", Body: seats.Reclaimed{ScheduleID: "s", ScheduleSeatIDs: []int{5}, ReleasedCount: 1, Reason: "환불"}}),
	"blocked":     commandEvent(domain.Event{Entity: "s", Body: seats.Blocked{ScheduleID: "s", ScheduleSeatIDs: []int{5, 6}, Reason: "시야 방해"}}),
	"unblocked":   commandEvent(domain.Event{Entity: "s", Body: seats.Unblocked{ScheduleID: "s", ScheduleSeatIDs: []int{5}}}),
	"sale closed": commandEvent(domain.Event{Entity: "s", Body: seats.Closed{ScheduleID: "s"}}),
	"seat joined": commandEvent(domain.Event{Entity: "s", Body: seats.Joined{ScheduleID: "s", WaitingID: "s-ws4711000", Quantity: 2, Section: "A", Position: 1}}),
	"seat left":   commandEvent(domain.Event{Entity: "s", Body: seats.Left{ScheduleID: "s", WaitingID: "s-ws4711000", ScheduleSeatIDs: []int{5}}}),
	"seat offered": userEvent(domain.Event{Entity: "s", Body: seats.Offered{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5, 6},
		HeldSeats: []seats.HeldSeat{}, ExpiresAt: noon + 600_000}}),
	"seat accepted": commandEvent(domain.Event{Entity: "s", Body: seats.Accepted{ScheduleID: "s", WaitingID: "s-ws4700000", HoldID: "h4711000", ScheduleSeatIDs: []int{5, 6},
		HeldSeats: []seats.HeldSeat{}, ExpiresAt: noon + 600_000, Now: noon}}),
	"seat declined": commandEvent(domain.Event{Entity: "s", Body: seats.Declined{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5, 6}}}),
	"seat too late": userEvent(domain.Event{Entity: "s", Body: seats.OfferExpired{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5}, ExpiresAt: noon}}),

	"alarm":         userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindAdmin, Text: "내일 \"오픈\"\n합니다"}}),
	"alarm offer":   userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindOffer, PromotionID: "1", WaitingID: "1-wc4700000", Count: 1, ExpiresAt: noon + 600_000}}),
	"alarm warning": userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindHoldExpiring, ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 60_000}}),
	"sent":          commandEvent(domain.Event{Entity: "7", Body: alarms.RaiseDone{UserID: "7", AlarmID: "a41"}}),
	"marked":        commandEvent(domain.Event{Entity: "1", Body: alarms.MarkedRead{AlarmID: "a41"}}),
	"all marked":    commandEvent(domain.Event{Entity: "1", Body: alarms.AllMarkedRead{Count: 3}}),

	"product":           commandEvent(domain.Event{Entity: "tee", Body: orders.Created{ProductID: "tee", Name: "티셔츠", Price: 10000, Stock: 100}}),
	"product restocked": commandEvent(domain.Event{Entity: "tee", Body: orders.StockChanged{ProductID: "tee", Delta: 5, Stock: 105}}),
	"product closed":    commandEvent(domain.Event{Entity: "tee", Body: orders.Closed{ProductID: "tee", Reason: "종료"}}),
	"prepared":          commandEvent(domain.Event{Entity: "tee", Body: orders.Prepared{MerchantUID: "m4711000-6tutWLQv", Purchase: orders.Purchase{ProductID: "tee", Count: 2, Amount: 20000}}}),
	"not prepared":      rejectionOf("products.prepare", "tee", domain.SoldOut, domain.Details{SoldOutSequence: 4700001, Available: new(1)}),
	"hold not prepared": holdRejection("h1000", domain.HoldExpired, domain.Details{ExpiredAt: noon - 5}),
	"too many units":    rejectionOf("products.prepare", "tee", domain.InvalidCount, domain.Details{Limit: orders.MaxCount}),
	"product there":     rejectionOf("products.create", "tee", domain.ProductExists, domain.Details{}),

	"placed":          commandEvent(domain.Event{Entity: "imp_17", Body: placed}),
	"kept":            userEvent(domain.Event{Entity: "imp_17", Body: orders.RejectedPaid{Placement: orders.Placement(placed), Reason: domain.SoldOut}}),
	"order sold out":  rejectionOf("orders.place", "imp_17", domain.SoldOut, domain.Details{SoldOutSequence: 4700001, Available: new(1)}),
	"wrong amount":    rejectionOf("orders.place", "imp_17", domain.AmountMismatch, domain.Details{Expected: 20000}),
	"order limit":     rejectionOf("orders.place", "imp_17", domain.UserLimitExceeded, domain.Details{Limit: 2}),
	"open orders":     rejectionOf("orders.place", "imp_17", domain.TooManyOpenOrders, domain.Details{Limit: 3}),
	"payment used":    rejectionOf("orders.place", "imp_17", domain.PaymentAlreadyUsed, domain.Details{}),
	"order not there": rejectionOf("orders.cancel", "imp_17", domain.OrderNotFound, domain.Details{}),
	"order over":      rejectionOf("orders.cancel", "imp_17", domain.AlreadyCancelled, domain.Details{}),
	"pending":         userEvent(domain.Event{Entity: "imp_17", Body: orders.Pending{PaymentID: "imp_17", Payment: orders.Payment{State: orders.PaymentWaiting, Amount: 20000}}}),
	"paid":            userEvent(domain.Event{Entity: "imp_17", Body: orders.Succeeded{PaymentID: "imp_17", Purchase: orders.Purchase{ProductID: "tee", Count: 2, Amount: 20000}, Payment: payment}}),
	"not paid":        userEvent(domain.Event{Entity: "imp_17", Body: failedOrder(orders.ReasonTimeout, "", 0)}),
	"given up":        userEvent(domain.Event{Entity: "imp_17", Body: failedOrder(orders.ReasonCancelledByAdmin, "품절 <죄송>\r\nid: 9", 20000)}),
	"money due":       userEvent(domain.Event{Entity: "imp_17", Body: orders.RefundDue{PaymentID: "imp_17", Reason: orders.ReasonAmount, Payment: &payment}}),
	"shop cancels":    userEvent(domain.Event{Entity: "imp_17", Body: orders.RefundDue{PaymentID: "imp_17", Reason: orders.ReasonCancelledByAdmin, Note: "품절"}}),
	"given back": userEvent(domain.Event{Entity: "imp_17", Body: orders.Refunded{PaymentID: "imp_17", Reason: orders.ReasonAtProvider, Refunded: 20000,
		Payment: payment}}),
	"differs": systemEvent(domain.Event{Entity: "imp_17", Body: orders.Discrepant{PaymentID: "imp_17", Payment: payment}}),
	"recheck": systemEvent(domain.Event{Entity: "imp_17", Body: orders.Recheck{PaymentID: "imp_17", Attempt: 1}}),
	"order cancelled": commandEvent(domain.Event{Entity: "imp_17", Body: orders.Cancelled{PaymentID: "imp_17", ProductID: "tee", UserID: "7", Amount: 20000,
		Reason: "품절"}}),
	"alarm refund": userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindOrderRefunded, PaymentID: "imp_17", Amount: 20000, Reason: "품절"}}),

	"seats in order": userEvent(domain.Event{Entity: "s", Body: seats.Ordered{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{5, 6}, PaymentID: "imp_18"}}),
	"seats taken again": userEvent(domain.Event{Entity: "s", Body: seats.Ordered{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{5, 6},
		PaymentID: "imp_18", Late: true}}),
	"coupon in order": userEvent(domain.Event{Entity: "1", Body: coupons.Bound{PromotionID: "1", CouponID: "1-17", Number: 17, PaymentID: "imp_18"}}),
	"hold prepared":   userEvent(domain.Event{Entity: "s", Body: seats.PaymentPrepared{ScheduleID: "s", HoldID: "h1000", ExpiresAt: noon + 1_800_000}}),
	"seats prepared": commandEvent(domain.Event{Entity: "h1000", Body: orders.Prepared{MerchantUID: "m4711000-6tutWLQv", Purchase: seatPurchase,
		PaymentDue: noon + 1_800_000}}),
	"preparation due": systemEvent(domain.Event{Entity: "h1000", Body: orders.PreparationDue{MerchantUID: "m4711000-6tutWLQv", Attempt: 1}}),
	"seats placed":    commandEvent(domain.Event{Entity: "imp_18", Body: placedSeats}),
	"placed for user": userEvent(domain.Event{Entity: "imp_18", Body: placedLate}),
	"confirmed":       commandEvent(domain.Event{Entity: "imp_18", Body: orders.Confirmed{PaymentID: "imp_18", Status: orders.StatusPaid}}),
	"seats paid":      userEvent(domain.Event{Entity: "imp_18", Body: orders.Succeeded{PaymentID: "imp_18", Purchase: seatPurchase, ReservationID: "s-r4711000", Payment: payment}}),
	"free": userEvent(domain.Event{Entity: "free-4711000", Body: orders.Succeeded{PaymentID: "free-4711000", ReservationID: "s-r4711000",
		Purchase: orders.Purchase{HoldID: "h1000", ScheduleID: "s", ScheduleSeatIDs: []int{5}, CouponID: "1-17", Discount: 50000}, Payment: orders.Payment{State: orders.PaymentNone}}}),
	"paid reserved": userEvent(domain.Event{Entity: "s", Body: seats.Reserved{ScheduleID: "s", ReservationID: "s-r4711000", ScheduleSeatIDs: []int{5, 6},
		TotalPrice: 100000, HoldID: "h1000", PaymentID: "imp_18"}}),
	"coupon paid":    userEvent(domain.Event{Entity: "1", Body: coupons.Used{PromotionID: "1", CouponID: "1-17", Number: 17, PaymentID: "imp_18"}}),
	"seats not paid": userEvent(domain.Event{Entity: "imp_18", Body: orders.Failed{PaymentID: "imp_18", Purchase: seatPurchase, Reason: orders.ReasonNotFound}}),
	"hold goes on":   userEvent(domain.Event{Entity: "s", Body: seats.OrderFailed{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{5, 6}, PaymentID: "imp_18", ExpiresAt: noon + 9}}),
	"coupon is back": userEvent(domain.Event{Entity: "1", Body: coupons.GivenBack{PromotionID: "1", CouponID: "1-17", Number: 17, PaymentID: "imp_18"}}),
	"booking ends":   commandEvent(domain.Event{Entity: "s", Body: seats.Cancelled{ScheduleID: "s", ReservationID: "s-r4711000", ScheduleSeatIDs: []int{5, 6}, PaymentID: "imp_18", RefundAmount: new(int64(63000)), RefundPercent: new(70)}}),
	"part due":       userEvent(domain.Event{Entity: "imp_18", Body: orders.RefundDue{PaymentID: "imp_18", Reason: orders.ReasonCancelledByUser, Payment: &payment, Kept: 6000}}),
	"part refunded":  userEvent(domain.Event{Entity: "imp_18", Body: orders.Refunded{PaymentID: "imp_18", Reason: orders.ReasonCancelledByUser, Refunded: 14000, Payment: payment, Kept: 6000}}),
	"nothing refunded": userEvent(domain.Event{Entity: "free-4711000", Body: orders.Refunded{PaymentID: "free-4711000", Reason: orders.ReasonCancelledByUser,
		Payment: orders.Payment{State: orders.PaymentNone}, CouponID: "1-17"}}),
	"alarm none refunded": userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindOrderRefunded, PaymentID: "imp_18"}}),
	"called off":          commandEvent(domain.Event{Entity: "s", Body: seats.ScheduleCancelled{ScheduleID: "s", Reason: "태풍"}}),
	"booking called off":  userEvent(domain.Event{Entity: "s", Body: seats.Cancelled{ScheduleID: "s", ReservationID: "s-r4711000", ScheduleSeatIDs: []int{5, 6}, ScheduleCancelled: true, Reason: "태풍", PaymentID: "imp_18"}}),
	"called off refund":   userEvent(domain.Event{Entity: "imp_18", Body: orders.RefundDue{PaymentID: "imp_18", Reason: orders.ReasonScheduleOff, Note: "태풍", Payment: &payment}}),
	"order loses seats":   userEvent(domain.Event{Entity: "s", Body: seats.Released{ScheduleID: "s", ScheduleSeatIDs: []int{5, 6}, ReleasedCount: 2, Reason: "태풍", PaymentID: "imp_18"}}),
	"all blocked":         systemEvent(domain.Event{Entity: "s", Body: seats.Blocked{ScheduleID: "s", ScheduleSeatIDs: []int{5, 6}, Reason: "태풍"}}),
	"called off hold": userEvent(domain.Event{Entity: "s", Body: seats.Expired{ScheduleID: "s", HoldID: "h1000", ScheduleSeatIDs: []int{1, 2}, ExpiresAt: noon,
		ScheduleCancelled: true, Reason: "태풍"}}),
	"called off offer": userEvent(domain.Event{Entity: "s", Body: seats.OfferExpired{ScheduleID: "s", WaitingID: "s-ws4700000", ScheduleSeatIDs: []int{5}, ExpiresAt: noon,
		ScheduleCancelled: true}}),
	"called off alarm": userEvent(domain.Event{Entity: "1", Body: alarms.Raised{Kind: alarms.KindReservationCancelled, ScheduleID: "s", ReservationID: "s-r4711000", Count: 2,
		Reason: "태풍", ScheduleCancelled: true}}),
	"not held, called off":    rejectionOf("seats.hold", "s", domain.Closed, domain.Details{ScheduleCancelled: true}),
	"not ordered, called off": rejectionOf("orders.place", "imp_18", domain.HoldExpired, domain.Details{ExpiredAt: noon, ScheduleCancelled: true}),
	"hold refused": userEvent(domain.Event{Entity: "imp_18", Body: orders.RejectedPaid{Placement: orders.Placement(orders.Placed{PaymentID: "imp_18",
		Purchase: orders.Purchase{HoldID: "h1000", Amount: 90000}}), Reason: domain.HoldExpired}}),
	"order hold expired": rejectionOf("orders.place", "imp_18", domain.HoldExpired, domain.Details{ExpiredAt: noon - 5}),
	"coupon too small":   rejectionOf("orders.place", "imp_18", domain.NotApplicable, domain.Details{CouponID: "1-17", MinAmount: 100000}),
	"free sold out":      rejectionOf("orders.place", orders.NoPayment, domain.SoldOut, domain.Details{SoldOutSequence: 4700001, Available: new(1)}),
	"must be paid":       rejectionOf("seats.reserve", "s", domain.PaymentRequired, domain.Details{}),
	"seats are paid":     rejectionOf("seats.reclaim", "s", domain.PaidSeats, domain.Details{PaymentIDs: []string{"imp_18"}}),

	"unknown": rejectionOf("orders.place", "imp_17", "not_thought_of", domain.Details{}),
}

var (
	placed = orders.Placed{PaymentID: "imp_17", Purchase: orders.Purchase{ProductID: "tee", Count: 2, Amount: 20000}, PaymentDue: noon + 600_000,
		Terms: orders.Terms{Currency: "KRW", PaySeconds: 600, RequirePrepare: true}}
	seatPurchase = orders.Purchase{HoldID: "h1000", ScheduleID: "s", ScheduleSeatIDs: []int{5, 6}, CouponID: "1-17", Discount: 10000, Amount: 90000}
	placedSeats  = orders.Placed{PaymentID: "imp_18", Purchase: seatPurchase, PaymentDue: noon + 600_000, Terms: orders.Terms{Currency: "KRW", PaySeconds: 600}}
	placedLate   = orders.Placed{PaymentID: "imp_18", Purchase: seatPurchase, PaymentDue: noon + 600_000, Late: true, MerchantUID: "m4711000-6tutWLQv",
		Terms: orders.Terms{Currency: "KRW", PaySeconds: 600}}
	payment = orders.Payment{State: orders.PaymentPaid, MerchantUID: "m4711000-6tutWLQv", Amount: 20000, Currency: "KRW", Test: true}
)

func failedOrder(reason, note string, refunded int64) orders.Failed {
	return orders.Failed{PaymentID: "imp_17", Purchase: orders.Purchase{ProductID: "tee", Count: 2, Amount: 20000}, Reason: reason, Note: note, Refunded: refunded, Payment: payment}
}

// commandEvent is the outcome of a command of user 1.
func commandEvent(e domain.Event) domain.Event {
	e.Number, e.Sequence, e.Now, e.User, e.Request, e.Last = 42, 4711000, noon, "1", domain.NewRequestID("1", "key"), true
	return e
}

// userEvent happens to user 1 without a command of theirs.
func userEvent(e domain.Event) domain.Event {
	e.Number, e.Sequence, e.Now, e.User = 42, 4711000, noon, "1"
	return e
}

// systemEvent is a consequence of time.
func systemEvent(e domain.Event) domain.Event {
	e = userEvent(e)
	e.User = ""
	return e
}

func rejectionOf(command, entity, code string, details domain.Details) domain.Event {
	return commandEvent(domain.Event{Entity: entity, Body: domain.Rejection{Command: command, Code: code, Details: details}})
}

// holdRejection is the rejection of a preparation on a hold.
func holdRejection(hold, code string, details domain.Details) domain.Event {
	return commandEvent(domain.Event{Entity: hold, Body: domain.Rejection{Command: "products.prepare", Code: code, Details: details, HoldID: hold}})
}
