// The transcripts in testdata: diaries of a box office, one story each, told in the log's own time. testdata/README.md
// teaches their language. What stands behind "→" and "·" is written by the program:
//
//	go test ./domain/machine -run Transcripts -rewrite
//
// Only commit the changes if you understand what caused them.

package machine_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/domain"
)

var rewrite = flag.Bool("rewrite", false, "write into the transcripts what the rules say today")

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr := &transcript{fixture: newFixture(t)}
			got := tr.run(string(text))
			tr.checkReplay()
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Error(firstDifference(file, got, string(text)))
			}
		})
	}
}

// transcript plays a transcript at a counter of its own.
type transcript struct {
	*fixture
	out        strings.Builder
	showBytes  bool // show the events' bytes too
	lineNumber int
}

// run gives the transcript as it would read today.
func (d *transcript) run(text string) string {
	for textLine := range strings.Lines(text) {
		d.lineNumber++
		textLine = strings.TrimRight(textLine, "\n")
		switch trimmed := strings.TrimSpace(textLine); {
		case strings.HasPrefix(trimmed, "→") || strings.HasPrefix(trimmed, "·"):
			continue
		case trimmed == "" || trimmed[0] == '#':
			d.printf("%s", textLine)
		default:
			d.printf("%s", textLine)
			if err := d.runLine(trimmed); err != nil {
				d.t.Fatalf("line %d: %v: %s", d.lineNumber, err, textLine)
			}
		}
	}
	return d.out.String()
}

func (d *transcript) printf(format string, args ...any) { fmt.Fprintf(&d.out, format+"\n", args...) }

func firstDifference(file, got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	g, w = append(g, "the end"), append(w, "the end")
	return fmt.Sprintf("%s:%d reads otherwise today\n got %s\nwant %s", file, i+1, g[i], w[i])
}

// All diaries are of one day.
const dayPrefix = "2026-03-01T"

func parseClock(s string) (domain.Time, error) { return domain.ParseTime(dayPrefix + s + "Z") }

// formatClock is t as diaries show it: without the day.
func formatClock(t domain.Time) string {
	return strings.TrimSuffix(strings.TrimPrefix(t.String(), dayPrefix), "Z")
}

// The language of the transcripts: looking at the state.

func (d *transcript) show(what string) error {
	kind, id, _ := strings.Cut(what, " ")
	switch kind {
	case "bytes":
		d.showBytes = true
	case "everything":
		for line := range strings.Lines(dumpText(d.Machine)) {
			d.printf("    · %s", strings.TrimRight(line, "\n"))
		}
	case "deadline":
		if at, ok := d.NextDeadline(); ok {
			d.printf("    · the next is at %s", formatClock(at))
		} else {
			d.printf("    · none")
		}
	case "promotion":
		p := d.Coupons.Promotion(id)
		if p == nil {
			return fmt.Errorf("there is no promotion %q", id)
		}
		d.showPromotion(p)
	case "schedule":
		sc := d.Seats.Schedule(id)
		if sc == nil {
			return fmt.Errorf("there is no schedule %q", id)
		}
		d.showSchedule(sc)
	case "product":
		p := d.Orders.Product(id)
		if p == nil {
			return fmt.Errorf("there is no product %q", id)
		}
		d.showProduct(p)
	case "order":
		o := d.Orders.Order(id)
		if o == nil {
			return fmt.Errorf("there is no order %q", id)
		}
		d.showOrder(o)
	case "alarms":
		d.showAlarms(id)
	default:
		return fmt.Errorf("nobody can show %q", what)
	}
	return nil
}
