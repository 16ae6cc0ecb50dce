// Readiness is a statement about now: every half second a node compares what it knows of itself, and says why load balancers
// should send no requests here. One that has had no contact with its log for longer is isolated: it refuses reads and ends its
// streams until it has caught up again.

package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
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
	doubts          []string // why this node cannot rely on its log now
	missingData     string   // path of what is not there any more, or is another; "": all is there
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
	add(f.missingData != "", "%s is not there any more, or was replaced: stop this node, and restore the data directory before the next start", f.missingData)
	return append(reasons, f.doubts...)
}

func seconds(d time.Duration) time.Duration { return d.Truncate(time.Second) }

// isolation is whether the node is isolated, as a function of what happens.
type isolation struct {
	isolated bool
	target   *domain.LogState // where the logs ended when the log answered again; nil: it has not
}

// update takes how long the log has been silent, its state and the age of that, and how far the node is. An append ends the silence
// too, but does not say what was missed.
func (i *isolation) update(silence time.Duration, logs domain.LogState, age time.Duration, decided, confirmed uint64) {
	switch {
	case silence > isolatedAfter:
		*i = isolation{isolated: true}
	case !i.isolated || silence > maxSilence || age > maxSilence:
	case i.target == nil:
		i.target = &logs
		fallthrough
	default:
		if decided/domain.SequencesPerMessage >= i.target.Commands.Last && confirmed >= i.target.Events.Last {
			*i = isolation{}
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
	paths            map[string]os.FileInfo // of what must stay there
	timeAhead        bool                   // was logged
}

// newReadiness is called when the data is open.
func newReadiness(n *Node) *readiness {
	r := &readiness{node: n, paths: map[string]os.FileInfo{}}
	for _, path := range []string{n.config.Data, StorePath(n.config)} {
		if info, err := os.Stat(path); err == nil {
			r.paths[path] = info
		}
	}
	r.check(time.Now())
	return r
}

// run checks until ctx ends.
func (r *readiness) run(ctx context.Context) {
	for ticker := time.Tick(checkEvery); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker:
			r.check(now)
		}
	}
}

func (r *readiness) check(now time.Time) {
	n, status := r.node, r.node.projector.Status()
	logs, logsAt := n.capacity.latest()
	f := facts{
		silence:         now.Sub(n.capacity.lastContact()),
		appendStalled:   n.capacity.appends.stalled(now),
		publishStalled:  r.publish.update(status.Confirmed, status.Events > status.Confirmed, now, now),
		decideStalled:   r.decide.update(status.DecidedSequence, logs.Commands.Last > status.DecidedSequence/domain.SequencesPerMessage, logsAt, now),
		logTimeAhead:    logTimeAhead(status, now),
		freeDescriptors: r.freeDescriptors(now),
		missingData:     r.missingData(),
	}
	_, f.full = n.capacity.problem()
	if status.Halted != "" {
		f.appendStalled, f.publishStalled, f.decideStalled = 0, 0, 0 // the reason of the halt is enough
	}
	r.reportLogTime(f.logTimeAhead)
	r.isolation.update(f.silence, logs, now.Sub(logsAt), status.DecidedSequence, status.Confirmed)
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

func (r *readiness) missingData() string {
	for path, before := range r.paths {
		if info, err := os.Stat(path); err != nil || !os.SameFile(before, info) {
			return path
		}
	}
	return ""
}

// reasons are why load balancers should send no requests here.
func (r *readiness) reasons() []string {
	f := *r.facts.Load()
	f.shuttingDown = r.node.shuttingDown.Load()
	f.doubts = r.node.log.Problems()
	if s := r.node.projector.Status(); s.Halted == "" && s.Doubt != "" {
		f.doubts = append(f.doubts, "a server says that the log is damaged, asking again: "+s.Doubt)
	}
	if reason := r.node.scrubber.reason(); reason != "" {
		f.doubts = append(f.doubts, reason)
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
