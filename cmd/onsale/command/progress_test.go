package command

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressBar_ShowsPartsAndErases(t *testing.T) {
	var out bytes.Buffer
	p := progressBar{out: &out, what: "deciding again", total: 1_000}
	p.show(0)
	p.show(1) // too early
	for _, done := range []uint64{500, 2_000} {
		p.shown = time.Unix(0, 0)
		p.show(done)
	}
	p.end()
	want := "\rdeciding again [                              ] 0 %" +
		"\rdeciding again [###############               ] 50 %" +
		"\rdeciding again [##############################] 100 %\r\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressBar_IsSilentWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgressBar(&out, "deciding again", 10)
	p.show(5)
	p.end()
	if out.Len() != 0 {
		t.Errorf("got %q", out.String())
	}
}
