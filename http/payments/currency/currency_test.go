package currency_test

import (
	"math"
	"testing"

	"onsale/http/payments/currency"
)

func TestMajor_ReadsAndWritesExactly(t *testing.T) {
	for _, row := range []struct {
		code, text string
		minor      int64
		written    string
	}{
		{"KRW", "1420", 1420, "1420"},
		{"KRW", "1420.00", 1420, "1420"},
		{"JPY", "0", 0, "0"},
		{"USD", "14.2", 1420, "14.20"},
		{"USD", "14.20", 1420, "14.20"},
		{"USD", "14.2000", 1420, "14.20"},
		{"USD", "14", 1400, "14.00"},
		{"USD", "0.07", 7, "0.07"},
		{"USD", "1.15", 115, "1.15"}, // 1.15 * 100 is 114.99… in floats
		{"USD", "92233720368547758.07", math.MaxInt64, "92233720368547758.07"},
		{"KWD", "1.005", 1005, "1.005"},
		{"CLF", "1.0001", 10001, "1.0001"},
	} {
		got, err := currency.ParseMajor(row.code, row.text)
		if err != nil || got != row.minor {
			t.Errorf("%s %s: got %d, %v, want %d", row.text, row.code, got, err, row.minor)
		}
		if written, err := currency.FormatMajor(row.code, row.minor); err != nil || written != row.written {
			t.Errorf("%d %s: got %s, %v, want %s", row.minor, row.code, written, err, row.written)
		}
	}
}

func TestMajor_Rejects(t *testing.T) {
	for _, row := range [][2]string{
		{"KRW", "1000.5"}, {"USD", "14.205"}, {"JPY", "0.1"}, {"KWD", "1.0005"}, // not whole minor units
		{"USD", "1e3"}, {"USD", "1.4e1"}, {"USD", "-1"}, {"USD", "+1"}, {"USD", "1.-2"}, {"USD", "1.+2"}, {"USD", ".5"}, {"USD", ""},
		{"USD", "1.2.3"}, {"USD", "92233720368547758.08"}, {"KRW", "9223372036854775808"},
		{"XXX", "1"}, {"usd", "1"}, {"", "1"}, {"WON", "1"},
	} {
		if got, err := currency.ParseMajor(row[0], row[1]); err == nil {
			t.Errorf("%s %q is read as %d", row[0], row[1], got)
		}
	}
	if text, err := currency.FormatMajor("USD", -1); err == nil {
		t.Errorf("-1 is written as %s", text)
	}
}

// FuzzMajor: what is written is read as the same amount.
func FuzzMajor(f *testing.F) {
	f.Add("USD", "14.2")
	f.Add("KWD", "1.005")
	f.Fuzz(func(t *testing.T, code, text string) {
		minor, err := currency.ParseMajor(code, text)
		if err != nil {
			return
		}
		written, err := currency.FormatMajor(code, minor)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := currency.ParseMajor(code, written); err != nil || again != minor || minor < 0 {
			t.Errorf("%s %s: %d, then %s, then %d, %v", code, text, minor, written, again, err)
		}
	})
}
