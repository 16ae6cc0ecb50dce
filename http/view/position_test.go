package view

import (
	"math"
	"regexp"
	"testing"
)

func TestPosition_Parse(t *testing.T) {
	good := map[string]Position{
		"k3v9x0ab-0":                    {},
		"k3v9x0ab-42":                   {Number: 42},
		"k3v9x0ab-042":                  {Number: 42},
		"k3v9x0ab-42.1":                 {Number: 42, Sub: 1},
		"k3v9x0ab-18446744073709551615": {Number: math.MaxUint64},
		"k3v9x0ab-1.4294967295":         {Number: 1, Sub: math.MaxUint32},
	}
	for id, want := range good {
		if e, p, ok := ParsePosition(id); !ok || p != want || e != epoch {
			t.Errorf("%s: got %v %v %v, want %v", id, e, p, ok, want)
		}
	}
	for _, id := range []string{
		"", "0", "id", "k3v9x0ab", "k3v9x0ab-", "k3v9x0a-42", "k3v9x0abc-42", "K3V9X0AB-42", "k3v9x0ab_42", "k3v9x0ab-x", "k3v9x0ab--1",
		"k3v9x0ab-+1", "k3v9x0ab- 1", "k3v9x0ab-1 ", "k3v9x0ab-1.", "k3v9x0ab-1.0", "k3v9x0ab-0.1", "k3v9x0ab-1.2.3", "k3v9x0ab-1.-2",
		"k3v9x0ab-.1", "k3v9x0ab-18446744073709551616", "k3v9x0ab-1.4294967296", "k3v9x0ab-1e3", "k3v9x0ab-0x10", "k3v9x0ab-1_000",
		"k3v9x0ab-١", "k3v9x0äb-1", "k3v9x0ab-1\n", "\x00k3v9x0a-1",
	} {
		if _, p, ok := ParsePosition(id); ok {
			t.Errorf("%q is valid: %v", id, p)
		}
	}
}

func FuzzPosition_Parse(f *testing.F) {
	for _, s := range []string{"k3v9x0ab-42", "k3v9x0ab-42.7", "k3v9x0ab-0", "k3v9x0ab-18446744073709551616", "x"} {
		f.Add(s)
	}
	shape, allowed := regexp.MustCompile(`^[0-9a-z]{8}-[0-9]+(\.[0-9]+)?$`), regexp.MustCompile(`^[0-9A-Za-z.-]+$`)
	f.Fuzz(func(t *testing.T, id string) {
		epoch, p, ok := ParsePosition(id)
		if !ok {
			return
		}
		if !shape.MatchString(id) {
			t.Errorf("%q does not look like an id", id)
		}
		again := p.ID(epoch)
		if e, q, ok := ParsePosition(again); !ok || q != p || e != epoch || !allowed.MatchString(again) {
			t.Errorf("%q became %q and %v %v", id, again, q, ok)
		}
		if p.Sub != 0 && p.Seen() != p.Number-1 || p.Sub == 0 && p.Seen() != p.Number {
			t.Errorf("%v: seen is %d", p, p.Seen())
		}
	})
}
