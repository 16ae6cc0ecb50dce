// The table of codes: status, title, default detail and facts of each. Clients depend on the codes; they are never renamed. What they
// mean and what to do is in explanations.go.

package http

import "onsale/domain"

// Codes of the API; those of the rules are in domain.
const (
	notFound              = "not_found"
	methodNotAllowed      = "method_not_allowed"
	unauthenticated       = "unauthenticated"
	forbidden             = "forbidden"
	invalidID             = "invalid_id"
	invalidParameter      = "invalid_parameter"
	invalidIdempotencyKey = "invalid_idempotency_key"
	invalidPosition       = "invalid_position"
	bodyTooLarge          = "body_too_large"
	unsupportedMediaType  = "unsupported_media_type"
	requestNotFound       = "request_not_found"
	paymentsNotConfigured = "payments_not_configured"
	epochChanged          = "epoch_changed"
	backlogFull           = "backlog_full"
	rateLimited           = "rate_limited"
	outcomeUnknown        = "outcome_unknown"
	notCaughtUp           = "not_caught_up"
	logFull               = "log_full"
	halted                = "halted"
)

type codeRow struct {
	status     int
	title      string
	detail     string
	retryAfter int      // seconds; 0: a retry would not help
	facts      []string // the fields of domain.Details that it may have
}

var codes = map[string]codeRow{
	// The shape of a request.
	domain.InvalidBody:    {status: 400, title: "Invalid body"},
	invalidID:             {status: 400, title: "Invalid id"},
	invalidParameter:      {status: 400, title: "Invalid parameter"},
	invalidIdempotencyKey: {status: 400, title: "Invalid idempotency key"},
	invalidPosition:       {status: 400, title: "Invalid position"},
	notFound:              {status: 404, title: "Not found", detail: "there is nothing at this path"},
	methodNotAllowed:      {status: 405, title: "Method not allowed"},
	bodyTooLarge:          {status: 413, title: "Body too large"},
	unsupportedMediaType:  {status: 415, title: "Unsupported media type", detail: "the body must be application/json in UTF-8"},

	// The user.
	unauthenticated: {status: 401, title: "Unauthenticated", detail: "authentication is required"},
	forbidden:       {status: 403, title: "Forbidden", detail: "you may not do this"},
	domain.NotOwner: {status: 403, title: "Not the owner", detail: "this belongs to another user", facts: []string{"couponId"}},

	// Idempotency and positions.
	domain.RequestIDReused: {status: 422, title: "Idempotency key reused", detail: "this key was used for another request"},
	requestNotFound:        {status: 404, title: "Request not found", detail: "this request was never accepted"},
	epochChanged:           {status: 409, title: "Epoch changed", detail: "this position is of another epoch of the log; read again"},

	// The state of this node.
	domain.Internal: {status: 500, title: "Internal error"},
	backlogFull:     {status: 429, title: "Backlog full", detail: "too many commands are waiting to be decided", retryAfter: 1},
	rateLimited:     {status: 429, title: "Rate limited", detail: "too many requests", retryAfter: 1},
	outcomeUnknown:  {status: 503, title: "Outcome unknown", detail: "it is unknown whether this was stored; retry with the same key", retryAfter: 1},
	notCaughtUp:     {status: 503, title: "Not caught up", detail: "this node has not reached that position yet", retryAfter: 1},
	logFull:         {status: 503, title: "Log full", detail: "there is no room for new commands", retryAfter: 10},
	halted:          {status: 503, title: "Halted", detail: "this node has stopped deciding", retryAfter: 10},

	// Coupons.
	domain.PromotionNotFound: {status: 404, title: "Promotion not found", detail: "there is no such promotion"},
	domain.PromotionExists:   {status: 409, title: "Promotion exists", detail: "this promotion id is taken"},
	domain.SoldOut:           {status: 409, title: "Sold out", detail: "not enough units are left", facts: []string{"soldOutSequence", "offered", "available"}},
	domain.AlreadyIssued:     {status: 409, title: "Already issued", detail: "you have this coupon already", facts: []string{"couponId", "number"}},
	domain.UserLimitExceeded: {status: 409, title: "User limit exceeded", detail: "you have reached the limit per user", facts: []string{"limit"}},
	domain.NotOpen:           {status: 409, title: "Not open", detail: "it has not opened yet", facts: []string{"opensAt", "opensInSeconds"}},
	domain.Closed:            {status: 409, title: "Closed", detail: "it is closed", facts: []string{"closesAt", "scheduleCancelled"}},
	domain.Paused:            {status: 409, title: "Paused", detail: "it is paused"},
	domain.CouponNotFound:    {status: 404, title: "Coupon not found", detail: "there is no such coupon", facts: []string{"couponId"}},
	domain.AlreadyUsed:       {status: 409, title: "Already used", detail: "this coupon has been used", facts: []string{"couponId"}},
	domain.Revoked:           {status: 409, title: "Revoked", detail: "this coupon has been revoked", facts: []string{"couponId"}},
	domain.CouponInOrder:     {status: 409, title: "Coupon in order", detail: "an order with this coupon has no result yet", facts: []string{"couponId"}},
	domain.NotApplicable:     {status: 409, title: "Coupon not applicable", detail: "this coupon does not apply to this order", facts: []string{"couponId", "minAmount"}},
	domain.StockBelowIssued:  {status: 409, title: "Stock below issued", detail: "more units than that are issued or offered", facts: []string{"issued"}},

	// Seats.
	domain.ScheduleNotFound:    {status: 404, title: "Schedule not found", detail: "there is no such schedule"},
	domain.ScheduleExists:      {status: 409, title: "Schedule exists", detail: "this schedule id is taken"},
	domain.SeatNotFound:        {status: 404, title: "Seat not found", detail: "the schedule has no such seat or section", facts: []string{"scheduleSeatIds", "section"}},
	domain.SeatUnavailable:     {status: 409, title: "Seat unavailable", detail: "at least one seat is taken or not yours", facts: []string{"scheduleSeatIds"}},
	domain.SeatLimitExceeded:   {status: 409, title: "Seat limit exceeded", detail: "you have reached the limit of seats per user", facts: []string{"limit"}},
	domain.TooManySeats:        {status: 409, title: "Too many seats", detail: "one command may not name so many seats", facts: []string{"limit"}},
	domain.NoAdjacentSeats:     {status: 409, title: "No adjacent seats", detail: "there are not so many adjacent free seats", facts: []string{"available"}},
	domain.OrphanSeat:          {status: 409, title: "Orphan seat", detail: "this would leave a single free seat between others", facts: []string{"scheduleSeatIds"}},
	domain.HoldNotFound:        {status: 404, title: "Hold not found", detail: "there is no such hold"},
	domain.HoldExpired:         {status: 409, title: "Hold expired", detail: "this hold has expired", facts: []string{"expiredAt", "scheduleCancelled"}},
	domain.ExtendLimitExceeded: {status: 409, title: "Extend limit exceeded", detail: "this hold cannot be extended again", facts: []string{"limit"}},
	domain.ReservationNotFound: {status: 404, title: "Reservation not found", detail: "there is no such reservation"},
	domain.HoldInOrder:         {status: 409, title: "Hold in order", detail: "an order on this hold has no result yet", facts: []string{"imp_uids"}},
	domain.PaymentRequired:     {status: 409, title: "Payment required", detail: "these seats are reserved by an order with a payment"},
	domain.PaidSeats:           {status: 409, title: "Paid seats", detail: "at least one seat is paid for, or its order has no result yet", facts: []string{"imp_uids"}},
	domain.CancelClosed:        {status: 409, title: "Cancel closed", detail: "it is too late to cancel this reservation"},
	domain.AlreadyCancelled:    {status: 409, title: "Already cancelled", detail: "this has already been cancelled or ended"},

	// Waiting lists.
	domain.AlreadyWaiting:  {status: 409, title: "Already waiting", detail: "you are already on this waiting list", facts: []string{"waitingId"}},
	domain.WaitingNotFound: {status: 404, title: "Waiting not found", detail: "there is no such waiting entry"},
	domain.OfferExpired:    {status: 409, title: "Offer expired", detail: "this offer has expired", facts: []string{"expiredAt"}},
	domain.NoOffer:         {status: 409, title: "No offer", detail: "there is no offer for this entry"},

	// Orders.
	domain.ProductNotFound:    {status: 404, title: "Product not found", detail: "there is no such product"},
	domain.ProductExists:      {status: 409, title: "Product exists", detail: "this salePostId is taken"},
	domain.ProductClosed:      {status: 409, title: "Product closed", detail: "this product is no longer sold"},
	domain.OrderNotFound:      {status: 404, title: "Order not found", detail: "there is no such order"},
	domain.InvalidCount:       {status: 409, title: "Invalid count", detail: "this count cannot be ordered", facts: []string{"limit"}},
	domain.AmountMismatch:     {status: 409, title: "Amount mismatch", detail: "the amount must be the price, less the discount of the coupon", facts: []string{"expected"}},
	domain.PaymentAlreadyUsed: {status: 409, title: "Payment already used", detail: "this payment belongs to another order"},
	domain.TooManyOpenOrders:  {status: 409, title: "Too many open orders", detail: "so many of your orders have no result yet", facts: []string{"limit"}},
	domain.PaymentNotRequired: {status: 409, title: "Payment not required", detail: "this costs nothing, or the seats are reserved without a payment"},
	paymentsNotConfigured:     {status: 409, title: "Payments not configured", detail: "no payment provider is configured"},

	// Alarms.
	domain.AlarmNotFound: {status: 404, title: "Alarm not found", detail: "there is no such alarm"},
}
