// The language of the transcripts: alarms.

package machine_test

import (
	"fmt"
	"regexp"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
)

var alarmPatterns = []commandPattern{
	{regexp.MustCompile(`^tells (\S+) as (\S+): "(.*)"$`), func(m []string) (string, domain.Body, error) {
		text := m[3]
		if text == "very much" {
			text = strings.Repeat("x", alarms.MaxMessage+1)
		}
		return m[1], alarms.Raise{Kind: m[2], Message: text}, nil
	}},
	{regexp.MustCompile(`^reads alarm (\S+)$`), func(m []string) (string, domain.Body, error) {
		return "me", alarms.MarkRead{AlarmID: m[1]}, nil
	}},
	{regexp.MustCompile(`^reads all alarms$`), func([]string) (string, domain.Body, error) { return "me", alarms.MarkAllRead{}, nil }},
}

// formatAlarm tells what an alarm says, or what became of it; "" when it is something else.
func formatAlarm(e domain.Event) string {
	switch b := e.Body.(type) {
	case alarms.Raised:
		s := fmt.Sprintf("%s has alarm %s, %s", e.User, alarms.ID(e.Number), b.Kind)
		for _, field := range jsonFields(b)[1:] {
			s += fmt.Sprintf(", %s %s", field[0], field[1])
		}
		return s
	case alarms.RaiseDone:
		return fmt.Sprintf("%s has told %s in %s", e.User, b.UserID, b.AlarmID)
	case alarms.MarkedRead:
		return fmt.Sprintf("%s has read %s", e.User, b.AlarmID)
	case alarms.AllMarkedRead:
		return fmt.Sprintf("%s has read all alarms, %d of them just now", e.User, b.Count)
	}
	return ""
}

func (d *transcript) showAlarms(user string) {
	unread := []string{}
	for _, number := range d.Alarms.UnreadNumbers(user) {
		unread = append(unread, alarms.ID(number))
	}
	d.printf("    · %s has %d unread: %s", user, d.Alarms.UnreadCount(user), strings.Join(unread, " "))
}
