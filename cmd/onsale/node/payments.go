package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"onsale/config"
	"onsale/domain"
	"onsale/domain/orders"
	httpd "onsale/http"
	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
	"onsale/streams"
)

func openProvider(c config.Payments) (payments.Provider, error) {
	p := portone.Config{
		URL: c.Address(), Key: c.Key, Secret: c.Secret, Store: c.Store, WebhookSecrets: c.WebhookSecrets, Test: c.Test,
		Currency: c.Currency, Timeout: c.Timeout,
	}
	if c.API == "v2" {
		return portone.NewV2(p)
	}
	return portone.NewV1(p)
}

// FakePayPath is the path of the demo's payment provider, and webhookPath that of the API to which it reports.
const (
	FakePayPath = "/fakepay"
	webhookPath = "/api/v1/payments/webhook"
)

// startFakeProvider configures a fake payment provider at address, which is this node's. It keeps everything in memory.
func startFakeProvider(c *config.Payments, address string) (*fakeportone.Server, error) {
	f := fakeportone.New()
	f.Currency = c.Currency
	c.Provider, c.API, c.URL, c.Key, c.Secret = "portone", "v1", "http://"+address+FakePayPath, f.Key, f.Secret
	return f, f.SendWebhooks(fakeportone.Webhooks{URL: "http://" + address + webhookPath})
}

// FakePayPath is the path of the demo's provider; "" without one.
func (n *Node) FakePayPath() string {
	if n.fake == nil {
		return ""
	}
	return FakePayPath
}

// mounts are the handlers beside the API: the demo's payment provider.
func (n *Node) mounts() map[string]http.Handler {
	if n.fake == nil {
		return nil
	}
	return map[string]http.Handler{FakePayPath: n.fake}
}

// openPayments creates the payment worker, if there is a provider. address is this node's.
func (n *Node) openPayments(address string, appendCommand appendFunc) (*httpd.Payments, error) {
	c := n.config.Payments
	if c.Provider == "none" && n.config.Demo {
		var err error
		if n.certificate != nil {
			if n.fakeListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return nil, err
			}
			address = n.fakeListener.Addr().String()
		}
		if n.fake, err = startFakeProvider(&c, address); err != nil {
			return nil, err
		}
	}
	if c.Provider == "none" {
		return nil, nil
	}
	p, err := openProvider(c)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	n.payments = payments.New(payments.Config{Provider: p, Append: appendCommand, Projector: n.projector, Logger: n.logger, Concurrency: c.Concurrency})
	n.registry.MustRegister(n.payments)
	return &httpd.Payments{
		Terms: orders.Terms{
			Currency: c.Currency, PaySeconds: int(c.PayWithin / time.Second), MissingSeconds: int(c.MissingWithin / time.Second),
			KeptSeconds:    int(c.MissingWithin / time.Second),
			RequirePrepare: c.RequirePrepare, AllowTest: c.Test,
		},
		MaxOpenOrders: c.MaxOpenOrders, ParseWebhook: p.ParseWebhook, Notify: n.payments.Notify,
	}, nil
}

// startPayments runs the worker and its consumer until ctx ends.
func (n *Node) startPayments(ctx context.Context, group *sync.WaitGroup) {
	if n.payments == nil {
		return
	}
	if n.fakeListener != nil {
		group.Go(func() { n.serveFakeProvider(ctx) })
	}
	if n.fake == nil {
		group.Go(func() { n.payments.Watch(ctx) })
	}
	group.Go(func() { n.payments.Run(ctx) })
	group.Go(func() { n.consumeOrders(ctx, payments.ConsumerName, payments.MaxEvents, n.payments.Handle) })
	group.Go(func() {
		n.consumeOrders(ctx, payments.BackgroundConsumerName, payments.MaxBackground, n.payments.HandleBackground)
	})
}

// serveFakeProvider serves the demo's provider, and what it calls, in plain HTTP on a loopback port: neither would trust the
// certificate of this node, which may be for another name or for trying things.
func (n *Node) serveFakeProvider(ctx context.Context) {
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, FakePayPath+"/") || r.URL.Path == webhookPath {
			n.server.ServeHTTP(w, r)
		} else {
			http.NotFound(w, r)
		}
	})}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_ = server.Serve(n.fakeListener) // until it is closed
}

// consumeOrders handles events of orders until ctx ends. All nodes share the consumer.
func (n *Node) consumeOrders(ctx context.Context, name string, concurrency int,
	handle func(context.Context, domain.Event, uint64) time.Duration,
) {
	err := n.log.ConsumeEvents(ctx, streams.ConsumerConfig{
		Name: name, Kinds: payments.Kinds, Concurrency: concurrency, WaitReady: n.payments.WaitReady, Handle: handle,
	})
	if err != nil && ctx.Err() == nil {
		n.logger.Error("payment consumer ended, payments are not verified or refunded", "consumer", name, "error", err)
	}
}
