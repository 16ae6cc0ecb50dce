package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What stands in the README's console blocks is what happens, word for word. Only what differs each time may differ: names
// of this life of the log, times, and ids that were drawn.
func TestReadme_SessionIsExact(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	b := newTestNode(t, "--demo")
	l := b.startDemo()
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
			got, err := b.curl(command)
			if err != nil {
				t.Fatalf("%s\n%v", command, err)
			}
			if got, want := normalize(got), normalize(want); got != want {
				t.Errorf("%s\ngot\n%s\nwant, as the README says,\n%s", command, got, want)
			}
		}
		if strings.Contains(prose, "kill -9") {
			l.kill()
			l = b.startDemo()
		}
	}
	if steps == 0 {
		t.Error("the README shows no session")
	}
	l.terminate(t)
	b.mustAudit()
}

var shellWord = regexp.MustCompile(`'([^']*)'|(\S+)`)

// curl does what curl would do, with this box in the place of the usual address.
func (b *testNode) curl(command string) (string, error) {
	var args []string
	method, body, address := "GET", "", ""
	all := shellWord.FindAllStringSubmatch(command, -1)[1:]
	word := func(i int) string { return all[i][1] + all[i][2] }
	for i := 0; i < len(all); i++ {
		switch w := word(i); w {
		case "-s", "-N":
		case "-i":
			args = append(args, "-i")
		case "-X":
			i++
			method = word(i)
		case "-H":
			i++
			args = append(args, "-H", word(i))
		case "-d":
			i++
			body = word(i)
		default:
			address = strings.Replace(w, "127.0.0.1:8080", b.addr, 1)
		}
	}
	if body != "" && method == "GET" {
		method = "POST"
	}
	args = append(args, method, address)
	if body != "" {
		args = append(args, body)
	}
	var out strings.Builder
	done := make(chan error, 1)
	go func() { done <- httpRun(args, &out) }()
	select {
	case err := <-done:
		return out.String(), err
	case <-time.After(20 * time.Second):
		return "", os.ErrDeadlineExceeded
	}
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
