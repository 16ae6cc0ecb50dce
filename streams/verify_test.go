package streams_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/streams"
	"onsale/streams/streamtest"
)

// Every edit of a stream is noticed by the next look at the log, with the command that repairs it, and is forgotten once it is repaired.
func TestState_NoticesEdits(t *testing.T) {
	c := clusterConfig(t, streamtest.Cluster(t, 1), "a")
	c.Replicas, c.Prefix = 1, "shop"
	l := streamtest.Open(t, c)
	for name, test := range map[string]struct {
		stream string
		edit   func(c *jetstream.StreamConfig)
		want   []string // parts of the one problem
	}{
		"max_age": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = 90 * time.Minute },
			[]string{"shop_EVENTS: max_age is 1h30m0s, want unlimited", ": nats stream edit shop_EVENTS --max-age=0s"}},
		"max_msgs": {"shop_COMMANDS", func(c *jetstream.StreamConfig) { c.MaxMsgs, c.MaxMsgsPerSubject = 5, 5 },
			[]string{"max_msgs is 5, want unlimited", "edit shop_COMMANDS --max-msgs=-1 --max-msgs-per-subject=-1"}},
		"subjects": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.Subjects = []string{"shop.evt.>", "shop.other"} },
			[]string{"subjects is shop.evt.>,shop.other, want shop.evt.>", "--subjects='shop.evt.>'"}},
		"discard": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
			[]string{"discard is old, want new", "--discard=new"}},
		"retention": {"shop_COMMANDS", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
			[]string{"retention is interest, want limits", "--retention=limits"}},
		"message size": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.MaxMsgSize, c.Duplicates = 1024, time.Minute },
			[]string{"max_msg_size is 1024, want 1048576", "duplicate_window is 1m0s, want 100ms", "--dupe-window=100ms --max-msg-size=1048576"}},
		"no ack": {"shop_COMMANDS", func(c *jetstream.StreamConfig) { c.NoAck = true },
			[]string{"no_ack is true, want unset", "--ack"}},
		"atomic": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.AllowAtomicPublish, c.AllowDirect = false, false },
			[]string{"allow_atomic is unset, want true", "allow_direct is false, want true", "--allow-batch --allow-direct"}},
		"republish": {"shop_EVENTS", func(c *jetstream.StreamConfig) {
			c.RePublish = &jetstream.RePublish{Source: ">", Destination: "copy.>"}
		}, []string{"republish is ", "--no-republish"}},
		"epoch": {"shop_COMMANDS", func(c *jetstream.StreamConfig) { c.Metadata = map[string]string{"onsale_epoch": "another1"} },
			[]string{`onsale_epoch is "another1", want ` + l.Epoch(), "--metadata=onsale_epoch=" + l.Epoch()}},
		"a description, more room": {"shop_EVENTS", func(c *jetstream.StreamConfig) { c.Description, c.MaxBytes = "ours", c.MaxBytes*2 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := l.JetStream().Stream(t.Context(), test.stream)
			if err != nil {
				t.Fatal(err)
			}
			before := stream.CachedInfo().Config
			if err := updateStream(l.JetStream(), test.stream, test.edit); err != nil {
				t.Fatal(err)
			}
			state(t, l)
			problems := l.Problems()
			if len(problems) != min(1, len(test.want)) || slices.ContainsFunc(test.want, func(part string) bool { return !strings.Contains(problems[0], part) }) {
				t.Errorf("got %q, want %q", problems, test.want)
			}
			if _, err := l.JetStream().UpdateStream(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			state(t, l)
			if problems := l.Problems(); len(problems) > 0 {
				t.Errorf("repaired, got %q", problems)
			}
		})
	}
	// At start it is refused, with the same advice.
	if err := updateStream(l.JetStream(), "shop_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }); err != nil {
		t.Fatal(err)
	}
	c.Node = "b"
	wantOpenFault(t, t.Context(), c, "max_age is 1h0m0s, want unlimited", "nats stream edit shop_EVENTS --max-age=0s")
}

// What a server or an account cannot hold is said with what to do; what a single server cannot do ends the start.
func TestOpen_ExplainsRefusedStreams(t *testing.T) {
	t.Run("replicas", func(t *testing.T) {
		c := clusterConfig(t, streamtest.Cluster(t, 1), "a")
		wantOpenFault(t, t.Context(), c, "replicas > 1 not supported", "--nats-replicas 1")
	})
	account := func(limits string) streams.Config {
		path := filepath.Join(t.TempDir(), "nats.conf")
		text := "jetstream {}\naccounts { SHOP { jetstream: {" + limits + "}, users: [{user: onsale, password: right}] } }\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := streamtest.Config(t, "")
		c.URLs, c.Login = []string{streamtest.ServeConfigFile(t, path)}, streams.Login{User: "onsale", Password: "right"}
		return c
	}
	small := streamtest.Configured(t, func(o *server.Options) { o.JetStreamMaxStore = 8 << 20 })
	other := streamtest.Configured(t, func(o *server.Options) { o.JetStream = false })
	for name, test := range map[string]struct {
		config     func() streams.Config
		want, hint string
	}{
		"room":              {func() streams.Config { return clusterConfig(t, small, "a") }, "insufficient storage resources", "no room for 64 MiB of COMMANDS"},
		"account's room":    {func() streams.Config { return account("max_store: 8MB") }, "insufficient storage resources", "no room for 1.0 GiB of COMMANDS"},
		"account's streams": {func() streams.Config { return account("max_streams: 1") }, "maximum number of streams reached", "raise max_streams"},
		"JetStream":         {func() streams.Config { return clusterConfig(t, other, "a") }, "JetStream is off", "jetstream {store_dir"},
	} {
		t.Run(name, func(t *testing.T) {
			c := test.config()
			c.Replicas = 1
			ctx := stopAfterLine(t, &c, "streams not available yet, retrying")
			wantOpenFault(t, ctx, c, test.want, test.hint)
		})
	}
	t.Run("subjects", func(t *testing.T) {
		servers := streamtest.Cluster(t, 1)
		c := clusterConfig(t, servers, "a")
		c.Replicas, c.Prefix = 1, "first"
		js := streamtest.Open(t, c).JetStream()
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "theirs", Subjects: []string{"cmd.>"}}); err != nil {
			t.Fatal(err)
		}
		c.Prefix = ""
		wantOpenFault(t, t.Context(), c, "subjects overlap", "nats.prefix")
	})
}
