package streams_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"onsale/streams"
	"onsale/streams/streamtest"
)

// Each way to sign in works on a real server that asks for it, and a wrong one is named, with what to do.
func TestLogin_EachWay(t *testing.T) {
	streams.SetToolPatience(t, 4*time.Second)
	ca := streamtest.NewCA(t)
	user, stranger := newSeed(t, nkeys.CreateUser), newSeed(t, nkeys.CreateUser)
	operator, creds, otherCreds := operatorServer(t)
	tests := map[string]struct {
		server      func(o *server.Options)
		good, bad   streams.Login
		scheme      string // "" is nats
		wantProblem string
		wantHint    string
	}{
		"user and password": {
			server: func(o *server.Options) { o.Username, o.Password = "onsale", "right" },
			good:   streams.Login{User: "onsale", Password: "right"}, bad: streams.Login{User: "onsale", Password: "wrong"},
			wantProblem: "nats refuses the login of user onsale", wantHint: "check nats.user and nats.password",
		},
		"token": {
			server: func(o *server.Options) { o.Authorization = "right" },
			good:   streams.Login{Token: "right"}, bad: streams.Login{Token: "wrong"},
			wantProblem: "nats refuses the login by token", wantHint: "check nats.token",
		},
		"no login": {
			server: func(o *server.Options) { o.Authorization = "right" },
			good:   streams.Login{Token: "right"}, bad: streams.Login{},
			wantProblem: "nats refuses the login: none is set", wantHint: "set nats.user and nats.password",
		},
		"nkey": {
			server: func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: user.public}} },
			good:   streams.Login{NKey: user.path}, bad: streams.Login{NKey: stranger.path},
			wantProblem: "nats refuses the login by nkey", wantHint: "public key of the seed in nats.nkey",
		},
		"credentials": {
			server: operator,
			good:   streams.Login{Creds: creds}, bad: streams.Login{Creds: otherCreds},
			wantProblem: "nats refuses the login by credentials", wantHint: "make a new one with nsc",
		},
		"unknown authority": {
			server: func(o *server.Options) { o.TLS, o.TLSConfig = true, ca.ServerTLS(t, false) },
			good:   streams.Login{CA: ca.Path}, bad: streams.Login{}, scheme: "tls",
			wantProblem: "its certificate is of an authority that is not trusted here", wantHint: "nats.ca",
		},
		"client certificate": {
			server: func(o *server.Options) { o.TLS, o.TLSVerify, o.TLSConfig = true, true, ca.ServerTLS(t, true) },
			good:   streams.Login{CA: ca.Path, Cert: ca.ClientCert, Key: ca.ClientKey}, bad: streams.Login{CA: ca.Path},
			wantProblem: "refuses TLS with this client", wantHint: "nats.cert and nats.key",
		},
		"TLS first": {
			server: func(o *server.Options) { o.TLS, o.TLSHandshakeFirst, o.TLSConfig = true, true, ca.ServerTLS(t, false) },
			good:   streams.Login{CA: ca.Path, TLSFirst: true}, bad: streams.Login{CA: ca.Path},
			wantProblem: "not connected to nats: ", wantHint: "nats.tlsFirst",
		},
		"a server without TLS": {
			server: func(*server.Options) {},
			good:   streams.Login{}, bad: streams.Login{CA: ca.Path},
			wantProblem: "TLS is required here", wantHint: "leave out nats.ca",
		},
		"own inboxes": {
			server: func(o *server.Options) {
				o.Users = []*server.User{{Username: "onsale", Password: "right", Permissions: &server.Permissions{
					Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_shop.>", "onsale.>"}},
				}}}
			},
			good: streams.Login{User: "onsale", Password: "right", InboxPrefix: "_INBOX_shop"}, bad: streams.Login{User: "onsale", Password: "right"},
			wantProblem: `nats denies this user: permissions violation for subscription to "_inbox.`, wantHint: "config/deploy/nats/onsale.conf",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := streamtest.Configured(t, test.server)
			c := clusterConfig(t, servers, "a")
			c.Replicas = 1
			if test.scheme != "" {
				c.URLs[0] = strings.Replace(c.URLs[0], "nats://", test.scheme+"://", 1)
			}
			c.Login = test.good
			appendCommands(t, streamtest.Open(t, c), 2)

			// A tool ends by itself, and says why.
			c.Login, c.ReadOnly = test.bad, true
			wantOpenFault(t, context.Background(), c, test.wantProblem, test.wantHint)
		})
	}
}

func wantOpenFault(t *testing.T, ctx context.Context, c streams.Config, problem, hint string) {
	t.Helper()
	l, err := streams.Open(ctx, c)
	if err == nil {
		l.Close()
		t.Errorf("opened, want %q", problem)
		return
	}
	fault, ok := errors.AsType[*streams.Fault](err)
	if !ok || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(problem)) || !strings.Contains(fault.Hint(), hint) {
		t.Errorf("got %v (hint: %v), want %q and %q", err, fault, problem, hint)
	}
}

// A permission that is missing is named. Requests without it are never answered, so the library's error would be a timeout.
func TestLogin_NamesMissingPermission(t *testing.T) {
	for _, denied := range []string{"$JS.API.STREAM.CREATE.COMMANDS", "$JS.API.STREAM.INFO.EVENTS"} {
		t.Run(denied, func(t *testing.T) {
			t.Parallel()
			servers := streamtest.Configured(t, func(o *server.Options) {
				o.Users = []*server.User{{Username: "onsale", Password: "right", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{denied}}}}}
			})
			c := clusterConfig(t, servers, "a")
			c.Replicas, c.Login = 1, streams.Login{User: "onsale", Password: "right"}
			ctx := stopAfterLine(t, &c, "nats denies a permission")
			wantOpenFault(t, ctx, c, `nats denies this user: permissions violation for publish to "`+denied+`"`, "config/deploy/nats/onsale.conf")
		})
	}
}

// stoppingHandler ends a context when a line with this message is logged.
type stoppingHandler struct {
	slog.Handler
	message string
	stop    context.CancelFunc
}

func (h stoppingHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.stop()
	}
	return h.Handler.Handle(ctx, r)
}

// stopAfterLine makes a node that tries for as long as it takes give up after a line of its log.
func stopAfterLine(t *testing.T, c *streams.Config, message string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	c.Logger = slog.New(stoppingHandler{slog.NewTextHandler(t.Output(), nil), message, cancel})
	return ctx
}

// What is not there, or is no nats-server, is named, and a tool gives up within seconds.
func TestLogin_NamesServers(t *testing.T) {
	streams.SetToolPatience(t, 2*time.Second)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	go func() {
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	}()
	for url, want := range map[string][2]string{
		"nats://127.0.0.1:1":                 {"no server answers at 127.0.0.1:1", "correct nats.url"},
		"nats://no.such.host.invalid:4222":   {"the name no.such.host.invalid is unknown", "check nats.url"},
		"nats://" + other.Addr().String():    {"is no nats-server", "4222 by default"},
		"nats://user:s3cret@127.0.0.1:2":     {"no server answers at 127.0.0.1:2", "correct nats.url"},
		"nats://127.0.0.1:1,tls://127.0.0.1": {"no server answers at 127.0.0.1:1, 127.0.0.1", "correct nats.url"},
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			c := streamtest.Config(t, "")
			c.URLs, c.ReadOnly = strings.Split(url, ","), true
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			wantOpenFault(t, ctx, c, want[0], want[1])
			if ctx.Err() != nil {
				t.Error("a tool tried for a minute")
			}
		})
	}
}

func TestLogin_RefusesBadSeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.nk")
	if err := os.WriteFile(path, []byte("not a seed"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := streamtest.Config(t, "")
	c.URLs, c.Login = []string{"nats://127.0.0.1:1"}, streams.Login{NKey: path}
	wantOpenFault(t, t.Context(), c, "cannot be used", "begins with SU")
}

type seed struct {
	pair         nkeys.KeyPair
	public, path string
}

func newSeed(t *testing.T, create func() (nkeys.KeyPair, error)) seed {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pair.PublicKey()
	text, _ := pair.Seed()
	path := filepath.Join(t.TempDir(), "seed.nk")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return seed{pair, public, path}
}

// operatorServer configures a server that trusts one operator, and returns the credentials of a user of its account, and those of
// a user of another operator's.
func operatorServer(t *testing.T) (configure func(*server.Options), creds, otherCreds string) {
	t.Helper()
	account := func(operator seed) (claims, id, creds string) {
		key, user := newSeed(t, nkeys.CreateAccount), newSeed(t, nkeys.CreateUser)
		a := jwt.NewAccountClaims(key.public)
		a.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1}
		claims, err := a.Encode(operator.pair)
		if err != nil {
			t.Fatal(err)
		}
		u, err := jwt.NewUserClaims(user.public).Encode(key.pair)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := user.pair.Seed()
		decorated, err := jwt.FormatUserConfig(u, text)
		if err != nil {
			t.Fatal(err)
		}
		creds = filepath.Join(t.TempDir(), "user.creds")
		if err := os.WriteFile(creds, decorated, 0o600); err != nil {
			t.Fatal(err)
		}
		return claims, key.public, creds
	}
	operator := newSeed(t, nkeys.CreateOperator)
	claims, id, creds := account(operator)
	system := newSeed(t, nkeys.CreateAccount)
	systemClaims, err := jwt.NewAccountClaims(system.public).Encode(operator.pair)
	if err != nil {
		t.Fatal(err)
	}
	_, _, otherCreds = account(newSeed(t, nkeys.CreateOperator))
	return func(o *server.Options) {
		resolver := &server.MemAccResolver{}
		_ = resolver.Store(id, claims)
		_ = resolver.Store(system.public, systemClaims)
		o.TrustedKeys, o.AccountResolver, o.SystemAccount = []string{operator.public}, resolver, system.public
	}, creds, otherCreds
}
