// Alarms on the wire: the shop raises them, and their user says which were read. They belong to their user, who is the
// entity of all that is asked about them.

package http

import (
	"net/http"

	"onsale/domain"
	"onsale/domain/alarms"
)

// markAlarmRead reads POST /api/v1/me/alarms/:alarmId/read.
var markAlarmRead = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	id, err := generatedID(r, "alarmId")
	if err != nil {
		return "", nil, err
	}
	user, err := requireUser(r)
	return user, alarms.MarkRead{AlarmID: id}, err
})

// markAllAlarmsRead reads POST /api/v1/me/alarms-read.
var markAllAlarmsRead = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	user, err := requireUser(r)
	return user, alarms.MarkAllRead{}, err
})

// raiseAlarm reads POST /api/v1/admin/alarms.
func raiseAlarm(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	var user string
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		user = requiredID(o, "userId", maxID)
		a := alarms.Raise{Kind: o.Text("kind"), Message: o.Text("message")}
		if a.Kind == "" {
			a.Kind = alarms.KindAdmin
		}
		return a
	})
	return commandRequest{entity: user, body: body, canonical: user + " " + canonical, admin: true}, err
}
