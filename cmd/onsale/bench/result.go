// The result of a load: CPU of the loaded process and of this one, as the kernel counts it.

package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/dustin/go-humanize"

	"onsale/cmd/onsale/bench/load"
)

// result is a load and its cost.
type result struct {
	load.Result
	HasServerCPU          bool
	ServerCPU, LoadCPU    time.Duration
	ServerRSS, ServerPeak int64 // bytes, 0: unknown
}

func measure(ctx context.Context, run *load.Run, pid int) (m result, err error) {
	server, known := processCPU(pid)
	own := ownCPU()
	m.Result, err = run.Load(ctx)
	after, still := processCPU(pid)
	m.HasServerCPU, m.ServerCPU, m.LoadCPU = known && still, after-server, ownCPU()-own
	m.ServerRSS, m.ServerPeak = processMemory(pid)
	return m, err
}

// perCommand is a cost for each answered command, in microseconds.
func (m *result) perCommand(d time.Duration) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(1, m.Sent-m.Unanswered))
}

// cpuRatio is server CPU / load CPU, which does not change with the speed of the machine.
func (m *result) cpuRatio() float64 { return float64(m.ServerCPU) / float64(max(1, m.LoadCPU)) }

// processCPU reads Linux's /proc; false: unknown.
func processCPU(pid int) (time.Duration, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || pid == 0 {
		return 0, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before it may contain spaces
	if len(fields) < 13 {
		return 0, false
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Linux runs Go
	return time.Duration(user+system) * tick, true
}

func processMemory(pid int) (resident, peak int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || pid == 0 {
		return 0, 0
	}
	for line := range bytes.Lines(status) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(string(line), "VmRSS: %d kB", &kilobytes); n == 1 {
			resident = kilobytes << 10
		}
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kilobytes); n == 1 {
			peak = kilobytes << 10
		}
	}
	return resident, peak
}

// stormResult is a storm, and a run before it.
type stormResult struct {
	load.Storm
	calm result
	stop func() (load.Storm, error)
}

func (m *result) print(w io.Writer, p Plan, f load.Findings, empty *result, storm *stormResult) {
	mode := fmt.Sprintf("%d connections, as fast as they can", p.Connections)
	if p.Rate > 0 {
		mode = fmt.Sprintf("%s a second", humanize.Commaf(p.Rate))
	}
	fmt.Fprintf(w, "%s: %s commands, %s users, %s on sale; %s; %d streams\n\n", p.What, humanize.Comma(int64(m.Sent)),
		humanize.Comma(int64(p.Users)), humanize.Comma(int64(p.Stock)), mode, p.Streams)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(w, "  %-14s "+format+"\n", append([]any{name}, values...)...)
	}
	row("decided", "%s a second", rate(m.Accepted, m))
	row("answer", "%s", percentiles(m.ResponseLatency))
	if m.Delivered > 0 {
		row("outcome", "%s", percentiles(m.OutcomeLatency))
	}
	row("load CPU", "%6.1f µs a command", m.perCommand(m.LoadCPU))
	if m.HasServerCPU {
		row("server CPU", "%6.1f µs a command, %.2f times the load's", m.perCommand(m.ServerCPU), m.cpuRatio())
		row("server memory", "%s, at most %s", humanize.IBytes(uint64(m.ServerRSS)), humanize.IBytes(uint64(m.ServerPeak)))
	}
	if empty != nil {
		row("empty handler", "%s answers a second; server CPU %.1f µs, load CPU %.1f µs, ratio %.2f", rate(empty.Sent, empty),
			empty.perCommand(empty.ServerCPU), empty.perCommand(empty.LoadCPU), empty.cpuRatio())
		if m.HasServerCPU {
			row("", "the node costs %.2f times as much, %.2f times by ratio", m.perCommand(m.ServerCPU)/empty.perCommand(empty.ServerCPU), m.cpuRatio()/empty.cpuRatio())
		}
	}
	if storm != nil {
		p99 := func(r *result) float64 { return float64(r.ResponseLatency.ValueAtPercentile(99)) }
		row("storm", "%s requests a second of one client, %.1f %% refused", humanize.Comma(int64(float64(storm.Sent)/storm.Elapsed.Seconds())),
			100*float64(storm.Refused)/float64(max(1, storm.Sent)))
		row("", "without it: %s; p99 is %.2f times that", percentiles(storm.calm.ResponseLatency), p99(m)/max(1, p99(&storm.calm)))
	}
	fmt.Fprintln(w)
	row("accepted", "%s", humanize.Comma(int64(m.Accepted)))
	row("refused", "%s", refusals(m.Refused))
	row("unanswered", "%d", m.Unanswered)
	row("succeeded", "%s", humanize.Comma(int64(f.Succeeded)))
	row("lost", "%d", f.Lost)
	row("doubled", "%d", f.Duplicated)
	row("out of order", "%d", f.OutOfOrder)
	if p.Streams > 0 {
		row("late", "%d of %d watched outcomes came after more than %s; %d streams reconnected", m.Late, m.Delivered, load.LateAfter, m.Reconnected)
	}
	for _, example := range f.Examples {
		fmt.Fprintf(w, "  ! %s\n", example)
	}
}

func rate(n int, m *result) string {
	return humanize.Comma(int64(float64(n) / max(1e-9, m.Elapsed.Seconds())))
}

func percentiles(h *hdrhistogram.Histogram) string {
	millis := func(microseconds int64) string { return fmt.Sprintf("%.2f ms", float64(microseconds)/1000) }
	return fmt.Sprintf("p50 %s, p99 %s, at most %s", millis(h.ValueAtPercentile(50)), millis(h.ValueAtPercentile(99)), millis(h.Max()))
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

// benchHint is advice for a load that failed.
func benchHint(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "too many open files"):
		return "raise the limit with \"ulimit -n 65536\", or use fewer --connections and --streams"
	case strings.Contains(text, "connection refused"):
		return "no node listens there; give --target the address that \"onsale serve\" prints, or leave it out"
	case strings.Contains(text, "unauthenticated"), strings.Contains(text, "forbidden"):
		return "the load authenticates by X-User-Id, which needs auth.mode demo"
	}
	return "see the node's log"
}
