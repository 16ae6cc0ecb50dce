// The API on one page: each route with who may use it. Other paths get 404, other methods 405.

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
	for prefix, handler := range s.Mounts {
		s.mount(prefix, handler)
	}
	s.get("/healthz", everyone, s.healthz)
	s.get("/readyz", everyone, s.readyz)
	s.get("/metrics", everyone, s.serveMetrics())
	s.get("/debug/streams", admins, s.debugStreams)
	s.get("/openapi.json", everyone, s.serveContract(func(c *contract) *page { return c.document }))
	s.get("/docs", everyone, s.serveContract(func(c *contract) *page { return c.docs }))
	s.get("/problems/:code", everyone, s.explainProblem)

	s.post("/api/v1/promotions/:promotionId/coupons", users, s.command(noWait, issueCoupon))
	s.post("/api/v1/promotions/:promotionId/waiting", users, s.command(defaultWait, waitForCoupons))
	s.post("/api/v1/coupons/:couponId/use", users, s.command(defaultWait, useCoupon))
	s.get("/api/v1/promotions", everyone, s.query(s.promotions))
	s.get("/api/v1/promotions/:promotionId", everyone, s.query(s.promotion))
	s.stream("/api/v1/promotions/:promotionId/events", everyone,
		s.entityStream(Streams.Promotion, "promotionId", domain.PromotionNotFound, s.promotionExists))

	s.get("/api/v1/schedules", everyone, s.query(schedules))
	s.get("/api/v1/schedules/:scheduleId", everyone, s.query(schedule))
	for _, prefix := range []string{"/api/v1/schedules/:scheduleId", "/api/schedules/:scheduleId"} { // current and older clients
		s.post(prefix+"/seats/hold", users, s.command(defaultWait, holdSeats))
		s.post(prefix+"/seats/extend", users, s.command(defaultWait, extendHold))
		s.post(prefix+"/seats/swap", users, s.command(defaultWait, swapSeats))
		s.post(prefix+"/seats/release", users, s.command(defaultWait, releaseSeats))
		s.post(prefix+"/seats/reserve", users, s.command(defaultWait, reserveSeats))
		s.get(prefix+"/seats", visitors, s.seats)
		s.get(prefix+"/seats/summary", everyone, s.query(seatsSummary))
		s.get(prefix+"/seats/my-holds", users, s.query(holdsInSchedule))
		s.stream(prefix+"/seats/events", everyone, s.entityStream(Streams.Schedule, "scheduleId", domain.ScheduleNotFound, s.scheduleExists))
	}

	s.post("/api/v1/reservations/:reservationId/cancel", users, s.command(defaultWait, cancelReservation))

	s.post("/api/v1/schedules/:scheduleId/waiting", users, s.command(defaultWait, waitForSeats))
	s.post("/api/v1/waiting/:waitingId/leave", users, s.command(defaultWait, leaveWaiting))
	s.post("/api/v1/waiting/:waitingId/accept", users, s.command(defaultWait, acceptOffer))
	s.post("/api/v1/waiting/:waitingId/decline", users, s.command(defaultWait, declineOffer))

	s.post("/api/v1/me/alarms/:alarmId/read", users, s.command(defaultWait, markAlarmRead))
	s.post("/api/v1/me/alarms-read", users, s.command(defaultWait, markAllAlarmsRead))
	s.stream("/api/v1/users/alarm/subscribe", users, s.userStream(Streams.Alarms))

	s.post("/api/v1/orders/prepare", users, s.command(defaultWait, s.requirePayments(s.preparePayment)))
	s.post("/api/v1/orders", users, s.command(noWait, s.requirePayments(s.placeOrder)))
	s.post("/api/v1/payments/webhook", everyone, s.webhook)
	s.get("/api/v1/products", everyone, s.query(products))
	s.get("/api/v1/products/:salePostId", everyone, s.query(product))
	s.get("/api/v1/orders/:imp_uid", owners, s.order)
	s.stream("/api/v1/orders/:imp_uid/sse", watchers, s.orderStream)

	s.get("/api/v1/requests/:requestId", owners, s.requestStatus)
	s.get("/api/v1/me/coupons", users, s.query(myCoupons))
	s.get("/api/v1/me/holds", users, s.query(holds("")))
	s.get("/api/v1/me/reservations", users, s.query(s.myReservations))
	s.get("/api/v1/me/orders", users, s.query(myOrders))
	s.get("/api/v1/me/waiting", users, s.query(myWaiting))
	s.get("/api/v1/me/alarms", users, s.query(myAlarms))
	s.post("/api/v1/me/tickets", users, s.issueTicket)
	s.stream("/api/v1/me/events", users, s.userStream(Streams.User))
	s.stream("/subscribe/:userId", self, s.userStream(Streams.User))

	s.post("/api/v1/admin/promotions", admins, s.command(defaultWait, createPromotion))
	s.post("/api/v1/admin/promotions/:promotionId/stock", operators, s.command(defaultWait, changeStock))
	s.post("/api/v1/admin/promotions/:promotionId/pause", operators, s.command(defaultWait, pausePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/resume", operators, s.command(defaultWait, resumePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/close", admins, s.command(defaultWait, closePromotion))
	s.post("/api/v1/admin/coupons/:couponId/revoke", operators, s.command(defaultWait, revokeCoupon))
	s.post("/api/v1/admin/schedules", admins, s.command(defaultWait, createSchedule))
	s.post("/api/v1/admin/imports/schedules", admins, s.importSchedules)
	s.post("/api/v1/admin/schedules/:scheduleId/block", operators, s.command(defaultWait, blockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/unblock", operators, s.command(defaultWait, unblockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/release", reclaimers, s.command(defaultWait, reclaimSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/close", admins, s.command(defaultWait, closeSchedule))
	s.post("/api/v1/admin/schedules/:scheduleId/cancel", admins, s.command(defaultWait, cancelSchedule))
	s.post("/api/v1/admin/products", admins, s.command(defaultWait, createProduct))
	s.post("/api/v1/admin/products/:salePostId/stock", operators, s.command(defaultWait, changeProductStock))
	s.post("/api/v1/admin/products/:salePostId/close", admins, s.command(defaultWait, closeProduct))
	s.post("/api/v1/admin/orders/:imp_uid/cancel", admins, s.command(defaultWait, s.requirePayments(cancelOrder)))
	s.post("/api/v1/admin/alarms", admins, s.command(defaultWait, raiseAlarm))
	s.stream("/api/v1/admin/events", auditors, s.feed)
	s.get("/api/v1/admin/stats", viewers, s.stats)
	s.get("/api/v1/admin/export/:file", auditors, s.export)
}
