// Package streams is the event log: two JetStream streams, COMMANDS and EVENTS, in an embedded nats-server or an external
// NATS, and the format of the messages in them. No other package uses NATS. It guarantees that a stored message keeps its
// number and is never deleted, rolled up or dropped for room; that event number n is EVENTS sequence n, because every append
// states the last sequence that it expects; and that a reader gets every message in order or an error, never a gap. An append
// without an answer is ErrNoAck: only the log itself shows whether it happened. DESIGN.md has the reasons and the format.
package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Config configures a log. Exactly one of Dir and URLs is set.
type Config struct {
	Dir          string   // data directory of an embedded server, with JetStream's files in nats-server's own layout
	ServerConfig string   // nats-server configuration file for the embedded server, which then listens as the file says. Optional
	URLs         []string // servers of an external NATS
	Login        Login    // for the external NATS. Optional

	Node     string // names the subject of commands (cmd.<node>) and the durable consumer (projector-<node>); unique to a node
	Replicas int    // of both streams; 0 means 1
	Prefix   string // of the streams' names and subjects, so that several logs can share a NATS account. Optional

	// Sync is how often the embedded server syncs its files to disk; 0 means after every message, before its ack.
	Sync time.Duration

	// The sizes at which the streams are full and refuse appends. A larger size is applied to an existing stream.
	CommandsMaxBytes, EventsMaxBytes int64

	// HasStore says that the node has a read store of the log, so the streams must exist: ErrNoLog.
	HasStore bool

	// Locked is called once this process has the data directory for itself, before the log's files are read. Optional.
	Locked func()

	ReadOnly bool     // for tools: replay and audit: the streams must exist, and nothing is created, updated or appended
	Repair   bool     // with ReadOnly: EVENTS may be missing, as an attempt to repair it that was stopped leaves it
	Tracing  *Tracing // nil: nothing is traced
	Logger   *slog.Logger
}

// ErrNoLog: neither stream exists, although the node has a read store. Nothing was created.
var ErrNoLog = errors.New("the log is missing beside the read store")

// ErrReadOnly: the log is open for reading only.
var ErrReadOnly = errors.New("the log is open for reading only")

// Log is an open log. All methods may be called from any goroutine.
type Log struct {
	codec
	config  Config
	prefix  prefix
	logger  *slog.Logger
	lock    *os.File       // holds the lock of the data directory; nil with an external NATS
	server  *server.Server // nil with an external NATS
	nc      *nats.Conn
	js      jetstream.JetStream
	epoch   string
	batcher *batcher // nil when read-only
	failed  chan error
	files   *watchedFiles // nil with an external NATS
	hook    atomic.Pointer[Hook]

	ackWait        time.Duration // how long an append waits for its ack
	patience       time.Duration // see patience
	hexHashes      bool          // see hashText
	minAtomicBatch int           // batches of this many events or more are published atomically

	ctx       context.Context // ended by Close
	cancel    context.CancelFunc
	readers   sync.WaitGroup // goroutines that end with ctx
	closeOnce sync.Once

	presence  atomic.Pointer[presence] // nil: nobody asks
	connected atomic.Bool              // nc and js are set
	problems  problems                 // of the log as this node sees it now
	fault     atomic.Pointer[Fault]    // of the connection; nil while there is one
	denied    atomic.Pointer[denial]   // nil: nothing was denied

	connMu     sync.Mutex      // guards connCtx and connCancel
	connCtx    context.Context // child of ctx; ended and replaced at every reconnect
	connCancel context.CancelFunc
}

// toolPatience is how long a command-line tool tries to open a log. A node tries for as long as it takes.
var toolPatience = 10 * time.Second // tests only: shorter

var errGaveUp = errors.New("gave up")

// Open starts the embedded server or connects to the external NATS, creates the streams if both are missing, and otherwise
// verifies their configuration. It retries until ctx ends: a starting cluster has no leader at first.
func Open(ctx context.Context, c Config) (*Log, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	l := &Log{
		config: c, prefix: prefix(c.Prefix), logger: cmp.Or(c.Logger, slog.Default()), failed: make(chan error, 1),
		ackWait: 5 * time.Second, patience: patience, hexHashes: c.Dir == "", minAtomicBatch: minAtomicBatch(c),
	}
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
		faults = append(faults, errors.New("either a data directory or nats urls must be set, and not both"))
	}
	if c.Dir == "" && c.ServerConfig != "" {
		faults = append(faults, errors.New("a nats-server configuration needs the embedded server, not nats urls"))
	}
	if !c.ReadOnly && domain.CheckID(c.Node) != nil {
		faults = append(faults, fmt.Errorf("node name %q: %w", c.Node, domain.ErrInvalidID))
	}
	if c.Prefix != "" && domain.CheckID(c.Prefix) != nil {
		faults = append(faults, fmt.Errorf("prefix %q: %w", c.Prefix, domain.ErrInvalidID))
	}
	if !c.ReadOnly && (c.CommandsMaxBytes <= 0 || c.EventsMaxBytes <= 0) {
		faults = append(faults, errors.New("both streams need a maximum size"))
	}
	return errors.Join(faults...)
}

func (l *Log) open(ctx context.Context) (err error) {
	if l.config.Dir != "" {
		var closed bool
		if l.lock, closed, err = lockDir(l.config.Dir, l.config.ReadOnly, l.logger); err != nil {
			return err
		}
		if err := checkPresent(l.config.Dir, l.prefix, l.config.HasStore); err != nil {
			return err
		}
		if l.config.Locked != nil {
			l.config.Locked()
		}
		if err := l.checkBlocks(ctx, closed); err != nil {
			return err
		}
		if err := markOpen(l.lock); err != nil {
			return fmt.Errorf("locking the data directory: %w", err)
		}
		if l.server, err = startServer(ctx, l.config, l.logger, l.failed); err != nil {
			return err
		}
	}
	if l.config.ReadOnly && l.server == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, toolPatience, errGaveUp)
		defer cancel()
	}
	if l.nc, err = l.connect(); err != nil {
		return fmt.Errorf("connecting to nats: %w", err)
	}
	if l.js, err = l.config.Login.jetStream(l.nc); err != nil {
		return err
	}
	l.connected.Store(true)
	if err := l.ensureStreams(ctx); err != nil {
		return err
	}
	if err := l.claimName(ctx); err != nil {
		return err
	}
	if !l.config.ReadOnly {
		l.batcher = startBatcher(l)
		l.readers.Go(l.watchLimits)
	}
	if l.server != nil {
		l.files = watchFiles(l.config.Dir, l.prefix)
	}
	return nil
}

// resetConnContext makes every reader start a new consumer: messages in flight when a connection broke may be lost.
func (l *Log) resetConnContext() {
	l.connMu.Lock()
	defer l.connMu.Unlock()
	l.connCancel()
	l.connCtx, l.connCancel = context.WithCancel(l.ctx)
}

// connContext returns a context that ends at the next reconnect.
func (l *Log) connContext() context.Context {
	l.connMu.Lock()
	defer l.connMu.Unlock()
	return l.connCtx
}

// Epoch identifies the log: a new log has another epoch.
func (l *Log) Epoch() string { return l.epoch }

// Embedded reports whether the server runs in this process and is unreachable for others: only this process writes.
func (l *Log) Embedded() bool { return l.server != nil && l.config.ServerConfig == "" }

// Failed returns the first fatal error of the embedded server, which keeps running in an unknown state, or the end of the connection
// to an external one, which is not expected. The node must stop.
func (l *Log) Failed() <-chan error { return l.failed }

// Close waits for the append in flight, refuses pending ones, ends all readers, stops the embedded server and unlocks the data
// directory.
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
			if l.files != nil && isWhole(l.config.Dir, l.prefix) { // it was open, and every write succeeded
				writeLock(l.lock, lockClosed)
			}
			l.lock.Close()
		}
	})
	return nil
}
