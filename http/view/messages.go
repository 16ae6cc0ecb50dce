// The messages that people read, in Korean and in English, in one table: by the name of the frame, or by the code of a
// rejection. The reason for what happened to an order is a sentence of its own, for {reason}.

package view

import (
	"strconv"
	"strings"
)

// translation is one message in each language, with {placeholders}.
type translation struct{ ko, en string }

var messages = map[string]translation{
	"issue-complete":                 {"쿠폰 발급이 완료되었습니다. (프로모션 ID: {promotionId})", "Your coupon has been issued. (Promotion ID: {promotionId})"},
	"hold-complete":                  {"좌석 {count}석이 선점되었습니다. 제한 시간 안에 예매를 완료해 주세요.", "Seats held: {count}. Please complete your booking in time."},
	"hold-released":                  {"좌석 {count}석의 선점이 해제되었습니다.", "Seats released: {count}."},
	"hold-released/none":             {"해제할 좌석이 없습니다.", "There were no seats to release."},
	"hold-expired":                   {"선점 시간이 만료되어 좌석 {count}석의 선점이 해제되었습니다.", "Your hold has expired. Seats released: {count}."},
	"hold-expired/schedule":          {"공연이 취소되어 좌석 {count}석의 선점이 해제되었습니다.", "The performance has been called off. Seats released: {count}."},
	"hold-expired/none":              {"좌석 선점 시간이 만료되었습니다.", "Your hold has expired."},
	"reserve-complete":               {"좌석 {count}석의 예매가 완료되었습니다. (예매 번호: {reservationId})", "Your booking is complete. Seats: {count}. (Reservation: {reservationId})"},
	"coupon-used":                    {"쿠폰이 사용되었습니다. (쿠폰 ID: {couponId})", "Your coupon has been redeemed. (Coupon ID: {couponId})"},
	"coupon-revoked":                 {"쿠폰이 회수되었습니다. (쿠폰 ID: {couponId})", "Your coupon has been revoked. (Coupon ID: {couponId})"},
	"hold-extended":                  {"좌석 선점 시간이 연장되었습니다.", "Your hold has been extended."},
	"reservation-cancelled":          {"좌석 {count}석의 예매가 취소되었습니다. (예매 번호: {reservationId})", "Seats of your booking cancelled: {count}. (Reservation: {reservationId})"},
	"reservation-cancelled/refund":   {"좌석 {count}석의 예매가 취소되었으며, 환불이 진행됩니다. (예매 번호: {reservationId})", "Seats of your booking cancelled: {count}. Your refund is on its way. (Reservation: {reservationId})"},
	"reservation-cancelled/schedule": {"공연이 취소되어 좌석 {count}석의 예매가 취소되었습니다. (예매 번호: {reservationId})", "The performance has been called off. Seats of your booking cancelled: {count}. (Reservation: {reservationId})"},
	"waiting":                        {"대기 명단에 등록되었습니다. (대기 순번: {position})", "You are on the waiting list. (Position: {position})"},
	"waiting/left":                   {"대기 명단에서 나왔습니다.", "You have left the waiting list."},
	"waiting/declined":               {"제안을 거절하여 대기가 종료되었습니다.", "You have declined the offer; you are no longer waiting."},
	"offer":                          {"기다리시던 좌석 {count}석을 받으실 수 있습니다. 제한 시간 안에 수락해 주세요.", "Seats you have been waiting for are yours to take: {count}. Please accept in time."},
	"offer/coupons":                  {"기다리시던 쿠폰 {count}장을 받으실 수 있습니다. 제한 시간 안에 수락해 주세요. (프로모션 ID: {promotionId})", "Coupons you have been waiting for are yours to take: {count}. Please accept in time. (Promotion ID: {promotionId})"},
	"offer-expired":                  {"수락 시간이 지나 제안이 취소되었습니다.", "The offer has expired."},
	"offer-expired/schedule":         {"공연이 취소되어 제안이 취소되었습니다.", "The performance has been called off, and with it the offer."},
	"alarm-read":                     {"알림을 읽음으로 표시했습니다.", "Marked as read."},

	"order-accepted":           {"주문이 접수되었습니다. 결제를 확인하고 있습니다.", "Your order has been received. We are checking the payment."},
	"order-accepted/confirmed": {"주문이 접수되었습니다.", "Your order has been received."},
	"order-pending":            {"아직 결제가 완료되지 않았습니다. 제한 시간 안에 결제를 완료해 주세요.", "Nothing has been paid yet. Please complete the payment in time."},
	"order-success":            {"주문이 완료되었습니다. (결제 번호: {impUid})", "Your order is complete. (Payment: {impUid})"},
	"order-failure":            {"주문이 완료되지 않았습니다. {reason}", "Your order has failed. {reason}"},
	"order-failure/refunded":   {"주문이 완료되지 않아 결제하신 금액이 환불되었습니다. {reason}", "Your order has failed, and your money has been refunded. {reason}"},
	"order-refunding":          {"결제가 취소될 예정이며, 결제하신 금액은 환불됩니다. {reason}", "Your payment is being cancelled; whatever was paid will be refunded. {reason}"},
	"order-refunded":           {"결제하신 금액이 환불되었습니다. {reason}", "Your money has been refunded. {reason}"},

	"order-refunding/part": {"결제하신 금액의 일부가 환불될 예정입니다. {reason}", "A part of your money will be refunded. {reason}"},
	"order-refunded/part":  {"결제하신 금액의 일부가 환불되었습니다. {reason}", "A part of your money has been refunded. {reason}"},
	"order-refunded/none":  {"주문이 취소되었습니다. 환불되는 금액은 없습니다. {reason}", "Your order has been cancelled; there is nothing to refund. {reason}"},

	"reason/other":                 {"자세한 내용은 고객센터로 문의해 주세요.", "Please contact us for the details."},
	"reason/sold_out":              {"준비된 수량이 모두 소진되었습니다.", "It is sold out."},
	"reason/product_closed":        {"판매가 종료된 상품입니다.", "The sale has ended."},
	"reason/user_limit_exceeded":   {"1인당 구매 가능한 수량을 초과하였습니다.", "It was more than a person may buy."},
	"reason/amount_mismatch":       {"결제 금액이 주문 금액과 다릅니다.", "The amount is not what the order costs."},
	"reason/currency_mismatch":     {"결제 통화가 주문과 다릅니다.", "The payment is in another currency."},
	"reason/test_payment":          {"테스트 결제는 사용할 수 없습니다.", "It was a test payment."},
	"reason/payment_cancelled":     {"취소된 결제입니다.", "The payment was cancelled."},
	"reason/payment_failed":        {"결제가 승인되지 않았습니다.", "The payment did not go through."},
	"reason/payment_timeout":       {"제한 시간 안에 결제가 완료되지 않았습니다.", "It was not paid in time."},
	"reason/payment_not_found":     {"결제 내역을 찾을 수 없습니다.", "There is no such payment."},
	"reason/payment_of_another":    {"다른 사용자의 결제입니다.", "The payment belongs to somebody else."},
	"reason/payment_not_prepared":  {"정상적인 주문 절차로 진행되지 않은 결제입니다.", "The payment was not begun here."},
	"reason/order_cancelled":       {"판매자가 주문을 취소하였습니다.", "The shop has cancelled the order."},
	"reason/late_payment":          {"주문이 실패한 뒤에 결제되었습니다.", "It was paid after the order had failed."},
	"reason/cancelled_at_provider": {"결제 대행사에서 결제가 취소되었습니다.", "The payment was cancelled at the payment provider."},

	"reason/reservation_cancelled": {"예매를 취소하셨습니다.", "You have cancelled your booking."},
	"reason/seats_reclaimed":       {"판매자가 좌석을 회수하였습니다.", "The organizer has taken the seats back."},
	"reason/schedule_cancelled":    {"공연이 취소되었습니다.", "The performance has been called off."},
	"reason/hold_not_found":        {"좌석 선점 내역을 찾을 수 없습니다.", "There is no such hold."},
	"reason/hold_expired":          {"좌석 선점 시간이 만료되었습니다.", "Your hold had expired."},
	"reason/hold_in_order":         {"이미 다른 주문으로 결제 중인 좌석입니다.", "The seats are in another order already."},
	"reason/not_owner":             {"본인의 좌석이나 쿠폰이 아닙니다.", "The seats or the coupon are not yours."},
	"reason/payment_not_required":  {"결제가 필요 없는 좌석입니다.", "These seats need no payment."},
	"reason/coupon_not_found":      {"존재하지 않는 쿠폰입니다.", "There is no such coupon."},
	"reason/coupon_not_applicable": {"이 주문에 사용할 수 없는 쿠폰입니다.", "The coupon does not apply to this order."},
	"reason/coupon_in_order":       {"다른 주문에 사용 중인 쿠폰입니다.", "The coupon is in another order."},
	"reason/already_used":          {"이미 사용된 쿠폰입니다.", "The coupon has already been used."},
	"reason/revoked":               {"회수된 쿠폰입니다.", "The coupon has been revoked."},

	"alarm/shop":                           {"새로운 알림이 있습니다.", "You have a new notification."},
	"alarm/hold-expiring":                  {"좌석 선점 시간이 곧 만료됩니다. 서둘러 예매를 완료해 주세요. (회차 ID: {scheduleId})", "Your hold is about to expire. Please complete your booking. (Schedule ID: {scheduleId})"},
	"alarm/offer":                          {"대기하시던 순서가 되었습니다. 제한 시간 안에 수락해 주세요. (수량: {count})", "It is your turn. Please accept the offer in time. (Quantity: {count})"},
	"alarm/coupon-revoked":                 {"쿠폰이 회수되었습니다. (쿠폰 ID: {couponId})", "Your coupon has been revoked. (Coupon ID: {couponId})"},
	"alarm/reservation-cancelled":          {"예매하신 좌석 {count}석이 취소되었습니다. (예매 번호: {reservationId})", "Seats of your booking cancelled by the organizer: {count}. (Reservation: {reservationId})"},
	"alarm/reservation-cancelled/schedule": {"공연이 취소되어 예매하신 좌석 {count}석이 취소되었습니다. (예매 번호: {reservationId})", "The performance has been called off. Seats of your booking cancelled: {count}. (Reservation: {reservationId})"},
	"alarm/order-refunded":                 {"결제하신 금액이 환불되었습니다. (결제 번호: {impUid})", "Your money has been refunded. (Payment: {impUid})"},
	"alarm/order-refunded/none":            {"주문이 취소되었습니다. 환불되는 금액은 없습니다. (결제 번호: {impUid})", "Your order has been cancelled; there is nothing to refund. (Payment: {impUid})"},

	"command-complete": {"요청하신 작업이 완료되었습니다.", "Your request has been completed."},

	"invalid_body":      {"요청 내용이 올바르지 않습니다. 다시 확인해 주세요.", "The request is not valid. Please check it and try again."},
	"request_id_reused": {"이미 다른 요청에 사용된 요청 키입니다. 새로운 키로 다시 요청해 주세요.", "This request key was already used for another request. Please use a new one."},
	"internal":          {"시스템 오류로 요청을 처리하지 못했습니다. 불편을 드려 죄송합니다.", "We could not process your request because of a system error. We are sorry for the inconvenience."},

	"promotion_not_found":   {"존재하지 않는 프로모션입니다. (프로모션 ID: {promotionId})", "There is no such promotion. (Promotion ID: {promotionId})"},
	"promotion_exists":      {"이미 등록된 프로모션입니다. (프로모션 ID: {promotionId})", "This promotion already exists. (Promotion ID: {promotionId})"},
	"sold_out":              {"준비된 수량이 모두 소진되었습니다. (프로모션 ID: {promotionId})", "Everything has been given out. (Promotion ID: {promotionId})"},
	"already_issued":        {"이미 쿠폰을 발급받으셨습니다. (쿠폰 ID: {couponId})", "You already have this coupon. (Coupon ID: {couponId})"},
	"user_limit_exceeded":   {"1인당 발급 가능한 수량({limit}장)을 모두 받으셨습니다.", "You have reached the limit per person ({limit})."},
	"not_open":              {"아직 시작되지 않았습니다. 시작 시간을 확인해 주세요.", "This has not opened yet. Please check the opening time."},
	"paused":                {"현재 일시 중지되었습니다. 잠시 후 다시 시도해 주세요.", "This is paused at the moment. Please try again later."},
	"stock_below_issued":    {"이미 발급되었거나 제안 중인 수량보다 적게 줄일 수 없습니다.", "The stock cannot be less than what has been given out or is on offer."},
	"coupon_not_found":      {"존재하지 않는 쿠폰입니다.", "There is no such coupon."},
	"already_used":          {"이미 사용된 쿠폰입니다.", "This coupon has already been used."},
	"revoked":               {"회수된 쿠폰입니다.", "This coupon has been revoked."},
	"coupon_in_order":       {"다른 주문에 사용 중인 쿠폰입니다. 그 주문의 결과가 나온 뒤에 다시 시도해 주세요.", "This coupon is in an order that has no result yet. Please try again once it has."},
	"coupon_not_applicable": {"이 주문에 사용할 수 없는 쿠폰입니다.", "This coupon does not apply to this order."},
	"closed/schedule":       {"공연이 취소되었습니다.", "The performance has been called off."},
	"closed":                {"이미 종료되었습니다.", "This is already closed."},

	"schedule_not_found":    {"존재하지 않는 회차입니다. (회차 ID: {scheduleId})", "There is no such schedule. (Schedule ID: {scheduleId})"},
	"schedule_exists":       {"이미 등록된 회차입니다. (회차 ID: {scheduleId})", "This schedule already exists. (Schedule ID: {scheduleId})"},
	"seat_not_found":        {"존재하지 않는 좌석 또는 구역이 포함되어 있습니다.", "One or more of the seats, or the section, do not exist."},
	"seat_unavailable":      {"선택하신 좌석 중 이용할 수 없는 좌석이 있습니다. 다른 좌석을 선택해 주세요.", "One or more of the seats are not available. Please choose others."},
	"seat_limit_exceeded":   {"1인당 예매 가능한 좌석 수({limit}석)를 초과하였습니다.", "You have reached the limit of seats per person ({limit})."},
	"too_many_seats":        {"한 번에 요청할 수 있는 좌석 수({limit}석)를 초과하였습니다.", "Too many seats in one request (at most {limit})."},
	"no_adjacent_seats":     {"나란히 앉을 수 있는 좌석이 없습니다. 좌석 수를 줄이거나 다른 구역을 선택해 주세요.", "There are not enough seats side by side. Please ask for fewer, or for another section."},
	"orphan_seat":           {"한 좌석만 남게 되는 선택입니다. 다른 좌석을 선택해 주세요.", "This choice would leave a single seat. Please choose others."},
	"extend_limit_exceeded": {"선점 시간을 더 이상 연장할 수 없습니다.", "This hold cannot be extended any further."},
	"reservation_not_found": {"예매 내역을 찾을 수 없습니다.", "There is no such booking."},
	"already_cancelled":     {"이미 취소된 예매입니다.", "This booking has already been cancelled."},
	"already_waiting":       {"이미 대기 명단에 등록되어 있습니다.", "You are already on the waiting list."},
	"waiting_not_found":     {"대기 내역을 찾을 수 없습니다.", "You are not on this waiting list."},
	"no_offer":              {"아직 받으실 수 있는 제안이 없습니다.", "There is no offer for you yet."},
	"offer_expired":         {"수락 시간이 지났습니다.", "The offer has expired."},
	"alarm_not_found":       {"존재하지 않는 알림입니다.", "There is no such notification."},
	"hold_not_found":        {"좌석 선점 내역을 찾을 수 없습니다.", "There is no such hold."},
	"hold_expired/schedule": {"공연이 취소되어 좌석 선점이 해제되었습니다.", "The performance has been called off, and your hold has ended."},
	"hold_expired":          {"좌석 선점 시간이 만료되었습니다. 좌석을 다시 선택해 주세요.", "Your hold has expired. Please choose your seats again."},
	"not_owner":             {"본인의 내역에 대해서만 요청하실 수 있습니다.", "This belongs to somebody else."},

	"hold_in_order":        {"결제를 확인하고 있는 좌석입니다. 결과가 나온 뒤에 다시 시도해 주세요.", "These seats are in an order whose payment is being checked. Please try again once it has a result."},
	"payment_required":     {"결제가 필요한 좌석입니다. 결제를 진행해 주세요.", "These seats have to be paid for. Please order them."},
	"payment_not_required": {"결제가 필요 없는 좌석입니다. 바로 예매해 주세요.", "These seats need no payment. Please reserve them."},
	"paid_seats":           {"결제가 완료된 좌석이 포함되어 있습니다. 환불 여부를 선택해 주세요.", "Some of these seats are paid for. Please say whether they are to be refunded."},
	"cancel_closed":        {"취소할 수 있는 기간이 지났습니다.", "It is too late to cancel this booking."},

	"user_limit_exceeded/products": {"1인당 구매 가능한 수량({limit}개)을 초과합니다.", "This is more than a person may buy ({limit})."},
	"user_limit_exceeded/orders":   {"1인당 구매 가능한 수량({limit}개)을 초과합니다. 결제하신 금액은 환불됩니다.", "This is more than a person may buy ({limit}). Whatever was paid will be refunded."},

	"product_not_found":            {"존재하지 않는 상품입니다.", "There is no such product."},
	"product_exists":               {"이미 등록된 상품입니다. (상품 ID: {salePostId})", "This product already exists. (Product ID: {salePostId})"},
	"product_closed":               {"판매가 종료된 상품입니다.", "This product is no longer on sale."},
	"sold_out/products":            {"준비된 수량이 모두 소진되었습니다.", "There are not enough units left."},
	"sold_out/orders":              {"준비된 수량이 모두 소진되었습니다. 결제하신 금액은 환불됩니다.", "There are not enough units left. Whatever was paid will be refunded."},
	"hold_not_found/orders":        {"좌석 선점 내역을 찾을 수 없습니다. 결제하신 금액은 환불됩니다.", "There is no such hold. Whatever was paid will be refunded."},
	"hold_expired/orders":          {"좌석 선점 시간이 만료되었습니다. 결제하신 금액은 환불됩니다.", "Your hold has expired. Whatever was paid will be refunded."},
	"hold_expired/schedule/orders": {"공연이 취소되었습니다. 결제하신 금액은 환불됩니다.", "The performance has been called off. Whatever was paid will be refunded."},
	"hold_in_order/orders":         {"이미 다른 주문으로 결제 중인 좌석입니다. 결제하신 금액은 환불됩니다.", "These seats are in another order already. Whatever was paid will be refunded."},
	"payment_not_required/orders":  {"결제가 필요 없는 좌석입니다. 결제하신 금액은 환불됩니다.", "These seats need no payment. Whatever was paid will be refunded."},
	"coupon_not_found/orders":      {"존재하지 않는 쿠폰입니다. 결제하신 금액은 환불됩니다.", "There is no such coupon. Whatever was paid will be refunded."},
	"coupon_not_applicable/orders": {"이 주문에 사용할 수 없는 쿠폰입니다. 결제하신 금액은 환불됩니다.", "This coupon does not apply to this order. Whatever was paid will be refunded."},
	"coupon_in_order/orders":       {"다른 주문에 사용 중인 쿠폰입니다. 결제하신 금액은 환불됩니다.", "This coupon is in another order. Whatever was paid will be refunded."},
	"already_used/orders":          {"이미 사용된 쿠폰입니다. 결제하신 금액은 환불됩니다.", "This coupon has already been used. Whatever was paid will be refunded."},
	"revoked/orders":               {"회수된 쿠폰입니다. 결제하신 금액은 환불됩니다.", "This coupon has been revoked. Whatever was paid will be refunded."},
	"not_owner/orders":             {"본인의 좌석이나 쿠폰이 아닙니다. 결제하신 금액은 환불됩니다.", "The seats or the coupon are not yours. Whatever was paid will be refunded."},
	"invalid_count":                {"주문 수량은 1개 이상 {limit}개 이하여야 합니다.", "The quantity must be 1 to {limit}."},
	"amount_mismatch":              {"주문 금액이 상품 가격과 다릅니다. 금액을 확인해 주세요.", "The amount is not what this costs. Please check it."},
	"payment_already_used":         {"이미 다른 주문에 사용된 결제입니다.", "This payment has already been used for an order."},
	"too_many_open_orders":         {"결과를 기다리는 주문이 {limit}건 있습니다. 결과가 나온 뒤에 다시 주문해 주세요.", "Orders of yours that have no result yet: {limit}. Please order again once one has."},
	"order_not_found":              {"주문 내역을 찾을 수 없습니다.", "There is no such order."},
	"already_cancelled/orders":     {"이미 취소되었거나 완료되지 않은 주문입니다.", "This order has already been cancelled, or has failed."},
}

// messageParams fill the placeholders.
type messageParams struct {
	promotionID, scheduleID, couponID, reservationID, salePostID, impUID string
	count, limit, position                                               int
	reason                                                               string // code, of an order
}

func (p messageParams) append(b []byte, placeholder string) []byte {
	switch placeholder {
	case "promotionId":
		return appendSafe(b, p.promotionID)
	case "scheduleId":
		return appendSafe(b, p.scheduleID)
	case "couponId":
		return appendSafe(b, p.couponID)
	case "reservationId":
		return appendSafe(b, p.reservationID)
	case "salePostId":
		return appendSafe(b, p.salePostID)
	case "impUid":
		return appendSafe(b, p.impUID)
	case "count":
		return strconv.AppendInt(b, int64(p.count), 10)
	case "position":
		return strconv.AppendInt(b, int64(p.position), 10)
	case "limit":
		return strconv.AppendInt(b, int64(p.limit), 10)
	}
	panic("view: unknown placeholder {" + placeholder + "}") // a test fills them all
}

// appendMessage writes the message of n. A code without a message is written as it is; a test keeps that from happening.
// Nothing in a message needs escaping in JSON.
func appendMessage(b []byte, n notification, english bool) []byte {
	if n.verbatim != "" {
		quoted := marshal(n.verbatim)
		return append(b, quoted[1:len(quoted)-1]...)
	}
	t, known := messages[n.text]
	if !known {
		return appendSafe(b, n.text)
	}
	rest := t.ko
	if english {
		rest = t.en
	}
	for {
		before, after, more := strings.Cut(rest, "{")
		b = append(b, before...)
		if !more {
			return b
		}
		placeholder, after, _ := strings.Cut(after, "}")
		if placeholder == "reason" {
			b = appendMessage(b, notification{text: reasonKey(n.params.reason)}, english)
		} else {
			b = n.params.append(b, placeholder)
		}
		rest = after
	}
}

// reasonKey is the key of the message for an order's reason.
func reasonKey(code string) string {
	if _, known := messages["reason/"+code]; known {
		return "reason/" + code
	}
	return "reason/other"
}

// appendSafe writes an id without what JSON would escape. Valid ids have nothing of that.
func appendSafe(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return b
}
