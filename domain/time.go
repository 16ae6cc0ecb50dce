// Log time, the only clock of the rules.

package domain

import (
	"encoding/json"
	"errors"
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

// ParseTime parses RFC 3339 with any offset. Anything finer than a millisecond is cut off.
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	if at := At(t); at > 0 && t.UTC().Year() <= 9999 {
		return at, nil
	}
	return 0, ErrTimeRange
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
