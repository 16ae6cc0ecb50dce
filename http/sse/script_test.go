package sse

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what comes out into testdata; only commit it if you understand what changed it")

// runScript runs the commands of a text file, which begin with "> ", and compares what each gives with the lines below it.
func runScript(t *testing.T, file string, run func(command string) string) {
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
		switch command, is := strings.CutPrefix(line, "> "); {
		case is:
			commands = append(commands, strings.TrimSuffix(command, "\n"))
		case len(commands) == 0:
			out.WriteString(line) // what the file is about
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
