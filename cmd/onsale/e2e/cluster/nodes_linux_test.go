// Three nodes, and a sampler that compares what each says of itself with what it does.

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

const (
	nodeCount        = 3
	firstNodeAddress = 11 // in its networks; servers begin at 1

	// A node has so long to notice that it accepts no commands, and to refuse reads of old state: it does so after 10 s of silence,
	// which begins up to 3 s after its leader was cut off, and with a look at both logs, which takes up to 2 s. Samples and probes
	// come two to four times a second, and the machine may be busy: hence the last number.
	unreadyWithin = 6 * time.Second
	refusedWithin = 15 * time.Second
	sampleEvery   = 250 * time.Millisecond
	tolerance     = 1500 * time.Millisecond
)

// clusterNode is one node in its namespace.
type clusterNode struct {
	*harness.Node
	name     string
	client   *http.Client // of commands and of the sampler
	asking   *http.Client // of questions about requests, which may wait for long
	process  *harness.Process
	accepted atomic.Int64 // when it accepted a command last, in ns
	stopped  atomic.Bool  // by the test

	mu   sync.Mutex // guards what follows
	lies []lie
}

// lie is a time in which a node said something of itself that was not true.
type lie struct {
	what        string
	first, last time.Time
}

func newClusterNode(t *testing.T, network network, i int, urls string) *clusterNode {
	n := &clusterNode{name: nodeName(i), client: harness.NewHTTPClient(t, 256), asking: harness.NewHTTPClient(t, 64)}
	network.addHost(n.name, firstNodeAddress+i, natsNet, webNet)
	n.Node = harness.NewNode(t, "--node", n.name, "--auth-demo-anywhere", "--nats-url", urls, "--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s",
		"--log-commands-max-bytes", "256MiB", "--log-events-max-bytes", "512MiB", "--log-min-free-disk", "0")
	n.Addr, n.NATS, n.Namespace = address(webNet, firstNodeAddress+i)+":8080", urls, n.name
	return n
}

func nodeName(i int) string { return fmt.Sprint("n", i+1) }

// launch starts the node and waits until it listens.
func (n *clusterNode) launch() {
	n.process = n.Start()
	n.accepted.Store(time.Now().UnixNano())
	n.stopped.Store(false)
}

// readiness asks /readyz. It is unknown when the node does not respond.
func (n *clusterNode) readiness(ctx context.Context) (ready bool, reasons []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	response, err := n.Do(ctx, n.client, "GET", "/readyz", "")
	if err != nil {
		return false, nil, err
	}
	var body struct{ Reasons []string }
	err = json.Unmarshal([]byte(response.Body), &body)
	return response.Status == http.StatusOK, body.Reasons, err
}

// readHead is the event number that a read reflects; false: reads are refused.
func (n *clusterNode) readHead(ctx context.Context) (head uint64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	response, err := n.Do(ctx, n.client, "GET", "/api/v1/promotions", "")
	if err != nil || response.Status != http.StatusOK {
		return 0, false
	}
	head, _ = harness.ParseEventID(response.Header.Get("Last-Event-ID"))
	return head, true
}

// sampler asks all nodes for their readiness and position.
type sampler struct {
	nodes []*clusterNode

	mu    sync.Mutex // guards what follows
	heads []headAt   // the furthest position of any node
	halts int        // in all, healed ones too
}

type headAt struct {
	at   time.Time
	head uint64
}

func (s *sampler) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, n := range s.nodes {
		group.Go(func() {
			halted := false
			for harness.Sleep(ctx, sampleEvery) {
				halted = s.sample(ctx, n, halted)
			}
		})
	}
	group.Wait()
}

// sample asks one node once.
func (s *sampler) sample(ctx context.Context, n *clusterNode, wasHalted bool) (halted bool) {
	// Asked in this order, what was true before is compared with what is said after.
	lastAccepted, asked := time.Unix(0, n.accepted.Load()), time.Now()
	ready, reasons, err := n.readiness(ctx)
	if err != nil || n.stopped.Load() {
		return wasHalted
	}
	head, reads := n.readHead(ctx)
	halted = len(reasons) > 0 && strings.HasPrefix(reasons[0], "halted")
	s.mu.Lock()
	if halted && !wasHalted {
		s.halts++
	}
	if newest := len(s.heads) - 1; reads && (newest < 0 || head > s.heads[newest].head) {
		s.heads = append(s.heads, headAt{asked, head})
	}
	wasAt := func(ago time.Duration) (head uint64) { // what could be read somewhere then
		for i := len(s.heads) - 1; i >= 0 && head == 0; i-- {
			if asked.Sub(s.heads[i].at) > ago+tolerance {
				head = s.heads[i].head
			}
		}
		return head
	}
	old, veryOld := wasAt(unreadyWithin), wasAt(refusedWithin)
	s.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if ready && asked.Sub(lastAccepted) > unreadyWithin+tolerance {
		n.addLie(fmt.Sprintf("is ready %s after the last command that it accepted", unreadyWithin), asked)
	}
	if ready && reads && head < old {
		n.addLie(fmt.Sprintf("is ready with reads older than %s", unreadyWithin), asked)
	}
	if reads && head < veryOld {
		n.addLie(fmt.Sprintf("serves reads older than %s", refusedWithin), asked)
	}
	return halted
}

// addLie extends the last lie of this kind, or adds one. Called with mu held.
func (n *clusterNode) addLie(what string, at time.Time) {
	for i := range n.lies {
		if l := &n.lies[i]; l.what == what && at.Sub(l.last) < 2*time.Second {
			l.last = at
			return
		}
	}
	n.lies = append(n.lies, lie{what, at, at})
}

func (n *clusterNode) takeLies() []lie {
	n.mu.Lock()
	defer n.mu.Unlock()
	lies := n.lies
	n.lies = nil
	return lies
}

func (s *sampler) haltCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.halts
}
