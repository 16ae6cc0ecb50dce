// Every path of the service. What is not here is 404; what is here under another method is 405.
package http

import "net/http"

func (s *Server) routes() {
	s.router.RedirectTrailingSlash = false // paths are exact
	s.router.RedirectFixedPath = false
	s.router.NotFound = http.HandlerFunc(s.nowhere)
	s.router.MethodNotAllowed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, refuse(methodNotAllowed, "this path takes %s", w.Header().Get("Allow")))
	})
	s.router.GlobalOPTIONS = http.HandlerFunc(s.options)
	s.measure()

	s.page()
	s.get("/healthz", s.healthz)
	s.get("/readyz", s.readyz)
	s.get("/metrics", s.metrics())
	s.get("/debug/streams", s.debugStreams)

	s.post("/api/v1/promotions/:promotionId/coupons", s.command(respondOnce, "", issueCoupon))
	s.post("/api/v1/promotions/:promotionId/waiting", s.command(usualWait, "", waitForCoupons))
	s.post("/api/v1/coupons/:couponId/use", s.command(usualWait, "", useCoupon))
	s.get("/api/v1/promotions", s.show(anyone, s.promotions))
	s.get("/api/v1/promotions/:promotionId", s.show(anyone, s.promotion))
	const progress = "/api/v1/promotions/:promotionId/events"
	s.stream(progress, s.Metrics.counted(progress, s.promotionStream))

	s.get("/api/v1/schedules", s.show(anyone, schedules))
	s.get("/api/v1/schedules/:scheduleId", s.show(anyone, schedule))
	for _, prefix := range []string{"/api/v1/schedules/:scheduleId", "/api/schedules/:scheduleId"} { // new clients, old clients
		s.post(prefix+"/seats/hold", s.command(usualWait, "", holdSeats))
		s.post(prefix+"/seats/extend", s.command(usualWait, "", extendHold))
		s.post(prefix+"/seats/swap", s.command(usualWait, "", swapSeats))
		s.post(prefix+"/seats/release", s.command(usualWait, "", releaseSeats))
		s.post(prefix+"/seats/reserve", s.command(usualWait, "", reserveSeats))
		s.get(prefix+"/seats", s.seats)
		s.get(prefix+"/seats/summary", s.show(anyone, seatsSummary))
		s.get(prefix+"/seats/my-holds", s.show(theUser, holdsInSchedule))
		s.stream(prefix+"/seats/events", s.Metrics.counted(prefix+"/seats/events", s.scheduleStream))
	}

	s.post("/api/v1/reservations/:reservationId/cancel", s.command(usualWait, "", cancelReservation))

	s.post("/api/v1/schedules/:scheduleId/waiting", s.command(usualWait, "", waitForSeats))
	s.post("/api/v1/waiting/:waitingId/leave", s.command(usualWait, "", leaveWaiting))
	s.post("/api/v1/waiting/:waitingId/accept", s.command(usualWait, "", acceptOffer))
	s.post("/api/v1/waiting/:waitingId/decline", s.command(usualWait, "", declineOffer))

	s.post("/api/v1/me/alarms/:alarmId/read", s.command(usualWait, "", readAlarm))
	s.post("/api/v1/me/alarms-read", s.command(usualWait, "", readAlarms))
	const alarms = "/api/v1/users/alarm/subscribe"
	s.stream(alarms, s.Metrics.counted(alarms, s.alarmStream))

	s.post("/api/v1/orders/prepare", s.command(usualWait, "", s.paid(preparePayment)))
	s.post("/api/v1/orders", s.command(respondOnce, "", s.paid(s.placeOrder)))
	s.post("/api/v1/payments/webhook", s.webhook)
	s.get("/api/v1/products", s.show(anyone, products))
	s.get("/api/v1/products/:salePostId", s.show(anyone, product))
	s.get("/api/v1/orders/:imp_uid", s.show(theUser, order))
	const verdict = "/api/v1/orders/:imp_uid/sse"
	s.stream(verdict, s.Metrics.counted(verdict, s.orderStream))

	if s.FakePay != nil {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			s.router.Handler(method, "/fakepay/*path", s.FakePay)
		}
	}

	s.get("/api/v1/requests/:requestId", s.request)
	s.get("/api/v1/me/coupons", s.show(theUser, myCoupons))
	s.get("/api/v1/me/holds", s.show(theUser, myHolds))
	s.get("/api/v1/me/reservations", s.show(theUser, myReservations))
	s.get("/api/v1/me/orders", s.show(theUser, myOrders))
	s.get("/api/v1/me/waiting", s.show(theUser, myWaiting))
	s.get("/api/v1/me/alarms", s.show(theUser, myAlarms))
	s.stream("/api/v1/me/events", s.Metrics.counted("/api/v1/me/events", s.userStream))
	s.stream("/subscribe/:userId", s.Metrics.counted("/subscribe/:userId", s.userStream))

	s.post("/api/v1/admin/promotions", s.command(usualWait, adminUser, createPromotion))
	s.post("/api/v1/admin/promotions/:promotionId/stock", s.command(usualWait, adminUser, changeStock))
	s.post("/api/v1/admin/promotions/:promotionId/pause", s.command(usualWait, adminUser, pausePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/resume", s.command(usualWait, adminUser, resumePromotion))
	s.post("/api/v1/admin/promotions/:promotionId/close", s.command(usualWait, adminUser, closePromotion))
	s.post("/api/v1/admin/coupons/:couponId/revoke", s.command(usualWait, adminUser, revokeCoupon))
	s.post("/api/v1/admin/schedules", s.command(usualWait, adminUser, createSchedule))
	s.post("/api/v1/admin/imports/schedules", s.importSchedules)
	s.post("/api/v1/admin/schedules/:scheduleId/block", s.command(usualWait, adminUser, blockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/unblock", s.command(usualWait, adminUser, unblockSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/release", s.command(usualWait, adminUser, freeSeats))
	s.post("/api/v1/admin/schedules/:scheduleId/close", s.command(usualWait, adminUser, closeSchedule))
	s.post("/api/v1/admin/products", s.command(usualWait, adminUser, createProduct))
	s.post("/api/v1/admin/products/:salePostId/stock", s.command(usualWait, adminUser, restockProduct))
	s.post("/api/v1/admin/products/:salePostId/close", s.command(usualWait, adminUser, closeProduct))
	s.post("/api/v1/admin/orders/:imp_uid/cancel", s.command(usualWait, adminUser, s.paid(cancelOrder)))
	s.post("/api/v1/admin/alarms", s.command(usualWait, adminUser, raiseAlarm))
	s.get("/api/v1/admin/stats", s.stats)
	s.get("/api/v1/admin/export/:file", s.export)
}

func (s *Server) post(path string, answer handler) {
	s.handle(http.MethodPost, path, s.Metrics.measured(path, answer))
}

// get answers HEAD too; net/http leaves the body out.
func (s *Server) get(path string, answer handler) {
	answer = s.Metrics.measured(path, answer)
	s.handle(http.MethodGet, path, answer)
	s.handle(http.MethodHead, path, answer)
}

// nowhere answers for paths that are not there. Where only the last parameter is missing, that is what is wrong.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	if path := r.URL.Path; path[max(0, len(path)-1):] == "/" {
		if route, params, _ := s.router.Lookup(r.Method, path+"-"); route != nil && len(params) > 0 && params[len(params)-1].Value == "-" {
			s.fail(w, r, refuseField(invalidID, params[len(params)-1].Key, "is empty"))
			return
		}
	}
	s.fail(w, r, refuse(notFound, ""))
}
