// How long a client wants to wait for the outcome (RFC 7240). A preference is a wish, not a condition: what cannot be
// understood is passed over, as the RFC asks, and a wait above the limit is the limit.

package http

import (
	"strings"
	"time"
)

const (
	maxWait     = 30 * time.Second
	defaultWait = 5 * time.Second
	noWait      = 0 // the usual wait of issuing and ordering: they answer as soon as the command is durable
)

// preferredWait is how long to wait for the outcome. `wait=N` says so; else `respond-async` says not at all; else usual.
// With both, the answer comes with the outcome or after N seconds, whichever is first: that is what the two together mean
// (RFC 7240, 4.3). Of a preference that is given twice, the first counts.
func preferredWait(prefer []string, fallback time.Duration) time.Duration {
	async, hasWait, wait := false, false, time.Duration(0)
	for _, header := range prefer {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";") // parameters say nothing to us
			name, value, _ := strings.Cut(preference, "=")
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "respond-async":
				async = true
			case "wait":
				if seconds, ok := waitSeconds(value); ok && !hasWait {
					hasWait, wait = true, seconds
				}
			}
		}
	}
	switch {
	case hasWait:
		return wait
	case async:
		return noWait
	}
	return fallback
}

// waitSeconds takes digits, quoted or not. So many that they overflow are still only the limit.
func waitSeconds(value string) (time.Duration, bool) {
	value = strings.Trim(value, " \t")
	if unquoted, ok := strings.CutPrefix(value, `"`); ok {
		if value, ok = strings.CutSuffix(unquoted, `"`); !ok {
			return 0, false
		}
	}
	seconds := time.Duration(0)
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return 0, false
		}
		seconds = min(seconds*10+time.Duration(value[i]-'0')*time.Second, maxWait)
	}
	return seconds, value != ""
}
