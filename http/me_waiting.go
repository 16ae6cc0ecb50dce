// What the user who asks waits for, and what they were told without having asked.
package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/http/stream"
	"onsale/projections"
)

type waitingView struct {
	WaitingID       string      `json:"waitingId"`
	PromotionID     string      `json:"promotionId,omitempty"`
	ScheduleID      string      `json:"scheduleId,omitempty"`
	Section         string      `json:"section,omitempty"`
	Quantity        int         `json:"quantity"`
	Status          string      `json:"status"`
	Position        int         `json:"position,omitempty"`        // of one who waits; 1 is the next
	ExpiresAt       domain.Time `json:"expiresAt,omitzero"`        // of an offer
	ScheduleSeatIDs []int       `json:"scheduleSeatIds,omitempty"` // on offer
}

func myWaiting(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Waiting(page.before, page.limit)
	return listOfUser(found, func(w projections.Waiting) waitingView {
		status := "WAITING"
		if w.ExpiresAt != 0 {
			status = "OFFERED"
		}
		return waitingView{w.WaitingID, w.PromotionID, w.ScheduleID, w.Section, w.Quantity, status, w.Position, w.ExpiresAt, w.ScheduleSeatIDs}
	}), err
}

type alarmView struct {
	AlarmID string `json:"alarmId"`
	alarms.Raised
	Message string      `json:"message"`
	Read    bool        `json:"read"`
	At      domain.Time `json:"at"`
}

type alarmList struct {
	list[alarmView]
	Unread int `json:"unread"` // of all pages
}

func myAlarms(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Alarms(page.before, page.limit)
	english := query.Get("lang") == "en"
	return alarmList{listOfUser(found, func(a projections.Alarm) alarmView {
		view := alarmView{a.AlarmID, a.Raised, stream.AlarmMessage(a.Number, a.Raised, english), a.Read, a.At}
		view.Text = "" // it is the message
		return view
	}), v.Unread()}, err
}
