package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// What stands in the README's console blocks is what happens, word for word. Only what differs each time may differ: names
// of this life of the log, times, and ids that were drawn.
func TestReadme_SessionIsExact(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	b := harness.NewNode(t, "--demo")
	l := b.StartDemo()
	steps := 0
	for _, part := range strings.Split(string(text), "```console\n")[1:] {
		session, prose, _ := strings.Cut(part, "```")
		for _, step := range strings.Split("\n"+session, "\n$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			if !strings.HasPrefix(command, "curl ") {
				continue
			}
			steps++
			time.Sleep(100 * time.Millisecond) // nobody types faster, and what was asked for is decided meanwhile
			got, err := b.Curl(command)
			if err != nil {
				t.Fatalf("%s\n%v", command, err)
			}
			if got, want := normalize(got), normalize(want); got != want {
				t.Errorf("%s\ngot\n%s\nwant, as the README says,\n%s", command, got, want)
			}
		}
		if strings.Contains(prose, "kill -9") {
			l.Kill()
			l = b.StartDemo()
		}
	}
	if steps == 0 {
		t.Error("the README shows no session")
	}
	l.Terminate(t)
	b.MustAudit()
}

var volatile = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`), "TIME"},
	{regexp.MustCompile(`retry: \d+`), "retry: SOON"},
	{regexp.MustCompile(`"requestId":"[\w-]{22}"`), `"requestId":"ID"`},
	{regexp.MustCompile(`/requests/[\w-]{22}`), "/requests/ID"},
	{regexp.MustCompile(`\b[0-9a-z]{8}-(\d+)`), "EPOCH-$1"},
}

// normalize takes out of an answer what differs each time.
func normalize(s string) string {
	for _, d := range volatile {
		s = d.pattern.ReplaceAllString(s, d.replacement)
	}
	return strings.TrimSpace(s)
}
