// One measure: its node, what can be seen of the node from outside, and the report.

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// measurement is one measure of one node.
type measurement struct {
	StreamsPlan
	report  *measureReport
	environ []string
	stderr  io.Writer
	host    string // of the node
}

// maxDuration bounds a measure, beyond the durations in its plan.
const maxDuration = 15 * time.Minute

func (r *measurement) run(ctx context.Context, flags []string, measureFunc func(context.Context, *measurement) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxDuration+2*(r.Duration+r.Stall), fmt.Errorf("the measure takes more than %v", maxDuration))
	defer cancel()
	if r.Target == "" {
		node, err := startNode(ctx, append(append([]string{}, flags...), r.Serve...), r.environ, r.stderr)
		if err != nil {
			return err
		}
		defer node.stop()
		r.Target, r.PID = node.url, node.pid()
	}
	target, err := url.Parse(r.Target)
	if err != nil {
		return err
	}
	r.host = target.Host
	if err = measureFunc(ctx, r); err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func (r *measurement) logf(format string, values ...any) {
	fmt.Fprintf(r.stderr, "  "+format+"\n", values...)
}

// scrapeMetrics returns /metrics, by name and labels. It fails when one of those that the caller reads is missing: a renamed
// metric must not become a 0 in a report.
func (r *measurement) scrapeMetrics(ctx context.Context, names ...string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Target+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	found := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			found[name], _ = strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
		}
	}
	for _, name := range names {
		if _, ok := found[name]; !ok && lines.Err() == nil {
			return nil, hintError{fmt.Errorf("%s/metrics has no %s", r.Target, name), "this tool measures nodes of its own version"}
		}
	}
	return found, lines.Err()
}

// memory is what the node's process holds, in bytes.
type memory struct {
	PSS         float64 // includes its part of shared memory and of mapped files
	Anonymous   float64 // the part of PSS that is in no file
	Heap, Stack float64 // live heap after collections; stacks of goroutines
}

// memoryAfterGC is the node's memory without garbage. Scrapes cause three collections: pooled objects survive one, and the third
// shows what was left. Then it waits until the runtime has returned no more memory for some seconds, at most window.
func (r *measurement) memoryAfterGC(ctx context.Context, window time.Duration) (m memory, err error) {
	const collections, liveHeap, stacks = "go_gc_duration_seconds_count", "go_memstats_heap_alloc_bytes", "go_memstats_stack_inuse_bytes"
	first, err := r.scrapeMetrics(ctx, collections, liveHeap, stacks)
	if err != nil {
		return m, err
	}
	heap := first[liveHeap]
	for now, end := first, time.Now().Add(10*time.Second); now[collections] < first[collections]+3 && time.Now().Before(end); {
		if now, err = r.scrapeMetrics(ctx); err != nil {
			return m, err
		}
		heap = min(heap, now[liveHeap])
	}
	lowest, since := r.memory(), time.Now()
	for end := time.Now().Add(10 * time.Second); time.Since(since) < min(window, 3*time.Second) && time.Now().Before(end); {
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return m, ctx.Err()
		}
		if m = r.memory(); m.PSS < lowest.PSS*0.995 {
			lowest, since = m, time.Now()
		}
	}
	now, err := r.scrapeMetrics(ctx)
	m = r.memory()
	m.Heap, m.Stack = heap, now[stacks]
	return m, err
}

// memory reads Linux's /proc; elsewhere, and without --pid, it is 0.
func (r *measurement) memory() (m memory) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", r.PID))
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(rollup)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "Pss: %f kB", &kilobytes); n == 1 {
			m.PSS = kilobytes * 1024
		}
		if n, _ := fmt.Sscanf(line, "Pss_Anon: %f kB", &kilobytes); n == 1 {
			m.Anonymous = kilobytes * 1024
		}
	}
	return m
}

// cpu is the node's CPU time so far, in steps of ten milliseconds.
func (r *measurement) cpu() time.Duration {
	used, _ := processCPU(r.PID)
	return used
}

// streamsReport is all measures, and the machine: printed as text after each measure, or as JSON at the end.
type streamsReport struct {
	Cores       int              `json:"cores"`
	Memory      uint64           `json:"memoryBytes,omitempty"`
	Descriptors uint64           `json:"descriptors,omitempty"` // the limit of a process
	Measures    []*measureReport `json:"measures"`

	out  io.Writer
	text bool
}

// measureReport is one measure: its conditions and its figures.
type measureReport struct {
	What       string   `json:"what"`
	Conditions []string `json:"conditions"`
	Metrics    []metric `json:"figures"`
	Failed     string   `json:"failed,omitempty"`
}

// metric is one figure. AtMost or AtLeast is its target; 0: none.
type metric struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	AtMost  float64 `json:"atMost,omitempty"`
	AtLeast float64 `json:"atLeast,omitempty"`
}

func newStreamsReport(p StreamsPlan, out io.Writer) *streamsReport {
	r := &streamsReport{
		Cores: runtime.NumCPU(), Memory: physicalMemory(), Descriptors: maxDescriptors(), Measures: []*measureReport{}, out: out, text: p.Format == "text",
	}
	if r.text {
		fmt.Fprintf(out, "%d cores, %s of memory, %s descriptors a process; node, load and other processes share them\n",
			r.Cores, humanize.IBytes(r.Memory), humanize.Comma(int64(r.Descriptors)))
	}
	return r
}

func (m *measureReport) condition(format string, values ...any) {
	m.Conditions = append(m.Conditions, fmt.Sprintf(format, values...))
}

func (m *measureReport) add(name string, value float64, unit string) {
	m.addTarget(metric{Name: name, Value: value, Unit: unit})
}

func (m *measureReport) addTarget(f metric) {
	if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) { // a division by zero
		return
	}
	m.Metrics = append(m.Metrics, f)
}

func (r *streamsReport) add(m *measureReport) {
	r.Measures = append(r.Measures, m)
	if !r.text {
		return
	}
	fmt.Fprintf(r.out, "\n%s: %s\n\n", m.What, strings.Join(m.Conditions, "; "))
	for _, f := range m.Metrics {
		fmt.Fprintf(r.out, "  %-58s %14s %-8s%s\n", f.Name, formatNumber(f.Value), f.Unit, f.targetResult())
	}
	if m.Failed != "" {
		fmt.Fprintf(r.out, "  ! %s\n", m.Failed)
	}
}

func (r *streamsReport) finish() error {
	if r.text {
		return nil
	}
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (f metric) targetResult() string {
	switch met := "met"; {
	case f.AtMost > 0:
		if f.Value > f.AtMost {
			met = "missed"
		}
		return fmt.Sprintf("  target: at most %s, %s", formatNumber(f.AtMost), met)
	case f.AtLeast > 0:
		if f.Value < f.AtLeast {
			met = "missed"
		}
		return fmt.Sprintf("  target: at least %s, %s", formatNumber(f.AtLeast), met)
	}
	return ""
}

// formatNumber shows at most two decimals.
func formatNumber(v float64) string {
	if math.Abs(v) >= 1000 || v == math.Trunc(v) {
		return humanize.Comma(int64(math.Round(v)))
	}
	return fmt.Sprintf("%.2f", v)
}

// physicalMemory is the machine's memory in bytes; 0: unknown.
func physicalMemory() uint64 {
	info, _ := os.ReadFile("/proc/meminfo")
	var kilobytes uint64
	_, _ = fmt.Sscanf(string(info), "MemTotal: %d kB", &kilobytes)
	return kilobytes << 10
}
