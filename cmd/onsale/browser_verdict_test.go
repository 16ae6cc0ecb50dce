// An order's stream in a real browser: the verdict ends it, for all tabs, and whoever opens it again hears it again.

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestBrowser_verdict(t *testing.T) {
	window, s := newProfile(t, startChromium(t)), newStage(t)
	greeting := "event: connect\nid: k3v9x2ab-5\nretry: 10\ndata: {\"status\":\"fresh\",\"order\":null}\n\n"
	verdict := "event: success\nid: k3v9x2ab-%d\ndata: {\"orderStatus\":\"PAID\"}\n\nretry: 10\n\n"
	heard := func(page *tab, want ...string) {
		t.Helper()
		page.until(fmt.Sprintf(`heard.length >= %d`, len(want)))
		page.want(`heard.map(({ name, id, data }) => [name, id.split('-')[1], data.orderStatus].join(' ')).join()`, strings.Join(want, ","))
		page.want(`stream.leading`, false)
		page.want(`sessionStorage.length`, 0)
	}
	one := window.tab()
	one.open(s.URL + "/healthz")
	one.run(watch("/events", ""))
	line := s.next("")
	line.say(greeting)
	one.until(`states.includes('live')`)
	two := window.watching(s.URL, "/events", "")
	line.say(fmt.Sprintf(verdict, 7))
	line.end()
	for _, page := range []*tab{one, two} {
		heard(page, "success 7 PAID")
	}
	select {
	case l := <-s.lines:
		t.Fatalf("somebody listens again, from %q", l.from)
	case <-time.After(time.Second): // EventSource would have been back after ten milliseconds, onsale.js after half a second
	}

	one.open(s.URL + "/healthz") // loaded again, it shows nothing yet
	one.run(watch("/events", ""))
	line = s.next("")
	line.say(strings.Replace(greeting, "-5", "-6", 1) + fmt.Sprintf(verdict, 7))
	line.end()
	heard(one, "success 7 PAID")
	heard(two, "success 7 PAID")
}
