// The transcripts in testdata: diaries of a box office, one story each, told in the log's own time. testdata/README.md
// teaches their language. What stands behind "→" and "·" is written by the program:
//
//	go test ./domain/shop -run Transcripts -rewrite
//
// Only commit the changes if you understand what caused them.
package shop_test

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
			d := &diary{counter: newCounter(t)}
			got := d.play(string(text))
			d.checkReplay()
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

// diary plays a transcript at a counter of its own.
type diary struct {
	*counter
	out   strings.Builder
	bytes bool // show the events' bytes too
	line  int
}

// play gives the transcript as it would read today.
func (d *diary) play(text string) string {
	for line := range strings.Lines(text) {
		d.line++
		line = strings.TrimRight(line, "\n")
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "→") || strings.HasPrefix(trimmed, "·"):
			continue
		case trimmed == "" || trimmed[0] == '#':
			d.say("%s", line)
		default:
			d.say("%s", line)
			if err := d.enter(trimmed); err != nil {
				d.t.Fatalf("line %d: %v: %s", d.line, err, line)
			}
		}
	}
	return d.out.String()
}

func (d *diary) say(format string, args ...any) { fmt.Fprintf(&d.out, format+"\n", args...) }

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
const day = "2026-03-01T"

func clockTime(s string) (domain.Time, error) { return domain.ParseTime(day + s + "Z") }

// clockText is t as diaries show it: without the day.
func clockText(t domain.Time) string {
	return strings.TrimSuffix(strings.TrimPrefix(t.String(), day), "Z")
}
