// Backpressure: when commands come faster than they are decided, new ones are refused with 429, so that those that were accepted have
// their outcome soon. A crowd that comes at once is let in, up to the full limit. A queue that does not go away only makes everybody wait,
// so then it is kept short, as in the CoDel algorithm for the queues of routers (RFC 8289).

package http

import "time"

// backpressure decides by the age of the oldest command without a confirmed outcome.
type backpressure struct {
	limit time.Duration // 0: none

	shortAt   time.Time // when the queue was short last
	strict    bool      // it is kept short
	refusedAt time.Time // the last command, while strict
}

// refuses says whether a command that comes now is refused.
func (b *backpressure) refuses(oldest time.Duration, now time.Time) bool {
	if b.limit == 0 {
		return false
	}
	if oldest <= b.limit/5 {
		if now.Sub(b.refusedAt) > b.limit {
			b.strict = false
		}
		b.shortAt = now
		return false
	}
	if oldest > b.limit || now.Sub(b.shortAt) > b.limit {
		b.strict = true
	}
	if b.strict {
		b.refusedAt = now
	}
	return b.strict
}
