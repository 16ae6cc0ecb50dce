// The dumb twin's alarms: a list of what everybody was told.
package shop_test

import (
	"fmt"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
)

type twinAlarm struct {
	number int // of the event
	user   string
	read   bool
}

// hear notes a line that was told.
func (w *twin) hear(line string) {
	w.events++
	if text, ok := strings.CutPrefix(line, "alarm "); ok {
		_, user, _ := strings.Cut(text, " for ")
		w.alarms = append(w.alarms, twinAlarm{w.events, user, false})
	}
}

func (w *twin) ofAlarms(c domain.Command) string {
	switch b := c.Body.(type) {
	case alarms.Raise:
		if badID(b.Kind) || len(b.Kind) > 40 || b.Message == "" || len(b.Message) > 1000 {
			return "invalid_body"
		}
		return fmt.Sprintf("alarm %s for %s\nsent a%d", b.Kind, c.Entity, w.events+1)
	case alarms.Mark:
		for i, a := range w.alarms {
			if a.user == c.User && fmt.Sprint("a", a.number) == b.AlarmID {
				w.alarms[i].read = true
				return "read " + b.AlarmID
			}
		}
		return "alarm_not_found"
	case alarms.MarkAll:
		unread := 0
		for i, a := range w.alarms {
			if a.user == c.User && !a.read {
				w.alarms[i].read = true
				unread++
			}
		}
		return fmt.Sprint("read all ", unread)
	}
	return "what is this?"
}

// alarmSaid is what an event says, in the twin's words; "" when it is about something else.
func alarmSaid(e domain.Event) string {
	switch b := e.Body.(type) {
	case alarms.Raised:
		return fmt.Sprintf("alarm %s for %s", b.Kind, e.User)
	case alarms.Sent:
		return "sent " + b.AlarmID
	case alarms.Marked:
		return "read " + b.AlarmID
	case alarms.AllMarked:
		return fmt.Sprint("read all ", b.Count)
	}
	return ""
}
