// What is said to people, in Korean and in English, all in one table: by the name of the frame, or by the code where
// something was refused.
package stream

import (
	"strconv"
	"strings"
)

// text is one message in each language. {placeholders} are filled by render.go.
type text struct{ ko, en string }

var messages = map[string]text{
	"issue-complete":     {"쿠폰 발급이 완료되었습니다. (프로모션 ID: {promotionId})", "Your coupon has been issued. (Promotion ID: {promotionId})"},
	"hold-complete":      {"좌석 {count}석이 선점되었습니다. 제한 시간 안에 예매를 완료해 주세요.", "Seats held: {count}. Please complete your booking in time."},
	"hold-released":      {"좌석 {count}석의 선점이 해제되었습니다.", "Seats released: {count}."},
	"hold-released/none": {"해제할 좌석이 없습니다.", "There were no seats to release."},
	"hold-expired":       {"선점 시간이 만료되어 좌석 {count}석의 선점이 해제되었습니다.", "Your hold has expired. Seats released: {count}."},
	"hold-expired/none":  {"좌석 선점 시간이 만료되었습니다.", "Your hold has expired."},
	"reserve-complete":   {"좌석 {count}석의 예매가 완료되었습니다. (예매 번호: {reservationId})", "Your booking is complete. Seats: {count}. (Reservation: {reservationId})"},
	"command-complete":   {"요청하신 작업이 완료되었습니다.", "Your request has been completed."},

	"invalid_body":      {"요청 내용이 올바르지 않습니다. 다시 확인해 주세요.", "The request is not valid. Please check it and try again."},
	"request_id_reused": {"이미 다른 요청에 사용된 요청 키입니다. 새로운 키로 다시 요청해 주세요.", "This request key was already used for another request. Please use a new one."},
	"internal":          {"시스템 오류로 요청을 처리하지 못했습니다. 불편을 드려 죄송합니다.", "We could not process your request because of a system error. We are sorry for the inconvenience."},

	"promotion_not_found": {"존재하지 않는 프로모션입니다. (프로모션 ID: {promotionId})", "There is no such promotion. (Promotion ID: {promotionId})"},
	"promotion_exists":    {"이미 등록된 프로모션입니다. (프로모션 ID: {promotionId})", "This promotion already exists. (Promotion ID: {promotionId})"},
	"sold_out":            {"준비된 수량이 모두 소진되었습니다. (프로모션 ID: {promotionId})", "Everything has been given out. (Promotion ID: {promotionId})"},
	"already_issued":      {"이미 쿠폰을 발급받으셨습니다. (쿠폰 ID: {couponId})", "You already have this coupon. (Coupon ID: {couponId})"},
	"user_limit_exceeded": {"1인당 발급 가능한 수량({limit}장)을 모두 받으셨습니다.", "You have reached the limit per person ({limit})."},
	"not_open":            {"아직 시작되지 않았습니다. 시작 시간을 확인해 주세요.", "This has not opened yet. Please check the opening time."},
	"closed":              {"이미 종료되었습니다.", "This is already closed."},

	"schedule_not_found":  {"존재하지 않는 회차입니다. (회차 ID: {scheduleId})", "There is no such schedule. (Schedule ID: {scheduleId})"},
	"schedule_exists":     {"이미 등록된 회차입니다. (회차 ID: {scheduleId})", "This schedule already exists. (Schedule ID: {scheduleId})"},
	"seat_not_found":      {"존재하지 않는 좌석이 포함되어 있습니다.", "One or more of the seats do not exist."},
	"seat_unavailable":    {"선택하신 좌석 중 이용할 수 없는 좌석이 있습니다. 다른 좌석을 선택해 주세요.", "One or more of the seats are not available. Please choose others."},
	"seat_limit_exceeded": {"1인당 예매 가능한 좌석 수({limit}석)를 초과하였습니다.", "You have reached the limit of seats per person ({limit})."},
	"too_many_seats":      {"한 번에 요청할 수 있는 좌석 수({limit}석)를 초과하였습니다.", "Too many seats in one request (at most {limit})."},
	"hold_not_found":      {"좌석 선점 내역을 찾을 수 없습니다.", "There is no such hold."},
	"hold_expired":        {"좌석 선점 시간이 만료되었습니다. 좌석을 다시 선택해 주세요.", "Your hold has expired. Please choose your seats again."},
	"not_owner":           {"본인의 내역에 대해서만 요청하실 수 있습니다.", "This belongs to somebody else."},
}

// words are what may stand in a message.
type words struct {
	promotionID, scheduleID, couponID, reservationID string
	count, limit                                     int
}

func (w words) append(b []byte, placeholder string) []byte {
	switch placeholder {
	case "promotionId":
		return appendPlain(b, w.promotionID)
	case "scheduleId":
		return appendPlain(b, w.scheduleID)
	case "couponId":
		return appendPlain(b, w.couponID)
	case "reservationId":
		return appendPlain(b, w.reservationID)
	case "count":
		return strconv.AppendInt(b, int64(w.count), 10)
	case "limit":
		return strconv.AppendInt(b, int64(w.limit), 10)
	}
	panic("stream: no word for {" + placeholder + "}") // a test fills them all
}

// appendMessage writes what n says to its audience. A code without words is said as it is: better than nothing, and a
// test keeps it from happening. Nothing in it needs escaping in JSON.
func appendMessage(b []byte, n notice, to audience) []byte {
	t, known := messages[n.text]
	if !known {
		return appendPlain(b, n.text)
	}
	rest := t.ko
	if to == ownerEnglish {
		rest = t.en
	}
	for {
		before, after, more := strings.Cut(rest, "{")
		b = append(b, before...)
		if !more {
			return b
		}
		placeholder, after, _ := strings.Cut(after, "}")
		b = n.words.append(b, placeholder)
		rest = after
	}
}

// appendPlain writes an id. Valid ones have nothing that it leaves out.
func appendPlain(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return b
}
