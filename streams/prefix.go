// The prefix of the streams' names and subjects, which lets several logs share one NATS account. It exists on the wire only: an event's
// hash is over its subject without it, so that a log can move to another prefix.

package streams

import "strings"

// prefix of a log; "": the streams are COMMANDS and EVENTS, and the subjects begin with cmd and evt.
type prefix string

// stream is the name of a stream on the server: shop_EVENTS.
func (p prefix) stream(name string) string {
	if p == "" {
		return name
	}
	return string(p) + "_" + name
}

// subject is a subject, or a filter, on the wire: shop.evt.coupons.demo.kim.
func (p prefix) subject(s string) string {
	if p == "" {
		return s
	}
	return string(p) + "." + s
}

// trim is the opposite of subject. A subject of another prefix stays as it is, and is no event's.
func (p prefix) trim(subject string) string {
	if p == "" {
		return subject
	}
	if rest, ok := strings.CutPrefix(subject, string(p)); ok && strings.HasPrefix(rest, ".") {
		return rest[1:]
	}
	return subject
}
