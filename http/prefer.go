// The Prefer header (RFC 7240): whether a command's response comes at once or with its outcome.

package http

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxWait     = 30 * time.Second
	defaultWait = 5 * time.Second
	noWait      = 0 // of issuing and ordering: they respond as soon as the command is durable
)

// preference is what a request prefers.
type preference struct {
	async   bool
	hasWait bool
	wait    time.Duration // at most maxWait
}

// parsePrefer reads respond-async and wait=N. Of a repeated preference the first counts. Invalid preferences are ignored, as the
// RFC requires, and a wait above maxWait is maxWait.
func parsePrefer(headers []string) (p preference) {
	for _, header := range headers {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";") // none has parameters that matter here
			name, value, _ := strings.Cut(preference, "=")
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "respond-async":
				p.async = true
			case "wait":
				if seconds, ok := waitSeconds(value); ok && !p.hasWait {
					p.hasWait, p.wait = true, seconds
				}
			}
		}
	}
	return p
}

// waitOr is how long to wait for the outcome. With both preferences the response comes with the outcome or after N seconds
// (RFC 7240, 4.3).
func (p preference) waitOr(fallback time.Duration) time.Duration {
	switch {
	case p.hasWait:
		return p.wait
	case p.async:
		return noWait
	}
	return fallback
}

// applied is the header Preference-Applied: what was preferred and is honoured by a response, which is accepted where it is the
// 202 without an outcome.
func (p preference) applied(accepted bool) string {
	wait := ""
	if p.hasWait {
		wait = "wait=" + strconv.Itoa(int(p.wait/time.Second))
	}
	switch {
	case !p.async || !accepted:
		return wait
	case wait == "":
		return "respond-async"
	}
	return "respond-async, " + wait
}

// waitSeconds parses digits, quoted or not. Numbers that would overflow are the limit.
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
