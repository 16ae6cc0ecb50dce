// The table that ties each field of Config to its name. It is a set of flags
// because pflag already knows how to read and print every kind of value; file,
// environment and command line are all set through it, by name and text.

package config

import (
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// settings gives the table for c: names as in the file, values that write
// through to c, in the order in which they are shown.
func settings(c *Config) *pflag.FlagSet {
	s := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	s.SortFlags = false
	s.StringVar(&c.Listen, "listen", c.Listen, "serve HTTP on this `host:port`")
	s.StringVar(&c.Data, "data", c.Data, "keep everything in this `directory`")
	s.StringVar(&c.Node, "node", c.Node, "this node's `name` among its peers")
	s.Var((*list)(&c.NATS.URL), "nats.url", "use this external NATS, `URL,...`")
	s.StringVar(&c.NATS.Config, "nats.config", c.NATS.Config, "nats-server configuration `file` for the embedded server")
	s.IntVar(&c.NATS.Replicas, "nats.replicas", c.NATS.Replicas, "copies of each log: 1, 3 or 5; 3 with an external NATS")
	s.StringVar(&c.NATS.Creds, "nats.creds", c.NATS.Creds, "credentials `file` to sign in to NATS with")
	s.Var(&c.Sync, "sync", "to the disk `always|1s|...`: before each ack, or this often")
	s.Var(&c.Log.CommandsMaxBytes, "log.commandsMaxBytes", "`size` at which the log of commands is full")
	s.Var(&c.Log.EventsMaxBytes, "log.eventsMaxBytes", "`size` at which the log of events is full")
	s.Var(&c.Log.MinFreeDisk, "log.minFreeDisk", "refuse commands below this free disk `size`; 0 for never")
	s.DurationVar(&c.Backlog.MaxAge, "backlog.maxAge", c.Backlog.MaxAge, "refuse commands while one waits longer than this")
	s.IntVar(&c.Streams.RingEvents, "streams.ringEvents", c.Streams.RingEvents, "newest events kept ready to send")
	s.DurationVar(&c.Streams.MaxLife, "streams.maxLife", c.Streams.MaxLife, "life of a schedule's stream")
	s.DurationVar(&c.Streams.UserMaxLife, "streams.userMaxLife", c.Streams.UserMaxLife, "life of a user's stream")
	s.DurationVar(&c.Streams.Heartbeat, "streams.heartbeat", c.Streams.Heartbeat, "sign of life in a schedule's stream")
	s.DurationVar(&c.Streams.UserHeartbeat, "streams.userHeartbeat", c.Streams.UserHeartbeat, "sign of life in a user's stream")
	s.IntVar(&c.Streams.CatchUps, "streams.catchUps", c.Streams.CatchUps, "streams that may read the log at once")
	s.IntVar(&c.Streams.MaxConnections, "streams.maxConnections", c.Streams.MaxConnections, "most streams in all; 0 for what open files allow")
	s.IntVar(&c.Streams.MaxPerUser, "streams.maxPerUser", c.Streams.MaxPerUser, "most streams of one user; -1 for no bound")
	s.IntVar(&c.Streams.MaxPerAddress, "streams.maxPerAddress", c.Streams.MaxPerAddress, "most streams of one address; 0 for no bound")
	s.DurationVar(&c.Streams.DrainWindow, "streams.drainWindow", c.Streams.DrainWindow, "at the end, send a crowd of streams away over this time")
	s.StringVar(&c.Auth.Mode, "auth.mode", c.Auth.Mode, "how a user is known: demo")
	s.BoolVar(&c.Auth.DemoAnywhere, "auth.demoAnywhere", c.Auth.DemoAnywhere, "allow auth.mode demo beyond loopback")
	s.Var((*list)(&c.CORS.Origins), "cors.origins", "sites whose pages may call this node, `URL,...`")
	s.StringVar(&c.Payments.Provider, "payments.provider", c.Payments.Provider, "who is asked about payments: none or portone")
	s.StringVar(&c.Payments.API, "payments.api", c.Payments.API, "the provider's API: v1 or v2")
	s.StringVar(&c.Payments.URL, "payments.url", c.Payments.URL, "the provider's `URL`, unless it is the usual one")
	s.StringVar(&c.Payments.Key, "payments.key", c.Payments.Key, "imp_key of v1")
	s.StringVar(&c.Payments.Secret, "payments.secret", c.Payments.Secret, "imp_secret of v1, or API secret of v2; better in the environment")
	s.StringVar(&c.Payments.Store, "payments.store", c.Payments.Store, "store id of v2")
	s.Var((*list)(&c.Payments.WebhookSecrets), "payments.webhookSecrets", "with which v2 signs webhooks, `whsec_...,...`")
	s.StringVar(&c.Payments.Currency, "payments.currency", c.Payments.Currency, "that payments are in")
	s.DurationVar(&c.Payments.PayWithin, "payments.payWithin", c.Payments.PayWithin, "how long an order waits for its payment")
	s.BoolVar(&c.Payments.RequirePrepare, "payments.requirePrepare", c.Payments.RequirePrepare, "take only payments that were prepared here")
	s.BoolVar(&c.Payments.Test, "payments.test", c.Payments.Test, "take payments of test channels")
	s.DurationVar(&c.Payments.Timeout, "payments.timeout", c.Payments.Timeout, "how long the provider may take to answer")
	s.IntVar(&c.Payments.AtOnce, "payments.atOnce", c.Payments.AtOnce, "orders that are asked about at once")
	s.StringVar(&c.Logging.Level, "logging.level", c.Logging.Level, "debug, info, warn or error")
	s.StringVar(&c.Logging.Format, "logging.format", c.Logging.Format, "text or json")
	s.BoolVar(&c.Demo, "demo", c.Demo, "create a demo promotion, schedule and product")
	return s
}

// flagName spells streams.ringEvents as streams-ring-events.
func flagName(key string) string {
	var name strings.Builder
	for _, r := range key {
		switch {
		case r == '.':
			name.WriteByte('-')
		case unicode.IsUpper(r):
			name.WriteByte('-')
			name.WriteRune(unicode.ToLower(r))
		default:
			name.WriteRune(r)
		}
	}
	return name.String()
}

// envName spells streams.ringEvents as ONSALE_STREAMS_RING_EVENTS.
func envName(key string) string {
	return "ONSALE_" + strings.ToUpper(strings.ReplaceAll(flagName(key), "-", "_"))
}
