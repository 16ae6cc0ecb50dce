// The report: as text after each measure, or as JSON at the end.

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"

	"github.com/dustin/go-humanize"
)

// streamsReport is all measures, and the machine.
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
