package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"onsale/cmd/onsale/bench/compare/peer"
)

// peerCommand is the subcommand by which this program starts itself as a peer.
const peerCommand = "peer"

// servePeer serves until ctx ends. The defaults are the best of what was tried.
func servePeer(ctx context.Context, args []string) error {
	log.SetFlags(0)
	if len(args) == 0 {
		return hintError{fmt.Errorf("%w: no peer is named", errUsage), "redis, postgres or empty"}
	}
	flags := flag.NewFlagSet("compare "+peerCommand+" "+args[0], flag.ContinueOnError)
	redis := flags.String("redis", "", "address of Redis")
	database := flags.String("postgres", "", "URL of PostgreSQL")
	var settings peer.RedisSettings
	flags.IntVar(&settings.Pipelines, "pipelines", 2, "commands that arrive together share so many pipelines of Redis; 0: a round trip for each")
	flags.IntVar(&settings.Workers, "workers", 2, "from the queue in Redis to PostgreSQL")
	flags.IntVar(&settings.PerMessage, "per-message", 20, "outcomes in a message of Pub/Sub")
	flags.IntVar(&settings.Batch, "worker-batch", 1000, "the most coupons in a transaction of a worker")
	batch := flags.Int("batch", 256, "without Redis: the most commands in a transaction")
	if err := flags.Parse(args[1:]); err != nil {
		return errUsage
	}
	switch args[0] {
	case "redis":
		return peer.ServeRedis(ctx, *redis, *database, settings)
	case "postgres":
		return peer.ServePostgres(ctx, *database, *batch)
	case "empty":
		return peer.ServeEmpty(ctx)
	}
	return hintError{fmt.Errorf("%w: there is no peer %q", errUsage, args[0]), "redis, postgres or empty"}
}
