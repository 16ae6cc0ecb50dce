// What a server and an account must offer, compared at every connect and every ten seconds: an account fills up, and limits are changed
// while servers run.

package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	neededPayload = 1 << 20 // MaxMsgSize of the streams
	neededMinor   = 14      // of nats-server 2: consumers can be reset
)

// limitsKey is the key of their problem.
type limitsKey struct{}

// errLimits: the server cannot hold the logs as it is. It is retried: an operator changes the server, or the next one is larger.
var errLimits = errors.New("this NATS server does not suffice")

// checkLimits compares the server, and what it allows this account, with what onsale needs.
func (l *Log) checkLimits(ctx context.Context) error {
	if l.server != nil && l.config.ServerConfig == "" || !l.nc.IsConnected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	wrong, hint := l.limits(ctx)
	if l.ctx.Err() != nil {
		return l.ctx.Err()
	}
	if len(wrong) == 0 {
		if before := l.problems.set(limitsKey{}, ""); before != "" {
			l.logger.Info("the limits of nats suffice")
		}
		return nil
	}
	fault := &Fault{fmt.Sprintf("%v: %s", errLimits, strings.Join(wrong, "; ")), hint, errLimits}
	if before := l.problems.set(limitsKey{}, fault.String()); before != fault.String() {
		l.logger.Error("the limits of nats are too small", "problem", fault.What, "hint", hint)
	}
	return fault
}

// limits returns what is wrong, and what to do about the last of it.
func (l *Log) limits(ctx context.Context) (wrong []string, hint string) {
	add := func(advice, format string, args ...any) {
		wrong, hint = append(wrong, fmt.Sprintf(format, args...)), advice
	}
	if n := l.nc.MaxPayload(); n < neededPayload {
		add("set max_payload: 1MB in the server's configuration, and reload it", "its max_payload is %d bytes, onsale needs %d", n, neededPayload)
	}
	if version := l.nc.ConnectedServerVersion(); isTooOld(version) {
		add("upgrade nats-server", "its version is %s, onsale needs 2.%d", version, neededMinor)
	}
	account, err := l.js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		add("turn JetStream on for the account of this user: jetstream: enabled", "JetStream is off for this account")
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled) && l.denial() == nil:
		add("turn JetStream on in the server's configuration: jetstream {store_dir: ...}; with nats.domain, check the domain's name", "JetStream is off")
	case err == nil:
		for name, tier := range accountTiers(account) {
			if limit := tier.Limits.MaxStore; limit > 0 && tier.Store >= uint64(limit)/100*95 {
				add("raise max_store of the account", "the account%s has %d of %d bytes of storage in use", name, tier.Store, limit)
			}
		}
	}
	return wrong, hint
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

// watchLimits compares them again while the log is open.
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
