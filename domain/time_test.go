package domain

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseTime_AcceptsRFC3339(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"},
		{"2026-03-01T10:00:00.001Z", "2026-03-01T10:00:00.001Z"},
		{"2026-03-01T10:00:00.0019999Z", "2026-03-01T10:00:00.001Z"}, // cut off, not rounded
		{"2026-03-01T19:00:00.5+09:00", "2026-03-01T10:00:00.500Z"},
		{"1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.001Z"},
		{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
		{"2026-03-01t10:00:00z", "2026-03-01T10:00:00.000Z"},
		{"2026-03-01t19:00:00.5+09:00", "2026-03-01T10:00:00.500Z"},
		{"2026-03-01T10:00:00-00:00", "2026-03-01T10:00:00.000Z"}, // an unknown offset
		{"2026-03-02T09:59:00+23:59", "2026-03-01T10:00:00.000Z"},
		{"2026-03-01T10:00:00.00100000000000000000001Z", "2026-03-01T10:00:00.001Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"}, // leap seconds
		{"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z"},
		{"2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z"},
	} {
		if got, err := ParseTime(c.text); err != nil || got.String() != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", "10:00", "2026-03-01", "2026-02-30T00:00:00Z", "2026-03-01T10:00:00", "2026-03-01 10:00:00Z",
		"2026-03-01T10:00:00,5Z", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00.5", "2026-03-01T1:00:00Z", "2026-3-01T10:00:00Z", "26-03-01T10:00:00Z",
		"2026-03-01T10:00:00+24:00", "2026-03-01T10:00:00+00:60", "2026-03-01T10:00:00+9:00", "2026-03-01T10:00:00+0900", "2026-03-01T10:00:00+09",
		"2026-03-01T10:00:00Z ", " 2026-03-01T10:00:00Z", "2026-03-01T10:00:00ZZ", "+026-03-01T10:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T10:60:00Z",
		"2026-03-01T10:00:61Z", "2026-03-01T10:00:00Z09:00", "2026-03-01T10:00:00−09:00", "２026-03-01T10:00:00Z",
		"2016-12-31T23:59:60+09:00", "2016-12-31T22:59:60Z", "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z", // not the end of a month in UTC
		"9999-12-31T23:59:60Z", "2016-12-32T23:59:60Z",
		"1970-01-01T00:00:00.000Z",  // would read as "not set"
		"1969-12-31T23:59:59.999Z",  // before 1970
		"0000-01-01T00:00:00+01:00", // in UTC before the year 0
		"9999-12-31T23:59:59-01:00", // in UTC the year 10000, which does not parse again
	} {
		if got, err := ParseTime(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func TestTime_CountsMilliseconds(t *testing.T) {
	at, err := ParseTime("2026-03-01T10:00:00.000Z")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := at.Add(1500*time.Microsecond), at+1; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := at.Add(time.Second).Sub(at), time.Second; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := At(at.Std().Add(999*time.Microsecond)), at; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTime_ZeroIsNull(t *testing.T) {
	text, err := json.Marshal(Time(0))
	if err != nil || string(text) != "null" {
		t.Errorf("got %s, %v, want null", text, err)
	}
	at := Time(1)
	if err := json.Unmarshal(text, &at); err != nil || at != 0 {
		t.Errorf("got %d, %v, want not set", at, err)
	}
	for _, text := range []string{`""`, `0`, `{}`, `"tomorrow"`, `"1970-01-01T00:00:00Z"`} {
		if err := json.Unmarshal([]byte(text), &at); err == nil {
			t.Errorf("%s: got %s, want an error", text, at)
		}
	}
}

// FuzzTime: whatever can be read can be written, and reads the same again.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-03-01T10:00:00.123Z", "9999-12-31T23:59:59.999999999-23:59", "0000-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z", "1990-12-31t15:59:60.5-08:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := ParseTime(text)
		if err != nil {
			return
		}
		if got, err := ParseTime(want.String()); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
		written, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Time
		if err := json.Unmarshal(written, &got); err != nil || got != want || At(got.Std()) != want {
			t.Errorf("%q written as %s: got %s, %v, want %s", text, written, got, err, want)
		}
	})
}
