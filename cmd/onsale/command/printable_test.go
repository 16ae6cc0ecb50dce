package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
)

// Whatever a server sends, as a feed or as a problem, its controls do not reach the terminal.
func TestTail_PrintsNoControls(t *testing.T) {
	const esc = "\x1b]0;owned\x07\u009b2J\x9b2J"
	escaped := strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`).Replace(esc)
	event := fmt.Sprintf(`{"eventId":"%[1]s","type":"%[1]s","entity":"%[1]s","userId":"%[1]s","at":"2026-11-22T12:00:00.123Z","data":{"name":"%[1]s"}}`, escaped)
	feed := "event: connect\nid: e" + esc + "-1\ndata: {\"status\":\"reset\"}\n\nid: e" + esc + "-2\ndata: " + event + "\n\nevent: auth-expiring\ndata: {}\n\nevent: auth-expired\ndata: {}\n\n"
	problem := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":"%[1]s","detail":"%[1]s\nhint: curl evil.example"}`, escaped)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"feed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, feed)
		},
		"no feed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; "+esc[10:])
			fmt.Fprint(w, feed)
		},
		"400": problem(400), "401": problem(401), "403": problem(403), "404": problem(404),
	} {
		for _, flags := range [][]string{nil, {"--json"}} {
			node := httptest.NewServer(answer)
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), append([]string{"tail", "--target", node.URL}, flags...), &stdout, &stderr, nil)
			node.Close()
			control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' }
			printed := stdout.String() + stderr.String()
			if code == 0 || strings.ContainsFunc(printed, control) || strings.Contains(printed, "\x9b2J") || strings.Contains(printed, "\nhint: curl") {
				t.Errorf("%s %v: exit code %d and %q", name, flags, code, printed)
			}
			if name != "feed" {
				continue
			}
			if lines := strings.Count(stdout.String(), "\n"); lines != 1 {
				t.Errorf("%v: %d events in %q", flags, lines, stdout.String())
			}
			var got struct{ EventID string }
			if err := json.Unmarshal(stdout.Bytes(), &got); flags != nil && (err != nil || got.EventID != strings.ToValidUTF8(esc, "\ufffd")) {
				t.Errorf("as JSON: got %q and %v", got.EventID, err)
			}
		}
	}
}
