// Readiness is a statement about now: every half second a node compares what it knows of itself, and says why load balancers
// should send no requests here. One that has had no contact with its log for longer is isolated: it refuses reads and ends its
// streams until it has caught up again.

package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/domain"
	"onsale/projections"
)

const (
	maxSilence      = 5 * time.Second  // of the log, of a ready node
	isolatedAfter   = 10 * time.Second // a cluster that elects a leader is silent for less
	maxStall        = 5 * time.Second  // of publishing and of deciding
	maxLogTimeAhead = 5 * time.Second
	minDescriptors  = 32 // free ones
)

// facts is what a node knows of itself at one time.
type facts struct {
	shuttingDown    bool
	silence         time.Duration // since the log answered
	isolated        bool          // it was silent for long, and this node has not caught up since
	appendStalled   time.Duration // while commands are sent, since the last that the log took
	publishStalled  time.Duration // while events wait to be published, since the last that was
	decideStalled   time.Duration // while commands wait to be decided, since the last that was
	logTimeAhead    time.Duration // of this machine's clock
	full            string        // why users' commands are refused; "": they are accepted
	freeDescriptors int
	doubts          []string // why this node cannot rely on its log, or on tokens, now
}

// reasons are why the node is not ready, and what to do. None: it is ready.
func (f facts) reasons() (reasons []string) {
	add := func(broken bool, format string, args ...any) {
		if broken {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	add(f.shuttingDown, "shutting down: streams are drained")
	add(f.silence > maxSilence, "the log has not answered for %s: check NATS and the network to it; of an embedded server, the disk", seconds(f.silence))
	add(f.isolated && f.silence <= maxSilence, "catching up with what was accepted while the log did not answer this node")
	add(f.appendStalled > maxStall, "the log has taken no command for %s: check that COMMANDS has a leader and enough replicas", seconds(f.appendStalled))
	add(f.publishStalled > maxStall, "outcomes have not been published for %s: check that EVENTS has room, a leader and enough replicas", seconds(f.publishStalled))
	add(f.decideStalled > maxStall, "accepted commands have not been decided for %s: check the disk of the read store, and the log lines of this node",
		seconds(f.decideStalled))
	add(f.logTimeAhead > maxLogTimeAhead, "log time is %s ahead of this machine's clock, so sales open early and holds last longer: "+
		"correct the clocks; log time stands still until they reach it", seconds(f.logTimeAhead))
	add(f.full != "", "%s, so users' commands are refused: make room", f.full)
	add(f.freeDescriptors < minDescriptors, "only %d file descriptors are free: raise the limit (LimitNOFILE, ulimit -n) and restart", f.freeDescriptors)
	return append(reasons, f.doubts...)
}

func seconds(d time.Duration) time.Duration { return d.Truncate(time.Second) }

// isolation is whether the node is isolated, as a function of what happens. That the log answers again does not end it: a server may
// not know what the others have accepted. A barrier of this node's own does.
type isolation struct {
	isolated bool
	proof    <-chan error // of the barrier that is under way; nil: none is
}

// update takes how long the log has been silent. prove begins a barrier and delivers its result.
func (i *isolation) update(silence time.Duration, prove func() <-chan error) {
	switch {
	case silence > isolatedAfter:
		*i = isolation{isolated: true}
	case !i.isolated || silence > maxSilence:
	case i.proof == nil:
		i.proof = prove()
	default:
		select {
		case err := <-i.proof:
			*i = isolation{isolated: err != nil}
		default:
		}
	}
}

// stall is how long something has not moved although it should.
type stall struct {
	at    uint64
	since time.Time
}

// update takes whether something waits, and as of when that is known: what begins to wait during a silence counts from its beginning.
func (s *stall) update(at uint64, waiting bool, asOf, now time.Time) time.Duration {
	if at != s.at || s.since.IsZero() {
		s.at, s.since = at, now
	}
	if !waiting {
		s.since = asOf
		return 0
	}
	return now.Sub(s.since)
}

// readiness keeps the facts up to date.
type readiness struct {
	node     *Node
	facts    atomic.Pointer[facts] // the latest
	isolated atomic.Bool

	// Of the goroutine that runs.
	isolation        isolation
	publish, decide  stall
	descriptorsCheck time.Time
	free             int
	timeAhead        bool // was logged
}

// newReadiness is called when the data is open.
func newReadiness(n *Node) *readiness {
	r := &readiness{node: n}
	r.check(context.Background(), time.Now())
	return r
}

// run checks until ctx ends.
func (r *readiness) run(ctx context.Context) {
	for ticker := time.Tick(checkEvery); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker:
			r.check(ctx, now)
		}
	}
}

func (r *readiness) check(ctx context.Context, now time.Time) {
	n, status := r.node, r.node.projector.Status()
	logs, logsAt := n.capacity.latest()
	f := facts{
		silence:         now.Sub(n.capacity.lastContact()),
		appendStalled:   n.capacity.appends.stalled(now),
		publishStalled:  r.publish.update(status.Confirmed, status.Events > status.Confirmed, now, now),
		decideStalled:   r.decide.update(status.DecidedSequence, logs.Commands.Last > status.DecidedSequence/domain.SequencesPerMessage, logsAt, now),
		logTimeAhead:    logTimeAhead(status, now),
		freeDescriptors: r.freeDescriptors(now),
	}
	_, f.full = n.capacity.problem()
	if status.Halted != "" {
		f.appendStalled, f.publishStalled, f.decideStalled = 0, 0, 0 // the reason of the halt is enough
	}
	r.reportLogTime(f.logTimeAhead)
	r.isolation.update(f.silence, func() <-chan error { return r.prove(ctx) })
	f.isolated = r.isolation.isolated
	r.facts.Store(&f)
	if status.Halted != "" {
		return // it refuses everything already
	}
	switch was := r.isolated.Swap(r.isolation.isolated); {
	case r.isolation.isolated && !was:
		n.logger.Error("isolated: reads are refused", "silence", seconds(f.silence))
		n.hub.Suspend("no contact with the log")
	case was && !r.isolation.isolated:
		n.logger.Info("contact with the log is back, and this node has caught up")
		n.hub.Resume()
	}
}

// proofTimeout bounds a barrier, which is repeated.
const proofTimeout = 30 * time.Second

// prove finds out whether this node has decided everything that any node had accepted.
func (r *readiness) prove(ctx context.Context) <-chan error {
	result := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, proofTimeout)
		defer cancel()
		result <- r.node.projector.Barrier(ctx)
	}()
	return result
}

// logTimeAhead is how far log time is ahead of the clock; 0 for an empty log.
func logTimeAhead(status projections.Status, now time.Time) time.Duration {
	if status.LogTime == 0 {
		return 0
	}
	return status.LogTime.Sub(domain.At(now))
}

func (r *readiness) reportLogTime(ahead time.Duration) {
	switch {
	case ahead > maxLogTimeAhead && !r.timeAhead:
		r.node.logger.Error("log time is ahead of this machine's clock: sales open early, holds last longer", "ahead", seconds(ahead))
	case ahead <= maxLogTimeAhead && r.timeAhead:
		r.node.logger.Info("log time is near this machine's clock again")
	}
	r.timeAhead = ahead > maxLogTimeAhead
}

// freeDescriptors counts every few seconds: it reads a directory with one entry for each connection.
func (r *readiness) freeDescriptors(now time.Time) int {
	const interval = 5 * time.Second
	if now.Sub(r.descriptorsCheck) < interval {
		return r.free
	}
	r.descriptorsCheck, r.free = now, math.MaxInt
	if limit := descriptorLimit(); limit > 0 {
		if open, err := openDescriptors(); err == nil || errors.Is(err, syscall.EMFILE) {
			r.free = limit - open
		}
	}
	return r.free
}

// reasons are why load balancers should send no requests here.
func (r *readiness) reasons() []string {
	f := *r.facts.Load()
	f.shuttingDown = r.node.shuttingDown.Load()
	f.doubts = r.node.log.Problems()
	if s := r.node.projector.Status(); s.Halted == "" && s.Doubt != "" {
		f.doubts = append(f.doubts, "a server says that the log is damaged, asking again: "+s.Doubt)
	}
	for _, reason := range []string{r.node.scrubber.reason(), r.node.auth.NotReady()} {
		if reason != "" {
			f.doubts = append(f.doubts, reason)
		}
	}
	return f.reasons()
}

var (
	logTimeAheadDesc = prometheus.NewDesc("onsale_log_time_ahead_seconds", "How far log time is ahead of this machine's clock; negative while no command arrives.", nil, nil)
	silenceDesc      = prometheus.NewDesc("onsale_log_silence_seconds", "Time since the log answered this node.", nil, nil)
	isolatedDesc     = prometheus.NewDesc("onsale_isolated", "1 while this node refuses reads and streams, since it has no contact with the log.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *readiness) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{logTimeAheadDesc, silenceDesc, isolatedDesc} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (r *readiness) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	now := time.Now()
	gauge(logTimeAheadDesc, logTimeAhead(r.node.projector.Status(), now).Seconds())
	gauge(silenceDesc, now.Sub(r.node.capacity.lastContact()).Seconds())
	isolated := 0.0
	if r.isolated.Load() {
		isolated = 1
	}
	gauge(isolatedDesc, isolated)
}
