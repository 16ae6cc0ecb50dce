package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"onsale/cmd/onsale/bench/compare/load"
)

// row is a line of the table.
type row struct {
	title   string
	measure string
	value   func(*load.Result) float64
	better  better
}

type better int

const (
	neither better = iota // there is no best peer
	higher
	lower
)

var rows = []row{
	{"everyone wins: decided and delivered a second", win, decidedPerSecond, higher},
	{"– server CPU, µs a command", win, serverCPU, lower},
	{"199 of 200 lose, each recorded by onsale: decided a second", lose, decidedPerSecond, higher},
	{"– server CPU, µs a command", lose, serverCPU, lower},
	{"the same with `\"soldOut\":\"answer\"`: a second", loseAnswered, decidedPerSecond, higher},
	{"– server CPU, µs a command", loseAnswered, serverCPU, lower},
	{"1,000 a second: POST to answer, p50 ms", open1000, answerP50, lower},
	{"– p99 ms", open1000, answerP99, lower},
	{"– POST to outcome, p50 ms", open1000, outcomeP50, lower},
	{"– p99 ms", open1000, outcomeP99, lower},
	{"5,000 a second: POST to answer, p50 ms", open5000, answerP50, lower},
	{"– p99 ms", open5000, answerP99, lower},
	{"– POST to outcome, p50 ms", open5000, outcomeP50, lower},
	{"– p99 ms", open5000, outcomeP99, lower},
	{"every commit on disk before its answer, everyone wins: a second", always, decidedPerSecond, higher},
	{"– server CPU, µs a command", always, serverCPU, lower},
	{"– 1,000 a second: POST to outcome, p50 ms", always1000, outcomeP50, lower},
	{"– p99 ms", always1000, outcomeP99, lower},
	{"twice as many a second as it decides: refused with 429, %", overload, refusedPercent, neither},
	{"– with 503, %", overload, unavailablePercent, neither},
	{"– accepted, decided and delivered a second", overload, decidedPerSecond, higher},
	{"– of these, POST to outcome, p50 ms", overload, outcomeP50, lower},
	{"– p99 ms", overload, outcomeP99, lower},
}

func answerP50(r *load.Result) float64  { return milliseconds(r.Answer.P50) }
func answerP99(r *load.Result) float64  { return milliseconds(r.Answer.P99) }
func outcomeP50(r *load.Result) float64 { return milliseconds(r.Outcome.P50) }
func outcomeP99(r *load.Result) float64 { return milliseconds(r.Outcome.P99) }

func refusedPercent(r *load.Result) float64 {
	return 100 * float64(r.Refused) / float64(max(1, r.Sent))
}

func unavailablePercent(r *load.Result) float64 {
	return 100 * float64(r.Unavailable) / float64(max(1, r.Sent))
}

// printTable prints medians, with the lowest and the highest where they differ.
func (t *tool) printTable(w io.Writer, r results) {
	own, peers := systems[0], []system{}
	columns := []system{} // an empty handler has none
	for _, s := range t.chosenSystems() {
		if s.key != "empty" {
			columns = append(columns, s)
		}
		if s.key != "empty" && s.key != own.key {
			peers = append(peers, s)
		}
	}
	compared := len(peers) > 0 && len(columns) > len(peers)
	fmt.Fprint(w, "| |")
	for _, s := range columns {
		fmt.Fprintf(w, " %s |", s.name)
	}
	if compared {
		fmt.Fprint(w, " onsale : best peer |")
	}
	fmt.Fprint(w, "\n|---|"+strings.Repeat("---|", len(columns)))
	if compared {
		fmt.Fprint(w, "---|")
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		if !slices.Contains(t.which, row.measure) {
			continue
		}
		fmt.Fprintf(w, "| %s |", row.title)
		for _, s := range columns {
			fmt.Fprintf(w, " %s |", spread(t.values(r, s, row)))
		}
		if compared {
			fmt.Fprintf(w, " %s |", t.ratio(r, own, peers, row))
		}
		fmt.Fprintln(w)
	}
	printWrong(w, r, columns, compared)
	t.printNotes(w, r)
}

// values are those of the rounds.
func (t *tool) values(r results, s system, row row) (values []float64) {
	for n := range t.rounds {
		if result := r.at(s, row.measure, n); result != nil {
			values = append(values, row.value(result))
		}
	}
	return values
}

// ratio is that of onsale to the best peer in the same round; bold where onsale is the worse one.
func (t *tool) ratio(r results, own system, peers []system, row row) string {
	if row.better == neither {
		return ""
	}
	var ratios []float64
	for n := range t.rounds {
		var values []float64 // of the peers
		for _, s := range peers {
			if result := r.at(s, row.measure, n); result != nil {
				values = append(values, row.value(result))
			}
		}
		result := r.at(own, row.measure, n)
		if result == nil || len(values) == 0 {
			continue
		}
		best := slices.Max(values)
		if row.better == lower {
			best = slices.Min(values)
		}
		if best > 0 {
			ratios = append(ratios, row.value(result)/best)
		}
	}
	if len(ratios) == 0 {
		return "–"
	}
	m := median(ratios)
	if row.better == higher && m < 1 || row.better == lower && m > 1 {
		return "**" + number(m) + "**" + extremes(ratios)
	}
	return spread(ratios)
}

// printWrong prints the rows that must be 0.
func printWrong(w io.Writer, r results, columns []system, compared bool) {
	count := func(title string, of func(*load.Result) string) {
		fmt.Fprintf(w, "| %s |", title)
		for _, s := range columns {
			var sum load.Result
			r.all(func(key, _ string, result *load.Result) {
				if key == s.key {
					sum.Lost += result.Lost
					sum.Doubled += result.Doubled
					sum.Oversold += result.Oversold
					sum.Failed += result.Failed
					sum.Unsent += result.Unsent
				}
			})
			fmt.Fprintf(w, " %s |", of(&sum))
		}
		if compared {
			fmt.Fprint(w, " |")
		}
		fmt.Fprintln(w)
	}
	count("lost, doubled, oversold", func(r *load.Result) string { return fmt.Sprintf("%d, %d, %d", r.Lost, r.Doubled, r.Oversold) })
	count("failed otherwise, not sent in time", func(r *load.Result) string { return fmt.Sprintf("%d, %d", r.Failed, r.Unsent) })
}

// printNotes says what the figures have to be seen with: an empty handler, the load's own cost, and other work on the machine.
func (t *tool) printNotes(w io.Writer, r results) {
	var costs []float64
	var measured, other, stolen time.Duration
	r.all(func(_, run string, result *load.Result) {
		if run == win || run == lose {
			costs = append(costs, loadCPU(result))
		}
		measured += result.Measured
		other += result.OtherCPU
		stolen += result.StolenCPU
	})
	fmt.Fprintln(w)
	if empty := systems[len(systems)-1]; len(r[empty.key]) > 0 {
		fmt.Fprintf(w, "An empty net/http handler in the same rounds: %s answers a second, %s µs of its CPU each.\n",
			spread(t.values(r, empty, row{"", win, decidedPerSecond, neither})), spread(t.values(r, empty, row{"", win, serverCPU, neither})))
	}
	if len(costs) > 0 {
		fmt.Fprintf(w, "The load tool takes %s µs of CPU a command.\n", number(median(costs)))
	}
	share := func(d time.Duration) string {
		return number(100 * float64(d) / float64(max(1, measured)) / float64(runtime.NumCPU()))
	}
	fmt.Fprintf(w, "Rounds: %d, of %s commands, on %d processors; medians (lowest–highest). Other processes took %s %% of these, the hypervisor %s %%.\n",
		t.rounds, humanize.Comma(int64(t.count)), runtime.NumCPU(), share(other), share(stolen))
}

func spread(values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	return number(median(values)) + extremes(values)
}

func extremes(values []float64) string {
	lowest, highest := number(slices.Min(values)), number(slices.Max(values))
	if lowest == highest {
		return ""
	}
	return " (" + lowest + "–" + highest + ")"
}

func median(values []float64) float64 {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// number prints three digits, or all of a larger number's.
func number(v float64) string {
	switch {
	case v >= 1000:
		return humanize.Comma(int64(v/10+0.5) * 10)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
