// The embedded server: nats-server in this process, on one data directory, with an in-memory connection. It opens no port
// unless its own configuration file says so.

package streams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startServer starts a server and waits until it is ready. The caller holds the lock of the data directory.
func startServer(ctx context.Context, c Config, logger *slog.Logger, failed chan error) (*server.Server, error) {
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
	o.NoSigs = true // otherwise it catches our signals and exits the process
	o.DisableJetStreamBanner = true
	o.JetStream = true
	o.StoreDir = c.Dir
	// Each stream has its own limit. The server's, by default three quarters of the free disk, would refuse a stream whose
	// limit is reserved but unused, or report a log as full after the configured sizes were lowered.
	o.JetStreamMaxStore = math.MaxInt64 / 4
	o.SyncAlways = c.Sync == 0
	if c.Sync > 0 {
		o.SyncInterval = c.Sync
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded nats-server: %w", err)
	}
	s.SetLoggerV2(natsLogger{logger.With("from", "nats-server"), failed}, false, false, false)
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
		return nil, fmt.Errorf("the embedded nats-server did not start: %w", err)
	}
	return s, nil
}

// healthGrace is how long the embedded server may report itself unhealthy before checkHealth fails: its own check waits one
// millisecond for readiness, and a busy machine needs longer.
const healthGrace = 3 * time.Second

// checkHealth fails if the embedded server could not read a stream at its start, or has stopped writing one.
func (l *Log) checkHealth() error {
	if l.server == nil {
		return nil
	}
	for started := time.Now(); ; time.Sleep(healthGrace / 60) {
		h := l.server.Healthz(nil)
		if h.Error == "" {
			return nil
		}
		if time.Since(started) > healthGrace || l.ctx.Err() != nil {
			return fmt.Errorf("nats-server: %s", h.Error)
		}
	}
}

// checkServer is called when an ack is missing: on a full or broken disk nats-server does not answer an append at all.
func (l *Log) checkServer() {
	if err := l.checkHealth(); err != nil && l.ctx.Err() == nil {
		l.logger.Error(err.Error())
		fail(l.failed, err)
	}
}

func fail(failed chan error, err error) {
	select {
	case failed <- err:
	default: // the first error is kept
	}
}

// natsLogger forwards the server's log to ours. Debug and trace are off in the server itself.
type natsLogger struct {
	logger *slog.Logger
	failed chan error
}

func (s natsLogger) Noticef(format string, v ...any) { s.logger.Debug(fmt.Sprintf(format, v...)) }
func (s natsLogger) Warnf(format string, v ...any)   { s.logger.Warn(fmt.Sprintf(format, v...)) }
func (s natsLogger) Errorf(format string, v ...any)  { s.logger.Error(fmt.Sprintf(format, v...)) }
func (s natsLogger) Debugf(string, ...any)           {}
func (s natsLogger) Tracef(string, ...any)           {}

// Fatalf is called where a standalone nats-server would exit. If ignored, the server keeps running and does nothing.
func (s natsLogger) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	s.logger.Error(err.Error())
	fail(s.failed, err)
}

// ErrLocked: another process uses the data directory. nats-server itself takes no lock: two of them would start in one
// directory and corrupt it.
var ErrLocked = errors.New("held by process")

// lockDir creates the directory if it is missing and locks it until the file is closed. The kernel releases the lock when the
// process dies; the file itself stays.
//
// The file has two lines: the process, with or instead of it "closed" while the log is as the last process has closed it in order, and
// the device of the directory. closed reports whether that is so. The mark stays until nats-server opens the files (markOpen), so that a
// start that refuses a damaged log, or a tool, does not make its damage look like that of a power loss.
func lockDir(dir string, mustExist bool, logger *slog.Logger) (file *os.File, closed bool, err error) {
	if mustExist {
		if _, err := os.Stat(filepath.Join(dir, "jetstream")); err != nil {
			return nil, false, fmt.Errorf("no log in %s: %w", dir, err)
		}
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("creating the data directory: %w", err)
	}
	file, err = os.OpenFile(filepath.Join(dir, "onsale.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("locking the data directory: %w", err)
	}
	err = lockFile(file)
	content, _ := os.ReadFile(file.Name())
	holder, device, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
	process, _, _ := strings.Cut(holder, " ")
	if errors.Is(err, ErrLocked) {
		file.Close()
		return nil, false, fmt.Errorf("data directory %s is %w %s", dir, ErrLocked, process)
	}
	closed = strings.HasSuffix(holder, lockClosed)
	if now := deviceOf(file); device != "" && device != now {
		logger.Warn("the data directory is on another device than when it was used last", "dir", dir, "device", now, "was", device)
	}
	if err == nil {
		holder = strconv.Itoa(os.Getpid()) // for the error of a second process
		if closed {
			holder += " " + lockClosed
		}
		err = writeLock(file, holder)
	}
	if err != nil {
		file.Close()
		return nil, false, fmt.Errorf("locking the data directory: %w", err)
	}
	return file, closed, nil
}

// markOpen notes that nats-server opens the files: only a Close makes them closed in order again.
func markOpen(file *os.File) error { return writeLock(file, strconv.Itoa(os.Getpid())) }

const lockClosed = "closed"

func writeLock(file *os.File, holder string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(fmt.Appendf(nil, "%s\n%s\n", holder, deviceOf(file)), 0)
	return err
}
