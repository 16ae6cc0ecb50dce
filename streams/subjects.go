// Subjects: where a command and an event stand, and what a reader filters by. Every token is a checked id, so no id is
// ever a separator or a wildcard.
package streams

import "onsale/domain"

const (
	commandsStream = "COMMANDS" // cmd.<node>
	eventsStream   = "EVENTS"   // evt.<kind>.<entity>.<user>
)

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
