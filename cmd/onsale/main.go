// Command onsale runs a node that sells what is first come, first served, and the tools that read its logs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"onsale/cmd/onsale/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(command.Run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
}
