// The embedded server: nats-server in this process, on one data directory, spoken to through memory. It opens no port
// unless a configuration file of its own says so.
package streams

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startServer returns a server that is ready. The data directory is locked by the caller.
func startServer(ctx context.Context, c Config, log *slog.Logger, failed chan error) (*server.Server, error) {
	o := &server.Options{DontListen: true}
	if c.ServerConfig != "" {
		var err error
		if o, err = server.ProcessConfigFile(c.ServerConfig); err != nil {
			return nil, fmt.Errorf("nats-server configuration: %w", err)
		}
	}
	if o.ServerName == "" && c.Node != "" {
		o.ServerName = "onsale-" + c.Node
	}
	o.NoSigs = true // else it catches our signals and exits for us
	o.DisableJetStreamBanner = true
	o.JetStream = true
	o.StoreDir = c.Dir
	// Each stream has its own limit. The server's, by default three quarters of the free disk, would refuse a stream whose
	// limit is reserved and not used, or hold a log for full after the configured sizes were lowered.
	o.JetStreamMaxStore = math.MaxInt64 / 4
	o.SyncAlways = c.Sync == 0
	if c.Sync > 0 {
		o.SyncInterval = c.Sync
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("couldn't start the embedded nats-server: %w", err)
	}
	s.SetLoggerV2(serverLog{log.With("from", "nats-server"), failed}, false, false, false)
	s.Start()
	for !s.ReadyForConnections(50 * time.Millisecond) {
		select {
		case err = <-failed:
		case <-ctx.Done():
			err = context.Cause(ctx)
		default:
			continue
		}
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("the embedded nats-server doesn't start: %w", err)
	}
	return s, nil
}

// healthPatience is how long the embedded server may call itself unhealthy before that is believed: it gives itself one
// millisecond to be ready, and a busy machine needs longer.
const healthPatience = 3 * time.Second

// healthy asks the embedded server for streams that it couldn't read at its start, or stopped writing since.
func (l *Log) healthy() error {
	if l.server == nil {
		return nil
	}
	for asked := time.Now(); ; time.Sleep(healthPatience / 60) {
		h := l.server.Healthz(nil)
		if h.Error == "" {
			return nil
		}
		if time.Since(asked) > healthPatience || l.ctx.Err() != nil {
			return fmt.Errorf("nats-server: %s", h.Error)
		}
	}
}

// checkServer is called when an ack doesn't come: on a full or broken disk nats-server answers an append with nothing at all.
func (l *Log) checkServer() {
	if err := l.healthy(); err != nil && l.ctx.Err() == nil {
		l.log.Error(err.Error())
		fail(l.failed, err)
	}
}

func fail(failed chan error, err error) {
	select {
	case failed <- err:
	default: // the first one is the one that counts
	}
}

// serverLog sends the server's words to ours. Debug and trace are off in the server itself.
type serverLog struct {
	log    *slog.Logger
	failed chan error
}

func (s serverLog) Noticef(format string, v ...any) { s.log.Debug(fmt.Sprintf(format, v...)) }
func (s serverLog) Warnf(format string, v ...any)   { s.log.Warn(fmt.Sprintf(format, v...)) }
func (s serverLog) Errorf(format string, v ...any)  { s.log.Error(fmt.Sprintf(format, v...)) }
func (s serverLog) Debugf(string, ...any)           {}
func (s serverLog) Tracef(string, ...any)           {}

// Fatalf is where nats-server on its own would exit. Swallowed, it leaves a server that runs and does nothing.
func (s serverLog) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	s.log.Error(err.Error())
	fail(s.failed, err)
}
