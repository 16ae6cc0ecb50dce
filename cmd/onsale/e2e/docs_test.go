package e2e

import (
	"cmp"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

var rewrite = flag.Bool("rewrite", false, "write today's responses into the documents where they differ")

// The responses in the documents' console blocks are exact. Only what differs in each run may differ: the log's epoch, times,
// and random ids. To write them:
//
//	go test ./cmd/onsale/e2e -run Docs -rewrite
func TestDocs_SessionsAreExact(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"README.md", "http/API.md"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("../../..", path)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := withOneEpoch(checkSession(t, string(text)))
			if !*rewrite && got != string(text) {
				t.Error("the responses are of several logs: they have different epochs")
			}
			if *rewrite && got != string(text) {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var epochs = regexp.MustCompile(`"eventId":"([0-9a-z]{8})-`)

// withOneEpoch gives all responses of a document the epoch of the first: a session is of one log, whenever its lines were written.
func withOneEpoch(text string) string {
	found := epochs.FindAllStringSubmatch(text, -1)
	for _, match := range found {
		text = strings.ReplaceAll(text, match[1]+"-", found[0][1]+"-")
	}
	return text
}

// checkSession runs the curl commands of a document in a fresh demo. Where the text after a block says kill -9, the node is
// killed and restarted. It returns the document as it would be today: with today's responses where they differ, which is no failure
// with -rewrite, and in later commands the ids of today's holds, reservations and so on.
func checkSession(t *testing.T, text string) (rewritten string) {
	t.Helper()
	rewritten = text
	var renamed []string // ids in the document, and today's
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
			if *rewrite {
				before := command
				command = strings.NewReplacer(renamed...).Replace(before)
				rewritten = strings.Replace(rewritten, "$ "+before+"\n", "$ "+command+"\n", 1)
			}
			waitDecided(t, node)
			got, err := node.Curl(ids.toReal(command))
			if err != nil {
				t.Fatalf("%s\n%v", command, err)
			}
			got = ids.toDocument(got, want)
			if normalize(got) == normalize(want) {
				continue
			}
			if !*rewrite {
				t.Errorf("%s\ngot\n%s\nwant, as in the document,\n%s", command, normalize(got), normalize(want))
			}
			today := map[string]string{} // ids by their fields
			for _, id := range sequenceID.FindAllStringSubmatch(got, -1) {
				today[id[1]] = id[2]
			}
			for _, id := range sequenceID.FindAllStringSubmatch(want, -1) {
				renamed = append(renamed, id[2], cmp.Or(today[id[1]], id[2]))
			}
			end := want[len(strings.TrimRight(want, "\n")):]
			rewritten = strings.Replace(rewritten, command+"\n"+want, command+"\n"+strings.TrimSpace(got)+end, 1)
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
	return rewritten
}

var sequenceID = regexp.MustCompile(`"(holdId|reservationId|waitingId|merchant_uid|imp_uid)":"([\w-]+)"`)

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
