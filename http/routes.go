// The API on one page. Other paths get 404, other methods 405.

package http

import (
	"net/http"

	"onsale/domain"
)

func (s *Server) routes() {
	s.router.RedirectTrailingSlash = false // paths are exact
	s.router.RedirectFixedPath = false
	s.router.NotFound = http.HandlerFunc(s.handleNotFound)
	s.router.MethodNotAllowed = http.HandlerFunc(s.handleMethodNotAllowed)
	s.router.GlobalOPTIONS = http.HandlerFunc(s.options)

	s.staticFiles()
	s.get("/healthz", s.healthz)
	s.get("/readyz", s.readyz)
	s.get("/metrics", s.serveMetrics())
	s.get("/debug/streams", s.debugStreams)
	s.get("/openapi.json", s.serveContract(func(c *contract) *page { return c.document }))
	s.get("/docs", s.serveContract(func(c *contract) *page { return c.docs }))
	s.get("/problems/:code", s.explainProblem)

	s.post("/api/v1/promotions/:promotionId/coupons", s.command(noWait, "", issueCoupon))
	s.post("/api/v1/promotions/:promotionId/waiting", s.command(defaultWait, "", waitForCoupons))
	s.post("/api/v1/coupons/:couponId/use", s.command(defaultWait, "", useCoupon))
	s.get("/api/v1/promotions", s.query(anonymousOK, s.promotions))
	s.get("/api/v1/promotions/:promotionId", s.query(anonymousOK, s.promotion))
	s.stream("/api/v1/promotions/:promotionId/events",
		s.entityStream(Streams.Promotion, "promotionId", domain.PromotionNotFound, s.promotionExists))

	s.get("/api/v1/schedules", s.query(anonymousOK, schedules))
	s.get("/api/v1/schedules/:scheduleId", s.query(anonymousOK, schedule))
	for _, prefix := range []string{"/api/v1/schedules/:scheduleId", "/api/schedules/:scheduleId"} { // current and older clients
		s.post(prefix+"/seats/hold", s.command(defaultWait, "", holdSeats))
		s.post(prefix+"/seats/extend", s.command(defaultWait, "", extendHold))
		s.post(prefix+"/seats/swap", s.command(defaultWait, "", swapSeats))
		s.post(prefix+"/seats/release", s.command(defaultWait, "", releaseSeats))
		s.post(prefix+"/seats/reserve", s.command(defaultWait, "", reserveSeats))
		s.get(prefix+"/seats", s.seats)
		s.get(prefix+"/seats/summary", s.query(anonymousOK, seatsSummary))
		s.get(prefix+"/seats/my-holds", s.query(userRequired, holdsInSchedule))
		s.stream(prefix+"/seats/events", s.entityStream(Streams.Schedule, "scheduleId", domain.ScheduleNotFound, s.scheduleExists))
	}

	s.post("/api/v1/reservations/:reservationId/cancel", s.command(defaultWait, "", cancelReservation))

	s.post("/api/v1/schedules/:scheduleId/waiting", s.command(defaultWait, "", waitForSeats))
	s.post("/api/v1/waiting/:waitingId/leave", s.command(defaultWait, "", leaveWaiting))
	s.post("/api/v1/waiting/:waitingId/accept", s.command(defaultWait, "", acceptOffer))
	s.post("/api/v1/waiting/:waitingId/decline", s.command(defaultWait, "", declineOffer))

	s.post("/api/v1/me/alarms/:alarmId/read", s.command(defaultWait, "", markAlarmRead))
	s.post("/api/v1/me/alarms-read", s.command(defaultWait, "", markAllAlarmsRead))
	s.stream("/api/v1/users/alarm/subscribe", s.userStream(Streams.Alarms))

	s.post("/api/v1/orders/prepare", s.command(defaultWait, "", s.requirePayments(preparePayment)))
	s.post("/api/v1/orders", s.command(noWait, "", s.requirePayments(s.placeOrder)))
	s.post("/api/v1/payments/webhook", s.webhook)
	s.get("/api/v1/products", s.query(anonymousOK, products))
	s.get("/api/v1/products/:salePostId", s.query(anonymousOK, product))
	s.get("/api/v1/orders/:imp_uid", s.query(userRequired, order))
	s.stream("/api/v1/orders/:imp_uid/sse", s.orderStream)

	s.get("/api/v1/requests/:requestId", s.requestStatus)
	s.get("/api/v1/me/coupons", s.query(userRequired, myCoupons))
	s.get("/api/v1/me/holds", s.query(userRequired, holds("")))
	s.get("/api/v1/me/reservations", s.query(userRequired, myReservations))
	s.get("/api/v1/me/orders", s.query(userRequired, myOrders))
	s.get("/api/v1/me/waiting", s.query(userRequired, myWaiting))
	s.get("/api/v1/me/alarms", s.query(userRequired, myAlarms))
	s.stream("/api/v1/me/events", s.userStream(Streams.User))
	s.stream("/subscribe/:userId", s.userStream(Streams.User))

	s.post("/api/v1/admin/promotions", s.command(defaultWait, adminUser, createPromotion))
	s.post("/api/v1/admin/promotions/:promotionId/stock", s.command(defaultWait, adminUser, changeStock))
	s.post("/api/v1/admin/promotions/:promotionId/pause", s.command(defaultWait, adminUser, pausePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/resume", s.command(defaultWait, adminUser, resumePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/close", s.command(defaultWait, adminUser, closePromotion))
	s.post("/api/v1/admin/coupons/:couponId/revoke", s.command(defaultWait, adminUser, revokeCoupon))
	s.post("/api/v1/admin/schedules", s.command(defaultWait, adminUser, createSchedule))
	s.post("/api/v1/admin/imports/schedules", s.importSchedules)
	s.post("/api/v1/admin/schedules/:scheduleId/block", s.command(defaultWait, adminUser, blockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/unblock", s.command(defaultWait, adminUser, unblockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/release", s.command(defaultWait, adminUser, reclaimSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/close", s.command(defaultWait, adminUser, closeSchedule))
	s.post("/api/v1/admin/products", s.command(defaultWait, adminUser, createProduct))
	s.post("/api/v1/admin/products/:salePostId/stock", s.command(defaultWait, adminUser, changeProductStock))
	s.post("/api/v1/admin/products/:salePostId/close", s.command(defaultWait, adminUser, closeProduct))
	s.post("/api/v1/admin/orders/:imp_uid/cancel", s.command(defaultWait, adminUser, s.requirePayments(cancelOrder)))
	s.post("/api/v1/admin/alarms", s.command(defaultWait, adminUser, raiseAlarm))
	s.get("/api/v1/admin/stats", s.stats)
	s.get("/api/v1/admin/export/:file", s.export)
}
