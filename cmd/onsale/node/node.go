// Package node wires the log, the projector, the streams, the payments and the API into one running node.
package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/cmd/onsale/tracing"
	"onsale/config"
	"onsale/domain"
	httpd "onsale/http"
	"onsale/http/auth"
	"onsale/http/payments"
	"onsale/http/payments/portone/fakeportone"
	"onsale/http/sse"
	"onsale/projections"
	"onsale/projections/store"
	"onsale/streams"
)

// Node is one running node. Each part is opened after the parts that it needs, and closed before them.
type Node struct {
	config       config.Config
	logger       *slog.Logger
	log          *streams.Log
	projector    *projections.Projector
	hub          *sse.Hub
	server       *httpd.Server
	registry     *prometheus.Registry
	payments     *payments.Worker    // nil: no payment provider
	fake         *fakeportone.Server // the demo's provider; nil: none
	auth         *auth.Authenticator
	fakeListener net.Listener // of the demo's provider alone; nil: it is served with the API
	capacity     *capacityMonitor
	scrubber     *scrubber
	readiness    *readiness
	certificate  *certificate    // nil: plain HTTP
	tracer       *tracing.Tracer // nil: nothing is traced
	reading      *store.Reading  // of the read store, beside the opening of the log; nil with an external NATS
	storeFile    os.FileInfo     // of the read store that is open
	consistent   bool            // the logs and the store agreed at start, so that the projector may run
	shuttingDown atomic.Bool     // since the signal
}

type appendFunc = func(context.Context, domain.Command) (uint64, error)

// Open opens a node that will serve at address. A node whose logs are inconsistent is opened too: halted, so that it can report
// why.
func Open(ctx context.Context, cfg config.Config, address string, logger *slog.Logger) (*Node, error) {
	n := &Node{config: cfg, logger: logger, registry: prometheus.NewRegistry()}
	var err error
	if n.certificate, err = loadCertificate(cfg.TLS, logger); err != nil {
		return nil, err
	}
	if err := n.openAuth(); err != nil {
		return nil, err
	}
	if err = n.openTracer(ctx); err == nil {
		err = n.openLog(ctx)
	}
	if err != nil {
		n.auth.Close()
		n.closeTracer()
		return nil, err
	}
	if err := n.open(ctx, address); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) openLog(ctx context.Context) (err error) {
	cfg := n.config
	c := streams.Config{
		URLs: cfg.NATS.URL, Login: NATSLogin(cfg.NATS), Prefix: cfg.NATS.Prefix, ServerConfig: cfg.NATS.Config, Node: cfg.Node, Replicas: cfg.NATS.Replicas,
		Sync: cfg.Sync.Interval, CommandsMaxBytes: int64(cfg.Log.CommandsMaxBytes), EventsMaxBytes: int64(cfg.Log.EventsMaxBytes), Logger: n.logger,
	}
	if n.tracer != nil {
		c.Tracing = n.tracer.Streams()
	}
	if len(c.URLs) == 0 {
		c.Dir = cfg.Data
	}
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return err
	}
	if info, err := os.Stat(StorePath(cfg)); err == nil && info.Size() > 0 {
		c.HasStore = true
	}
	c.Locked = func() { n.reading = store.StartReading(StorePath(cfg)) } // it takes as long as opening the log
	n.log, err = streams.Open(ctx, c)
	if err != nil && n.reading != nil {
		n.reading.Wait()
	}
	return err
}

// NATSLogin is how the settings say to sign in to NATS.
func NATSLogin(n config.NATS) streams.Login {
	return streams.Login{
		User: n.User, Password: n.Password, Token: n.Token, NKey: n.NKey, Creds: n.Creds,
		CA: n.CA, Cert: n.Cert, Key: n.Key, TLSFirst: n.TLSFirst, Domain: n.Domain, InboxPrefix: n.InboxPrefix,
	}
}

// StorePath is the read store's file. With an external NATS several nodes may share a directory, so the name has the node's.
func StorePath(cfg config.Config) string {
	if len(cfg.NATS.URL) == 0 {
		return filepath.Join(cfg.Data, "store.db")
	}
	return filepath.Join(cfg.Data, "store-"+cfg.Node+".db")
}

func (n *Node) open(ctx context.Context, address string) error {
	cfg, started := n.config, time.Now()
	n.capacity = &capacityMonitor{log: n.log, config: cfg, logger: n.logger, disk: &disk{path: cfg.Data}}
	n.capacity.noteAppend() // the log is open, so it answers
	log := diskGuard{n.log, n.capacity, int64(cfg.Log.MinFreeDisk) / 4}
	hooks := n.traceHooks(log.Append)
	projector, recovery, err := projections.Open(ctx, projections.Config{
		Path: StorePath(cfg), Reading: n.reading, Log: log,
		ConsumeCommands: func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
			return n.log.ConsumeCommands(ctx, from)
		},
		Epoch: n.log.Epoch(), Logger: n.logger,
		OnDecided:       hooks.decided,
		OnConfirmed:     hooks.deliver,
		OnHalt:          n.halted,
		OnResume:        func() { n.hub.Resume() },
		OutboxRetention: max(2*cfg.Sync.Interval, 2*time.Second), EventsDurable: cfg.Sync.Always, Watch: n.watchFiles,
	})
	if err != nil && !errors.Is(err, projections.ErrInconsistent) {
		return err
	}
	n.projector, n.capacity.projector, n.consistent = projector, projector, err == nil
	if n.consistent {
		if n.storeFile, err = os.Stat(StorePath(cfg)); err != nil {
			return err
		}
	}
	n.scrubber = &scrubber{log: n.log, logger: n.logger, every: scrubEvery}
	n.registry.MustRegister(projector, n.scrubber)
	n.logRecovery(recovery, started)
	descriptors := descriptorLimit()
	connections, maxStreams, perAddress := connectionLimits(cfg, descriptors)
	logLimits(n.logger, descriptors, connections, maxStreams)
	n.hub = sse.New(sse.Config{
		Epoch: n.log.Epoch(), Ring: cfg.Streams.RingEvents, Head: projector.Confirmed(), Source: projector,
		MaxCatchUps: cfg.Streams.MaxCatchUps, UserMaxAge: cfg.Streams.UserMaxAge, ScheduleMaxAge: cfg.Streams.MaxAge,
		UserHeartbeat: cfg.Streams.UserHeartbeat, ScheduleHeartbeat: cfg.Streams.Heartbeat,
		MaxStreams: maxStreams, MaxPerUser: cfg.Streams.MaxPerUser, MaxPerAddress: cfg.Streams.MaxPerAddress, TrustedProxies: cfg.Proxies(),
		EventLoop: true, Trace: hooks.stream, Logger: n.logger,
	})
	if n.consistent {
		newest, err := projector.LatestEvents(cfg.Streams.RingEvents)
		if err != nil { // streams read the journal instead
			n.logger.Warn("could not preload ring", "error", err)
		}
		n.hub.Preload(newest)
	} else {
		n.hub.Halt(err.Error())
	}
	if err := n.log.AnswerNodes(n.answerTicket); err != nil {
		return err
	}
	n.auth.OnKeyWithdrawn(n.hub.Reidentify)
	n.readiness = newReadiness(n)
	paymentsConfig, err := n.openPayments(address, log.Append)
	if err != nil {
		return err
	}
	n.server = httpd.New(httpd.Config{
		Append: hooks.append, Projector: projector, Epoch: n.log.Epoch(), CapacityProblem: n.capacity.problem,
		ReadyNotes: n.readyNotes, NotReady: n.readiness.reasons, Isolated: n.readiness.isolated.Load,
		Streams: n.hub, EventTypes: streams.EventTypes(), Payments: paymentsConfig,
		MaxBacklogAge: cfg.Backlog.MaxAge, Origins: cfg.CORS.Origins, Registry: n.registry, LogState: n.capacity.latest,
		Auth: n.auth, LocalOnly: cfg.Auth.Mode == "demo" && !cfg.Auth.DemoAnywhere,
		MaxConnections: connections, MaxConnectionsPerAddress: perAddress, IdleTimeout: cfg.HTTP.IdleTimeout,
		TLS:             n.certificate.config(),
		Mounts:          n.mounts(),
		MaxUserCommands: cfg.Limits.PerUser, MaxAddressRequests: cfg.Limits.PerAddress, LimitThisMachine: cfg.Limits.LimitThisMachine(), TrustedProxies: cfg.Proxies(),
		Trace: hooks.request, AccessLog: cfg.Logging.Access, Logger: n.logger,
	})
	n.registry.MustRegister(n.hub, n.readiness)
	if n.certificate != nil {
		n.registry.MustRegister(n.certificate)
	}
	return nil
}

// halted ends the streams: until the log proves whole, or for good.
func (n *Node) halted(reason string, final bool) {
	if final {
		n.hub.Halt(reason)
	} else {
		n.hub.Suspend(reason)
	}
}

func (n *Node) logRecovery(o projections.Recovery, started time.Time) {
	if o.RebuildReason != "" {
		n.logger.Warn("read store rebuilt from EVENTS", "reason", o.RebuildReason, "events", o.Events)
	}
	if o.Republished > 0 || o.Noops > 0 {
		n.logger.Warn("the logs had lost their end and were completed from the outbox; commands accepted just before and not yet decided may be lost",
			"events", o.Republished, "messages", o.Noops)
	}
	n.logger.Info("opened", "epoch", n.log.Epoch(), "events", o.Events, "took", time.Since(started).Round(time.Millisecond))
}
