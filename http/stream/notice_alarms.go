// What a user is told by an alarm: in their language, or in the shop's own words.
package stream

import "onsale/domain/alarms"

// alarmView is an alarm as its user sees it.
type alarmView struct {
	AlarmID string `json:"alarmId"`
	Read    bool   `json:"read"`
	alarms.Raised
}

func alarmNotice(number uint64, a alarms.Raised) notice {
	text := "alarm/" + a.Kind
	if _, known := messages[text]; !known {
		text = "alarm/" + alarms.KindShop
	}
	said := a.Text
	a.Text = "" // it is the message
	return notice{name: "alarm", text: text, said: said, fields: alarmView{alarms.ID(number), false, a}, words: words{
		promotionID: a.PromotionID, scheduleID: a.ScheduleID, couponID: a.CouponID, reservationID: a.ReservationID,
		impUID: a.ImpUID, count: a.Count,
	}}
}

// AlarmMessage is what the alarm that event number raised says to its user.
func AlarmMessage(number uint64, a alarms.Raised, english bool) string {
	n, to := alarmNotice(number, a), ownerKorean
	if english {
		to = ownerEnglish
	}
	if n.said != "" {
		return n.said
	}
	return string(appendMessage(nil, n, to))
}
