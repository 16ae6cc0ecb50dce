// Alarms: admins and the rules raise them, users mark them as read. The entity of their commands is the user, whom the
// decoders of the user's own leave out.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/http/view"
	"onsale/projections/store"
)

// markAlarmRead reads POST /api/v1/me/alarms/:alarmId/read.
var markAlarmRead = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	id, err := generatedID(r, "alarmId")
	return "", alarms.MarkRead{AlarmID: id}, err
})

// markAllAlarmsRead reads POST /api/v1/me/alarms-read.
var markAllAlarmsRead = pathCommand(func(*http.Request) (string, domain.Body, error) {
	return "", alarms.MarkAllRead{}, nil
})

// raiseAlarm reads POST /api/v1/admin/alarms.
func raiseAlarm(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var user string
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		user = requiredID(o, "userId", maxID)
		a := alarms.Raise{Kind: o.Text("kind"), Message: textField(o, "message")}
		if a.Kind == "" {
			a.Kind = alarms.KindAdmin
		}
		return a
	})
	return commandRequest{entity: user, body: body, canonical: user + " " + canonical, admin: true}, err
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

func myAlarms(_ *http.Request, query url.Values, v *store.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Alarms(page.before, page.limit)
	english := query.Get("lang") == "en"
	return alarmList{listOfUser(found, func(a store.Alarm) alarmView {
		message := view.AlarmMessage(a.EventNumber, a.Raised, english)
		a.Raised.Text = "" // it is the message
		return alarmView{a.AlarmID, a.Raised, message, a.Read, a.At}
	}), v.UnreadAlarms()}, err
}
