// Subjects: where a command and an event stand, and what a reader filters by. Every token is a checked id, so no id is
// ever a separator or a wildcard.
package streams

import "onsale/domain"

const (
	commandsStream = "COMMANDS" // cmd.<node>
	eventsStream   = "EVENTS"   // evt.<kind>.<entity>.<user>
)

// UserFilter takes what concerns one user, everywhere. The id must have passed domain.CheckID.
func UserFilter(user string) string { return "evt.*.*." + checked(user) }

// ScheduleFilter takes what happens to the seats of one schedule.
func ScheduleFilter(schedule string) string { return EntityFilter("seats", schedule) }

// EntityFilter takes what happens to one entity of one kind.
func EntityFilter(kind, entity string) string {
	return "evt." + checked(kind) + "." + checked(entity) + ".>"
}

// checked panics rather than build a filter from something that is no id: "*" in the place of a user would show one
// user the events of all.
func checked(id string) string {
	if err := domain.CheckID(id); err != nil {
		panic("streams: a filter from an unchecked id: " + err.Error())
	}
	return id
}

// commandSubject is the subject of a node's lane.
func commandSubject(node string) string { return "cmd." + node }

// appendEventSubject builds the subject of an event; nobody stands where there is no user.
func appendEventSubject(b []byte, kind, entity, user string) []byte {
	if user == "" {
		user = domain.Nobody
	}
	b = append(b, "evt."...)
	b = append(b, kind...)
	b = append(b, '.')
	b = append(b, entity...)
	b = append(b, '.')
	return append(b, user...)
}
