// The table that maps names to the fields of Config. It is a set of flags because
// pflag already parses and prints every kind of value; file, environment and
// command line are all applied through it, by name and text.

package config

import (
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// settings returns the table of c: names as in the file, values that write to c,
// in the order in which they are shown.
func settings(c *Config) *pflag.FlagSet {
	s := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	s.SortFlags = false
	s.StringVar(&c.Listen, "listen", c.Listen, "serve HTTP on this `host:port`")
	s.StringVar(&c.Data, "data", c.Data, "keep everything in this `directory`")
	s.StringVar(&c.Node, "node", c.Node, "this node's `name`, unique among its peers")
	s.Var((*list)(&c.NATS.URL), "nats.url", "use this external NATS, `URL,...`")
	s.StringVar(&c.NATS.Config, "nats.config", c.NATS.Config, "nats-server configuration `file` for the embedded server")
	s.IntVar(&c.NATS.Replicas, "nats.replicas", c.NATS.Replicas, "copies of each log: 1, 3 or 5; 3 with an external NATS")
	s.StringVar(&c.NATS.Prefix, "nats.prefix", c.NATS.Prefix, "`prefix` of the names of streams and subjects")
	s.StringVar(&c.NATS.Context, "nats.context", c.NATS.Context, "context of the nats tool, by `name` or file, for what is not set otherwise")
	s.StringVar(&c.NATS.User, "nats.user", c.NATS.User, "user to sign in to NATS with")
	s.StringVar(&c.NATS.Password, "nats.password", c.NATS.Password, "password of nats.user; better in the environment")
	s.StringVar(&c.NATS.Token, "nats.token", c.NATS.Token, "token to sign in to NATS with; better in the environment")
	s.StringVar(&c.NATS.NKey, "nats.nkey", c.NATS.NKey, "seed `file` of an nkey to sign in to NATS with")
	s.StringVar(&c.NATS.Creds, "nats.creds", c.NATS.Creds, "credentials `file` to sign in to NATS with")
	s.StringVar(&c.NATS.CA, "nats.ca", c.NATS.CA, "PEM `file` of the authorities of the NATS servers' certificates")
	s.StringVar(&c.NATS.Cert, "nats.cert", c.NATS.Cert, "PEM `file` of the client certificate for NATS")
	s.StringVar(&c.NATS.Key, "nats.key", c.NATS.Key, "PEM `file` of its key")
	s.BoolVar(&c.NATS.TLSFirst, "nats.tlsFirst", c.NATS.TLSFirst, "begin TLS before the NATS server speaks")
	s.StringVar(&c.NATS.Domain, "nats.domain", c.NATS.Domain, "JetStream domain of the logs")
	s.StringVar(&c.NATS.InboxPrefix, "nats.inboxPrefix", c.NATS.InboxPrefix, "prefix of the subjects for answers, instead of _INBOX")
	s.Var(&c.Sync, "sync", "sync the log to disk `always|1s|...`: before each ack, or this often")
	s.Var(&c.Log.CommandsMaxBytes, "log.commandsMaxBytes", "`size` at which the log of commands is full")
	s.Var(&c.Log.EventsMaxBytes, "log.eventsMaxBytes", "`size` at which the log of events is full")
	s.Var(&c.Log.MinFreeDisk, "log.minFreeDisk", "refuse commands below this free disk `size`; 0 turns it off")
	s.DurationVar(&c.Backlog.MaxAge, "backlog.maxAge", c.Backlog.MaxAge, "refuse commands while the oldest has waited longer than this")
	s.IntVar(&c.Streams.RingEvents, "streams.ringEvents", c.Streams.RingEvents, "newest events kept in memory as frames")
	s.DurationVar(&c.Streams.MaxAge, "streams.maxAge", c.Streams.MaxAge, "how long a schedule's stream stays open")
	s.DurationVar(&c.Streams.UserMaxAge, "streams.userMaxAge", c.Streams.UserMaxAge, "how long a user's stream stays open")
	s.DurationVar(&c.Streams.Heartbeat, "streams.heartbeat", c.Streams.Heartbeat, "heartbeat of a schedule's stream")
	s.DurationVar(&c.Streams.UserHeartbeat, "streams.userHeartbeat", c.Streams.UserHeartbeat, "heartbeat of a user's stream")
	s.IntVar(&c.Streams.MaxCatchUps, "streams.maxCatchUps", c.Streams.MaxCatchUps, "streams that may read the journal at once")
	s.IntVar(&c.Streams.MaxConnections, "streams.maxConnections", c.Streams.MaxConnections, "most streams in total; 0 derives it from the open file limit")
	s.IntVar(&c.Streams.MaxPerUser, "streams.maxPerUser", c.Streams.MaxPerUser, "most streams of one user; -1 for no limit")
	s.IntVar(&c.Streams.MaxPerAddress, "streams.maxPerAddress", c.Streams.MaxPerAddress, "most streams of one address; 0 for no limit")
	s.DurationVar(&c.Streams.DrainWindow, "streams.drainWindow", c.Streams.DrainWindow, "at shutdown, close the streams over this time")
	s.DurationVar(&c.HTTP.IdleTimeout, "http.idleTimeout", c.HTTP.IdleTimeout, "how long a connection waits for its next request")
	s.IntVar(&c.HTTP.MaxConnectionsPerAddress, "http.maxConnectionsPerAddress", c.HTTP.MaxConnectionsPerAddress, "most connections of one address, without streams; 0 for half of all")
	s.StringVar(&c.TLS.Cert, "tls.cert", c.TLS.Cert, "serve HTTPS with the certificate in this PEM `file`")
	s.StringVar(&c.TLS.Key, "tls.key", c.TLS.Key, "PEM `file` with its private key")
	s.IntVar(&c.Limits.PerUser, "limits.perUser", c.Limits.PerUser, "most commands a second of one user; 0 for no limit")
	s.IntVar(&c.Limits.PerAddress, "limits.perAddress", c.Limits.PerAddress, "most requests a second from one address; 0 for no limit")
	s.StringVar(&c.Auth.Mode, "auth.mode", c.Auth.Mode, "how a user is determined: demo, jwt or proxy")
	s.BoolVar(&c.Auth.DemoAnywhere, "auth.demoAnywhere", c.Auth.DemoAnywhere, "allow auth.mode demo, and demo, beyond loopback")
	s.StringVar(&c.Auth.Secret, "auth.secret", c.Auth.Secret, "secret that signs tokens by HS256; better in the environment")
	s.StringVar(&c.Auth.JWKS, "auth.jwks", c.Auth.JWKS, "`file` or https URL of the key set that verifies tokens")
	s.StringVar(&c.Auth.Issuer, "auth.issuer", c.Auth.Issuer, "issuer that tokens must have")
	s.StringVar(&c.Auth.Audience, "auth.audience", c.Auth.Audience, "audience that tokens must have")
	s.DurationVar(&c.Auth.Leeway, "auth.leeway", c.Auth.Leeway, "difference of clocks that a token's times may have")
	s.StringVar(&c.Auth.UserClaim, "auth.userClaim", c.Auth.UserClaim, "claim of a token that names the user")
	s.StringVar(&c.Auth.RolesClaim, "auth.rolesClaim", c.Auth.RolesClaim, "claim with the roles; by default role and roles")
	s.StringVar(&c.Auth.UserHeader, "auth.userHeader", c.Auth.UserHeader, "header of a trusted proxy that names the user")
	s.StringVar(&c.Auth.RolesHeader, "auth.rolesHeader", c.Auth.RolesHeader, "header of a trusted proxy with the roles")
	s.Var((*list)(&c.TrustedProxies), "trustedProxies", "proxies whose headers are believed, `CIDR,...`")
	s.Var((*list)(&c.CORS.Origins), "cors.origins", "sites whose pages may call this node, `URL,...`")
	s.StringVar(&c.Payments.Provider, "payments.provider", c.Payments.Provider, "payment provider: none or portone")
	s.StringVar(&c.Payments.API, "payments.api", c.Payments.API, "the provider's API: v1 or v2")
	s.StringVar(&c.Payments.URL, "payments.url", c.Payments.URL, "the provider's `URL`, if not the default")
	s.StringVar(&c.Payments.Key, "payments.key", c.Payments.Key, "imp_key of v1")
	s.StringVar(&c.Payments.Secret, "payments.secret", c.Payments.Secret, "imp_secret of v1 or API secret of v2; better in the environment")
	s.StringVar(&c.Payments.Store, "payments.store", c.Payments.Store, "store id of v2")
	s.Var((*list)(&c.Payments.WebhookSecrets), "payments.webhookSecrets", "secrets that v2 signs webhooks with, `whsec_...,...`")
	s.StringVar(&c.Payments.Currency, "payments.currency", c.Payments.Currency, "currency of payments")
	s.DurationVar(&c.Payments.PayWithin, "payments.payWithin", c.Payments.PayWithin, "how long an order waits for its payment")
	s.DurationVar(&c.Payments.MissingWithin, "payments.missingWithin", c.Payments.MissingWithin, "the same while the provider does not know the payment")
	s.IntVar(&c.Payments.MaxOpenOrders, "payments.maxOpenOrders", c.Payments.MaxOpenOrders, "orders without a result that a user may have; 0 for no limit")
	s.BoolVar(&c.Payments.RequirePrepare, "payments.requirePrepare", c.Payments.RequirePrepare, "accept only payments that were prepared here")
	s.BoolVar(&c.Payments.Test, "payments.test", c.Payments.Test, "accept payments of test channels")
	s.DurationVar(&c.Payments.Timeout, "payments.timeout", c.Payments.Timeout, "timeout of a request to the provider")
	s.IntVar(&c.Payments.Concurrency, "payments.concurrency", c.Payments.Concurrency, "orders that are verified at once")
	s.StringVar(&c.Logging.Level, "logging.level", c.Logging.Level, "debug, info, warn or error")
	s.StringVar(&c.Logging.Format, "logging.format", c.Logging.Format, "text or json")
	s.BoolVar(&c.Logging.Access, "logging.access", c.Logging.Access, "write a line for each response")
	s.StringVar(&c.Debug.Listen, "debug.listen", c.Debug.Listen, "serve profiles, log level and metrics on this loopback `host:port`")
	s.StringVar(&c.Tracing.OTLP, "tracing.otlp", c.Tracing.OTLP, "send traces to the collector at this `URL`")
	s.Float64Var(&c.Tracing.Sample, "tracing.sample", c.Tracing.Sample, "`share` of requests that are traced, 0 to 1")
	s.BoolVar(&c.Demo, "demo", c.Demo, "create demo promotions, schedules and a product")
	return s
}

// flagName turns streams.ringEvents into streams-ring-events.
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

// envName turns streams.ringEvents into ONSALE_STREAMS_RING_EVENTS.
func envName(key string) string {
	return "ONSALE_" + strings.ToUpper(strings.ReplaceAll(flagName(key), "-", "_"))
}
