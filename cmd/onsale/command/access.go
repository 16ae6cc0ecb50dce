package command

import (
	"fmt"
	"io"
	"text/tabwriter"

	"onsale/cmd/onsale/node"
	"onsale/config"
	httpd "onsale/http"
)

// printAccess prints who may use which path.
func printAccess(stdout io.Writer, cfg config.Config) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "method\tpath\twho")
	var mounts []string
	if cfg.Demo {
		mounts = append(mounts, node.FakePayPath)
	}
	for _, r := range httpd.Routes(mounts...) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Method, r.Path, r.Who)
	}
	err := table.Flush()
	if err == nil && cfg.Auth.Mode == "demo" {
		_, err = fmt.Fprintln(stdout, "auth.mode is demo: all are who they say, and what needs a role is open to everyone")
	}
	return err
}
