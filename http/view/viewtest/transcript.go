package viewtest

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata; review what changed before you commit it")

// Transcript runs the commands of a file in testdata, which begin with "> ", and compares the result of each with the lines
// below it.
func Transcript(t *testing.T, file string, run func(command string) string) {
	t.Helper()
	file = "testdata/" + file
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	want := map[int]string{}
	var commands []string
	for line := range strings.Lines(string(text)) {
		switch command, ok := strings.CutPrefix(line, "> "); {
		case ok:
			commands = append(commands, strings.TrimSuffix(command, "\n"))
		case len(commands) == 0:
			out.WriteString(line) // the heading
		default:
			want[len(commands)-1] += line
		}
	}
	for i, command := range commands {
		got := strings.TrimRight(run(command), "\n") + "\n"
		if wanted := strings.TrimRight(want[i], "\n") + "\n"; got != wanted && !*rewrite {
			t.Errorf("%s\n> %s\ngot:\n%s\nwant:\n%s", file, command, got, wanted)
		}
		out.WriteString("> " + command + "\n" + got + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
