package main

import (
	"context"
	"errors"
	"io"

	"onsale/config"
)

// audit decides every command again and gives the first difference as an error.
func audit(ctx context.Context, cfg config.Config, trace string, stdout, stderr io.Writer) error {
	return errors.New("audit is not built yet")
}
