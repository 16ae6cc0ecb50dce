package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// The responses in the documents' console blocks are exact. Only what differs in each run may differ: the log's epoch, times,
// and random ids.
func TestDocs_SessionsAreExact(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"README.md", "http/API.md"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../../..", path))
			if err != nil {
				t.Fatal(err)
			}
			checkSession(t, string(text))
		})
	}
}

// checkSession runs the curl commands of a document in a fresh demo. Where the text after a block says kill -9, the node is
// killed and restarted.
func checkSession(t *testing.T, text string) {
	t.Helper()
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	ids := paymentIDs{}
	steps := 0
	for _, part := range strings.Split(text, "```console\n")[1:] {
		session, prose, _ := strings.Cut(part, "```")
		for _, step := range strings.Split("\n"+session, "\n$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			if !strings.HasPrefix(command, "curl ") {
				continue
			}
			steps++
			waitDecided(t, node)
			got, err := node.Curl(ids.toReal(command))
			if err != nil {
				t.Fatalf("%s\n%v", command, err)
			}
			if got, want := normalize(ids.toDocument(got, want)), normalize(want); got != want {
				t.Errorf("%s\ngot\n%s\nwant, as in the document,\n%s", command, got, want)
			}
		}
		if strings.Contains(prose, "kill -9") {
			process.Kill()
			process = node.StartDemo()
		}
	}
	if steps == 0 {
		t.Error("the document has no session")
	}
	process.Terminate(t)
	node.MustAudit()
}

// waitDecided waits as long as a reader of the document would, and until every command is decided and its events are confirmed.
func waitDecided(t *testing.T, node *harness.Node) {
	t.Helper()
	ctx := harness.TimeoutContext(t, 20*time.Second)
	for {
		harness.Sleep(ctx, 100*time.Millisecond)
		metrics := node.MustDo(ctx, http.DefaultClient, "GET", "/metrics", "").Body
		if strings.Contains(metrics, "\nonsale_backlog_commands 0\n") && strings.Contains(metrics, "\nonsale_outbox_events 0\n") {
			return
		}
	}
}

// paymentIDs are the fake provider's ids by those in the document. The provider draws them, and later commands name them.
type paymentIDs map[string]string

var paymentID = regexp.MustCompile(`"imp_uid":"(\w+)"`)

func (ids paymentIDs) toReal(command string) string {
	for document, real := range ids {
		command = strings.ReplaceAll(command, document, real)
	}
	return command
}

// toDocument learns the ids of a response, and puts the document's in their place.
func (ids paymentIDs) toDocument(got, want string) string {
	gotIDs, wantIDs := paymentID.FindAllStringSubmatch(got, -1), paymentID.FindAllStringSubmatch(want, -1)
	for i := range min(len(gotIDs), len(wantIDs)) {
		if _, known := ids[wantIDs[i][1]]; !known {
			ids[wantIDs[i][1]] = gotIDs[i][1]
		}
	}
	for document, real := range ids {
		got = strings.ReplaceAll(got, real, document)
	}
	return got
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

// normalize replaces what differs in each run.
func normalize(s string) string {
	for _, d := range volatile {
		s = d.pattern.ReplaceAllString(s, d.replacement)
	}
	return strings.TrimSpace(s)
}

func TestMain(m *testing.M) { harness.Main(m) }

func TestScripts(t *testing.T) { harness.RunScripts(t) }
