// The language of the transcripts: alarms.
package shop_test

import (
	"fmt"
	"regexp"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
)

var alarmWishes = []wishForm{
	{regexp.MustCompile(`^tells (\S+) as (\S+): "(.*)"$`), func(m []string) (string, domain.Body, error) {
		text := m[3]
		if text == "very much" {
			text = strings.Repeat("x", alarms.MaxMessage+1)
		}
		return m[1], alarms.Raise{Kind: m[2], Message: text}, nil
	}},
	{regexp.MustCompile(`^reads alarm (\S+)$`), func(m []string) (string, domain.Body, error) {
		return "me", alarms.Mark{AlarmID: m[1]}, nil
	}},
	{regexp.MustCompile(`^reads all alarms$`), func([]string) (string, domain.Body, error) { return "me", alarms.MarkAll{}, nil }},
}

// alarmSentence tells what an alarm says, or what became of it; "" when it is something else.
func alarmSentence(e domain.Event) string {
	switch b := e.Body.(type) {
	case alarms.Raised:
		s := fmt.Sprintf("%s has alarm %s, %s", e.User, alarms.ID(e.Number), b.Kind)
		for _, fact := range facts(b)[1:] {
			s += fmt.Sprintf(", %s %s", fact[0], fact[1])
		}
		return s
	case alarms.Sent:
		return fmt.Sprintf("%s has told %s in %s", e.User, b.UserID, b.AlarmID)
	case alarms.Marked:
		return fmt.Sprintf("%s has read %s", e.User, b.AlarmID)
	case alarms.AllMarked:
		return fmt.Sprintf("%s has read all alarms, %d of them just now", e.User, b.Count)
	}
	return ""
}

func (d *diary) showAlarms(user string) {
	unread := []string{}
	for _, number := range d.Alarms.UnreadNumbers(user) {
		unread = append(unread, alarms.ID(number))
	}
	d.say("    · %s has %d unread: %s", user, d.Alarms.Unread(user), strings.Join(unread, " "))
}
