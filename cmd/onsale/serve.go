package main

import (
	"context"
	"errors"
	"io"

	"onsale/config"
)

// serve runs a node until ctx is done.
func serve(ctx context.Context, cfg config.Config, stderr io.Writer) error {
	return errors.New("serve is not built yet")
}
