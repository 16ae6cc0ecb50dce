// A fake PortOne as a server of its own, for developers without a PortOne store.

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/http/payments/portone/fakeportone"
)

func fakepayCommand() *cobra.Command {
	var address string
	var anywhere bool
	command := &cobra.Command{
		Use:   "fakepay [flags]",
		Short: "run a fake PortOne, in memory",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return usageError{fmt.Errorf("--listen is %q", address), "a host and a port, such as 127.0.0.1:9090"}
			}
			if !anywhere && host != "localhost" && !net.ParseIP(host).IsLoopback() {
				return usageError{fmt.Errorf("--listen is %q, where everyone may make payments", address),
					"listen on 127.0.0.1, or give --anywhere if that is intended"}
			}
			return fakepay(command.Context(), address, command.ErrOrStderr())
		},
	}
	command.Flags().StringVar(&address, "listen", "127.0.0.1:9090", "listen at this `address`")
	command.Flags().BoolVar(&anywhere, "anywhere", false, "allow addresses that other machines can reach")
	return command
}

// fakepay serves until ctx ends. Nothing is kept.
func fakepay(ctx context.Context, address string, stderr io.Writer) error {
	l, err := listen(address, "--listen")
	if err != nil {
		return err
	}
	f := fakeportone.New()
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	fmt.Fprintf(stderr, "listening on http://%s\n", l.Addr())
	fmt.Fprintf(stderr, "V1 key %s, secret %s\n", f.Key, f.Secret)
	fmt.Fprintf(stderr, "V2 secret %s, store %s\n", f.APISecret, f.Store)
	fmt.Fprintf(stderr, "webhooks of V2 are signed with %s\n", strings.Join(f.WebhookSecrets, " and "))
	fmt.Fprintf(stderr, "control API http://%s/_fake/\n", l.Addr())
	shutdownDone := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		shutdownDone <- server.Shutdown(shutdownCtx)
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-shutdownDone; !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close() // requests that a fault delays are not waited for
}
