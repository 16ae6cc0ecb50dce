// onsale.js for several tabs of one person, who share a stream.

package main

import (
	"context"
	"fmt"
	"testing"
)

func testTabs(t *testing.T, browser context.Context, g *gate) {
	window := newProfile(t, browser)
	one := window.listening(g, "tabs")
	before := g.happen(t, "tabs", 1)
	one.heard(before)
	two := window.listening(g, "tabs") // hears what was a moment ago, as from a stream of its own
	both := g.happen(t, "tabs", 5)
	one.heard(before, both)
	two.heard(before, both)
	g.wait("two tabs share one stream", func() bool { return g.opened == 1 && g.open == 1 })
	one.want(`stream.leading`, true)
	two.want(`stream.leading`, false)

	// The tab that listens is closed in the middle of it.
	halfway := make(chan struct{})
	during := make(chan []string)
	go func() {
		ids := g.happen(t, "tabs", 10)
		close(halfway)
		during <- append(ids, g.happen(t, "tabs", 30)...)
	}()
	<-halfway
	one.close()
	rest := <-during
	two.heard(before, both, rest)
	two.want(`stream.leading`, true)
	g.wait("the other tab listens now", func() bool { return g.opened == 2 && g.open == 1 })

	// A tab that knows less than the one that listens is told the rest, and the other hears nothing twice.
	three := window.tab()
	three.open(g.URL + "/healthz")
	three.run(fmt.Sprintf(`sessionStorage.setItem('onsale.last tabs', %q)`, before[0]))
	three.listen("tabs")
	three.heard(both, rest)
	last := g.happen(t, "tabs", 3)
	three.heard(both, rest, last)
	two.heard(before, both, rest, last)
	g.wait("three tabs share one stream", func() bool { return g.open == 1 })

	// The stream dies for good; the tab that listens makes it anew for both, and both are told so.
	two.want(`stream.leading`, true)
	g.silence()
	silent := g.happen(t, "tabs", 2)
	two.heard(before, both, rest, last, silent)
	three.heard(both, rest, last, silent)

	// Its lock is taken away, as another tab does when nothing comes from it any more.
	three.run(`new Promise((has) => navigator.locks.request('onsale tabs', { steal: true }, () => { has(); return new Promise((letGo) => { window.letGo = letGo; }); }))`)
	two.until(`!stream.leading`)
	g.wait("nobody listens", func() bool { return g.open == 0 })
	alone := g.happen(t, "tabs", 2)
	three.run(`letGo()`)
	two.heard(before, both, rest, last, silent, alone)
	three.heard(both, rest, last, silent, alone)
	three.run(`stream.close()`)
	two.until(`stream.leading`)
	two.heard(before, both, rest, last, silent, alone, g.happen(t, "tabs", 1))
}
