// Log time, the only clock of the rules.

package domain

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Time is log time in milliseconds since 1970 UTC. In JSON: RFC 3339, UTC, always three decimals; the zero
// Time ("not set") is null. Deadlines are compared in these milliseconds, so they are exact to what the wire shows.
type Time int64

const layout = "2006-01-02T15:04:05.000Z"

// At is the millisecond in which t lies.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// ErrTimeRange is a time that the log cannot hold: 1970 would read as "not set", and a year has four digits.
var ErrTimeRange = errors.New("a time is later than 1970-01-01T00:00:00Z and not later than the year 9999, in UTC")

// errNotRFC3339 is a text that is not a time of RFC 3339.
var errNotRFC3339 = errors.New("it is not a time as in RFC 3339")

// ParseTime parses RFC 3339 with any offset. Anything finer than a millisecond is cut off. A leap second is the second after it.
func ParseTime(s string) (Time, error) {
	if !isRFC3339(s) {
		return 0, errNotRFC3339
	}
	s = strings.ToUpper(s)
	leap := s[17:19] == "60"
	if leap {
		s = s[:17] + "59" + s[19:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	if leap {
		t = t.Add(time.Second)
		if utc := t.UTC(); utc.Day() != 1 || utc.Hour() != 0 || utc.Minute() != 0 { // it ends a month, in UTC
			return 0, errNotRFC3339
		}
	}
	if at := At(t); at > 0 && t.UTC().Year() <= 9999 {
		return at, nil
	}
	return 0, ErrTimeRange
}

// isRFC3339 checks the form. time.Parse also takes a comma, hours of one digit, and offsets that are no time of day.
func isRFC3339(s string) bool {
	const dateTime = "0000-00-00T00:00:00"
	if len(s) < len(dateTime) || !hasForm(s[:len(dateTime)], dateTime) {
		return false
	}
	rest := s[len(dateTime):]
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		rest = strings.TrimLeft(fraction, "0123456789")
		if len(rest) == len(fraction) {
			return false
		}
	}
	if rest == "Z" || rest == "z" {
		return true
	}
	return (hasForm(rest, "+00:00") || hasForm(rest, "-00:00")) && rest[1:3] < "24" && rest[4:] < "60"
}

// hasForm compares s with a form, in which 0 is any digit and T also a small one.
func hasForm(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == form[i], form[i] == '0' && c >= '0' && c <= '9', form[i] == 'T' && c == 't':
		default:
			return false
		}
	}
	return true
}

// Add returns the time d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub returns the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Std returns t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

func (t Time) String() string { return t.Std().Format(layout) }

// MarshalJSON writes `"2026-01-02T03:04:05.678Z"`, or null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return t.Std().AppendFormat(nil, `"`+layout+`"`), nil
}

// UnmarshalJSON is the reverse of MarshalJSON, and takes any RFC 3339 time.
func (t *Time) UnmarshalJSON(data []byte) error {
	*t = 0
	if string(data) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	parsed, err := ParseTime(s)
	*t = parsed
	return err
}
