// A node: the log, the projector, the streams and the counter, wired together. Each is made after what it
// needs and ended before it.

package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"onsale/config"
	"onsale/domain"
	httpd "onsale/http"
	"onsale/http/stream"
	"onsale/projections"
	"onsale/streams"
)

type node struct {
	config    config.Config
	logger    *slog.Logger
	log       *streams.Log
	projector *projections.Projector
	hub       *stream.Hub
	server    *httpd.Server
	metrics   *httpd.Metrics
	room      *room
	sound     bool // the logs and the store agreed at start, so that the projector may run
}

// openNode makes a node that is ready to serve. One whose logs are unsound is made too: halted, so that it can say why.
func openNode(ctx context.Context, cfg config.Config, logger *slog.Logger) (*node, error) {
	n := &node{config: cfg, logger: logger, metrics: httpd.NewMetrics()}
	log, err := openLog(ctx, cfg, logger)
	if err != nil {
		return nil, err
	}
	n.log = log
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func openLog(ctx context.Context, cfg config.Config, logger *slog.Logger) (*streams.Log, error) {
	c := streams.Config{
		URLs: cfg.NATS.URL, Creds: cfg.NATS.Creds, ServerConfig: cfg.NATS.Config, Node: cfg.Node, Replicas: cfg.NATS.Replicas,
		Sync: cfg.Sync.Interval, CommandsMaxBytes: int64(cfg.Log.CommandsMaxBytes), EventsMaxBytes: int64(cfg.Log.EventsMaxBytes), Log: logger,
	}
	if len(c.URLs) == 0 {
		c.Dir = cfg.Data
	}
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return nil, err
	}
	return streams.Open(ctx, c)
}

// storePath is the read store's file. With an external NATS several nodes may share a host, so it bears the node's name.
func storePath(cfg config.Config) string {
	if len(cfg.NATS.URL) == 0 {
		return filepath.Join(cfg.Data, "store.db")
	}
	return filepath.Join(cfg.Data, "store-"+cfg.Node+".db")
}

func (n *node) open(ctx context.Context) error {
	cfg, started := n.config, time.Now()
	n.room = &room{log: n.log, config: cfg, logger: n.logger, disk: &disk{path: cfg.Data}}
	log := guardedLog{n.log, n.room.disk, int64(cfg.Log.MinFreeDisk) / 4}
	projector, opening, err := projections.Open(ctx, projections.Config{
		Path: storePath(cfg), Log: log,
		Commands: func(ctx context.Context, from uint64) (projections.Commands, error) { return n.log.Commands(ctx, from) },
		Epoch:    n.log.Epoch(), Logger: n.logger,
		Tell:       n.tell,
		Halted:     func(reason string) { n.hub.Halt(reason) },
		KeepOutbox: max(2*cfg.Sync.Interval, 2*time.Second),
	})
	if err != nil && !errors.Is(err, projections.ErrUnsound) {
		return err
	}
	n.projector, n.room.projector, n.sound = projector, projector, err == nil
	n.tellOpening(opening, started)
	n.hub = stream.New(stream.Config{
		Epoch: n.log.Epoch(), Ring: cfg.Streams.RingEvents, Head: projector.Confirmed(), Last: n.last, NumberAt: projector.NumberAt,
		CatchUp: n.catchUp, CatchUps: cfg.Streams.CatchUps, UserLife: cfg.Streams.UserMaxLife, ScheduleLife: cfg.Streams.MaxLife,
		UserHeartbeat: cfg.Streams.UserHeartbeat, ScheduleHeartbeat: cfg.Streams.Heartbeat, Log: n.logger,
	})
	if n.sound {
		newest, err := projector.Newest(ctx, cfg.Streams.RingEvents)
		if err != nil { // streams read the log instead
			n.logger.Warn("no events are at hand for streams that come back", "error", err)
		}
		n.hub.Fill(newest)
	} else {
		n.hub.Halt(err.Error())
	}
	n.server = httpd.New(httpd.Config{
		Append: log.Append, Projector: projector, Epoch: n.log.Epoch(), Refusal: n.room.refusal,
		EndOfCommands: func(ctx context.Context) (uint64, error) {
			state, err := n.log.State(ctx)
			return state.Commands.Last, err
		},
		Notes:         notes(cfg),
		Streams:       httpd.Streams{User: n.hub.User, Schedule: n.hub.Schedule},
		MaxBacklogAge: cfg.Backlog.MaxAge, Origins: cfg.CORS.Origins, Metrics: n.metrics, Logs: n.room.latest, Log: n.logger,
	})
	n.measureStreams()
	return nil
}

// notes are what this node cannot know.
func notes(cfg config.Config) []string {
	if len(cfg.NATS.URL) == 0 {
		return nil
	}
	return []string{"of the logs only their leaders are looked at, not the other replicas"}
}

// tell passes on events that are confirmed and in the store.
func (n *node) tell(told []projections.Told) {
	n.hub.Tell(told)
	n.metrics.Told(told)
}

// measureStreams shows the hub's figures, each a line.
func (n *node) measureStreams() {
	type s = stream.Stats
	httpd.Look(n.metrics, func() (s, bool) { return n.hub.Stats(), true },
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Users }, "kind", "user"),
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Schedules }, "kind", "schedule"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Fresh }, "verdict", "fresh"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Complete }, "verdict", "complete"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Reset }, "verdict", "reset"),
		httpd.Counter("onsale_streams_shed_total", "Streams turned away with a time to come back.", func(s s) uint64 { return s.Shed }),
		httpd.Counter("onsale_streams_slow_total", "Streams ended because a write did not finish.", func(s s) uint64 { return s.Slow }),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.CatchUps }, "state", "active"),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.Waiting }, "state", "waiting"),
		httpd.Counter("onsale_frames_encoded_total", "Frames made.", func(s s) uint64 { return s.Encoded }),
		httpd.Counter("onsale_frames_written_total", "Frames sent.", func(s s) uint64 { return s.Written }),
		httpd.Gauge("onsale_ring_tail", "Number of the oldest event in the ring; head+1 when it is empty.", func(s s) uint64 { return s.Tail }),
		httpd.Gauge("onsale_ring_head", "Number of the newest event in the ring.", func(s s) uint64 { return s.Head }),
	)
}

func (n *node) tellOpening(o projections.Opening, started time.Time) {
	if o.Rebuilt != "" {
		n.logger.Warn("the read store was made anew from EVENTS", "because", o.Rebuilt, "events", o.Events)
	}
	if o.Completed > 0 || o.Voids > 0 {
		n.logger.Warn("the logs had lost their end and were completed from the outbox; commands accepted in the last moment and not yet decided may be lost",
			"events", o.Completed, "messages", o.Voids)
	}
	n.logger.Info("opened", "epoch", n.log.Epoch(), "events", o.Events, "took", time.Since(started).Round(time.Millisecond))
}

// last is the number of the last event of a reader's key.
func (n *node) last(key stream.Key) uint64 {
	if key.Kind == stream.OfUser {
		return n.projector.LastOfUser(key.ID)
	}
	return n.projector.LastOfEntity("seats", key.ID)
}

// catchUp reads the log for one reader.
func (n *node) catchUp(ctx context.Context, from uint64, key stream.Key) iter.Seq2[domain.Event, error] {
	filter := streams.ScheduleFilter(key.ID)
	if key.Kind == stream.OfUser {
		filter = streams.UserFilter(key.ID)
	}
	return func(yield func(domain.Event, error) bool) {
		for record, err := range n.log.Records(ctx, from, filter) {
			var e domain.Event
			if err == nil {
				e, err = n.log.DecodeEvent(record)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// drainWindow is over how long streams are told to come back elsewhere; the whole end takes at most 15 s.
const drainWindow = 5 * time.Second

// run serves on l until ctx ends, and then ends in order: streams first, while the listener is still open, so that nobody
// who is told to come back finds a closed door before the last moment; then the counter, then the projector, then the log.
func (n *node) run(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	if n.sound {
		group.Go(func() { _ = n.projector.Run(work) })
	}
	group.Go(func() { n.room.watch(work) })
	if n.sound {
		n.prepare(ctx, work, &group)
	}
	served := make(chan error, 1)
	group.Go(func() { served <- n.server.Serve(l) })
	var err error
	select {
	case <-ctx.Done():
		n.logger.Info("ending", "because", context.Cause(ctx))
	case err = <-served:
		err = fmt.Errorf("the listener broke: %w", err)
	case err = <-n.log.Failed():
		err = fmt.Errorf("the embedded nats-server failed: %w", err)
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWindow+time.Second)
	defer cancel()
	if drainErr := n.hub.Drain(drain, drainWindow); drainErr != nil {
		n.logger.Warn("streams were cut off", "error", drainErr)
	}
	n.hub.Close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if endErr := n.server.Shutdown(end); endErr != nil {
		n.logger.Warn("requests were cut off", "error", endErr)
	}
	stop()
	group.Wait()
	return err
}

// prepareWithin bounds how long nobody is let in. A cluster without a leader is no reason to be silent for longer.
const prepareWithin = 10 * time.Second

// prepare waits until this life can tell whatever an earlier one has told, and until the demo is open. Who comes meanwhile
// waits at the listener.
func (n *node) prepare(ctx, work context.Context, group *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, prepareWithin)
	defer cancel()
	if err := n.projector.WaitCaughtUp(ctx); err != nil {
		n.logger.Warn("not everything that was decided before can be told yet", "error", err)
	}
	if !n.config.Demo {
		return
	}
	open := make(chan struct{})
	group.Go(func() {
		defer close(open)
		n.demo(work)
	})
	select {
	case <-open:
	case <-ctx.Done():
	}
}

// close gives back what the node holds.
func (n *node) close() error {
	var errs []error
	if n.projector != nil {
		errs = append(errs, n.projector.Close())
	}
	return errors.Join(append(errs, n.log.Close())...)
}
