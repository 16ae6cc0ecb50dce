// The connection to NATS. It is retried for as long as the log is open, whatever the reason for which it broke, a refused login
// included. What is wrong with it, or with the server behind it, is among Problems, and logged when that changes.

package streams

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

func (l *Log) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("onsale " + l.config.Node),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // otherwise two refused logins close the connection for good
		nats.ReconnectWait(250 * time.Millisecond),
		nats.RetryOnFailedConnect(l.server == nil),
		nats.PingInterval(5 * time.Second), // a dead peer is noticed within 15 s
		// Nothing is buffered while disconnected: an append then fails at once, and certainly did not happen.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.noteDisconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.noteDisconnected(err) }),
		nats.ConnectHandler(l.noteConnected),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			l.resetConnContext()
			l.noteConnected(nc)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			switch {
			case refusal(err) != nil:
				l.noteDisconnected(err)
			case errors.Is(err, nats.ErrPermissionViolation):
				l.noteDenied(err)
			default:
				l.logger.Warn("nats error", "error", err)
			}
		}),
		nats.ClosedHandler(func(nc *nats.Conn) {
			if l.ctx.Err() == nil {
				fail(l.failed, fmt.Errorf("the connection to nats has ended: %w", nc.LastError()))
			}
		}),
	}
	settings := l.config.Login
	if l.server != nil { // no network in between
		settings.CA, settings.Cert, settings.Key, settings.TLSFirst = "", "", "", false
	}
	login, err := settings.options()
	if err != nil {
		return nil, err
	}
	options = append(options, login...)
	if l.server != nil {
		options = append(options, nats.InProcessServer(l.server))
	}
	return nats.Connect(strings.Join(l.config.URLs, ","), options...)
}

// connectionKey is the key of the connection's problem.
type connectionKey struct{}

// noteDisconnected takes the error of a connection or of an attempt to connect. While the attempts go on, the log has one line
// for each kind of problem, not for each attempt at each server.
func (l *Log) noteDisconnected(err error) {
	if l.ctx.Err() != nil {
		return
	}
	fault := l.config.connectionFault(err)
	if fault.Err == nats.ErrDisconnected && l.fault.Load() != nil {
		return // it says nothing about why
	}
	before := l.fault.Swap(fault)
	l.problems.set(connectionKey{}, fault.String())
	if before == nil || before.What != fault.What && before.hint != fault.hint {
		level := slog.LevelWarn
		if l.config.ReadOnly {
			level = slog.LevelDebug // a tool says it at its end
		}
		l.logger.Log(l.ctx, level, "disconnected from nats", "problem", fault.What, "hint", fault.hint)
	}
}

// noteConnected compares the limits of the server, which may be another one than before.
func (l *Log) noteConnected(nc *nats.Conn) {
	l.fault.Store(nil)
	if before := l.problems.set(connectionKey{}, ""); before != "" {
		l.logger.Info("connected to nats again", "server", nc.ConnectedUrlRedacted())
	}
	if l.connected.Load() { // otherwise open compares them
		go func() { // it asks the server, so it must not hold up other callbacks
			_ = l.checkLimits(l.ctx)
			l.checkNameAgain()
		}()
	}
}
