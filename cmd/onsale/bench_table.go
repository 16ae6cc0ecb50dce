// What a load has shown, for people to read.

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/dustin/go-humanize"

	"onsale/cmd/onsale/load"
)

func (m *measured) print(w io.Writer, p benchPlan, f load.Findings, empty *measured) {
	loop := fmt.Sprintf("%d connections, each as it can", p.Connections)
	if p.Rate > 0 {
		loop = fmt.Sprintf("%s a second", humanize.Commaf(p.Rate))
	}
	fmt.Fprintf(w, "%s: %s commands, %s users, %s on sale; %s; %d streams\n\n", p.What, humanize.Comma(int64(m.Sent)),
		humanize.Comma(int64(p.Users)), humanize.Comma(int64(p.Stock)), loop, p.Streams)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(w, "  %-14s "+format+"\n", append([]any{name}, values...)...)
	}
	row("decided", "%s a second", rate(m.Accepted, m))
	row("answer", "%s", percentiles(m.Answer))
	if m.Told > 0 {
		row("outcome", "%s", percentiles(m.Outcome))
	}
	row("load CPU", "%6.1f µs a command", m.each(m.LoadCPU))
	if m.Known {
		row("server CPU", "%6.1f µs a command, %.2f times the load's", m.each(m.ServerCPU), m.ratio())
		row("server memory", "%s, at most %s", humanize.IBytes(uint64(m.ServerRSS)), humanize.IBytes(uint64(m.ServerPeak)))
	}
	if empty != nil {
		row("empty handler", "%s answers a second; server CPU %.1f µs, load CPU %.1f µs, ratio %.2f", rate(empty.Sent, empty),
			empty.each(empty.ServerCPU), empty.each(empty.LoadCPU), empty.ratio())
		if m.Known {
			row("", "the node costs %.2f times as much, %.2f times by the load's clock", m.each(m.ServerCPU)/empty.each(empty.ServerCPU), m.ratio()/empty.ratio())
		}
	}
	fmt.Fprintln(w)
	row("accepted", "%s", humanize.Comma(int64(m.Accepted)))
	row("refused", "%s", refusals(m.Refused))
	row("unanswered", "%d", m.Unanswered)
	row("won", "%s", humanize.Comma(int64(f.Won)))
	row("lost", "%d", f.Lost)
	row("doubled", "%d", f.Doubled)
	row("out of order", "%d", f.Disordered)
	if p.Streams > 0 {
		row("late", "%d of %d outcomes that were watched came after more than %s; %d streams connected again", m.Late, m.Told, load.Late, m.Reconnected)
	}
	for _, example := range f.Examples {
		fmt.Fprintf(w, "  ! %s\n", example)
	}
}

func rate(n int, m *measured) string {
	return humanize.Comma(int64(float64(n) / max(1e-9, m.Took.Seconds())))
}

func percentiles(h *hdrhistogram.Histogram) string {
	of := func(microseconds int64) string { return fmt.Sprintf("%.2f ms", float64(microseconds)/1000) }
	return fmt.Sprintf("p50 %s, p99 %s, at most %s", of(h.ValueAtPercentile(50)), of(h.ValueAtPercentile(99)), of(h.Max()))
}

func refusals(byCode map[string]int) string {
	if len(byCode) == 0 {
		return "0"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		parts = append(parts, fmt.Sprintf("%s %s", humanize.Comma(int64(byCode[code])), code))
	}
	return strings.Join(parts, ", ")
}

// benchHint is what somebody may do about a load that failed.
func benchHint(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "too many open files"):
		return "raise the limit with \"ulimit -n 65536\", or ask for fewer --connections and --streams"
	case strings.Contains(text, "connection refused"):
		return "nobody listens there; give --target the address that \"onsale serve\" prints, or leave it out"
	case strings.Contains(text, "unauthenticated"), strings.Contains(text, "forbidden"):
		return "the load goes by X-User-Id, which only auth.mode demo believes"
	}
	return "the node's own log says more"
}
