// Package streams is the log, and it is JetStream and only JetStream: two streams, COMMANDS and EVENTS, in an embedded
// nats-server or an external NATS. Nothing else in onsale knows NATS.
//
// It promises that what is in a log stays there at its number: nothing is deleted, rolled up or dropped for room; event
// number n is EVENTS sequence n, because every event is appended with the sequence that it must find before it; and that
// whoever reads gets every message in order or an error, never a gap. It promises nothing about an append whose answer did
// not come: that is ErrUnknown, and only a look into the log settles it.
package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Config says where the log is. Exactly one of Dir and URLs is set.
type Config struct {
	Dir          string   // embedded server: its data directory. JetStream's files lie below it in nats-server's own layout
	ServerConfig string   // a configuration file of nats-server for the embedded server. Optional; with it, the server listens as the file says
	URLs         []string // external NATS
	Creds        string   // credentials file for it. Optional

	Node     string // names the lane (cmd.<node>) and the durable consumer (projector-<node>); no two nodes share one
	Replicas int    // of both streams; 0 is 1

	// Sync is how often the embedded server syncs its files: 0 is after every message, before its ack.
	Sync time.Duration

	// The size at which each stream is full and refuses. A larger size than an existing stream's is applied to it.
	CommandsMaxBytes, EventsMaxBytes int64

	ReadOnly bool // for replay and audit: the streams must exist, and nothing is created, updated or appended
	Log      *slog.Logger
}

var (
	ErrClosed   = domain.ErrClosed
	ErrReadOnly = errors.New("the log was opened for reading only")
)

// Log is an open log. All methods may be called from any goroutine.
type Log struct {
	config  Config
	logger  *slog.Logger
	lock    *os.File       // the data directory is ours as long as it is open; nil with an external NATS
	server  *server.Server // nil with an external NATS
	nc      *nats.Conn
	js      jetstream.JetStream
	epoch   string
	batcher *batcher // nil when read-only
	failed  chan error
	hook    atomic.Pointer[Hook]

	ackWait        time.Duration // how long an append waits for its ack
	minAtomicBatch int           // a piece of so many events or more goes out as one atomic batch

	ctx       context.Context // ended by Close; every reader lives below it
	cancel    context.CancelFunc
	readers   sync.WaitGroup // the goroutines of Commands
	closeOnce sync.Once

	connMu     sync.Mutex // guards link and unlink, which a reconnect replaces
	connCtx    context.Context
	connCancel context.CancelFunc
}

// Open starts the embedded server or connects to the external NATS, makes the streams if both are missing, and compares
// them with what they should be otherwise. It tries for as long as ctx lasts: a cluster that starts has no leader at first.
func Open(ctx context.Context, c Config) (*Log, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	l := &Log{config: c, logger: cmp.Or(c.Log, slog.Default()), failed: make(chan error, 1), ackWait: 5 * time.Second, minAtomicBatch: minAtomicBatch(c)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.connCtx, l.connCancel = context.WithCancel(l.ctx)
	if err := l.open(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (c *Config) validate() error {
	var faults []error
	if (c.Dir == "") == (len(c.URLs) == 0) {
		faults = append(faults, errors.New("either a data directory or the urls of a nats is needed, and not both"))
	}
	if c.Dir == "" && c.ServerConfig != "" {
		faults = append(faults, errors.New("a nats-server configuration is for the embedded server, there is none with urls"))
	}
	if !c.ReadOnly && domain.CheckID(c.Node) != nil {
		faults = append(faults, fmt.Errorf("node name %q: %w", c.Node, domain.ErrInvalidID))
	}
	if !c.ReadOnly && (c.CommandsMaxBytes <= 0 || c.EventsMaxBytes <= 0) {
		faults = append(faults, errors.New("both streams need a maximum size"))
	}
	return errors.Join(faults...)
}

func (l *Log) open(ctx context.Context) (err error) {
	if l.config.Dir != "" {
		if l.lock, err = lockDir(l.config.Dir, l.config.ReadOnly); err != nil {
			return err
		}
		if l.server, err = startServer(ctx, l.config, l.logger, l.failed); err != nil {
			return err
		}
	}
	if l.nc, err = l.connect(); err != nil {
		return fmt.Errorf("couldn't connect to nats: %w", err)
	}
	if l.js, err = jetstream.New(l.nc); err != nil {
		return err
	}
	if err := l.ensureStreams(ctx); err != nil {
		return err
	}
	if !l.config.ReadOnly {
		l.batcher = startBatcher(l)
	}
	return nil
}

func (l *Log) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("onsale " + l.config.Node),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.RetryOnFailedConnect(l.server == nil),
		nats.PingInterval(5 * time.Second), // a dead peer is noticed within 15 s
		// Nothing is kept back while there is no connection: an append that cannot leave fails at once, and surely did not happen.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if l.ctx.Err() == nil {
				l.logger.Warn("the connection to nats was lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			l.logger.Info("connected to nats again")
			l.resetConnContext()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.logger.Warn("nats reports an error", "error", err)
		}),
	}
	if l.config.Creds != "" {
		options = append(options, nats.UserCredentials(l.config.Creds))
	}
	if l.server != nil {
		options = append(options, nats.InProcessServer(l.server))
	}
	return nats.Connect(strings.Join(l.config.URLs, ","), options...)
}

// resetConnContext ends the context below which every reader reads: what was under way when a connection broke may be lost.
func (l *Log) resetConnContext() {
	l.connMu.Lock()
	defer l.connMu.Unlock()
	l.connCancel()
	l.connCtx, l.connCancel = context.WithCancel(l.ctx)
}

// connContext is a context that ends with the present connection.
func (l *Log) connContext() context.Context {
	l.connMu.Lock()
	defer l.connMu.Unlock()
	return l.connCtx
}

// Epoch names this life of the log: a restored backup or a new log has another.
func (l *Log) Epoch() string { return l.epoch }

// Embedded says that the server runs in this process and that nobody else can reach it: only this process writes.
func (l *Log) Embedded() bool { return l.server != nil && l.config.ServerConfig == "" }

// Failed gives the first fatal error of the embedded server. It goes on running in an unknown state; the node must not.
func (l *Log) Failed() <-chan error { return l.failed }

// Close lets the append in flight end, refuses those that wait, ends all readers, stops the embedded server and gives back
// the data directory.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		if l.batcher != nil {
			l.batcher.stop()
		}
		l.cancel()
		l.readers.Wait()
		if l.nc != nil {
			if l.nc.IsConnected() {
				l.nc.FlushTimeout(2 * time.Second) // the consumer's last ack
			}
			l.nc.Close()
		}
		if l.server != nil {
			l.server.Shutdown()
			l.server.WaitForShutdown()
		}
		if l.lock != nil {
			l.lock.Close()
		}
	})
	return nil
}
