// Validation: ranges, choices, and settings that exclude each other. Every rule
// here is documented on its field of Config as well.

package config

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/http/payments/currency"
)

const (
	nodeCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	nodeMaxLength  = 32
)

// validator collects the faults of one configuration.
type validator struct {
	from   Origins
	faults Faults
}

// fault records that the value of key is wrong.
func (v *validator) fault(key, what, hint string) {
	v.faults = append(v.faults, Fault{v.from.Of(key), key + " " + what, hint})
}

// validate returns all faults of c, whose values have the origins from.
func (c Config) validate(from Origins) Faults {
	v := &validator{from: from}
	v.listen(c)
	if c.Data == "" {
		v.fault("data", "is empty", "name a directory, such as ./onsale-data")
	}
	if c.Node == "" || len(c.Node) > nodeMaxLength || strings.Trim(c.Node, nodeCharacters) != "" {
		v.fault("node", "is "+quoted(c.Node), "1 to 32 of A-Z a-z 0-9 _ and -")
	}
	v.nats(c)
	v.sync(c)
	v.minSize("log.commandsMaxBytes", c.Log.CommandsMaxBytes)
	v.minSize("log.eventsMaxBytes", c.Log.EventsMaxBytes)
	within(v, "backlog.maxAge", c.Backlog.MaxAge, 100*time.Millisecond, 10*time.Minute)
	v.streams(c.Streams)
	within(v, "http.idleTimeout", c.HTTP.IdleTimeout, time.Second, time.Hour)
	v.limit("http.maxConnectionsPerAddress", c.HTTP.MaxConnectionsPerAddress)
	v.tls(c.TLS)
	within(v, "limits.perUser", c.Limits.PerUser, 0, 1_000_000)
	within(v, "limits.perAddress", c.Limits.PerAddress, 0, 1_000_000)
	v.auth(c)
	v.trustedProxies(c.TrustedProxies)
	v.origins(c.CORS.Origins)
	v.payments(c.Payments)
	oneOf(v, "logging.level", c.Logging.Level, "debug", "info", "warn", "error")
	oneOf(v, "logging.format", c.Logging.Format, "text", "json")
	v.debug(c.Debug)
	v.tracing(c.Tracing)
	return v.faults
}

func (v *validator) sync(c Config) {
	switch {
	case len(c.NATS.URL) > 0 && v.from.isSet("sync"):
		v.fault("sync", "cannot be set with nats.url", "it belongs to that server's own configuration; leave it out here")
	case len(c.NATS.URL) == 0 && !c.Sync.Always:
		within(v, "sync", c.Sync.Interval, 100*time.Millisecond, 10*time.Minute)
	}
}

func (v *validator) streams(s Streams) {
	within(v, "streams.ringEvents", s.RingEvents, 1024, 1048576)
	within(v, "streams.maxAge", s.MaxAge, time.Second, 24*time.Hour)
	within(v, "streams.userMaxAge", s.UserMaxAge, time.Second, 24*time.Hour)
	within(v, "streams.heartbeat", s.Heartbeat, time.Second, 5*time.Minute)
	within(v, "streams.userHeartbeat", s.UserHeartbeat, time.Second, 5*time.Minute)
	within(v, "streams.maxCatchUps", s.MaxCatchUps, 1, 4096)
	v.limit("streams.maxConnections", s.MaxConnections)
	v.limit("streams.maxPerUser", s.MaxPerUser)
	v.limit("streams.maxPerAddress", s.MaxPerAddress)
	within(v, "streams.drainWindow", s.DrainWindow, 0, 10*time.Second)
	if s.MaxAge <= s.Heartbeat {
		v.fault("streams.maxAge", fmt.Sprintf("is %v", s.MaxAge), fmt.Sprintf("longer than streams.heartbeat, %v", s.Heartbeat))
	}
	if s.UserMaxAge <= s.UserHeartbeat {
		v.fault("streams.userMaxAge", fmt.Sprintf("is %v", s.UserMaxAge), fmt.Sprintf("longer than streams.userHeartbeat, %v", s.UserHeartbeat))
	}
}

// limit records a value below -1, which means no limit.
func (v *validator) limit(key string, value int) {
	if value < -1 {
		v.fault(key, fmt.Sprintf("is %d", value), "how many, 0 for the default, or -1 for no limit")
	}
}

// minSize records a log too small for a burst of the largest messages.
func (v *validator) minSize(key string, size Size) {
	if size < 8*MiB {
		v.fault(key, "is "+size.String(), "at least 8MiB")
	}
}

// within records a value outside of its range, which includes both ends.
func within[V ~int | ~int64](v *validator, key string, value, least, most V) {
	if value < least || value > most {
		v.fault(key, fmt.Sprintf("is %v", value), fmt.Sprintf("from %v to %v", least, most))
	}
}

// oneOf records a value that is none of the choices.
func oneOf(v *validator, key, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		v.fault(key, "is "+quoted(value), "one of "+strings.Join(choices, ", "))
	}
}

func (v *validator) listen(c Config) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fault("listen", "is "+quoted(c.Listen), "a host and a port, such as 127.0.0.1:8080")
		return
	}
	if c.Auth.DemoAnywhere || isLoopback(host) {
		return
	}
	switch {
	case c.Auth.Mode == "demo":
		v.fault("listen", "is "+quoted(c.Listen)+", where auth.mode demo lets any client act as any user",
			"listen on 127.0.0.1, or set auth.demoAnywhere: true if that is intended")
	case c.Demo: // its payment provider takes orders from anybody
		v.fault("listen", "is "+quoted(c.Listen)+", where demo lets any client pay without money",
			"leave out demo, or listen on 127.0.0.1, or set auth.demoAnywhere: true if that is intended")
	}
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// tls loads the pair, so that --check finds what the start would.
func (v *validator) tls(t TLS) {
	switch {
	case t.Cert == "" && t.Key == "":
		return
	case t.Cert == "":
		v.fault("tls.cert", "is empty, and tls.key is set", "name the file with the certificate, or leave both out for plain HTTP")
		return
	case t.Key == "":
		v.fault("tls.key", "is empty, and tls.cert is set", "name the file with the certificate's private key, or leave both out for plain HTTP")
		return
	}
	before := len(v.faults)
	v.readable("tls.cert", t.Cert)
	v.readable("tls.key", t.Key)
	if len(v.faults) > before {
		return
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		v.fault("tls.cert", "cannot be used with tls.key: "+strings.TrimPrefix(err.Error(), "tls: "),
			"PEM files: the certificate with those of its issuers behind it, and its private key, without a password")
	}
}

func (v *validator) origins(origins []string) {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || origin != u.Scheme+"://"+u.Host {
			v.fault("cors.origins", "has "+quoted(origin), "https://shop.example, without a path; * is not allowed, because requests carry cookies")
		}
	}
}

func (v *validator) debug(d Debug) {
	if d.Listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(d.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || !isLoopback(host) {
		v.fault("debug.listen", "is "+quoted(d.Listen), "an address of this machine alone, such as 127.0.0.1:6060")
	}
}

func (v *validator) tracing(t Tracing) {
	if u, err := url.Parse(t.OTLP); t.OTLP != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		v.fault("tracing.otlp", "is "+quoted(maskURL(t.OTLP)), "a URL such as http://127.0.0.1:4318/v1/traces")
	}
	if !(t.Sample >= 0 && t.Sample <= 1) { // NaN, too
		v.fault("tracing.sample", fmt.Sprintf("is %v", t.Sample), "from 0 to 1")
	}
}

func (v *validator) payments(p Payments) {
	oneOf(v, "payments.provider", p.Provider, "none", "portone")
	oneOf(v, "payments.api", p.API, "v1", "v2")
	if _, known := currency.Decimals(p.Currency); !known {
		v.fault("payments.currency", "is "+quoted(p.Currency), "a code of ISO 4217 in capitals, such as KRW")
	}
	within(v, "payments.payWithin", p.PayWithin, time.Second, 720*time.Hour)
	within(v, "payments.missingWithin", p.MissingWithin, time.Second, 720*time.Hour)
	within(v, "payments.maxOpenOrders", p.MaxOpenOrders, 0, 1000)
	within(v, "payments.timeout", p.Timeout, time.Second, 10*time.Minute)
	within(v, "payments.concurrency", p.Concurrency, 1, 256)
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http") {
		v.fault("payments.url", "is "+quoted(maskURL(p.URL)), "a URL such as https://api.iamport.kr, or leave it out")
	}
	for _, secret := range p.WebhookSecrets {
		text, named := strings.CutPrefix(secret, "whsec_")
		if _, err := base64.StdEncoding.DecodeString(text); err != nil || !named || text == "" {
			v.fault("payments.webhookSecrets", "has an invalid secret", "whsec_ and base64, as in the provider's console")
		}
	}
	v.cleanSecret("payments.key", p.Key)
	v.cleanSecret("payments.secret", p.Secret)
	if p.Provider != "portone" {
		return
	}
	if p.Secret == "" {
		v.fault("payments.secret", "is missing", "set ONSALE_PAYMENTS_SECRET")
	}
	if p.API == "v1" && p.Key == "" {
		v.fault("payments.key", "is missing", "set ONSALE_PAYMENTS_KEY to the store's imp_key")
	}
}
