package streams

import (
	"strings"
	"testing"

	"onsale/domain"
)

func TestHash_BothSpellings(t *testing.T) {
	want := domain.Hash{}.Next("evt.coupons.demo.kim", []byte("{}"))
	for _, text := range []string{shortHash(want), want.String()} {
		if got, err := parseHash(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	short := shortHash(want)
	for _, text := range []string{"", short[:42], short + "A", short[:42] + "\n", short[:42] + "=", strings.Repeat("_", 43), "=" + short[1:]} {
		if got, err := parseHash(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}
