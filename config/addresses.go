// The rules for addresses: where this node listens, whom it calls, and whose
// pages may call it.

package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
)

func (k *checking) listen(c Config) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		k.fault("listen", "is "+quoted(c.Listen), "a host and a port, such as 127.0.0.1:8080")
		return
	}
	if c.Auth.Mode == "demo" && !c.Auth.DemoAnywhere && !loopback(host) {
		k.fault("listen", "is "+quoted(c.Listen)+", where auth.mode demo lets anybody be anybody",
			"listen on 127.0.0.1, or set auth.demoAnywhere: true if that is meant")
	}
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (k *checking) nats(c Config) {
	for _, server := range c.NATS.URL {
		if u, err := url.Parse(server); err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			k.fault("nats.url", "has "+quoted(masked(server))+", which is no server", "nats://host:4222, or the same with tls, ws or wss")
		}
	}
	if len(c.NATS.URL) > 0 && c.NATS.Config != "" {
		k.fault("nats.config", "cannot be given with nats.url", "an embedded server, or another one: leave one of the two out")
	}
	k.readable("nats.config", c.NATS.Config)
	k.readable("nats.creds", c.NATS.Creds)
	alone := len(c.NATS.URL) == 0 && c.NATS.Config == ""
	switch {
	case !slices.Contains([]int{1, 3, 5}, c.NATS.Replicas):
		k.fault("nats.replicas", fmt.Sprintf("is %d", c.NATS.Replicas), "1, 3 or 5")
	case alone && c.NATS.Replicas > 1:
		k.fault("nats.replicas", fmt.Sprintf("is %d, and the embedded server is alone", c.NATS.Replicas),
			"1, or a cluster by nats.config or nats.url")
	}
}

func (k *checking) readable(key, path string) {
	if path == "" {
		return
	}
	if _, err := os.ReadFile(path); err != nil {
		k.fault(key, "is "+quoted(path)+": "+reason(err), "name a file that can be read")
	}
}

func (k *checking) origins(origins []string) {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || origin != u.Scheme+"://"+u.Host {
			k.fault("cors.origins", "has "+quoted(origin), "https://shop.example, without a path; * is no origin, since cookies go along")
		}
	}
}

// masked hides who signs in, as whom or with which token, in a server's URL. Of
// one that cannot be read, it shows nothing, for any part might be the secret.
func masked(server string) string {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "xxxxx"
	}
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	return u.String()
}
