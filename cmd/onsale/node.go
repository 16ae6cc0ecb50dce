// A node: the log, the projector, the streams and the counter, wired together. Each is made after what it
// needs and ended before it.

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"onsale/config"
	"onsale/domain"
	httpd "onsale/http"
	"onsale/http/payments"
	"onsale/http/portone/fake"
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
	payments  *payments.Worker // nil: nobody to ask
	fake      *fake.Server     // the demo's provider; nil: none
	room      *room
	sound     bool        // the logs and the store agreed at start, so that the projector may run
	ending    atomic.Bool // it was told to
}

// putInLine appends a command.
type putInLine = func(context.Context, domain.Command) (uint64, error)

// openNode makes a node that is ready to serve at address. One whose logs are unsound is made too: halted, so that it can
// say why.
func openNode(ctx context.Context, cfg config.Config, address string, logger *slog.Logger) (*node, error) {
	n := &node{config: cfg, logger: logger, metrics: httpd.NewMetrics()}
	log, err := openLog(ctx, cfg, logger)
	if err != nil {
		return nil, err
	}
	n.log = log
	if err := n.open(ctx, address); err != nil {
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

func (n *node) open(ctx context.Context, address string) error {
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
		CatchUp: n.catchUp, CatchUps: cfg.Streams.CatchUps, Progress: n.progress, Order: n.order, UserLife: cfg.Streams.UserMaxLife, ScheduleLife: cfg.Streams.MaxLife,
		UserHeartbeat: cfg.Streams.UserHeartbeat, ScheduleHeartbeat: cfg.Streams.Heartbeat,
		MaxStreams: cfg.Streams.MaxConnections, MaxPerUser: cfg.Streams.MaxPerUser, MaxPerAddress: cfg.Streams.MaxPerAddress,
		Engine: true, Log: n.logger,
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
	paying, err := n.openPayments(address, log.Append)
	if err != nil {
		return err
	}
	n.server = httpd.New(httpd.Config{
		Append: log.Append, Projector: projector, Epoch: n.log.Epoch(), Refusal: n.room.refusal,
		EndOfCommands: func(ctx context.Context) (uint64, error) {
			state, err := n.log.State(ctx)
			return state.Commands.Last, err
		},
		Notes: notes(cfg), Ready: n.unready,
		Streams: httpd.Streams{
			User: n.hub.User, Alarms: n.hub.Alarms, Schedule: n.hub.Schedule, Promotion: n.hub.Promotion, Order: n.hub.Order,
		},
		Payments: paying, FakePay: n.fakePay(),
		MaxBacklogAge: cfg.Backlog.MaxAge, Origins: cfg.CORS.Origins, Metrics: n.metrics, Logs: n.room.latest,
		DebugStreams: n.debugStreams, Log: n.logger,
	})
	n.measureStreams()
	return nil
}

// unready is why nobody should be sent here any more.
func (n *node) unready() []string {
	if !n.ending.Load() {
		return nil
	}
	return []string{"ending: streams are told to come back elsewhere"}
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
