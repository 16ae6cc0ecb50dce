package command

import (
	"bytes"
	"strings"
	"testing"
)

func TestEventPrinter_PrintsForPeople(t *testing.T) {
	const event = `{"eventId":"k3v9x0ab-7","type":"seats.held","entity":"demo","userId":"kim","sequence":4000,"at":"2026-11-22T12:00:00.123Z","data":{"holdId":"h4000"}}`
	for _, tc := range []struct {
		printer     eventPrinter
		event, want string
	}{
		{eventPrinter{}, event, "2026-11-22T12:00:00.123Z  k3v9x0ab-7  seats.held            demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{coloured: true}, event, "\x1b[2m2026-11-22T12:00:00.123Z\x1b[0m  k3v9x0ab-7  \x1b[32mseats.held          \x1b[0m  demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{coloured: true}, strings.Replace(event, "held", "rejected", 1), "\x1b[2m2026-11-22T12:00:00.123Z\x1b[0m  k3v9x0ab-7  \x1b[31mseats.rejected      \x1b[0m  demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{json: true}, event, event + "\n"},
		// What somebody wrote into a name controls no terminal.
		{eventPrinter{}, `{"eventId":"k3v9x0ab-7","type":"x","at":"2026-11-22T12:00:00.123Z","data":{"name":"` + "\u009b2J" + `\u001b[2J"}}`,
			"2026-11-22T12:00:00.123Z  k3v9x0ab-7  x                     -  -  {\"name\":\"\ufffd2J\\u001b[2J\"}\n"},
	} {
		var out bytes.Buffer
		tc.printer.out = &out
		if err := tc.printer.print([]byte(tc.event)); err != nil || out.String() != tc.want {
			t.Errorf("got %q %v, want %q", out.String(), err, tc.want)
		}
	}
	if err := (&eventPrinter{}).print([]byte("<html>")); err == nil {
		t.Error("a page was printed")
	}
}
