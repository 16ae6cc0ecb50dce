// The connection to NATS. It is retried for as long as the log is open, whatever the reason for which it broke, a refused login
// included. What is wrong with it, or with the server behind it, is among Problems, and logged when that changes.

package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
			if isRefusedLogin(err) {
				l.noteDisconnected(err)
			} else {
				l.logger.Warn("nats error", "error", err)
			}
		}),
		nats.ClosedHandler(func(nc *nats.Conn) {
			if l.ctx.Err() == nil {
				fail(l.failed, fmt.Errorf("the connection to nats has ended: %w", nc.LastError()))
			}
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

// Keys of problems.
type connectionKey struct{}
type limitsKey struct{}

const (
	refusedLogin = "nats refuses the login"
	notConnected = "not connected to nats"
)

// isRefusedLogin: so does the library decide which errors count as one.
func isRefusedLogin(err error) bool {
	for _, refused := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// noteDisconnected takes the error of a connection or of an attempt to connect. While the attempts go on, the log has one line
// for each kind of problem, not for each attempt at each server.
func (l *Log) noteDisconnected(err error) {
	if l.ctx.Err() != nil {
		return
	}
	kind := notConnected
	if isRefusedLogin(err) {
		kind = refusedLogin
	}
	problem := kind + ", retrying"
	if err != nil {
		problem += ": " + err.Error()
	}
	if before := l.problems.set(connectionKey{}, problem); !strings.HasPrefix(before, kind) {
		l.logger.Warn("disconnected from nats", "problem", problem)
	}
}

// noteConnected compares the limits of the server, which may be another one than before.
func (l *Log) noteConnected(nc *nats.Conn) {
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

const (
	neededPayload = 1 << 20 // MaxMsgSize of the streams
	neededMinor   = 14      // of nats-server 2: consumers can be reset
)

// errLimits: the server cannot hold the logs as it is. It is retried: an operator changes the server, or the next one is larger.
var errLimits = errors.New("this NATS server does not suffice")

// checkLimits compares the server, and what it allows this account, with what onsale needs.
func (l *Log) checkLimits(ctx context.Context) error {
	if l.server != nil && l.config.ServerConfig == "" || !l.nc.IsConnected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var wrong []string
	if n := l.nc.MaxPayload(); n < neededPayload {
		wrong = append(wrong, fmt.Sprintf("its max_payload is %d bytes, onsale needs %d", n, neededPayload))
	}
	if version := l.nc.ConnectedServerVersion(); isTooOld(version) {
		wrong = append(wrong, fmt.Sprintf("its version is %s, onsale needs 2.%d", version, neededMinor))
	}
	account, err := l.js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		wrong = append(wrong, err.Error())
	case err == nil:
		for name, tier := range accountTiers(account) {
			if limit := tier.Limits.MaxStore; limit > 0 && tier.Store >= uint64(limit)/100*95 {
				wrong = append(wrong, fmt.Sprintf("the account%s has %d of %d bytes of storage in use", name, tier.Store, limit))
			}
		}
	}
	problem := ""
	if len(wrong) > 0 {
		err = fmt.Errorf("%w: %s", errLimits, strings.Join(wrong, "; "))
		problem = err.Error()
	} else {
		err = nil
	}
	if before := l.problems.set(limitsKey{}, problem); problem != before {
		if problem != "" {
			l.logger.Error("the limits of nats are too small", "problem", problem)
		} else {
			l.logger.Info("the limits of nats suffice")
		}
	}
	return err
}

func accountTiers(a *jetstream.AccountInfo) map[string]jetstream.Tier {
	tiers := map[string]jetstream.Tier{}
	for name, tier := range a.Tiers {
		tiers[" (tier "+name+")"] = tier
	}
	if len(tiers) == 0 {
		tiers[""] = a.Tier
	}
	return tiers
}

// isTooOld is false for a version that it does not understand.
func isTooOld(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	return err == nil && (major == "0" || major == "1" || major == "2" && n < neededMinor)
}

const limitsInterval = 10 * time.Second

// watchLimits compares them again while the log is open: an account fills up, and limits are changed while servers run.
func (l *Log) watchLimits() {
	for ticker := time.NewTicker(limitsInterval); ; {
		select {
		case <-ticker.C:
			_ = l.checkLimits(l.ctx)
		case <-l.ctx.Done():
			ticker.Stop()
			return
		}
	}
}
