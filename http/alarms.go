// Alarms on the wire: the shop raises them, and their user says which were read. They belong to their user, who is the
// entity of all that is asked about them.
package http

import (
	"net/http"

	"onsale/domain"
	"onsale/domain/alarms"
)

// readAlarm reads POST /api/v1/me/alarms/:alarmId/read.
var readAlarm = bare(func(r *http.Request) (string, domain.Body, error) {
	id, err := madeID(r, "alarmId")
	if err != nil {
		return "", nil, err
	}
	user, err := someone(r)
	return user, alarms.Mark{AlarmID: id}, err
})

// readAlarms reads POST /api/v1/me/alarms-read.
var readAlarms = bare(func(r *http.Request) (string, domain.Body, error) {
	user, err := someone(r)
	return user, alarms.MarkAll{}, err
})

// raiseAlarm reads POST /api/v1/admin/alarms.
func raiseAlarm(w http.ResponseWriter, r *http.Request) (wish, error) {
	var user string
	body, decoded, err := readWish(w, r, func(o *object) checked {
		user = o.someID("userId", maxID)
		a := alarms.Raise{Kind: o.text("kind"), Message: o.text("message")}
		if a.Kind == "" {
			a.Kind = alarms.KindShop
		}
		return a
	})
	return wish{entity: user, body: body, decoded: user + " " + decoded, admin: true}, err
}
