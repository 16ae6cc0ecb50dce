// Package clients cuts the streams of a real node at every byte, and resumes with other people's clients: in CI with parsers that
// read as they do, by task clients with the clients themselves, from npm.
package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/view/viewtest"
)

func TestMain(m *testing.M) { harness.Main(m) }

// session is a node with a user's stream of a few events.
type session struct {
	node  *harness.Node
	start string           // the id before the first event
	want  []viewtest.Event // all but the connect frame
	text  []byte           // of a connection from start
	cuts  int              // the connection may be cut before this byte: the last event shows that the others must have come
}

func newSession(t *testing.T) *session {
	s := &session{node: harness.NewNode(t, "--demo", "--streams-max-per-user", "-1")}
	s.node.StartDemo()
	s.start = s.node.Head(t.Context(), http.DefaultClient)
	const seats = "/api/v1/schedules/demo/seats/"
	s.node.IssueCoupons(t.Context(), http.DefaultClient, "kim")
	harness.MustCommand(t, s.node.URL(), "kim", seats+"hold", `{"scheduleSeatIds":[1,2]}`)
	last := harness.MustCommand(t, s.node.URL(), "kim", seats+"release", `{"scheduleSeatIds":[1,2]}`).EventID
	all := &viewtest.Browser{}
	all.Resume(s.start)
	s.text = s.read(t, all, last, 1<<20)
	s.want = withoutConnects(all.Events)
	if len(s.want) != 3 || s.want[2].ID != last {
		t.Fatalf("got\n%s", s.text)
	}
	s.cuts = bytes.LastIndex(s.text[:len(s.text)-2], []byte("\n\n")) + 2
	return s
}

// read is one connection of a client: up to n bytes, or until the event with this id.
func (s *session) read(t *testing.T, client *viewtest.Browser, last string, n int) (text []byte) {
	conn, err := net.Dial("tcp", s.node.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	body := bufio.NewReader(conn)
	fmt.Fprintf(conn, "GET /subscribe/kim HTTP/1.1\r\nHost: onsale\r\nLast-Event-ID: %s\r\n\r\n", client.LastID)
	response, err := http.ReadResponse(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Resume(client.LastID)
	done := func() bool {
		return len(client.Events) > 0 && client.Events[len(client.Events)-1].ID == last && client.Complete()
	}
	for b := make([]byte, 1); n > 0 && !done(); n-- {
		if _, err := response.Body.Read(b); err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		_, _ = client.Write(b)
		text = append(text, b...)
	}
	return text
}

func withoutConnects(events []viewtest.Event) []viewtest.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e viewtest.Event) bool { return e.Event == "connect" || e.Event == "heartbeat" })
}

// check checks the events of a client that was cut after n bytes. Eager clients take an id over when its line arrives: they may
// lose an event if they are cut behind that line, but before the blank line.
func (s *session) check(t *testing.T, client string, n int, got []viewtest.Event, eager bool) (lost bool) {
	t.Helper()
	if slices.Equal(got, s.want) {
		return false
	}
	if eager && bytes.HasSuffix(s.text[:n+1], []byte("\n\n")) && len(got) == len(s.want)-1 {
		index := bytes.Count(s.text[:n-1], []byte("\n\n")) - 1 // not counting the connect frame
		if slices.Equal(got, slices.Delete(slices.Clone(s.want), index, index+1)) {
			return true
		}
	}
	t.Errorf("%s, cut after %q:\ngot %+v\nwant %+v", client, s.text[:n], got, s.want)
	return true
}

func TestParsers_CutAtEveryByte(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for name, eager := range map[string]bool{"standard": false, "eager": true} {
		lost := 0
		for n := range s.cuts {
			client := &viewtest.Browser{Eager: eager}
			client.Resume(s.start)
			last := s.want[len(s.want)-1].ID
			s.read(t, client, last, n)
			s.read(t, client, last, 1<<20)
			if s.check(t, name, n, withoutConnects(client.Events), eager) {
				lost++
			}
			if t.Failed() {
				return
			}
		}
		t.Logf("%s: %d of %d cuts lose an event", name, lost, s.cuts)
	}
}

// packages are the clients, and whether they are eager.
var packages = map[string]struct {
	spec  string
	eager bool
}{
	"eventsource2":     {"eventsource2@npm:eventsource@2", true},
	"eventsource4":     {"eventsource4@npm:eventsource@4", false},
	"fetchEventSource": {"@microsoft/fetch-event-source@2", true},
}

// TestPackages_CutAtEveryByte needs node, npm and its registry.
func TestPackages_CutAtEveryByte(t *testing.T) {
	if os.Getenv("ONSALE_TEST_CLIENTS") == "" {
		t.Skip("clients from npm are tested by task clients")
	}
	dir := t.TempDir()
	install := exec.Command("npm", "install", "--no-audit", "--no-fund", "--prefix", dir)
	for _, p := range packages {
		install.Args = append(install.Args, p.spec)
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v\n%s", err, out)
	}
	s := newSession(t)
	p := newCuttingProxy(t, s)
	for range 60 { // then "full" has as many streams as a user may have
		conn, err := net.Dial("tcp", s.node.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /subscribe/full HTTP/1.1\r\nHost: onsale\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range packages {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(harness.TimeoutContext(t, 5*time.Minute), "node", "testdata/clients.js", name, p.url,
				strconv.Itoa(s.cuts), s.want[len(s.want)-1].ID)
			command.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
			command.Stderr = os.Stderr
			out, err := command.Output()
			var results [][]struct{ Name, ID, Data string }
			if err := errors.Join(err, json.Unmarshal(out, &results)); err != nil || len(results) != s.cuts+1 {
				t.Fatalf("%d results: %v", len(results), err)
			}
			lost := 0
			for n, events := range results {
				var got []viewtest.Event
				for _, e := range events {
					got = append(got, viewtest.Event{Event: e.Name, ID: e.ID, Data: e.Data})
				}
				if n == s.cuts {
					if len(got) > 0 {
						t.Errorf("a rejected stream has events: %+v", got)
					}
				} else if s.check(t, name, n, withoutConnects(got), c.eager) {
					lost++
				}
			}
			t.Logf("%d of %d cuts lose an event", lost, s.cuts)
		})
	}
}

// cuttingProxy is in front of a node. The first connection to /cut/NAME-n ends after n bytes of the stream. It shortens the delay
// until the client reconnects.
type cuttingProxy struct {
	*session
	url  string
	mu   sync.Mutex
	seen map[string]bool
}

func newCuttingProxy(t *testing.T, s *session) *cuttingProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cuttingProxy{session: s, url: "http://" + l.Addr().String(), seen: map[string]bool{}}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

var retryLine = regexp.MustCompile(`retry: \d{4}\n`)

func (p *cuttingProxy) serve(conn net.Conn) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	user, limit, id := "full", int64(1<<20), request.Header.Get("Last-Event-ID")
	if name, cut := strings.CutPrefix(request.URL.Path, "/cut/"); cut {
		user = "kim"
		_, n, _ := strings.Cut(name, "-")
		p.mu.Lock()
		if !p.seen[name] {
			limit, _ = strconv.ParseInt(n, 10, 64)
		}
		p.seen[name] = true
		p.mu.Unlock()
		if id == "" {
			id = p.start
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.node.URL()+"/subscribe/"+user, nil)
	if err != nil {
		return
	}
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer response.Body.Close()
	go func() { // until the client is gone
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
	for b := make([]byte, 4096); limit > 0; {
		n, err := response.Body.Read(b[:min(int64(len(b)), limit)])
		limit -= int64(n)
		text := b[:n]
		if user == "kim" {
			text = retryLine.ReplaceAll(text, []byte("retry: 0010\n"))
		}
		if _, writeErr := conn.Write(text); err != nil || writeErr != nil {
			return
		}
	}
}
